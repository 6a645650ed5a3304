import { afterEach, describe, expect, it } from "vitest";
import { eventually, type TaskBody } from "../e2e/client.ts";
import { control, drawTenant, shapes, startRig, stateOf, statsOf, type Rig } from "../e2e/rig.ts";
import { convert, expectConverted, received } from "./conversions.ts";
import { assertInvariants } from "./invariants.ts";
import { startRelay, type Relay } from "./relay.ts";

let rig: Rig;
let relay: Relay | undefined;
afterEach(async () => {
  await rig.stop();
  await relay?.stop();
  relay = undefined;
});

const endings = (tasks: readonly TaskBody[]): (string | undefined)[] => tasks.map(({ details }) => details[0]).sort();

describe.each(shapes)("%s,", (shape) => {
  it("F10 F11 a conversion that is posted again and again, at once and later: one customer, written once", async () => {
    rig = await startRig({ shape });
    const { client } = rig;
    const tenant = drawTenant();
    await client.addLead(tenant);
    const post = (): Promise<string> => client.post("Thrice", tenant);
    const ids = await Promise.all([post(), post(), post()]);
    const tasks = await Promise.all(ids.map((id) => client.ended(id)));
    tasks.push(await client.ended(await post()));
    const converted = "CustomerAlreadyConverted";
    expect(endings(tasks)).toEqual(["Converted", converted, converted, converted]);
    expect(await statsOf(rig.mock)).toMatchObject({ uploads: 1, saves: 1 });
    await assertInvariants(rig, [["Thrice"]]);
  });
});

describe("a line between agent and portal", () => {
  async function start(): Promise<Relay> {
    relay = await startRelay();
    rig = await startRig({ shape: "apart", line: relay });
    return relay;
  }

  async function deviceIsDone(): Promise<void> {
    await eventually(
      () => stateOf(rig.mock),
      ({ saveNeeded, running }) => !saveNeeded && running["IPGroup"]?.length === 4,
      () => "the device was not finished",
    );
  }

  it("F15 that drips: the conversion ends once", async () => {
    const line = await start();
    line.shape("both", { drip: { bytes: 300, everyMs: 10 } });
    const task = await convert(rig, "Dripping");
    await expectConverted(rig, task);
    line.calm();
    await assertInvariants(rig, [["Dripping"]]);
  });

  it.each(["toServer", "toClient"] as const)(
    "F43 that carries nothing %s while the device is written: the result is reported once it does",
    async (direction) => {
      const line = await start();
      await control(rig.mock, "POST", "/faults", { name: "slow-lines", ms: 20 });
      const task = await convert(rig, "OneWay");
      await eventually(
        () => received(rig.mock),
        ({ lines }) => lines.length > 0,
        () => "nothing was written",
      );
      line.shape(direction, { isHeld: true });
      await deviceIsDone();
      if (direction === "toServer") expect((await rig.client.task(task)).status).toBe("InProgress");
      line.calm();
      await expectConverted(rig, task);
      await control(rig.mock, "DELETE", "/faults");
      await assertInvariants(rig, [["OneWay"]]);
    },
  );

  it("F10 that doubles what the agent says, and says all of it once more: nothing is taken twice", async () => {
    const line = await start();
    await expectConverted(rig, await convert(rig, "First"));
    line.shape("toServer", { isDoubled: true });
    line.cut();
    const task = await convert(rig, "Second");
    await eventually(
      async () => line.carried(),
      ({ connections }) => connections > 3,
      () => "nobody tried again",
    );
    line.calm();
    await expectConverted(rig, task);
    const before = await statsOf(rig.mock);
    await line.replay();
    expect(await statsOf(rig.mock)).toEqual(before);
    await assertInvariants(rig, [["First", "Second"]]);
  });
});
