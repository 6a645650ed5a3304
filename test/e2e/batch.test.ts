import { afterEach, describe, expect, it } from "vitest";
import { type TaskBody } from "./client.ts";
import { control, drawTenant, named, startRig, stateOf, statsOf, type Rig, type Shape } from "./rig.ts";

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

/** Posts all at once, so that a device's conversions meet in one run. */
async function convertMany(rig: Rig, count: number): Promise<TaskBody[]> {
  const { client, mocks } = rig;
  const tenants = Array.from({ length: count }, drawTenant);
  for (const tenant of tenants) await client.addLead(tenant);
  const ids = await Promise.all(tenants.map((tenant, i) => client.post(`Cust${i}`, tenant, i % mocks.length)));
  return Promise.all(ids.map((id) => client.ended(id)));
}

describe("many conversions", () => {
  it.each<[number, number, Shape]>([
    [1, 1, "embedded"],
    [50, 10, "embedded"],
    [500, 10, "embedded"],
    [50, 10, "apart"],
  ])("%i over %i devices are converted, with one upload and one save a device, %s", async (count, devices, shape) => {
    // Long enough for all to be posted first, so that each device has one run.
    rig = await startRig({ shape, devices, overrides: { run: { lingerMs: 400, lingerMaxMs: 15_000 } } });
    const tasks = await convertMany(rig, count);
    expect(tasks.filter(({ details }) => details[0] !== "Converted")).toEqual([]);
    for (const [i, mock] of rig.mocks.entries()) {
      const state = await stateOf(mock);
      const groups = named(state.startup["IPGroup"], "Name");
      const wanted = Array.from({ length: count }, (_, n) => n).filter((n) => n % devices === i);
      expect(wanted.filter((n) => groups.get(`Cust${n}`)?.active !== true)).toEqual([]);
      expect(state.running["IPGroup"]).toHaveLength(3 + wanted.length);
      expect((state.running["ProxySet"] ?? []).filter(({ fields }) => fields["ProxyName"] === "SIPTrunk")).toHaveLength(
        1,
      );
      expect(await statsOf(mock)).toMatchObject({ uploads: 1, saves: 1, mostWritersAtOnce: 1 });
    }
    const { devices: reports } = await rig.client.resync();
    expect(reports.map(({ result, writes, saves }) => [result, writes, saves])).toEqual(
      rig.mocks.map(() => ["in-sync", 0, 0]),
    );
  });
});

describe("one bad conversion among 50 fails alone", () => {
  const treatments = (["stop", "continue", "reject-all"] as const).flatMap((onRefusedLine) =>
    (["status", "400", "output-only"] as const).map((refusalAnswer) => ({ onRefusedLine, refusalAnswer })),
  );
  it.each(treatments)("where a refused line means $onRefusedLine and is told by $refusalAnswer", async (settings) => {
    rig = await startRig({ mock: { settings }, overrides: { run: { lingerMs: 300, lingerMaxMs: 10_000 } } });
    await control(rig.mock, "POST", "/faults", { name: "reject-line", pattern: 'name "Cust23"' });
    const tasks = await convertMany(rig, 50);
    const failed = tasks.flatMap((task, i) => (task.details[0] === "Converted" ? [] : [i]));
    expect(failed).toEqual([23]);
    expect(tasks[23]?.executionMessages[0]?.message).toMatch(/'Cust23'.*sbc0.*Command failed/s);
    const state = await stateOf(rig.mock);
    const groups = named(state.running["IPGroup"], "Name");
    expect(state.running["IPGroup"]).toHaveLength(3 + 49);
    expect(groups.has("Cust23")).toBe(false);
    expect([...groups.values()].every(({ active }) => active)).toBe(true);
    expect(state.running).toEqual(state.startup);
    expect(await statsOf(rig.mock)).toMatchObject({ saves: 1 });
  });
});
