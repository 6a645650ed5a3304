import { afterEach, describe, expect, it } from "vitest";
import type { AuditReport, HealthReport, PlanReport } from "../../agent/reports.ts";
import { eventually, gatewayOf } from "./client.ts";
import { control, drawTenant, named, startRig, stateOf, statsOf, type Rig } from "./rig.ts";

let rig: Rig;
afterEach(async () => {
  await rig.stop();
});

async function post(shortName: string, device = 0): Promise<string> {
  const tenant = drawTenant();
  await rig.client.addLead(tenant);
  return rig.client.post(shortName, tenant, device);
}

async function health(): Promise<HealthReport> {
  return (await rig.client.ask("GET", "/health")).body as HealthReport;
}

const messagesOf = async (id: string): Promise<string> => JSON.stringify((await rig.client.task(id)).executionMessages);

describe("a plan", () => {
  it("shows fields, exact lines and reverse lines of a conversion that was not posted, and writes nothing", async () => {
    rig = await startRig();
    const msTenantId = drawTenant();
    await rig.client.addLead(msTenantId);
    const request = {
      configurationName: "OcEssential_IPGROUP_TYPE",
      customerShortName: "Planned",
      customerFullName: "Planned",
      msTenantId,
      scriptParameters: {
        ProxySet: "SIPTrunk",
        OnlinePstnGateway: gatewayOf(0),
        CarrierUserName: "u",
        CarrierUserPassword: "canary-77",
      },
    };
    const { status, body } = await rig.client.ask("POST", "/api/agent/v1/plan", { request });
    expect(status).toBe(200);
    const plan = body as PlanReport;
    expect(plan.changes.map(({ action, row }) => `${action} ${row}`)).toEqual([
      'create proxy-set 4 "SIPTrunk"',
      'create proxy-ip 4/0 "192.0.2.60:5060"',
      'create ip-group 5 "Planned"',
      expect.stringContaining("create account"),
    ]);
    expect(plan.lines.join("\n")).toContain('name "Planned"');
    expect(plan.reverse.join("\n")).toMatch(/no sip-definition account \d+[\s\S]*no ip-group 5[\s\S]*no proxy-set 4/);
    expect(JSON.stringify(plan)).not.toContain("canary-77");
    expect(await statsOf(rig.mock)).toMatchObject({ uploads: 0, saves: 0 });
    expect((await stateOf(rig.mock)).running["IPGroup"]).toHaveLength(3);
  });
});

describe("a pause", () => {
  it("keeps hands off the device over a restart, says so on the task, and its end lets the work go on", async () => {
    rig = await startRig();
    await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/pause", { reason: "maintenance window" });
    const id = await post("Paused");
    await eventually(
      () => messagesOf(id),
      (m) => m.includes("maintenance window"),
      (m) => m,
    );
    await rig.restart();
    expect((await health()).devices[0]).toMatchObject({
      mode: "paused",
      pause: { reason: "maintenance window" },
      queue: 1,
    });
    expect(await rig.client.resync()).toMatchObject({ devices: [{ result: "put-off" }] });
    expect(await statsOf(rig.mock)).toMatchObject({ uploads: 0 });
    await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/resume", { reason: "done" });
    expect((await rig.client.ended(id)).details).toEqual(["Converted"]);
  });

  it("lets deadlines stand still", async () => {
    rig = await startRig({ overrides: { run: { conversionDeadline: "1s" } } });
    await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/pause", { reason: "long" });
    const id = await post("Standing");
    const acceptedAt = Date.parse((await rig.client.task(id)).createTime);
    // Longer than the deadline, and than the interval at which overdue conversions are looked for.
    await eventually(
      async () => Date.now() - acceptedAt,
      (ms) => ms > 2_500,
      String,
    );
    expect((await rig.client.task(id)).status).toBe("InProgress");
    await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/resume", { reason: "done" });
    expect((await rig.client.ended(id)).details).toEqual(["Converted"]);
  });
});

describe("observe mode", () => {
  it("shows the plan on the task and writes nothing", async () => {
    rig = await startRig();
    await rig.restart({ devices: rig.config.devices.map((device) => ({ ...device, mode: "observe" })) });
    const id = await post("Observed");
    await eventually(
      () => messagesOf(id),
      (m) => m.includes("only observed") && m.includes("Observed"),
      (m) => m,
    );
    expect(await statsOf(rig.mock)).toMatchObject({ uploads: 0, saves: 0 });
    expect((await rig.client.task(id)).status).toBe("InProgress");
  });
});

describe("health", () => {
  it("names a dead device, while the agent stays ready and the other lanes run", async () => {
    rig = await startRig({ devices: 2 });
    await rig.mocks[0]?.stop();
    const dead = await post("Dead");
    await eventually(
      health,
      ({ devices }) => devices[0]?.lastError?.code === "unreachable",
      (h) => JSON.stringify(h),
    );
    expect((await rig.client.ended(await post("Alive", 1))).details).toEqual(["Converted"]);
    expect((await rig.client.ask("GET", "/readyz")).status).toBe(200);
    const report = await health();
    expect(report.status).toBe("degraded");
    expect(report.remarks.join("\n")).toContain("sbc0");
    expect(report.devices[1]).toMatchObject({ linked: 1, queue: 0, lastError: null, unsavedSeconds: 0 });
    expect((await rig.client.task(dead)).status).toBe("InProgress");
  });

  it("has a Prometheus page with conversions, runs, saves and queues by device", async () => {
    rig = await startRig();
    await rig.client.ended(await post("Metered"));
    const token = rig.adminToken();
    const page = await (await fetch(`${rig.url()}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text();
    expect(page).toContain('sbc_agent_conversions_total{result="Converted"} 1');
    expect(page).toContain('sbc_agent_device_saves_total{device="sbc0"} 1');
    expect(page).toMatch(/sbc_agent_run_seconds_count\{device="sbc0",kind="convert",result="done"\} 1/);
    expect(page).toContain('sbc_agent_queue_depth{device="sbc0"} 0');
  });
});

describe("a re-sync", () => {
  it("puts right what another administrator changed in a linked row, and leaves foreign rows alone", async () => {
    rig = await startRig();
    await rig.client.ended(await post("Drifted"));
    const before = await stateOf(rig.mock);
    await control(rig.mock, "POST", "/edit", {
      lines: ["configure voip", "ip-group 5", 'tags ""', "exit", "exit", "write"],
    });
    expect(await rig.client.resync({ customer: "Drifted", dryRun: true })).toMatchObject({
      devices: [{ result: "pending", changes: [{ action: "update", fields: [{ field: "tags", before: "" }] }] }],
    });
    expect(await rig.client.resync({ device: "sbc0" })).toMatchObject({
      devices: [{ result: "changed", writes: 1, saves: 1 }],
    });
    const after = await stateOf(rig.mock);
    expect(named(after.running["IPGroup"], "Name").get("Drifted")).toEqual(
      named(before.running["IPGroup"], "Name").get("Drifted"),
    );
    expect(after.running).toEqual(before.running);
    const trail = (await rig.client.ask("GET", "/api/agent/v1/audit?device=sbc0")).body as AuditReport;
    expect(trail.filter(({ event }) => event === "resync")).toMatchObject([
      { who: "admin", taskId: null, data: { customer: null, endCalls: false, rerender: false } },
    ]);
  });

  it("of more rows than maxChangesPerRun stops after the plan", async () => {
    rig = await startRig({ overrides: { run: { maxChangesPerRun: 1 } } });
    await Promise.all(["One", "Two", "Three"].map(async (name) => rig.client.ended(await post(`Cust${name}`))));
    await control(rig.mock, "POST", "/edit", {
      lines: ["configure voip", "no ip-group 5", "no ip-group 6", "no ip-group 7", "exit", "write"],
    });
    const uploads = (await statsOf(rig.mock)).uploads;
    const { devices } = await rig.client.resync();
    expect(devices[0]?.result).toBe("failed");
    expect(devices[0]?.reason).toContain("maxChangesPerRun");
    expect((await statsOf(rig.mock)).uploads).toBe(uploads);
  });
});
