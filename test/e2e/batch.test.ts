import { afterEach, describe, expect, it } from "vitest";
import { type TaskBody } from "./client.ts";
import { costOfRun, type Route } from "./reach.ts";
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
  it.each<[number, number, Shape, Route]>([
    [1, 1, "embedded", "rest"],
    [50, 10, "embedded", "rest"],
    [500, 10, "embedded", "rest"],
    [50, 10, "apart", "rest"],
    [50, 10, "embedded", "ssh"],
    [50, 10, "apart", "ssh"],
  ])(
    "%i over %i devices are converted, with one run and one save a device, %s, over %s",
    async (count, devices, shape, route) => {
      // Long enough for all to be posted first, so that each device has one run.
      rig = await startRig({ shape, route, devices, overrides: { run: { lingerMs: 1_500, lingerMaxMs: 20_000 } } });
      const tasks = await convertMany(rig, count);
      expect(tasks.filter(({ details }) => details[0] !== "Converted")).toEqual([]);
      for (const [i, mock] of rig.mocks.entries()) {
        const state = await stateOf(mock);
        const groups = named(state.startup["IPGroup"], "Name");
        const wanted = Array.from({ length: count }, (_, n) => n).filter((n) => n % devices === i);
        expect(wanted.filter((n) => groups.get(`Cust${n}`)?.active !== true)).toEqual([]);
        expect(state.running["IPGroup"]).toHaveLength(3 + wanted.length);
        expect(
          (state.running["ProxySet"] ?? []).filter(({ fields }) => fields["ProxyName"] === "SIPTrunk"),
        ).toHaveLength(1);
        expect(await statsOf(mock)).toMatchObject(costOfRun(route));
      }
      const { devices: reports } = await rig.client.resync();
      expect(reports.map(({ result, writes, saves }) => [result, writes, saves])).toEqual(
        rig.mocks.map(() => ["in-sync", 0, 0]),
      );
    },
  );
});

describe("one bad conversion among 50 fails alone", () => {
  const scripts = (["stop", "continue", "reject-all"] as const).flatMap((onRefusedLine) =>
    (["status", "400", "output-only"] as const).map((refusalAnswer) => ({
      treatment: `a refused line means ${onRefusedLine} and is told by ${refusalAnswer}`,
      settings: { onRefusedLine, refusalAnswer },
      route: "rest",
    })),
  );
  const shell = { treatment: "lines go through a shell", settings: {}, route: "ssh" as Route };
  it.each([...scripts, shell])("where $treatment", async ({ settings, route }) => {
    const run = { lingerMs: 300, lingerMaxMs: 10_000 };
    rig = await startRig({ route, mock: { settings }, overrides: { run } });
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
