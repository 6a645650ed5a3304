import { describe, expect, it } from "vitest";
import type { DriftEvidence } from "../../../agent/store/model.ts";
import { start, type BooksSetting } from "./setting.ts";

const evidence: DriftEvidence = {
  customers: 2,
  drifted: 1,
  kept: 3,
  afterRestart: true,
  restore: { result: "put-off", rows: 0, reason: "later" },
  rows: [
    {
      row: 'ip-group 5 "Acme"',
      customers: ["Acme"],
      findings: [{ kind: "field", field: "tags", wanted: "Trunk=t", found: null, policy: "report" }],
    },
  ],
  unlisted: 4,
  tally: {
    compared: ["Acme", "Bolt"],
    unlisted: [{ row: "proxy-set 2", customers: ["Bolt"], shared: "x" }],
    accepted: [{ row: "ip-group 6", customers: ["Bolt"], kept: 3 }],
  },
};

/** What is remembered of devices' lives, and of what their customers were found to be. */
export function testDriftChecks(newSetting: () => BooksSetting): void {
  describe("the life of a device", () => {
    const setting = newSetting();
    const note = (serialNumber: string | undefined, upTime: number | undefined, device = "sbc-1") =>
      setting.store.noteLife(device, { serialNumber, upTime });
    const due = async () =>
      (await setting.store.driftSummaries({})).filter((one) => one.due).map(({ device }) => device);

    it("goes on while the up-time grows, also over a restart, and a check is not due", async () => {
      expect([await note("1", 100.7), await note("1", 100), await note("1", 250)]).toEqual(["same", "same", "same"]);
      await setting.reopen();
      expect(await note("1", 300)).toBe("same");
      expect(await due()).toEqual([]);
    });

    it("begins anew when the up-time went back, and a check is due until one succeeded, over restarts too", async () => {
      await note("1", 100);
      await note("1", 500, "sbc-2");
      await setting.reopen();
      expect(await note("1", 20)).toBe("restarted");
      expect(await note("1", 21)).toBe("same");
      await setting.reopen();
      expect(await due()).toEqual(["sbc-1"]);
      await setting.store.keepDrift("sbc-1", evidence, false);
      expect(await due()).toEqual([]);
    });

    it("is another unit's when the serial number is another one", async () => {
      await note("1", 100);
      expect(await note("2", 400)).toBe("replaced");
      expect(await due()).toEqual(["sbc-1"]);
    });

    it("says nothing by what a status does not tell", async () => {
      expect(await note(undefined, undefined)).toBe("same");
      expect(await setting.store.driftSummaries({})).toEqual([]);
      await note("1", 100);
      expect([await note(undefined, undefined), await note("1", undefined), await note(undefined, 120)]).toEqual([
        "same",
        "same",
        "same",
      ]);
      expect([await note(undefined, 110), await note("2", undefined)]).toEqual(["restarted", "replaced"]);
    });
  });

  describe("drift checks", () => {
    const setting = newSetting();

    it("are kept whole with the time at which they were made, the latest of each device, over a restart", async () => {
      await setting.store.keepDrift("sbc-1", { ...evidence, drifted: 9 }, false);
      setting.now += 10;
      await setting.store.keepDrift("sbc-1", evidence, false);
      await setting.reopen();
      expect(await setting.store.drift("sbc-1")).toEqual({ checkedAt: start + 10, updatedAt: undefined, evidence });
      expect(await setting.store.drift("sbc-2")).toBeUndefined();
      const latest = { checkedAt: start + 10, updatedAt: undefined, drifted: 1, afterRestart: true };
      expect(await setting.store.driftSummaries({})).toEqual([{ device: "sbc-1", latest, due: false }]);
    });

    it("are brought up to date without becoming newer or less due, until the next one", async () => {
      await setting.store.updateDrift("sbc-1", evidence);
      expect(await setting.store.drift("sbc-1")).toBeUndefined();
      await setting.store.keepDrift("sbc-1", evidence, true);
      setting.now += 10;
      await setting.store.updateDrift("sbc-1", { ...evidence, drifted: 0 });
      await setting.reopen();
      const times = { checkedAt: start, updatedAt: start + 10 };
      expect(await setting.store.drift("sbc-1")).toMatchObject({ ...times, evidence: { drifted: 0 } });
      expect(await setting.store.driftSummaries({})).toMatchObject([{ latest: { ...times, drifted: 0 }, due: true }]);
      await setting.store.keepDrift("sbc-1", evidence, false);
      expect(await setting.store.drift("sbc-1")).toMatchObject({ checkedAt: start + 10, updatedAt: undefined });
    });

    it("are summarised for all devices, or for one", async () => {
      await setting.store.keepDrift("sbc-1", evidence, false);
      await setting.store.demandCheck("sbc-2");
      const devices = async (filter: { device?: string }) =>
        (await setting.store.driftSummaries(filter)).map(({ device }) => device);
      expect(await devices({})).toEqual(["sbc-1", "sbc-2"]);
      expect([await devices({ device: "sbc-2" }), await devices({ device: "sbc-3" })]).toEqual([["sbc-2"], []]);
    });

    it("may be demanded of a device that was never seen, and stay due when what was to be restored was put off", async () => {
      await setting.store.demandCheck("sbc-1");
      expect(await setting.store.driftSummaries({})).toEqual([{ device: "sbc-1", latest: undefined, due: true }]);
      await setting.store.keepDrift("sbc-1", evidence, true);
      expect(await setting.store.driftSummaries({})).toMatchObject([{ latest: { drifted: 1 }, due: true }]);
      await setting.store.keepDrift("sbc-1", evidence, false);
      expect(await setting.store.driftSummaries({})).toMatchObject([{ due: false }]);
    });
  });
}
