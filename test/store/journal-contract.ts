import { describe, expect, it } from "vitest";
import { testAgentBooks } from "./contract/agent-books.ts";
import { inNewJournal, leaseOf, record, type NewJournalPlace } from "./contract/journal-setting.ts";
import { testNotedLeases } from "./contract/noted-leases.ts";
import { start } from "./contract/setting.ts";

/** What the journal of every agent must do whose portal is elsewhere. */
export function testDetachedJournal(name: string, newPlace: NewJournalPlace): void {
  describe(name, () => {
    testAgentBooks(() => inNewJournal(newPlace));

    describe("the id", () => {
      const setting = inNewJournal(newPlace);

      it("is drawn once, also when it is asked for twice at once, and stays over a restart", async () => {
        const [one, two] = await Promise.all([setting.store.id(), setting.store.id()]);
        await setting.reopen();

        expect(one).toMatch(/^[\w.-]{8,100}$/);
        expect(two).toBe(one);
        expect(await setting.store.id()).toBe(one);
      });

      it("is another one in another place", async () => {
        const place = await newPlace();
        const other = await place.open({ now: () => start });
        const id = await other.id();
        await other.close();
        await place.remove();

        expect(await setting.store.id()).not.toBe(id);
      });
    });

    describe("records", () => {
      const setting = inNewJournal(newPlace);
      const idsOf = async (device = "sbc-1") => (await setting.store.unresolved(device)).map(({ id }) => id);

      it("are stored as they were written, also over a restart, and their tasks are not reported", async () => {
        await setting.store.noteLease(leaseOf(7), []);
        setting.now += 1;
        const id = await setting.store.recordWrite(leaseOf(7), record("wst_2", "wst_1"));
        await setting.reopen();

        expect(await setting.store.unresolved("sbc-1")).toEqual([
          {
            ...record("wst_2", "wst_1"),
            id,
            device: "sbc-1",
            fence: 7,
            state: "written",
            writtenAt: start + 1,
          },
        ]);
        expect(await setting.store.unreported("sbc-1")).toEqual(["wst_1", "wst_2"]);
        expect(await setting.store.unreported("sbc-2")).toEqual([]);
        expect(await setting.store.unresolved("sbc-2")).toEqual([]);
      });

      it("are listed oldest first", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        const ids: string[] = [];
        for (let turn = 0; turn < 5; turn += 1) ids.push(await setting.store.recordWrite(leaseOf(1), record()));

        expect(await idsOf()).toEqual(ids);
        expect((await setting.store.noteLease(leaseOf(2), [])).map(({ id }) => id)).toEqual(ids);
      });

      it("stay unresolved after their save until all their tasks are reported", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        const id = await setting.store.recordWrite(leaseOf(1), record("wst_1", "wst_2"));
        await setting.store.recordSaved(leaseOf(1));
        await setting.store.noteReported("sbc-1", ["wst_1"]);
        expect(await setting.store.unresolved("sbc-1")).toMatchObject([{ id, state: "saved" }]);
        expect(await setting.store.unsavedSince()).toEqual([]);
        await setting.store.noteReported("sbc-1", ["wst_2", "wst_0"]);

        expect(await idsOf()).toEqual([]);
      });

      it("stay unresolved after the report of their tasks until they are saved", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        const id = await setting.store.recordWrite(leaseOf(1), record("wst_1"));
        await setting.store.noteReported("sbc-1", ["wst_1"]);
        expect(await idsOf()).toEqual([id]);
        expect(await setting.store.unreported("sbc-1")).toEqual([]);
        expect(await setting.store.unsavedSince()).toEqual([{ device: "sbc-1", since: start }]);
        await setting.store.recordSaved(leaseOf(1));

        expect(await idsOf()).toEqual([]);
      });

      it("are saved on their device alone, abandoned ones too", async () => {
        await setting.store.noteLease(leaseOf(1, "sbc-2"), []);
        const elsewhere = await setting.store.recordWrite(leaseOf(1, "sbc-2"), record());
        await setting.store.noteLease(leaseOf(1), []);
        await setting.store.recordWrite(leaseOf(1), record());
        await setting.store.noteLease(leaseOf(2), []);
        await setting.store.recordSaved(leaseOf(2));

        expect(await idsOf()).toEqual([]);
        expect(await idsOf("sbc-2")).toEqual([elsewhere]);
      });

      it("go when they are withdrawn, with the tasks that no other record names", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        const kept = await setting.store.recordWrite(leaseOf(1), record("wst_1"));
        const id = await setting.store.recordWrite(leaseOf(1), record("wst_1", "wst_2"));

        expect(await setting.store.withdrawWrite(leaseOf(1), id)).toEqual(["wst_2"]);
        expect(await setting.store.withdrawWrite(leaseOf(1), id)).toEqual([]);
        expect(await idsOf()).toEqual([kept]);
        expect(await setting.store.unreported("sbc-1")).toEqual(["wst_1"]);
      });

      it("are refused, with nothing stored, for a task that has a record on another device", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        await setting.store.noteLease(leaseOf(1, "sbc-2"), []);
        await setting.store.recordWrite(leaseOf(1), record("wst_1"));
        await expect(setting.store.recordWrite(leaseOf(1, "sbc-2"), record("wst_2", "wst_1"))).rejects.toThrow("wst_1");

        expect(await idsOf("sbc-2")).toEqual([]);
        expect(await setting.store.unreported("sbc-2")).toEqual([]);
        expect(await setting.store.unreported("sbc-1")).toEqual(["wst_1"]);
      });

      it("of an amendment may stand on several devices, and are resolved on each by itself", async () => {
        const ids = [];
        for (const device of ["sbc-1", "sbc-2"]) {
          await setting.store.noteLease(leaseOf(1, device), []);
          ids.push(await setting.store.recordWrite(leaseOf(1, device), record("tsk_1")));
          await setting.store.recordSaved(leaseOf(1, device));
        }
        await setting.store.noteReported("sbc-1", ["tsk_1"]);
        expect([await idsOf(), await idsOf("sbc-2")]).toEqual([[], [ids[1]]]);
        expect([await setting.store.unreported("sbc-1"), await setting.store.unreported("sbc-2")]).toEqual([
          [],
          ["tsk_1"],
        ]);
        await setting.store.noteLease(leaseOf(2, "sbc-2"), []);

        expect(await idsOf("sbc-2")).toEqual([]);
      });

      it("stay, however old they are, until they are resolved", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        await setting.store.recordWrite(leaseOf(1), record("wst_1"));
        await setting.store.recordSaved(leaseOf(1));
        const unsaved = await setting.store.recordWrite(leaseOf(1), record());
        setting.now += 1_001;
        expect(await setting.store.prune(1_000)).toEqual({ deleted: 0 });
        await setting.store.noteReported("sbc-1", ["wst_1"]);

        expect(await setting.store.prune(1_000)).toEqual({ deleted: 1 });
        expect(await idsOf()).toEqual([unsaved]);
      });
    });

    testNotedLeases(newPlace);

    describe("housekeeping", () => {
      const setting = inNewJournal(newPlace);

      it("proves that a row can be written", async () => {
        await expect(setting.store.probe()).resolves.toBeUndefined();
      });

      it("finishes what was asked for before it closes", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        const written = Array.from({ length: 30 }, () => setting.store.recordWrite(leaseOf(1), record()));
        await setting.store.close();
        await Promise.all(written);
        await setting.reopen();

        expect(await setting.store.unresolved("sbc-1")).toHaveLength(30);
      });
    });
  });
}
