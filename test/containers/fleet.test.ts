import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { eventually } from "../e2e/client.ts";
import { drawTenant, named } from "../e2e/rig.ts";
import { startFleet, type ContainedDevice, type Fleet } from "./fleet.ts";

/** One story, told in order: each test begins where the one before it ended. */
describe.skipIf(!inject("engine"))("an agent and three devices, two over REST and one over SSH, in containers", () => {
  let fleet: Fleet;
  const tasks = new Map<string, string>();
  /** Short names by the number of their device. */
  const customers: string[][] = [[], [], []];

  beforeAll(async () => {
    fleet = await startFleet();
  }, 180_000);
  afterAll(() => fleet.stop());

  async function post(shortName: string, device: number): Promise<void> {
    const tenant = drawTenant();
    await fleet.client().addLead(tenant);
    tasks.set(shortName, await fleet.client().post(shortName, tenant, device));
    customers[device]?.push(shortName);
  }

  const taskOf = (shortName: string): string => tasks.get(shortName) ?? "";
  const nth = (number: number): ContainedDevice => {
    const device = fleet.devices[number];
    if (device === undefined) throw new Error(`there is no device ${number}`);
    return device;
  };

  async function expectConverted(shortName: string): Promise<void> {
    const task = await fleet.client().ended(taskOf(shortName));
    expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
  }

  /** Exactly the customers of this device, once each, complete and saved, beside the three IP Groups it began with. */
  async function expectState(number: number): Promise<void> {
    const state = await nth(number).state();
    const groups = state.running["IPGroup"] ?? [];
    const names = customers[number] ?? [];
    expect(groups).toHaveLength(3 + names.length);
    for (const name of names) expect(named(groups, "Name").get(name)?.active, name).toBe(true);
    const carriers = (state.running["ProxySet"] ?? []).filter(({ fields }) => fields["ProxyName"] === "SIPTrunk");
    expect(carriers).toHaveLength(1);
    expect(state.running).toEqual(state.startup);
    expect(state.saveNeeded).toBe(false);
  }

  async function isWrittenAndUnsaved(device: ContainedDevice, shortName: string): Promise<void> {
    await eventually(
      () => device.state(),
      ({ running, saveNeeded }) => saveNeeded && named(running["IPGroup"], "Name").has(shortName),
      ({ saveNeeded }) => `${device.name} does not hold ${shortName} unsaved; saveNeeded is ${saveNeeded}`,
    );
  }

  it("runs without privileges, on a root that it cannot write", async () => {
    for (const container of [fleet.agent, nth(0).container]) {
      const { stdout } = await container.exec([
        "node",
        "-p",
        "let code; try { fs.writeFileSync('/app/mark', '') } catch (e) { code = e.code } `${process.getuid()} ${code}`",
      ]);
      expect(stdout.trim()).toBe("1000 EROFS");
    }
  });

  it("converts on every device", async () => {
    await Promise.all([0, 1, 2].map((number) => post(`First${number}`, number)));
    await Promise.all([0, 1, 2].map((number) => expectConverted(`First${number}`)));
    await Promise.all([0, 1, 2].map(expectState));
  });

  it("goes on with the others while one is off the network", async () => {
    await nth(1).cut();
    await Promise.all([0, 1, 2].map((number) => post(`Parted${number}`, number)));
    await Promise.all([0, 2].map((number) => expectConverted(`Parted${number}`)));
    expect((await fleet.client().task(taskOf("Parted1"))).status).toBe("InProgress");
  });

  it("takes up its work after SIGKILL in mid-run", async () => {
    // However slow this machine is, no run gets past its save.
    await nth(0).control("POST", "/faults", { name: "hang", path: "saveConfiguration" });
    await nth(2).control("POST", "/faults", { name: "shell-silence", match: "write", times: 100 });
    await Promise.all([0, 1, 2].map((number) => post(`Killed${number}`, number)));
    for (const number of [0, 2]) await isWrittenAndUnsaved(nth(number), `Killed${number}`);
    expect(await fleet.killAgent()).toBe(128 + 9);
    for (const number of [0, 2]) await nth(number).control("DELETE", "/faults");
    await fleet.restartAgent();
    await Promise.all([0, 2].map((number) => expectConverted(`Killed${number}`)));
    expect((await fleet.client().task(taskOf("Killed1"))).status).toBe("InProgress");
  });

  it("ends what waited for a device when that is back", async () => {
    await nth(1).mend();
    await Promise.all(["Parted1", "Killed1"].map(expectConverted));
    await Promise.all([0, 1, 2].map(expectState));
  });

  it("has nothing left to write", async () => {
    const { devices } = await fleet.client().resync();
    const inSync = { result: "in-sync", customers: 3, writes: 0, saves: 0 };
    expect(devices).toMatchObject([inSync, inSync, inSync]);
  });
});
