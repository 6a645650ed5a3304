import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { eventually } from "../e2e/client.ts";
import type { Route } from "../e2e/reach.ts";
import { control, drawTenant, named, startRig, stateOf, statsOf, type Rig } from "../e2e/rig.ts";

/** What the wall clock of the process is off by. */
let offMs = 0;
let rig: Rig;

const hourMs = 3_600_000;

beforeEach(() => {
  offMs = 0;
  const realNow = Date.now;
  vi.spyOn(Date, "now").mockImplementation(() => realNow.call(Date) + offMs);
});
afterEach(async () => {
  await rig.stop();
  vi.restoreAllMocks();
});

async function post(shortName: string): Promise<string> {
  const tenant = drawTenant();
  await rig.client.addLead(tenant);
  return rig.client.post(shortName, tenant);
}

/** Resolves when the device runs the first line of a script. */
async function isWriting(): Promise<void> {
  await eventually(
    async () => (await (await fetch(`${rig.mock.control}/received`)).json()) as { lines: { line: string }[] },
    ({ lines }) => lines.some(({ line }) => line.trim().startsWith("proxy-name")),
    () => "nothing is written",
  );
}

const jumps = (["rest", "ssh"] as const).flatMap((route: Route) =>
  [5 * hourMs, -5 * hourMs].map((jumpMs) => ({ route, jumpMs })),
);

describe("a wall clock that jumps", () => {
  it.each(jumps)("by $jumpMs ms in the middle of a script over $route: it is written once, and saved", async (jump) => {
    rig = await startRig({ route: jump.route });
    await control(rig.mock, "POST", "/faults", { name: "slow-lines", ms: 15 });
    const task = await post("Jumped");
    await isWriting();
    offMs = jump.jumpMs;
    // A conversion that may be on the device is no overdue one, whatever the clock says.
    expect((await rig.client.ended(task)).details).toEqual(["Converted"]);
    const state = await stateOf(rig.mock);
    expect(state.running["IPGroup"]).toHaveLength(3 + 1);
    expect(named(state.running["IPGroup"], "Name").get("Jumped")?.active).toBe(true);
    expect(state.running).toEqual(state.startup);
    if (jump.route === "rest") expect(await statsOf(rig.mock)).toMatchObject({ uploads: 1, mostWritersAtOnce: 1 });
    await control(rig.mock, "DELETE", "/faults");

    expect((await rig.client.ended(await post("After"))).details).toEqual(["Converted"]);
    expect((await rig.client.resync()).devices).toMatchObject([
      { result: "in-sync", customers: 2, writes: 0, saves: 0 },
    ]);
  });

  it("forward past the deadline of what was never sent ends it, and it never comes to stand on the device", async () => {
    rig = await startRig();
    await control(rig.mock, "POST", "/faults", { name: "unauthorized-after" });
    const task = await post("Overdue");
    await eventually(
      () => rig.client.task(task),
      ({ executionMessages }) => executionMessages.length > 1,
      (last) => JSON.stringify(last),
    );
    offMs = 5 * hourMs;
    expect((await rig.client.ended(task)).details).toEqual(["Failed"]);
    expect((await stateOf(rig.mock)).running["IPGroup"]).toHaveLength(3);
  });
});
