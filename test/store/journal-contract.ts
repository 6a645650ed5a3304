import { describe, expect, it } from "vitest";
import type { Lease } from "../../agent/store/model.ts";
import { LeaseLost, type DetachedJournal } from "../../agent/store/store.ts";
import { testAgentBooks } from "./contract/agent-books.ts";
import { inNewJournal, type NewJournalPlace } from "./contract/journal-setting.ts";
import { durationMs, start } from "./contract/setting.ts";

const leaseOf = (fence: number, device = "sbc-1"): Lease => ({ device, fence, durationMs });
const record = (...taskIds: string[]) => ({
  runId: "run-1",
  serialNumber: "123",
  taskIds,
  creates: [],
  changes: [{ table: "ip-group" as const, index: 1, name: "Old", before: { tags: "x" }, customers: ["c1"] }],
});

const fenced: [string, (journal: DetachedJournal, lease: Lease) => Promise<unknown>][] = [
  ["recordWrite", (journal, lease) => journal.recordWrite(lease, record("wst_9"))],
  ["withdrawWrite", (journal, lease) => journal.withdrawWrite(lease, "unknown")],
  ["recordSaved", (journal, lease) => journal.recordSaved(lease)],
];
const renewal: (typeof fenced)[number] = ["noteRenewal", (journal, lease) => journal.noteRenewal(lease)];

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
        await setting.store.noteReported(["wst_1"]);
        expect(await setting.store.unresolved("sbc-1")).toMatchObject([{ id, state: "saved" }]);
        expect(await setting.store.unsavedSince()).toEqual([]);
        await setting.store.noteReported(["wst_2", "wst_0"]);

        expect(await idsOf()).toEqual([]);
      });

      it("stay unresolved after the report of their tasks until they are saved", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        const id = await setting.store.recordWrite(leaseOf(1), record("wst_1"));
        await setting.store.noteReported(["wst_1"]);
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

      it("stay, however old they are, until they are resolved", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        await setting.store.recordWrite(leaseOf(1), record("wst_1"));
        await setting.store.recordSaved(leaseOf(1));
        const unsaved = await setting.store.recordWrite(leaseOf(1), record());
        setting.now += 1_001;
        expect(await setting.store.prune(1_000)).toEqual({ deleted: 0 });
        await setting.store.noteReported(["wst_1"]);

        expect(await setting.store.prune(1_000)).toEqual({ deleted: 1 });
        expect(await idsOf()).toEqual([unsaved]);
      });
    });

    describe("a lease that the portal granted", () => {
      const setting = inNewJournal(newPlace);

      it("abandons what an earlier one wrote on its device, and tells all that is unresolved", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        await setting.store.noteLease(leaseOf(1, "sbc-2"), []);
        await setting.store.recordWrite(leaseOf(1, "sbc-2"), record());
        await setting.store.recordWrite(leaseOf(1), record("wst_1"));
        await setting.store.recordSaved(leaseOf(1));
        await setting.store.recordWrite(leaseOf(1), record("wst_2"));

        expect(await setting.store.noteLease(leaseOf(2), ["wst_1", "wst_2"])).toMatchObject([
          { state: "saved", taskIds: ["wst_1"], fence: 1 },
          { state: "abandoned", taskIds: ["wst_2"], fence: 1 },
        ]);
        expect(await setting.store.unresolved("sbc-2")).toMatchObject([{ state: "written" }]);
      });

      it("brings word of tasks that are not open any more: they are reported", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        await setting.store.noteLease(leaseOf(1, "sbc-2"), []);
        await setting.store.recordWrite(leaseOf(1, "sbc-2"), record("wst_3"));
        await setting.store.recordWrite(leaseOf(1), record("wst_1"));
        await setting.store.recordWrite(leaseOf(1), record("wst_2"));
        await setting.store.recordSaved(leaseOf(1));

        expect(await setting.store.noteLease(leaseOf(2), ["wst_2", "wst_8"])).toMatchObject([{ taskIds: ["wst_2"] }]);
        expect(await setting.store.unreported("sbc-1")).toEqual(["wst_2"]);
        expect(await setting.store.unreported("sbc-2")).toEqual(["wst_3"]);
      });

      it("leaves no licence behind for what is saved and was reported before a crash", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        await setting.store.recordWrite(leaseOf(1), record("wst_1"));
        await setting.store.recordSaved(leaseOf(1));
        await setting.reopen();

        expect(await setting.store.noteLease(leaseOf(2), [])).toEqual([]);
      });

      it("is remembered over a restart", async () => {
        await setting.store.noteLease(leaseOf(5), []);
        await setting.reopen();

        await expect(setting.store.recordWrite(leaseOf(5), record())).resolves.toEqual(expect.any(String));
        await expect(setting.store.recordWrite(leaseOf(4), record())).rejects.toThrow(LeaseLost);
      });

      it("is believed with a lower fence than the one before: the portal may have been restored", async () => {
        await setting.store.noteLease(leaseOf(9), []);
        await setting.store.noteLease(leaseOf(3), []);

        await expect(setting.store.recordSaved(leaseOf(3))).resolves.toBeUndefined();
        await expect(setting.store.recordSaved(leaseOf(9))).rejects.toThrow(LeaseLost);
        await expect(setting.store.noteRenewal(leaseOf(9))).rejects.toThrow(LeaseLost);
      });

      it.each(fenced)("lets %s pass until its time is over, and not after", async (_, call) => {
        await setting.store.noteLease(leaseOf(1), []);
        setting.now += durationMs - 1;
        await expect(call(setting.store, leaseOf(1)).then(() => "passed")).resolves.toBe("passed");
        setting.now += 1;

        await expect(call(setting.store, leaseOf(1))).rejects.toThrow(LeaseLost);
      });

      it.each(fenced)(
        "lasts anew for %s from every renewal, also from one that its own time was over for",
        async (_, call) => {
          await setting.store.noteLease(leaseOf(1), []);
          for (const laterMs of [durationMs - 1, durationMs + 1]) {
            setting.now += laterMs;
            await setting.store.noteRenewal(leaseOf(1));
          }
          setting.now += durationMs - 1;
          await expect(call(setting.store, leaseOf(1)).then(() => "passed")).resolves.toBe("passed");
          setting.now += 1;

          await expect(call(setting.store, leaseOf(1))).rejects.toThrow(LeaseLost);
        },
      );

      it.each([...fenced, renewal])("refuses %s to the one before it", async (_, call) => {
        await setting.store.noteLease(leaseOf(1), []);
        await setting.store.noteLease(leaseOf(2), []);

        await expect(call(setting.store, leaseOf(1))).rejects.toThrow(LeaseLost);
        await expect(call(setting.store, leaseOf(2)).then(() => "passed")).resolves.toBe("passed");
      });

      it.each([...fenced, renewal])("refuses %s once it was released", async (_, call) => {
        await setting.store.noteLease(leaseOf(1), []);
        await setting.store.noteRelease(leaseOf(1));

        await expect(call(setting.store, leaseOf(1))).rejects.toThrow(LeaseLost);
      });

      it.each([...fenced, renewal])("is needed for %s, on that very device", async (_, call) => {
        await expect(call(setting.store, leaseOf(1))).rejects.toThrow(LeaseLost);
        await setting.store.noteLease(leaseOf(1, "sbc-2"), []);
        await expect(call(setting.store, leaseOf(1))).rejects.toThrow(LeaseLost);
        await expect(call(setting.store, leaseOf(2, "sbc-2"))).rejects.toThrow(LeaseLost);

        expect(await setting.store.unresolved("sbc-1")).toEqual([]);
        expect(await setting.store.unreported("sbc-1")).toEqual([]);
      });

      it("counts from when it was noted, for as long as it says, also where the one before it was released or over", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        await setting.store.noteRelease(leaseOf(1));
        setting.now += durationMs;
        await setting.store.noteLease({ ...leaseOf(2), durationMs: 2 * durationMs }, []);
        setting.now += 2 * durationMs - 1;
        await expect(setting.store.recordSaved(leaseOf(2))).resolves.toBeUndefined();
        setting.now += 1;

        await expect(setting.store.recordSaved(leaseOf(2))).rejects.toThrow(LeaseLost);
      });

      it("is not ended by the release of the one before it", async () => {
        await setting.store.noteLease(leaseOf(1), []);
        await setting.store.noteLease(leaseOf(2), []);
        await setting.store.noteRelease(leaseOf(1));
        await setting.store.noteRelease(leaseOf(1, "sbc-9"));

        await expect(setting.store.recordSaved(leaseOf(2))).resolves.toBeUndefined();
      });
    });

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
