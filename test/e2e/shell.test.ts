import { afterEach, describe, expect, it } from "vitest";
import type { HealthReport } from "../../agent/reports.ts";
import { findDeadUrl } from "../cli/small-agent.ts";
import { eventually } from "./client.ts";
import { reachOf } from "./reach.ts";
import { control, drawTenant, named, startRig, stateOf, statsOf, type Rig } from "./rig.ts";

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

async function post(rig: Rig, shortName: string): Promise<string> {
  const tenant = drawTenant();
  await rig.client.addLead(tenant);
  return rig.client.post(shortName, tenant);
}

async function deviceOf(rig: Rig): Promise<HealthReport["devices"][number] | undefined> {
  return ((await rig.client.ask("GET", "/health")).body as HealthReport).devices[0];
}

/** Resolves with the device's report once a run has ended in that error. */
async function failedWith(rig: Rig, code: string): Promise<HealthReport["devices"][number] | undefined> {
  return eventually(
    () => deviceOf(rig),
    (device) => device?.lastError?.code === code,
    (device) => JSON.stringify(device),
  );
}

describe("driver auto", () => {
  it("goes over SSH where REST is closed, and says so and why", async () => {
    const dead = (await findDeadUrl()).replace("http:", "https:");
    rig = await startRig({ route: "auto", reach: (mock) => ({ ...reachOf(mock, "auto"), address: dead }) });
    const task = await rig.client.ended(await post(rig, "OverShell"));
    expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
    const state = await stateOf(rig.mock);
    expect(named(state.startup["IPGroup"], "Name").get("OverShell")?.active).toBe(true);
    expect(await statsOf(rig.mock)).toMatchObject({ requests: 0, saves: 1, sshLogins: 1 });
    const device = await deviceOf(rig);
    expect(device).toMatchObject({ driver: "auto", taken: { driver: "ssh" } });
    expect(device?.taken?.reason).toContain(dead.replace("https://", ""));
    const { body } = await rig.client.ask("GET", "/metrics");
    expect(String(body)).toContain('sbc_agent_device_driver{device="sbc0",driver="ssh"} 1');
  });

  it("goes over REST where that is open", async () => {
    rig = await startRig({ route: "auto" });
    expect((await rig.client.ended(await post(rig, "OverRest"))).details).toEqual(["Converted"]);
    expect(await statsOf(rig.mock)).toMatchObject({ uploads: 1, saves: 1, sshLogins: 0 });
    expect(await deviceOf(rig)).toMatchObject({ driver: "auto", taken: { driver: "rest" } });
  });

  it("tries no other door after a refused log-in", async () => {
    rig = await startRig({ route: "auto", mock: { password: "another" } });
    await post(rig, "Refused");
    await failedWith(rig, "auth");
    expect(await statsOf(rig.mock)).toMatchObject({ sshLogins: 0, sshFailedLogins: 0, shells: 0 });
  });
});

describe("a device over SSH", () => {
  it("is left alone after refused log-ins, before it blocks the account", async () => {
    rig = await startRig({ route: "ssh", mock: { password: "another" } });
    await post(rig, "Refused");
    const device = await failedWith(rig, "auth");
    expect(device).toMatchObject({ nextTryAt: null });
    expect((await statsOf(rig.mock)).sshFailedLogins).toBeLessThanOrEqual(2);
  });

  it("counts a refused enable as a refused log-in", async () => {
    rig = await startRig({ route: "ssh", mock: { enablePassword: "another" } });
    await post(rig, "Refused");
    const device = await failedWith(rig, "auth");
    expect(device?.lastError?.message).toContain("enable");
    expect(device?.loginFailures).toBeGreaterThan(0);
    expect((await stateOf(rig.mock)).running["IPGroup"]).toHaveLength(3);
  });

  it("is shown no credentials when its host key is another one", async () => {
    rig = await startRig({ route: "ssh" });
    await control(rig.mock, "POST", "/faults", { name: "host-key-changed" });
    await post(rig, "Stranger");
    const device = await failedWith(rig, "identity");
    expect(device?.lastError?.message).toContain("host key");
    expect(await statsOf(rig.mock)).toMatchObject({ sshLogins: 0, sshFailedLogins: 0, shells: 0 });
  });

  it.each([
    ["restarts", { name: "reboot-at-line", match: "write" }],
    ["hands over to its other unit", { name: "ha-switch", match: "write" }],
    ["loses what it was saving", { name: "reboot-during-save" }],
  ])("that %s before its rows are saved gets them again, once and saved", async (_, fault) => {
    rig = await startRig({ route: "ssh" });
    await control(rig.mock, "POST", "/faults", fault);
    const task = await rig.client.ended(await post(rig, "Twice"));
    expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
    const state = await stateOf(rig.mock);
    expect(state.running["IPGroup"]).toHaveLength(3 + 1);
    expect(named(state.startup["IPGroup"], "Name").get("Twice")?.active).toBe(true);
    expect(state.running).toEqual(state.startup);
  });
});
