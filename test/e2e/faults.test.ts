import { afterEach, describe, expect, it } from "vitest";
import { eventually } from "./client.ts";
import { control, drawTenant, named, shapes, startRig, stateOf, statsOf, type Rig } from "./rig.ts";

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

async function convert(rig: Rig, shortName: string): Promise<string> {
  const tenant = drawTenant();
  await rig.client.addLead(tenant);
  return rig.client.post(shortName, tenant);
}

describe.each(shapes)("%s:", (shape) => {
  describe("a conversion ends once, and right, when the device", () => {
    it.each([
      ["takes the script and its answer is lost", [{ name: "cut-after-request", path: "incremental", times: 1 }]],
      ["loses the script before it works on it", [{ name: "cut-before-apply", path: "incremental", times: 1 }]],
      [
        "applies half of the script and breaks the connection",
        [{ name: "half-applied", lines: 6, answer: "cut", times: 1 }],
      ],
      [
        "applies half of the script and calls it a success",
        [{ name: "half-applied", lines: 6, answer: "success", times: 1 }],
      ],
      ["is busy with HA synchronisation", [{ name: "ha-sync", times: 2 }]],
      ["shows reads from before the write for a while", [{ name: "read-lag", times: 4 }]],
      ["cuts its running configuration short", [{ name: "truncate-read", bytes: 900, times: 2 }]],
      ["does not tell whether a save is needed", [{ name: "no-save-needed" }]],
      ["refuses to save at first", [{ name: "save-fails", times: 1 }]],
      ["says that it saved and did not", [{ name: "save-fails", silent: true, times: 1 }]],
    ])("%s", async (_, faults) => {
      rig = await startRig({ shape });
      await control(rig.mock, "POST", "/faults", faults);
      const task = await rig.client.ended(await convert(rig, "Faulty"));
      expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
      await control(rig.mock, "DELETE", "/faults");
      const state = await stateOf(rig.mock);
      expect(state.running["IPGroup"]).toHaveLength(3 + 1);
      expect(named(state.running["IPGroup"], "Name").get("Faulty")?.active).toBe(true);
      expect((state.running["ProxySet"] ?? []).filter(({ fields }) => fields["ProxyName"] === "SIPTrunk")).toHaveLength(
        1,
      );
      expect(state.running).toEqual(state.startup);
      expect(await rig.client.resync()).toMatchObject({ devices: [{ result: "in-sync", writes: 0, saves: 0 }] });
    });

    it("answers nothing: the deadline of the request passes, and it is tried again", async () => {
      rig = await startRig({ shape, overrides: { run: { writeDeadlineMs: 300, saveMs: 5_000, leaseMs: 10_000 } } });
      await control(rig.mock, "POST", "/faults", { name: "hang", path: "incremental", processed: true, times: 1 });
      const task = await rig.client.ended(await convert(rig, "Hanging"));
      expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
      expect((await statsOf(rig.mock)).uploads).toBe(1);
    });
  });

  describe("a log-in that is refused", () => {
    it("is not tried again until an operator says so, and the account is not blocked by us", async () => {
      rig = await startRig({ shape });
      await control(rig.mock, "POST", "/faults", { name: "unauthorized-after", after: 0 });
      const id = await convert(rig, "Refused");
      const health = async () =>
        (await rig?.client.ask("GET", "/api/agent/v1/health"))?.body as {
          devices: { breaker: string; lastError: { code: string } | null }[];
        };
      const blocked = await eventually(
        health,
        ({ devices }) => devices[0]?.breaker === "open",
        (h) => JSON.stringify(h),
      );
      expect(blocked.devices[0]?.lastError?.code).toBe("auth");
      const received = (await (await fetch(`${rig.mock.control}/received`)).json()) as { requests: unknown[] };
      expect(received.requests.length).toBeLessThanOrEqual(2);
      await control(rig.mock, "DELETE", "/faults");
      await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/resume", { reason: "password corrected" });
      expect((await rig.client.ended(id)).details).toEqual(["Converted"]);
    });
  });

  describe("a device that resets without our save", () => {
    it("is found by a dry run and healed by a re-sync, saved", async () => {
      rig = await startRig({ shape });
      const tenant = drawTenant();
      await rig.client.addLead(tenant);
      await rig.client.ended(await rig.client.post("Healed", tenant));
      await control(rig.mock, "POST", "/edit", { lines: ["configure voip", "no ip-group 5", "exit"] });
      await control(rig.mock, "POST", "/reboot", { saveConfiguration: true });
      expect(named((await stateOf(rig.mock)).running["IPGroup"], "Name").has("Healed")).toBe(false);
      expect(await rig.client.resync({ dryRun: true })).toMatchObject({ devices: [{ result: "pending", writes: 0 }] });
      expect(await rig.client.resync()).toMatchObject({ devices: [{ result: "changed", writes: 1, saves: 1 }] });
      const state = await stateOf(rig.mock);
      expect(named(state.startup["IPGroup"], "Name").get("Healed")?.fields["Tags"]).toBe(`Trunk=${tenant}`);
      expect(await rig.client.resync()).toMatchObject({ devices: [{ result: "in-sync", writes: 0, saves: 0 }] });
    });
  });

  describe("unsaved edits of another administrator", () => {
    it("are waited for, and the conversion says so", async () => {
      rig = await startRig({ shape });
      await control(rig.mock, "POST", "/edit", {
        lines: ["configure voip", "ip-group 4", "sip-group-name other.example", "exit", "exit"],
      });
      const id = await convert(rig, "Patient");
      const waiting = await eventually(
        () => (rig as Rig).client.task(id),
        (t) => t.executionMessages.some(({ message }) => message.includes("unsaved")),
        (t) => JSON.stringify(t),
      );
      expect(waiting.status).toBe("InProgress");
      expect(await statsOf(rig.mock)).toMatchObject({ uploads: 0, saves: 0 });
    });

    it("are saved along with a warning where the policy says so", async () => {
      rig = await startRig({ shape, overrides: { run: { foreignEditsWaitMs: 0 } } });
      await control(rig.mock, "POST", "/edit", {
        lines: ["configure voip", "ip-group 4", "sip-group-name other.example", "exit", "exit"],
      });
      const task = await rig.client.ended(await convert(rig, "Impatient"));
      expect(task.details).toEqual(["Converted"]);
      expect(task.executionMessages[0]).toMatchObject({ level: "Warning" });
      expect(named((await stateOf(rig.mock)).startup["IPGroup"], "Name").get("Impatient")?.active).toBe(true);
    });
  });
});
