import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { startMockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { control, startRig, stateOf, type DeviceState, type Rig } from "../e2e/rig.ts";
import { convert, expectConverted } from "./conversions.ts";
import { assertDevice, assertInvariants } from "./invariants.ts";

let rig: Rig;
afterEach(() => rig.stop());

const run = { connectMs: 1_000, requestMs: 2_000, writeDeadlineMs: 2_000, saveMs: 2_000, leaseMs: 10_000 };

describe.each(["rest", "ssh"] as const)("over %s,", (route) => {
  const upload = { path: "incremental" };
  const saving = { path: "saveConfiguration" };
  const moments: [string, object][] =
    route === "rest"
      ? [
          ["as the script comes", upload],
          ["once the script ran", { ...upload, when: "after" }],
          ["as the save is asked for", saving],
          ["once it was saved", { ...saving, when: "after" }],
        ]
      : [
          ["before the first line", { match: "configure voip" }],
          ["at an address", { match: "proxy-ip" }],
          ["in a row", { match: "tags", when: "after" }],
          ["as a row is applied", { match: "activate", skip: 2 }],
          ["once a row is applied", { match: "activate", skip: 2, when: "after" }],
          ["as the save is asked for", { match: "write" }],
          ["once it was saved", { match: "write", when: "after" }],
        ];

  it("F38 F39 a reboot or an HA switch-over at any line: each conversion ends once and saved", async () => {
    rig = await startRig({ route, mock: { bootMs: 100 }, overrides: { run } });
    const names: string[] = [];
    for (const [i, [moment, where]] of moments.entries())
      for (const name of i < moments.length - 3 ? ["reboot-at-line"] : ["reboot-at-line", "ha-switch"]) {
        await control(rig.mock, "POST", "/faults", { name, ...where });
        names.push(`Cust${names.length}`);
        await expectConverted(rig, await convert(rig, names.at(-1) ?? ""));
        await control(rig.mock, "DELETE", "/faults");
        await assertDevice(rig.mock, names).catch((error: unknown) =>
          expect.fail(`${name} ${moment}: ${String(error)}`),
        );
      }
    await assertInvariants(rig, [names]);
  });

  it("F38 a reboot while flash is written: the rows are made and saved again", async () => {
    rig = await startRig({ route, mock: { saveMs: 200, bootMs: 100 }, overrides: { run } });
    await control(rig.mock, "POST", "/faults", { name: "reboot-during-save" });
    await expectConverted(rig, await convert(rig, "Twice"));
    await assertInvariants(rig, [["Twice"]]);
  });

  it("F40 an old backup is restored: what was lost is found by a dry run, and a re-sync makes it again", async () => {
    rig = await startRig({ route, overrides: { run } });
    await expectConverted(rig, await convert(rig, "Before"));
    await control(rig.mock, "POST", "/faults", {
      name: "restore-backup",
      ...(route === "rest" ? upload : { match: "tags" }),
    });
    await expectConverted(rig, await convert(rig, "Amid"));
    await assertDevice(rig.mock, ["Amid"]);
    expect(await rig.client.resync({ dryRun: true })).toMatchObject({ devices: [{ result: "pending", writes: 0 }] });
    expect(await rig.client.resync()).toMatchObject({ devices: [{ result: "changed", saves: 1 }] });
    await assertInvariants(rig, [["Before", "Amid"]]);
  });

  it("F41 firmware with other columns, in mid-run: the run is taken up in the columns that are there now", async () => {
    const ini = readFileSync(new URL("../../config/devices/oc2-7.20.ini", import.meta.url), "utf8");
    const upgrade = {
      name: "firmware-upgrade",
      firmware: "7.40A.250.440",
      ...(route === "rest" ? upload : { match: "tags" }),
    };
    const start = await upgraded(ini, upgrade.firmware);
    rig = await startRig({ route, mock: { ini }, overrides: { run } });
    await control(rig.mock, "POST", "/faults", upgrade);
    await expectConverted(rig, await convert(rig, "Upgraded"));
    await assertInvariants(rig, [["Upgraded"]], start);
  });

  it("F42 another, empty device in its place before the save: the task says what is missing there, and nothing is made", async () => {
    rig = await startRig({ route, overrides: { run } });
    await control(rig.mock, "POST", "/faults", {
      name: "replaced",
      ...(route === "rest" ? saving : { match: "write" }),
    });
    const task = await rig.client.ended(await convert(rig, "Replaced"));
    expect(task.details, JSON.stringify(task)).toEqual(["Failed"]);
    expect(task.executionMessages[0]?.message).toContain("SIF_WAN");
    const { running, startup } = await stateOf(rig.mock);
    expect([running["ProxySet"], running["IPGroup"]]).toEqual([[], []]);
    expect(running).toEqual(startup);
  });

  it("F42 another device in its place, set up like the first one once was: a re-sync makes the customers there", async () => {
    rig = await startRig({ route, overrides: { run } });
    await expectConverted(rig, await convert(rig, "Moved"));
    rig.mock.device.restore();
    rig.mock.device.become({ serialNumber: "4711" });
    await assertDevice(rig.mock, []);
    expect(await rig.client.resync()).toMatchObject({ devices: [{ result: "changed", saves: 1 }] });
    await assertInvariants(rig, [["Moved"]]);
  });
});

/** What a device of this file holds once it has come up with other firmware. */
async function upgraded(ini: string, firmware: string): Promise<DeviceState["running"]> {
  const mock = await startMockSbc({ ini });
  try {
    mock.device.become({ firmware });
    return (await stateOf(mock)).running;
  } finally {
    await mock.stop();
  }
}
