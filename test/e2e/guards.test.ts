import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openAlone } from "../../agent/main.ts";
import type { HealthReport } from "../../agent/reports.ts";
import { startMockOvoc } from "../../mocks/ovoc.ts";
import { eventually } from "./client.ts";
import { control, drawTenant, environment, startRig, stateOf, statsOf, type Rig } from "./rig.ts";

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

const healthOf = async (rig: Rig): Promise<HealthReport> =>
  (await rig.client.ask("GET", "/health")).body as HealthReport;

describe("a pause", () => {
  it("lets the script under way end and sends no other, and is answered when the device is quiet", async () => {
    rig = await startRig({ overrides: { run: { maxBatch: 1, lingerMs: 100 } } });
    await control(rig.mock, "POST", "/faults", { name: "slow-lines", ms: 5 });
    const ids = [await post(rig, "First"), await post(rig, "Second"), await post(rig, "Third")];
    const { mock } = rig;
    await eventually(
      () => statsOf(mock),
      ({ uploads }) => uploads > 0,
      () => "nothing was sent",
    );
    await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/pause", { reason: "hands off" });
    const paused = await statsOf(mock);
    expect((await stateOf(mock)).saveNeeded).toBe(false);
    // A poll and a linger later nothing has changed.
    const acknowledged = performance.now();
    await eventually(
      async () => performance.now(),
      (at) => at > acknowledged + 600,
      String,
    );
    expect(await statsOf(mock)).toMatchObject({ uploads: paused.uploads, saves: paused.saves });
    expect(paused.uploads).toBeLessThan(3);
    await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/resume", { reason: "done" });
    for (const id of ids) expect((await rig.client.ended(id)).details).toEqual(["Converted"]);
  });
});

describe("an agent that works alone for one command", () => {
  it("pulls nothing, whatever the device does meanwhile", async () => {
    rig = await startRig();
    const { client, config, mock } = rig;
    await control(mock, "POST", "/faults", { name: "ha-sync" });
    const id = await post(rig, "Waits");
    await eventually(
      () => client.task(id),
      (t) => JSON.stringify(t).includes("tried again"),
      (t) => JSON.stringify(t),
    );
    await rig.stopAgent();
    await control(mock, "DELETE", "/faults");
    await control(mock, "POST", "/faults", { name: "hang", path: "cliScript", method: "GET", times: 1 });
    const alone = await openAlone({ ...config, run: { ...config.run, requestMs: 200, retryMinMs: 10 } }, environment);
    try {
      const dryRun = { dryRun: true, endCalls: false, rerender: false };
      expect(await alone.operations.resync(dryRun, "ann")).toMatchObject({ devices: [{ result: "put-off" }] });
      // Many times longer than a retry would take.
      const failedAt = performance.now();
      await eventually(
        async () => performance.now(),
        (at) => at > failedAt + 300,
        String,
      );
      expect(await alone.operations.resync(dryRun, "ann")).toMatchObject({ devices: [{ result: "in-sync" }] });
      expect(await statsOf(mock)).toMatchObject({ uploads: 0, saves: 0 });
    } finally {
      await alone.close();
    }
  });
});

describe("a password that was corrected", () => {
  it("is used from the next try on", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sbc-agent-password-"));
    const file = join(folder, "password");
    try {
      writeFileSync(file, "wrong", { mode: 0o600 });
      rig = await startRig();
      const devices = rig.config.devices.map((device) => ({ ...device, password: { file } }));
      await rig.restart({ devices });
      const id = await post(rig, "Corrected");
      const { client } = rig;
      const health = async (): Promise<HealthReport> => (await client.ask("GET", "/health")).body as HealthReport;
      await eventually(
        health,
        ({ devices: [device] }) => device?.lastError?.code === "auth",
        (h) => JSON.stringify(h),
      );
      writeFileSync(file, "Admin", { mode: 0o600 });
      await client.ask("POST", "/api/agent/v1/devices/sbc0/resume", { reason: "password corrected" });
      expect((await client.ended(id)).details).toEqual(["Converted"]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("health", () => {
  it("does not call a dead device well because nothing waits for it any more", async () => {
    rig = await startRig({ overrides: { run: { conversionDeadline: "300ms" } } });
    await rig.mock.stop();
    const task = await rig.client.ended(await post(rig, "Overdue"));
    expect(task.status).toBe("CompletedFailed");
    const { client } = rig;
    const later = performance.now() + 800;
    await eventually(
      async () => performance.now(),
      (at) => at > later,
      String,
    );
    const report = (await client.ask("GET", "/health")).body as HealthReport;
    expect(report.status).toBe("degraded");
    expect(report.devices[0]).toMatchObject({ lastSuccessAt: null, queue: 0, lastError: { code: "unreachable" } });
  });

  it("is well again when the device answers, though nothing waits for it", async () => {
    rig = await startRig();
    await control(rig.mock, "POST", "/faults", { name: "ha-sync", times: 1 });
    expect((await rig.client.ended(await post(rig, "Busy"))).details).toEqual(["Converted"]);
    const report = await healthOf(rig);
    expect(report.devices[0]?.lastError).toBeNull();
    expect(report.remarks.filter((remark) => !remark.includes("drift is not known"))).toEqual([]);
  });

  it("loses the drift of one customer when that one is put right, and of all when all are", async () => {
    rig = await startRig();
    await Promise.all(
      [post(rig, "DriftA"), post(rig, "DriftB")].map(async (id) => (rig as Rig).client.ended(await id)),
    );
    const lines = ["configure voip", "ip-group 5", 'tags ""', "exit", "ip-group 6", 'tags ""', "exit", "exit", "write"];
    await control(rig.mock, "POST", "/edit", { lines });
    await rig.client.resync({ dryRun: true });
    await rig.client.resync({ customer: "DriftA" });
    expect((await healthOf(rig)).devices[0]?.drift).toMatchObject({ drifted: 1 });
    await rig.client.resync();
    expect((await healthOf(rig)).devices[0]?.drift).toMatchObject({ drifted: 0 });
  });
});

describe("one device under two names", () => {
  it("is worked on under the first only, and the second says why it waits", async () => {
    rig = await startRig({ devices: 2, mock: { serialNumber: "4711" } });
    const tenants = [drawTenant(), drawTenant()] as const;
    for (const tenant of tenants) await rig.client.addLead(tenant);
    await rig.client.ended(await rig.client.post("OnFirst", tenants[0], 0));
    const id = await rig.client.post("OnSecond", tenants[1], 1);
    const { client } = rig;
    const task = await eventually(
      () => client.task(id),
      (t) => t.executionMessages.length > 1,
      (t) => JSON.stringify(t),
    );
    expect(JSON.stringify(task)).toContain("are one device");
    expect(await statsOf(rig.mocks[1] ?? rig.mock)).toMatchObject({ uploads: 0 });
  });
});

describe("OVOC", () => {
  it("gets a site for each customer, also for those that waited while it was down, and each once", async () => {
    const ovoc = await startMockOvoc({ user: "ovoc", password: environment.SBC_PASSWORD });
    try {
      await control(ovoc, "POST", "/faults", { name: "down", times: 2 });
      const settings = { url: ovoc.url, user: "ovoc", password: { env: "SBC_PASSWORD" } };
      rig = await startRig({ overrides: { ovoc: settings } });
      const ids = [await post(rig, "SiteA"), await post(rig, "SiteB")];
      for (const id of ids)
        expect((await rig.client.ended(id)).executionMessages.at(-1)).toEqual({
          level: "Information",
          message: "Site created in Ovoc",
        });
      const state = JSON.stringify(await (await fetch(`${ovoc.control}/state`)).json());
      for (const name of ["SiteA", "SiteB"]) expect(state.split(`"${name}"`)).toHaveLength(2);
    } finally {
      await ovoc.stop();
    }
  });
});
