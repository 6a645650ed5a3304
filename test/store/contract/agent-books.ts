import { describe, expect, it } from "vitest";
import { testDriftChecks } from "./drift-checks.ts";
import { start, type BooksSetting } from "./setting.ts";

/** What an agent keeps of its own dealings. `newSetting` is called once in each group of tests. */
export function testAgentBooks(newSetting: () => BooksSetting): void {
  describe("log-ins", () => {
    const setting = newSetting();
    const bounds = { limit: 2, unendedMs: 60_000 };
    const begin = (credential = "a") => setting.store.beginLogin("sbc-1", credential, bounds);
    const end = (result: "accepted" | "refused" | "undecided") => setting.store.endLogin("sbc-1", "a", result);

    it("are counted before they are tried, also when their end was never heard", async () => {
      expect(await begin()).toEqual({ allowed: true, failures: 0 });
      await setting.reopen();
      expect(await begin()).toEqual({ allowed: true, failures: 1 });
      await setting.reopen();

      expect(await begin()).toEqual({ allowed: false, failures: 2, retryAfterMs: 60_000 });
      expect(await begin()).toEqual({ allowed: false, failures: 2, retryAfterMs: 60_000 });
    });

    it("of a process that was killed stand in the way for a while, those that were refused for ever", async () => {
      await begin();
      await end("refused");
      await begin();
      await setting.reopen();
      setting.now += 59_999;
      expect(await begin()).toEqual({ allowed: false, failures: 2, retryAfterMs: 1 });
      setting.now += 1;
      expect(await begin()).toEqual({ allowed: true, failures: 1 });
      await end("refused");
      setting.now += 10 * 60_000;
      expect(await begin()).toEqual({ allowed: false, failures: 2 });
    });

    it("of a process that was killed do not stand there longer when the clock is set back", async () => {
      await begin();
      await begin();
      setting.now -= 3_600_000;
      expect(await begin()).toEqual({ allowed: true, failures: 0 });
    });

    it("stand when refused, are taken back when undecided, and clear the count when accepted", async () => {
      await begin();
      await end("refused");
      await begin();
      await end("undecided");
      expect(await begin()).toEqual({ allowed: true, failures: 1 });
      await end("accepted");

      expect(await begin()).toEqual({ allowed: true, failures: 0 });
    });

    it("are counted for each credential and device apart", async () => {
      await begin();
      await begin();

      expect(await begin("b")).toEqual({ allowed: true, failures: 0 });
      expect(await setting.store.beginLogin("sbc-2", "a", bounds)).toEqual({ allowed: true, failures: 0 });
    });

    it("are allowed again on an operator's word", async () => {
      await begin();
      await begin();
      await setting.store.clearLogins("sbc-1");

      expect(await begin()).toEqual({ allowed: true, failures: 0 });
    });

    it("are reported where the credential in use fails, unless they may be under way", async () => {
      await begin();
      await begin();
      expect(await setting.store.loginFailures()).toEqual([]);
      setting.now += 60_000;
      await setting.store.beginLogin("sbc-2", "a", bounds);
      await setting.store.endLogin("sbc-2", "a", "accepted");
      expect(await setting.store.loginFailures()).toEqual([{ device: "sbc-1", failures: 2 }]);
      await begin("b");
      await setting.store.endLogin("sbc-1", "b", "accepted");

      expect(await setting.store.loginFailures()).toEqual([]);
    });
  });

  describe("pauses", () => {
    const setting = newSetting();

    it("last until they are ended, also over a restart, and keep their beginning", async () => {
      await setting.store.pauseDevice("sbc-1", "upgrade", "ann");
      setting.now += 10;
      await setting.store.pauseDevice("sbc-1", "long upgrade", "bob");
      await setting.reopen();
      expect(await setting.store.deviceModes()).toEqual([
        { device: "sbc-1", paused: { reason: "long upgrade", by: "bob", since: start } },
      ]);
      await setting.store.resumeDevice("sbc-1", "done", "ann");

      expect(await setting.store.deviceModes()).toEqual([]);
    });

    it("stand in the audit trail, with reason and name", async () => {
      await setting.store.pauseDevice("sbc-1", "upgrade", "ann");
      await setting.store.resumeDevice("sbc-1", "done", "bob");
      await setting.store.resumeDevice("sbc-1", "done again", "bob");

      expect(await setting.store.auditTrail({ device: "sbc-1", limit: 9 })).toEqual([
        { at: start, event: "resume", device: "sbc-1", taskId: null, who: "bob", data: { reason: "done" } },
        { at: start, event: "pause", device: "sbc-1", taskId: null, who: "ann", data: { reason: "upgrade" } },
      ]);
    });
  });

  testDriftChecks(newSetting);

  describe("the audit trail", () => {
    const setting = newSetting();

    it("gives the newest entries of a device, of a task, of both, or of all", async () => {
      for (const [device, taskId] of [
        ["sbc-1", "wst_1"],
        ["sbc-1", "wst_2"],
        ["sbc-2", "wst_1"],
        [null, null],
      ] as const)
        await setting.store.audit({ event: "write", device, taskId, who: "agent", data: { rows: [1, { a: null }] } });
      const found = async (filter: { device?: string; taskId?: string; limit: number }) =>
        (await setting.store.auditTrail(filter)).map(({ device, taskId }) => `${device} ${taskId}`);

      expect(await found({ limit: 2 })).toEqual(["null null", "sbc-2 wst_1"]);
      expect(await found({ device: "sbc-1", limit: 9 })).toEqual(["sbc-1 wst_2", "sbc-1 wst_1"]);
      expect(await found({ taskId: "wst_1", limit: 9 })).toEqual(["sbc-2 wst_1", "sbc-1 wst_1"]);
      expect(await found({ device: "sbc-1", taskId: "wst_1", limit: 9 })).toEqual(["sbc-1 wst_1"]);
      expect(await setting.store.auditTrail({ limit: 1 })).toMatchObject([{ data: { rows: [1, { a: null }] } }]);
    });
  });
}
