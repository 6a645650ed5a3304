import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openConnection, type Connection } from "../../agent/store/sqlite/connection.ts";
import type { StoreEvent } from "../../agent/store/portal-store.ts";

const schema = `
  CREATE TABLE words (word TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE debts (word TEXT NOT NULL REFERENCES words (word) DEFERRABLE INITIALLY DEFERRED) STRICT;
  CREATE TRIGGER poison BEFORE INSERT ON words WHEN new.word = 'poison' BEGIN SELECT RAISE(ROLLBACK, 'poisoned'); END;
`;

describe("units of work", () => {
  let folder: string;
  let db: Database.Database;
  let outsider: Database.Database;
  let connection: Connection;
  let errors: unknown[];
  let heard: string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "connection-"));
    const file = join(folder, "words.db");
    db = new Database(file);
    db.pragma("journal_mode = WAL");
    db.pragma("foreign_keys = ON");
    db.exec(schema);
    outsider = new Database(file, { readonly: true });
    errors = [];
    heard = [];
    connection = openConnection(db, Date.now, (error) => errors.push(error));
    connection.watch((event) => heard.push(deviceOf(event)));
  });

  afterEach(async () => {
    await connection.drain();
    outsider.close();
    db.close();
    rmSync(folder, { recursive: true });
  });

  const deviceOf = (event: StoreEvent) => (event.kind === "ready" ? event.device : event.kind);
  const wordsIn = (where: Database.Database) =>
    where.prepare<[], string>("SELECT word FROM words ORDER BY rowid").pluck().all();

  function insert(word: string): void {
    db.prepare("INSERT INTO words (word) VALUES (?)").run(word);
    connection.announce({ kind: "ready", device: word });
  }

  const say = (word: string): Promise<string> =>
    connection.write(() => {
      insert(word);
      return `said ${word}`;
    });

  const outcomes = async (units: readonly Promise<unknown>[]): Promise<string[]> =>
    (await Promise.allSettled(units)).map((one) =>
      one.status === "fulfilled" ? String(one.value) : `refused: ${String(one.reason)}`,
    );

  const expectNothingOf = async (units: readonly Promise<unknown>[], reason: RegExp): Promise<void> => {
    for (const outcome of await outcomes(units)) {
      expect(outcome).toMatch(/^refused: /);
      expect(outcome).toMatch(reason);
    }
    expect(wordsIn(outsider)).toEqual([]);
    expect(heard).toEqual([]);
  };

  it("that are asked for together share one transaction, each with its own result", async () => {
    const look = () => connection.write(() => `here ${wordsIn(db).join()}, outside ${wordsIn(outsider).join()}`);

    expect(await outcomes([say("one"), look(), say("two"), look()])).toEqual([
      "said one",
      "here one, outside ",
      "said two",
      "here one,two, outside ",
    ]);
    expect(await look()).toBe("here one,two, outside one,two");
  });

  it("happen in the order of the calls, and tell their callers in it", async () => {
    const told: string[] = [];
    const names = Array.from({ length: 450 }, (_, at) => `word ${at}`);
    await Promise.all(names.map((name) => say(name).then((result) => told.push(result))));

    expect(wordsIn(outsider)).toEqual(names);
    expect(heard).toEqual(names);
    expect(told).toEqual(names.map((name) => `said ${name}`));
  });

  it("are parted after 200, so that the first do not wait for all", async () => {
    const seen: number[] = [];
    await Promise.all(
      Array.from({ length: 401 }, (_, at) =>
        connection.write(() => {
          insert(`word ${at}`);
          seen.push(wordsIn(outsider).length);
        }),
      ),
    );

    expect(new Set(seen.slice(0, 200))).toEqual(new Set([0]));
    expect(new Set(seen.slice(200, 400))).toEqual(new Set([200]));
    expect(seen[400]).toBe(400);
  });

  it("leave nothing behind when they throw, and the others of their transaction stay", async () => {
    const failing = connection.write(() => {
      insert("half");
      insert("two halves");
      throw new Error("changed its mind");
    });

    expect(await outcomes([say("one"), failing, say("two"), say("one")])).toEqual([
      "said one",
      "refused: Error: changed its mind",
      "said two",
      "refused: SqliteError: UNIQUE constraint failed: words.word",
    ]);
    expect(wordsIn(outsider)).toEqual(["one", "two"]);
    expect(heard).toEqual(["one", "two"]);
  });

  it("are durable before listeners hear of them, and listeners hear before the callers do", async () => {
    const log: string[] = [];
    connection.watch((event) => log.push(`heard ${deviceOf(event)} of ${wordsIn(outsider).join()}`));
    await Promise.all(["one", "two"].map((word) => say(word).then((result) => log.push(result))));

    expect(log).toEqual(["heard one of one,two", "heard two of one,two", "said one", "said two"]);
  });

  it("are all refused when their commit fails, and nothing of them is announced", async () => {
    const debt = connection.write(() => db.prepare("INSERT INTO debts (word) VALUES ('missing')").run());
    await expectNothingOf([say("one"), debt, say("two")], /FOREIGN KEY/);

    expect(await say("three")).toBe("said three");
    expect(wordsIn(outsider)).toEqual(["three"]);
    expect(heard).toEqual(["three"]);
  });

  it("are all refused when one of them met an error that ended the whole transaction", async () => {
    await expectNothingOf([say("one"), say("poison"), say("two")], /poisoned/);

    expect(await say("three")).toBe("said three");
    expect(wordsIn(outsider)).toEqual(["three"]);
  });

  it("are stored and announced exactly if their callers are told so, also when the disk is full", async () => {
    const words = ["one", "long ".repeat(10_000), "two"];
    db.pragma(`max_page_count = ${String(db.pragma("page_count", { simple: true }))}`);
    const told = await outcomes(words.map(say));
    const said = words.filter((word) => told.includes(`said ${word}`));

    expect(told[1]).toMatch(/^refused: .* full/);
    expect(wordsIn(outsider)).toEqual(said);
    expect(heard).toEqual(said);
    db.pragma("max_page_count = 1000000");
    for (const one of await outcomes([say("three"), say("long ".repeat(10_000))])) expect(one).toMatch(/^said /);
    expect(wordsIn(outsider)).toHaveLength(said.length + 2);
  });

  it.each([
    ["cannot be written any more", () => db.pragma("query_only = ON"), /readonly/],
    ["was closed", () => db.close(), /not open/],
  ])("are refused when the database %s, and nothing of them is announced", async (_, harm, reason) => {
    const units = [say("one"), say("two")];
    harm();
    await expectNothingOf(units, reason);
  });

  it("that a listener or another unit asks for come in a transaction of their own", async () => {
    const later: Promise<string>[] = [];
    const stop = connection.watch(() => {
      stop();
      later.push(say("from a listener"));
    });
    await connection.write(() => {
      later.push(say("from a unit"));
      insert("one");
    });

    expect(wordsIn(outsider)).toEqual(["one"]);
    await Promise.all(later);
    expect(wordsIn(outsider)).toEqual(["one", "from a unit", "from a listener"]);
  });

  it("are told to their callers also when a listener fails, and when nobody can be told of that", async () => {
    connection = openConnection(db, Date.now, (error) => {
      errors.push(error);
      throw new Error("the log is full");
    });
    connection.watch(() => {
      throw new Error("deaf");
    });
    connection.watch((event) => heard.push(deviceOf(event)));

    expect(await outcomes([say("one"), say("two")])).toEqual(["said one", "said two"]);
    expect(errors).toEqual([new Error("deaf"), new Error("deaf")]);
    expect(heard).toEqual(["one", "two"]);
  });

  it("have all happened when the connection is drained", async () => {
    const told: string[] = [];
    const names = Array.from({ length: 450 }, (_, at) => `word ${at}`);
    for (const name of names) void say(name).then((result) => told.push(result));
    await connection.drain();

    expect(wordsIn(outsider)).toEqual(names);
    expect(told).toHaveLength(450);
    await expect(connection.drain()).resolves.toBeUndefined();
  });
});
