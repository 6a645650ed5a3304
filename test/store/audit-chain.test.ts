import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createSealKey, openSealer, type Sealer } from "../../agent/store/seal.ts";
import { verifyAuditFile } from "../../agent/store/sqlite/audit-file.ts";
import { migrations } from "../../agent/store/sqlite/migrations.ts";
import { openSqliteJournal } from "../../agent/store/sqlite/open.ts";
import type { DetachedJournal } from "../../agent/store/journal-store.ts";
import { present, start } from "./contract/setting.ts";

let folder: string;
let file: string;
let sealer: Sealer;
let opened: DetachedJournal[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "audit-"));
  file = join(folder, "store.db");
  sealer = openSealer(createSealKey(join(folder, "seal.key")));
  opened = [];
});

afterEach(async () => {
  for (const journal of opened) await journal.close();
  rmSync(folder, { recursive: true });
});

let clock = start;

function open(by = sealer): DetachedJournal {
  const journal = openSqliteJournal({ file, sealer: by, now: () => (clock += 1_000) });
  opened.push(journal);
  return journal;
}

/** A trail of so many writes, told apart by `line`. */
async function writeEntries(count: number, journal = open()): Promise<void> {
  for (let line = 1; line <= count; line += 1)
    await journal.audit({ event: "write", device: "sbc-1", taskId: `wst_${line}`, who: "run", data: { line } });
}

let trail: { folder: string; sealer: Sealer };

/** Made once: five entries as `writeEntries` writes them. */
beforeAll(async () => {
  const made = mkdtempSync(join(tmpdir(), "audit-"));
  trail = { folder: made, sealer: openSealer(randomBytes(32)) };
  const journal = openSqliteJournal({
    file: join(made, "store.db"),
    sealer: trail.sealer,
    now: () => (clock += 1_000),
  });
  await writeEntries(5, journal);
  await journal.close();
});

afterAll(() => rmSync(trail.folder, { recursive: true }));

function takeTrail(): void {
  copyFileSync(join(trail.folder, "store.db"), file);
  sealer = trail.sealer;
}

/** Works on the file as somebody may who can write it: with the triggers out of the way, and back afterwards. */
function tamper(sql: string): void {
  const db = new Database(file);
  db.pragma("synchronous = OFF");
  const triggers = db
    .prepare<[], { name: string; sql: string }>("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    .all();
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
  db.exec(sql);
  for (const trigger of triggers) db.exec(trigger.sql);
  db.close();
}

const verify = (expected?: { seq: number; hash: string }) => verifyAuditFile(file, sealer, expected);

/** An entry that concerns two tasks, after the trail's five. */
const writeShared = (journal = open()): Promise<void> =>
  journal.audit({ event: "written", device: "sbc-1", taskId: null, who: "run", data: { taskIds: ["wst_1", "wst_9"] } });

/** Puts an entry in at the end that says it follows the one before it. */
const forge = (hash: string): string =>
  `INSERT INTO audit (at, event, who, data, previous, hash)
   SELECT at, 'save', 'nobody', '{}', hash, ${hash} FROM audit ORDER BY seq DESC LIMIT 1`;

describe("an audit trail", () => {
  it("as it was written is sound: count, first and last time, and its head", async () => {
    const journal = open();
    const from = clock + 1_000;
    await writeEntries(3, journal);

    expect(verify()).toEqual({
      entries: 3,
      covered: 0,
      coveredAt: null,
      firstAt: from,
      lastAt: from + 2_000,
      head: { seq: 3, hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string },
      fault: null,
    });
  });

  it("without an entry is sound, and has no head", async () => {
    await open().close();

    expect(verify()).toMatchObject({ entries: 0, head: null, fault: null });
  });

  it("goes on over restarts and over units of work that share a transaction or fail", async () => {
    await writeEntries(2);
    const journal = open();
    const cyclic: Record<string, unknown> = {};
    cyclic["self"] = cyclic;
    const entry = { event: "save", device: null, taskId: null, who: "run" };
    const results = await Promise.allSettled([
      journal.audit({ ...entry, data: { a: 1 } }),
      journal.audit({ ...entry, data: cyclic }),
      journal.pauseDevice("sbc-1", "upgrade", "ann"),
    ]);

    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(verify()).toMatchObject({ entries: 4, head: { seq: 4 }, fault: null });
  });

  it.each([
    ["a changed word", "UPDATE audit SET who = 'nobody' WHERE seq = 3", 3, "changed"],
    ["a changed time", "UPDATE audit SET at = at + 1 WHERE seq = 3", 3, "changed"],
    ["a changed last entry", "UPDATE audit SET data = '{}' WHERE seq = 5", 5, "changed"],
    ["a task that another entry stands for", "UPDATE audit SET task_id = NULL WHERE seq = 1", 1, "changed"],
    ["a changed entry with the hash of another", "UPDATE audit SET hash = previous WHERE seq = 3", 3, "changed"],
    ["a missing first entry", "DELETE FROM audit WHERE seq = 1", 1, "missing"],
    ["missing entries", "DELETE FROM audit WHERE seq IN (2, 3)", 2, "missing"],
    ["a missing entry behind which the rest moved up", closeTheGap(2), 2, "reordered"],
    ["two entries that changed places", swap(2, 3), 2, "reordered"],
    ["two entries that changed places far apart", swap(2, 5), 2, "reordered"],
    ["an entry put in at the end", forge("hash"), 6, "changed"],
    ["an entry put in without a hash", forge("NULL"), 6, "inserted"],
    ["an entry put in between", `${makeRoom(3)}; ${putIn(3)}`, 3, "inserted"],
    ["a cut tail", "DELETE FROM audit WHERE seq > 3", 4, "missing"],
    ["nothing left", "DELETE FROM audit", 1, "missing"],
    ["a chain that was taken off", "UPDATE audit SET hash = NULL, previous = NULL", 1, "inserted"],
    ["a chain that was taken off its beginning", "UPDATE audit SET hash = NULL WHERE seq < 3", 1, "inserted"],
  ] as const)("with %s is not sound, and the first such entry is named", (_, sql, seq, kind) => {
    takeTrail();
    tamper(sql);

    expect(verify()).toMatchObject({ fault: { seq, kind } });
  });

  it("names what is missing", () => {
    takeTrail();
    tamper("DELETE FROM audit WHERE seq IN (2, 3)");

    expect(verify()).toMatchObject({
      entries: 1,
      head: { seq: 1 },
      fault: { seq: 2, message: "entries 2 to 3 are gone" },
    });
  });

  it("that was cut off without a trace is found by the head that was noted, and only by it", () => {
    takeTrail();
    const noted = present(verify().head ?? undefined);
    tamper("DELETE FROM audit WHERE seq > 3; UPDATE sqlite_sequence SET seq = 3 WHERE name = 'audit'");

    expect(verify()).toMatchObject({ entries: 3, fault: null });
    expect(verify(noted)).toMatchObject({ fault: { seq: 4, kind: "missing", message: "entries 4 to 5 are gone" } });
  });

  it("that went on from an older copy is found by the head that was noted", async () => {
    await writeEntries(3);
    const noted = present(verify().head ?? undefined);
    tamper("DELETE FROM audit WHERE seq > 2; UPDATE sqlite_sequence SET seq = 2 WHERE name = 'audit'");
    await writeEntries(2);

    expect(verify()).toMatchObject({ entries: 4, fault: null });
    expect(verify(noted)).toMatchObject({ fault: { seq: 3, kind: "not expected" } });
  });

  it("holds what was noted, however far it grew since", async () => {
    await writeEntries(2);
    const noted = present(verify().head ?? undefined);
    await writeEntries(2);

    expect(verify(noted)).toMatchObject({ entries: 4, fault: null });
  });

  it("cannot be written by who has the file and not the key", async () => {
    await writeEntries(2);
    const stranger = openSealer(randomBytes(32));
    const db = new Database(file);
    const seal = db.prepare<[], { value: string }>("SELECT value FROM facts WHERE key = 'seal'").get()?.value;
    db.prepare("UPDATE facts SET value = ? WHERE key = 'seal'").run(stranger.seal("sbc-agent"));
    db.close();
    await writeEntries(1, open(stranger));
    tamper(`UPDATE facts SET value = '${seal ?? ""}' WHERE key = 'seal'`);

    expect(verify()).toMatchObject({ entries: 2, fault: { seq: 3, kind: "changed" } });
  });

  it("is not judged by another key than its own", async () => {
    await writeEntries(1);

    expect(() => verifyAuditFile(file, openSealer(randomBytes(32)))).toThrow(`${file}: its secrets were sealed with`);
  });

  it("is verified while another process writes to it, which goes on", async () => {
    const child = spawn(
      process.execPath,
      ["--import", "tsx", fileURLToPath(new URL("audit-forever.ts", import.meta.url)), file, join(folder, "seal.key")],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const exited = once(child, "exit");
    let lines = 0;
    const heads: number[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      lines = Number(line);
      if (lines % 20 === 0 && heads.length < 3) {
        const { fault, head } = verify();
        expect(fault).toBeNull();
        heads.push(head?.seq ?? 0);
      }
      if (heads.length === 3) child.kill("SIGKILL");
    }
    await exited;

    expect(heads[0]).toBeGreaterThanOrEqual(20);
    expect(heads[2]).toBeGreaterThan(heads[0] ?? 0);
    expect(verify()).toMatchObject({ fault: null });
    expect(verify().entries).toBeGreaterThanOrEqual(lines);
  });

  it("is only read: not a byte of the file changes", () => {
    takeTrail();
    const before = readFileSync(file);
    verify();

    expect(readFileSync(file).equals(before)).toBe(true);
  });
});

describe("the entries of a task", () => {
  const seen = async (taskId: string, device?: string): Promise<string[]> => {
    const filter = { taskId, limit: 9, ...(device === undefined ? {} : { device }) };
    return (await open().auditTrail(filter)).map(({ event }) => event);
  };

  it("are found by every task that they concern, newest first, and on their device", async () => {
    takeTrail();
    await writeShared();

    expect(await seen("wst_1")).toEqual(["written", "write"]);
    expect([await seen("wst_9"), await seen("wst_9", "sbc-1"), await seen("wst_9", "sbc-2")]).toEqual([
      ["written"],
      ["written"],
      [],
    ]);
    expect(await seen("wst_8")).toEqual([]);
  });

  it("are found without a look at those of others, while all are verified", async () => {
    takeTrail();
    tamper("UPDATE audit SET data = 'no JSON' WHERE seq = 2");

    expect(await seen("wst_1")).toEqual(["write"]);
    await expect(seen("wst_2")).rejects.toThrow("not JSON");
    expect(verify().fault).toMatchObject({ seq: 2, kind: "changed" });
  });

  it("that are struck from the list by which they are found are missed by a verification", async () => {
    takeTrail();
    await writeShared();
    tamper("DELETE FROM audit_tasks WHERE task_id = 'wst_9'");

    expect(await seen("wst_9")).toEqual([]);
    expect(verify()).toMatchObject({ entries: 6, fault: { seq: 6, kind: "unlisted" } });
  });

  it("of a store that had no such list are found too", async () => {
    const db = new Database(file);
    db.pragma(`application_id = 1396851521`);
    for (const step of migrations.slice(0, 2)) db.exec(step);
    db.exec(`INSERT INTO audit (at, event, who, task_id, data) VALUES (1, 'write', 'run', 'wst_1', '{}'),
      (2, 'written', 'run', NULL, '{"taskIds":["wst_1","wst_2"]}'), (3, 'save', 'run', NULL, '{"taskIds":[]}'),
      (4, 'odd', 'run', NULL, 'no JSON'), (5, 'odd', 'run', NULL, '{"taskIds":null}')`);
    db.pragma("user_version = 2");
    db.close();

    expect([await seen("wst_1"), await seen("wst_2")]).toEqual([["written", "write"], ["written"]]);
    expect(verify().fault).toBeNull();
  });
});

describe("an audit trail from before the chain", () => {
  const beforeChain = (): void => {
    const db = new Database(file);
    db.pragma("synchronous = OFF");
    db.pragma(`application_id = 1396851521`);
    db.exec(migrations[0] ?? "");
    for (const line of [1, 2, 3])
      db.prepare("INSERT INTO audit (at, event, who, data) VALUES (?, 'write', 'run', ?)").run(
        line,
        `{"line":${line}}`,
      );
    db.pragma("user_version = 1");
    db.close();
  };

  it("is covered from the first start on, and the verdict says since when", async () => {
    beforeChain();
    await writeEntries(2);
    await writeEntries(1);

    const verdict = verify();
    expect(verdict).toMatchObject({ entries: 7, covered: 3, firstAt: 1, head: { seq: 7 }, fault: null });
    expect(verdict.coveredAt).toBeGreaterThan(start);
  });

  it.each([
    ["a changed word", "UPDATE audit SET who = 'nobody' WHERE seq = 2"],
    ["a missing entry", "DELETE FROM audit WHERE seq = 2"],
    ["one entry more", "INSERT INTO audit (seq, at, event, who, data) VALUES (0, 1, 'write', 'run', '{}')"],
    ["no entry of it left", "DELETE FROM audit WHERE seq < 4"],
    ["no chain behind it", "DELETE FROM audit WHERE seq > 3"],
    ["another beginning of the chain", "UPDATE audit SET data = '{}' WHERE seq = 4"],
  ])("with %s since then is not sound", async (_, sql) => {
    beforeChain();
    await writeEntries(1);
    tamper(sql);

    expect(verify().fault).not.toBeNull();
  });
});

function swap(one: number, other: number): string {
  return `UPDATE audit SET seq = 99 WHERE seq = ${one}; UPDATE audit SET seq = ${one} WHERE seq = ${other};
    UPDATE audit SET seq = ${other} WHERE seq = 99`;
}

function closeTheGap(seq: number): string {
  return `DELETE FROM audit WHERE seq = ${seq}; UPDATE audit SET seq = seq - 1 WHERE seq > ${seq}`;
}

function makeRoom(seq: number): string {
  return `UPDATE audit SET seq = -seq WHERE seq >= ${seq}; UPDATE audit SET seq = 1 - seq WHERE seq < 0`;
}

function putIn(seq: number): string {
  return `INSERT INTO audit (seq, at, event, who, data, previous, hash)
    SELECT ${seq}, at, 'save', 'nobody', '{}', hash, 'ab' FROM audit WHERE seq = ${seq - 1}`;
}
