import { describe, expect, it } from "vitest";
import type { Lease } from "../../../agent/store/model.ts";
import type { DetachedJournal } from "../../../agent/store/journal-store.ts";
import { LeaseLost } from "../../../agent/store/store.ts";
import { inNewJournal, leaseOf, record, type NewJournalPlace } from "./journal-setting.ts";
import { durationMs } from "./setting.ts";

const fenced: [string, (journal: DetachedJournal, lease: Lease) => Promise<unknown>][] = [
  ["recordWrite", (journal, lease) => journal.recordWrite(lease, record("wst_9"))],
  ["withdrawWrite", (journal, lease) => journal.withdrawWrite(lease, "unknown")],
  ["recordSaved", (journal, lease) => journal.recordSaved(lease)],
];
const renewal: (typeof fenced)[number] = ["noteRenewal", (journal, lease) => journal.noteRenewal(lease)];

export function testNotedLeases(newPlace: NewJournalPlace): void {
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
}
