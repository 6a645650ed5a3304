import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSealKey, openSealer } from "../../agent/store/seal.ts";
import { openDatabase } from "../../agent/store/sqlite/database.ts";
import { openSqliteStore, type SqliteStoreOptions } from "../../agent/store/sqlite/open.ts";
import type { Store } from "../../agent/store/store.ts";
import { testStore } from "../store-contract.ts";
import { deadlineMs, failed, information, linked, newConversion, present } from "./contract/setting.ts";

testStore("the SQLite store", async () => {
  const folder = mkdtempSync(join(tmpdir(), "store-"));
  const sealer = openSealer(randomBytes(32));
  return {
    open: async (setup) => openSqliteStore({ file: join(folder, "store.db"), sealer, ...setup }),
    remove: async () => rmSync(folder, { recursive: true }),
  };
});

describe("the SQLite file", () => {
  let folder: string;
  let file: string;
  let key: Buffer;
  let opened: Store[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "store-"));
    file = join(folder, "store.db");
    key = createSealKey(join(folder, "seal.key"));
    opened = [];
  });

  afterEach(async () => {
    for (const store of opened) await store.close();
    rmSync(folder, { recursive: true });
  });

  function open(changes?: Partial<SqliteStoreOptions>): Store {
    const judge = () => ({ kind: "device", message: information("queued") }) as const;
    const store = openSqliteStore({ file, judge, sealer: openSealer(key), deadlineMs, keepSecrets: true, ...changes });
    opened.push(store);
    return store;
  }

  /** Works on the file behind the store's back, as a defect or another program would. */
  function tamper<T>(work: (db: Database.Database) => T): T {
    const db = new Database(file);
    try {
      return work(db);
    } finally {
      db.close();
    }
  }

  it("is readable for its owner alone, and so are its companions", async () => {
    await open().probe();
    const modes = readdirSync(folder)
      .filter((name) => name.startsWith("store.db"))
      .map((name) => [name, statSync(join(folder, name)).mode & 0o777]);

    expect(modes).toEqual([
      ["store.db", 0o600],
      ["store.db-shm", 0o600],
      ["store.db-wal", 0o600],
    ]);
  });

  it("waits for the disk at every commit, with a write-ahead log", async () => {
    await open().close();
    const db = openDatabase(file);
    const settings = ["journal_mode", "synchronous", "foreign_keys"].map((name) => db.pragma(name, { simple: true }));
    db.close();

    expect(settings).toEqual(["wal", 2, 1]);
  });

  it("holds no secret variable in clear, neither while the store is open nor after", async () => {
    const canary = "canary-4711-in-clear";
    const store = open();
    const { taskId } = await store.accept({ ...newConversion(), secrets: { CarrierUserPassword: canary } });
    const bytes = () => readdirSync(folder).map((name) => readFileSync(join(folder, name)).toString("latin1"));
    expect(bytes().join()).toContain(taskId);
    expect(bytes().join()).not.toContain(canary);

    const result = await store.claimDevice("sbc-1", { holder: "agent", durationMs: 1_000, graceMs: 0, max: 1 });
    if (result.kind === "held") throw new Error("held");
    const { lease, conversions } = result.claim;
    expect(conversions).toMatchObject([{ secrets: { CarrierUserPassword: canary } }]);
    await store.complete(lease, [linked(present(conversions[0]))]);
    await store.audit({ event: "write", device: "sbc-1", taskId, who: "agent", data: {} });
    await store.close();

    expect(bytes().join()).toContain(taskId);
    expect(bytes().join()).not.toContain(canary);
  });

  it.each(["failed", "linked"])(
    "loses the sealed secrets of a %s conversion when nothing is to be kept",
    async (kind) => {
      const store = open({ keepSecrets: false });
      await store.accept({ ...newConversion(), secrets: { CarrierUserPassword: "open sesame" } });
      const stored = () =>
        tamper((db) => db.prepare("SELECT secrets FROM conversions UNION ALL SELECT secrets FROM links").pluck().all());
      expect(stored()).toEqual([expect.stringMatching(/^s1\./)]);

      const result = await store.claimDevice("sbc-1", { holder: "agent", durationMs: 1_000, graceMs: 0, max: 1 });
      if (result.kind === "held") throw new Error("held");
      const claimed = present(result.claim.conversions[0]);
      await store.complete(result.claim.lease, [kind === "linked" ? linked(claimed) : failed(claimed)]);

      expect(stored()).toEqual(kind === "linked" ? [null, null] : [null]);
    },
  );

  it("keeps everything over closing and opening", async () => {
    const store = open();
    const { taskId } = await store.accept(newConversion());
    const [task, conversion] = [await store.task(taskId), await store.conversion(taskId)];
    await store.close();
    const again = open();

    expect(await again.task(taskId)).toEqual(present(task));
    expect(await again.conversion(taskId)).toEqual(present(conversion));
  });

  it("is refused with another seal key", async () => {
    await open().close();

    expect(() => open({ sealer: openSealer(randomBytes(32)) })).toThrow(
      `${file}: its secrets were sealed with another key`,
    );
  });

  it("of a newer version is refused and left as it is", async () => {
    await open().close();
    tamper((db) => db.pragma("user_version = 99"));
    const before = readFileSync(file);

    expect(() => open()).toThrow(`${file}: a newer sbc-agent wrote it (schema 99`);
    expect(readFileSync(file)).toEqual(before);
  });

  it("of another program is refused and left as it is", () => {
    tamper((db) => db.exec("CREATE TABLE theirs (a)"));
    const before = readFileSync(file);

    expect(() => open()).toThrow(`${file}: it is not a store of sbc-agent`);
    expect(readFileSync(file)).toEqual(before);
  });

  it.each([
    ["cut in half", () => truncateSync(file, Math.floor(statSync(file).size / 2))],
    ["cut to a few bytes", () => truncateSync(file, 40)],
    ["emptied", () => truncateSync(file, 0)],
    ["overwritten at its beginning", () => writeFileSync(file, randomBytes(4_096), { flag: "r+" })],
    ["overwritten in its middle", () => overwritePages(0.5, 2)],
    ["overwritten in its last page", () => overwritePages(1 - 1e-9, 1)],
  ])("is refused by name when it was %s", async (_, damage) => {
    const store = open();
    for (let count = 0; count < 50; count += 1) await store.accept(newConversion());
    await store.close();
    damage();

    expect(() => open()).toThrow(/cannot open the store .*store\.db: it (is damaged|was cut off).*restore a backup/);
  });

  function overwritePages(from: number, count: number): void {
    const bytes = readFileSync(file);
    randomBytes(4_096 * count).copy(bytes, 4_096 * Math.floor((from * bytes.length) / 4_096));
    writeFileSync(file, bytes);
  }

  it("is not replaced by a new one when only its write-ahead log is left", async () => {
    await open().close();
    rmSync(file);
    writeFileSync(`${file}-wal`, "");

    expect(() => open()).toThrow(`${file}-wal is there`);
    expect(existsSync(file)).toBe(false);
  });

  it("is made anew where an earlier attempt to make it was cut off", async () => {
    writeFileSync(`${file}.new`, "half a store");

    await expect(open().probe()).resolves.toBeUndefined();
  });

  it("in a folder that is missing is refused by name", () => {
    const missing = join(folder, "missing", "store.db");

    expect(() => open({ file: missing })).toThrow(`cannot open the store ${missing}: `);
  });

  it.each([
    ["a second holder of a name", "INSERT INTO names SELECT device, name, 'x', short_name FROM names"],
    ["a ready conversion that holds no name", "UPDATE conversions SET held_name = NULL"],
    ["a ready conversion with another's name", "UPDATE conversions SET held_name = 'else'"],
    ["a name taken away from a ready conversion", "DELETE FROM names"],
    [
      "an ended conversion that keeps secrets",
      "UPDATE conversions SET state = 'ended', ended_at = 1, secrets = 's', held_name = NULL",
    ],
    [
      "a link without customer",
      "INSERT INTO links SELECT 1, 'c', tenant_id, short_name, device, name, '', '', '', '', '', '', NULL, 1 FROM names",
    ],
    ["changed words in the audit trail", "UPDATE audit SET who = 'nobody'"],
    ["missing words in the audit trail", "DELETE FROM audit"],
  ])("does not take %s from anybody", async (_, sql) => {
    const store = open();
    await store.accept(newConversion());
    await store.audit({ event: "write", device: null, taskId: null, who: "agent", data: {} });

    expect(() => tamper((db) => db.exec(sql))).toThrow(/constraint|only grows/i);
  });

  it("is refused, not believed, where a row holds what it should not", async () => {
    const store = open();
    const { taskId } = await store.accept(newConversion());
    tamper((db) => db.exec(`UPDATE tasks SET messages = '[{"level":"Loud"}]'`));

    await expect(store.task(taskId)).rejects.toThrow("a row of the store does not hold what it should");
  });

  it("tells what its listeners threw, to whom it may concern", async () => {
    const heard: unknown[] = [];
    const store = open({ onListenerError: (error) => heard.push(error) });
    store.watch(() => {
      throw new Error("deaf");
    });
    await store.accept(newConversion());

    expect(heard).toEqual([new Error("deaf")]);
  });

  it("has every acknowledged row after its process was killed in the middle of writing many at once", async () => {
    const acknowledged: string[] = [];
    for (let turn = 1; turn <= 3; turn += 1) {
      const child = spawn(
        process.execPath,
        [
          "--import",
          "tsx",
          fileURLToPath(new URL("insert-forever.ts", import.meta.url)),
          file,
          join(folder, "seal.key"),
        ],
        { stdio: ["ignore", "pipe", "inherit"] },
      );
      const exited = once(child, "exit");
      let lines = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged.push(line);
        lines += 1;
        if (lines === 500) child.kill("SIGKILL");
      }
      expect(await exited).toEqual([null, "SIGKILL"]);
    }
    const store = open();

    expect(acknowledged.length).toBeGreaterThanOrEqual(1_500);
    for (const id of acknowledged) expect(await store.task(id)).toMatchObject({ id, status: "InProgress" });
    expect((await store.peekDevice("sbc-1")).conversions.length).toBeGreaterThanOrEqual(acknowledged.length);
  });
});
