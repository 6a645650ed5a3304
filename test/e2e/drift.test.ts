import { afterEach, describe, expect, it } from "vitest";
import type { AuditReport, DriftDeviceReport, DriftReport, HealthReport } from "../../agent/reports.ts";
import { eventually } from "./client.ts";
import { control, drawTenant, named, startRig, stateOf, statsOf, type Rig } from "./rig.ts";

let rig: Rig;
afterEach(() => rig.stop());

async function convert(...names: string[]): Promise<void> {
  const tasks = await Promise.all(
    names.map(async (name) => {
      const tenant = drawTenant();
      await rig.client.addLead(tenant);
      return rig.client.post(name, tenant);
    }),
  );
  for (const task of tasks) expect((await rig.client.ended(task)).details).toEqual(["Converted"]);
}

const only = (body: unknown): DriftDeviceReport => {
  const [device] = (body as DriftReport).devices;
  if (device === undefined) throw new Error(`no device in ${JSON.stringify(body)}`);
  return device;
};
const evidence = async (): Promise<DriftDeviceReport> =>
  only((await rig.client.ask("GET", "/api/agent/v1/drift")).body);
const check = async (): Promise<DriftDeviceReport> =>
  only((await rig.client.ask("POST", "/api/agent/v1/drift/check", {})).body);
const health = async (): Promise<HealthReport> => (await rig.client.ask("GET", "/health")).body as HealthReport;
const edit = (...lines: string[]): Promise<void> =>
  control(rig.mock, "POST", "/edit", { lines: ["configure voip", ...lines, "exit", "write"] });

const uploads = async (): Promise<number> => (await statsOf(rig.mock)).uploads;
const groups = async () => named((await stateOf(rig.mock)).running["IPGroup"], "Name");
const until = (holds: (report: DriftDeviceReport) => boolean): Promise<DriftDeviceReport> =>
  eventually(evidence, holds, (report) => JSON.stringify(report));

/** In another unit the same time is a smaller figure: the up-time certainly went back, however fast the test was. */
const shrinkUpTime = (): Promise<void> => control(rig.mock, "PUT", "/settings", { uptimeUnit: "seconds" });

describe("a drift check", () => {
  it("tells what another administrator changed, writes nothing, and its evidence outlives a restart", async () => {
    rig = await startRig();
    await convert("Acme", "Bolt");
    expect(await evidence()).toMatchObject({ state: "unknown", checkedAt: null, ageSeconds: null });
    expect((await health()).remarks.join()).toContain("drift is not known");
    expect(await check()).toMatchObject({ state: "in-sync", customers: 2, drifted: 0, rows: [] });
    expect((await health()).status).toBe("ok");
    await edit("ip-group 5", 'tags ""', "exit", "no ip-group 6");
    const before = await statsOf(rig.mock);
    const found = await check();
    expect(found).toMatchObject({ state: "drifted", drifted: 2, kept: 0, restore: null, trouble: null });
    expect(found.rows.flatMap(({ findings }) => findings)).toMatchObject([
      { kind: "field", field: "tags", found: "" },
      { kind: "row-missing" },
    ]);
    expect(await statsOf(rig.mock)).toMatchObject({ uploads: before.uploads, saves: before.saves });
    await rig.restart();
    expect({ ...(await evidence()), ageSeconds: 0 }).toEqual({ ...found, ageSeconds: 0 });
    expect((await health()).remarks.join()).toContain("2 customer(s) differ");
    await rig.client.resync();
    expect(await evidence()).toMatchObject({ state: "in-sync", drifted: 0 });
  });

  it("that cannot be made leaves the earlier evidence, and says why", async () => {
    rig = await startRig();
    await convert("Acme");
    const { checkedAt } = await check();
    await rig.mock.stop();
    expect(await check()).toMatchObject({
      checkedAt,
      state: "in-sync",
      trouble: expect.stringContaining("sbc0") as string,
    });
  });

  it("is made of its own accord where customers have none", async () => {
    rig = await startRig({ overrides: { drift: { probe: "1s" } } });
    await convert("Acme");
    await until(({ state, customers }) => state === "in-sync" && customers === 1);
  });
});

describe.each([
  { shape: "embedded", route: "rest" },
  { shape: "apart", route: "ssh" },
] as const)("policies, $shape over $route", ({ shape, route }) => {
  it("restore what they name, keep what they name, and leave the rest to a re-sync", async () => {
    const fields = { "ip-group.media-realm-name": "keep", "ip-group.tags": "restore" };
    rig = await startRig({ shape, route, overrides: { drift: { fields, rows: "restore" } } });
    const asked = async (): Promise<AuditReport> => {
      const { body } = await rig.client.ask("GET", "/api/agent/v1/audit?device=sbc0");
      return (body as AuditReport).filter(({ event }) => event === "drift-check");
    };
    await convert("Acme", "Bolt");
    const wanted = await groups();
    const acme = async () => {
      const { Tags, MediaRealm, ProfileName } = (await groups()).get("Acme")?.fields ?? {};
      return [Tags, MediaRealm, ProfileName];
    };
    const { Tags: tags, ProfileName: profile } = wanted.get("Acme")?.fields ?? {};
    await edit("ip-group 5", 'media-realm-name ""', 'ip-profile-name ""', 'tags ""', "exit", "no ip-group 6");
    expect(await check()).toMatchObject({
      state: "drifted",
      kept: 1,
      rows: [{ customers: ["Acme"], findings: [{ field: "ip-profile-name", policy: "report" }] }],
      restore: { result: "done", rows: 2, reason: null },
    });
    expect(await asked()).toMatchObject([{ device: "sbc0", who: "admin", taskId: null }]);
    const { startup, running } = await stateOf(rig.mock);
    expect(startup).toEqual(running);
    expect(await acme()).toEqual([tags, "", ""]);
    expect((await groups()).get("Bolt")?.fields).toEqual(wanted.get("Bolt")?.fields);
    expect(await rig.client.resync()).toMatchObject({ devices: [{ result: "changed", writes: 1 }] });
    expect(await acme()).toEqual([tags, "", profile]);
    expect(await rig.client.resync()).toMatchObject({ devices: [{ result: "in-sync", writes: 0, saves: 0 }] });
    expect(await evidence()).toMatchObject({ state: "in-sync", kept: 1 });
  });
});

describe("what is to be restored", () => {
  const drift = { policy: "restore", rows: "restore" };

  it("is only told while the device is paused or observed", async () => {
    rig = await startRig({ overrides: { drift } });
    await convert("Acme");
    await edit("ip-group 5", 'tags ""', "exit");
    const before = await uploads();
    await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/pause", { reason: "hands off" });
    expect(await check()).toMatchObject({ state: "drifted", restore: null });
    await rig.restart({ drift, devices: rig.config.devices.map((device) => ({ ...device, mode: "observe" })) });
    await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/resume", { reason: "observed" });
    expect(await check()).toMatchObject({ state: "drifted", restore: null });
    expect(await uploads()).toBe(before);
  });

  it("stays as it is when it is more than a run may change, and conversions go on", async () => {
    rig = await startRig({ overrides: { drift, run: { maxChangesPerRun: 1 } } });
    await convert("Acme", "Bolt");
    await edit("no ip-group 5", "no ip-group 6");
    const before = await uploads();
    const found = await check();
    expect(found).toMatchObject({ state: "drifted", drifted: 2, due: false, restore: { result: "failed", rows: 0 } });
    expect(found.trouble).toContain("maxChangesPerRun");
    expect(await uploads()).toBe(before);
    await convert("Corp");
  });

  it("waits for the unsaved edits of somebody else, and is due until then", async () => {
    rig = await startRig({ overrides: { drift: { ...drift, probe: "1s" } } });
    await convert("Acme");
    await control(rig.mock, "POST", "/edit", { lines: ["configure voip", "ip-group 5", 'tags ""', "exit", "exit"] });
    expect(await check()).toMatchObject({ state: "drifted", due: true, restore: { result: "put-off" } });
    await control(rig.mock, "POST", "/edit", { lines: ["write"] });
    expect(await until(({ due }) => !due)).toMatchObject({ state: "in-sync", restore: { result: "done" } });
  });
});

describe("a device that started anew", () => {
  it("is checked at once: an old backup is found, and what it took away is restored and saved", async () => {
    rig = await startRig({ overrides: { drift: { rows: "restore", probe: "1s" } } });
    await convert("Acme", "Bolt");
    expect(await check()).toMatchObject({ state: "in-sync", customers: 2 });
    const wanted = await groups();
    await control(rig.mock, "POST", "/faults", { name: "restore-backup", match: "status", times: 1 });
    await eventually(groups, (now) => !now.has("Acme"), String);
    await shrinkUpTime();
    const found = await until(({ restore }) => restore !== null);
    expect(found).toMatchObject({ state: "in-sync", afterRestart: true, due: false, restore: { result: "done" } });
    expect(await groups()).toEqual(wanted);
    expect((await stateOf(rig.mock)).saveNeeded).toBe(false);
  });

  it("while the agent was down is checked after its start, and what was found is told", async () => {
    rig = await startRig({ overrides: { drift: { probe: "1s" } } });
    await convert("Acme", "Bolt");
    await check();
    await rig.stopAgent();
    await edit("no ip-group 6");
    await control(rig.mock, "POST", "/reboot", {});
    await shrinkUpTime();
    const before = await uploads();
    await rig.restart();
    await until(({ afterRestart }) => afterRestart);
    expect(await evidence()).toMatchObject({ state: "drifted", drifted: 1, due: false, restore: null });
    expect((await health()).remarks.join()).toContain(
      "1 customer(s) differ from their intent, found after the device started anew",
    );
    const token = rig.adminToken();
    const page = await (await fetch(`${rig.url()}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text();
    expect(page).toContain('sbc_agent_drifted_customers{device="sbc0"} 1');
    expect(page).toContain('sbc_agent_drift_unknown{device="sbc0"} 0');
    expect(page).toMatch(/sbc_agent_drift_evidence_age_seconds\{device="sbc0"\} \d/);
    expect(await uploads()).toBe(before);
  });
});
