import { afterEach, describe, expect, it } from "vitest";
import type { DriftDeviceReport, DriftReport, HealthReport } from "../../agent/reports.ts";
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

describe("a drift check", () => {
  it("tells field by field what another administrator changed, writes nothing, and its evidence outlives a restart", async () => {
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
    const { uploads, saves } = await statsOf(rig.mock);
    expect({ uploads, saves }).toEqual({ uploads: before.uploads, saves: before.saves });
    await rig.restart();
    const after = await evidence();
    expect({ ...after, ageSeconds: 0 }).toEqual({ ...found, ageSeconds: 0 });
  });
});
