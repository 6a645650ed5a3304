import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSealer } from "../../agent/store/seal.ts";
import { openSqliteJournal, openSqliteStore, type SqliteFileOptions } from "../../agent/store/sqlite/open.ts";
import type { DetachedJournal } from "../../agent/store/journal-store.ts";
import type { Store } from "../../agent/store/store.ts";
import { deadlineMs, information, newConversion } from "./contract/setting.ts";
import { testDetachedJournal } from "./journal-contract.ts";

testDetachedJournal("the SQLite journal", async () => {
  const folder = mkdtempSync(join(tmpdir(), "journal-"));
  const sealer = openSealer(randomBytes(32));
  return {
    open: async (setup) => openSqliteJournal({ file: join(folder, "store.db"), sealer, ...setup }),
    remove: async () => rmSync(folder, { recursive: true }),
  };
});

describe("the SQLite file of a journal", () => {
  let folder: string;
  let options: SqliteFileOptions;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "journal-"));
    options = { file: join(folder, "store.db"), sealer: openSealer(randomBytes(32)) };
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const openStore = (): Store =>
    openSqliteStore({
      ...options,
      judge: () => ({ kind: "device", message: information("queued") }),
      deadlineMs,
      keepSecrets: true,
    });
  const openJournal = (): DetachedJournal => openSqliteJournal(options);

  it("is refused as a portal's store, and left to the journal", async () => {
    const journal = openJournal();
    await journal.noteLease({ device: "sbc-1", fence: 1, durationMs: 60_000 }, []);
    const id = await journal.id();
    await journal.close();
    expect(openStore).toThrow(
      `${options.file}: it is that of an agent whose portal is elsewhere, and not a portal's own; give this one a data folder of its own`,
    );

    const again = openJournal();
    expect(await again.id()).toBe(id);
    await again.close();
  });

  it("cannot be made of a portal's store, which is left to the portal", async () => {
    const store = openStore();
    const { taskId } = await store.accept(newConversion());
    await store.close();
    expect(openJournal).toThrow(
      `${options.file}: it is a portal's own, and not that of an agent whose portal is elsewhere; give this one a data folder of its own`,
    );

    const again = openStore();
    expect(await again.task(taskId)).toMatchObject({ id: taskId });
    await again.close();
  });

  it("is refused with another seal key", async () => {
    await openJournal().close();
    options = { ...options, sealer: openSealer(randomBytes(32)) };

    expect(openJournal).toThrow(`${options.file}: its secrets were sealed with another key`);
  });
});
