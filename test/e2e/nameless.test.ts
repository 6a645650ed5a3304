import { afterEach, describe, expect, it } from "vitest";
import { changeCustomer, convertCustomer, wordsOf } from "./customer.ts";
import type { Route } from "./reach.ts";
import { control, named, startRig, stateOf, type DeviceState, type Rig } from "./rig.ts";

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

const carriers = [
  { name: "SIPTrunk", addresses: [{ address: "192.0.2.60:5060", transport: "udp" }] },
  { name: "Backup", addresses: [{ address: "192.0.2.61:5060", transport: "udp" }] },
];

const namesOf = ({ running }: DeviceState): unknown[] => (running["IPGroup"] ?? []).map(({ fields }) => fields["Name"]);

/** Another administrator at work in the very moment in which the script comes. */
async function editAsScriptComes(rig: Rig, route: Route, index: number, lines: readonly string[]): Promise<void> {
  const when = route === "rest" ? { path: "incremental", method: "PUT" } : { match: `ip-group ${index}` };
  await control(rig.mock, "POST", "/faults", {
    name: "foreign-edit",
    ...when,
    lines: ["configure voip", ...lines, "exit"],
  });
}

describe.each<Route>(["rest", "ssh"])("a row that is deleted as its change arrives, over %s", (route) => {
  it("leaves no nameless row of the change's lines, and a re-sync makes it anew", async () => {
    rig = await startRig({ route, overrides: { carriers } });
    const { client, mock } = rig;
    const customer = await convertCustomer(client, "Mover");
    const before = await stateOf(mock);
    const index = named(before.running["IPGroup"], "Name").get("Mover")?.index ?? -1;
    await editAsScriptComes(rig, route, index, [`no ip-group ${index}`]);
    const task = await changeCustomer(client, customer, { scriptParameters: { ProxySet: "Backup" } });
    expect([task.status, wordsOf(task)]).toEqual(["CompletedFailed", expect.stringContaining("it was refused")]);
    expect(namesOf(await stateOf(mock))).not.toContain("");
    await client.resync();
    const after = await stateOf(mock);
    expect(namesOf(after).sort()).toEqual(namesOf(before).sort());
    expect(named(after.running["IPGroup"], "Name").get("Mover")).toMatchObject({
      active: true,
      fields: { ProxySetName: "SIPTrunk" },
    });
    expect(after.running).toEqual(after.startup);
    expect(await client.resync()).toMatchObject({ devices: [{ result: "in-sync", writes: 0, saves: 0 }] });
  });

  it("is not cleared of what somebody else half typed there, and the task says so", async () => {
    rig = await startRig({ route, overrides: { carriers } });
    const { client, mock } = rig;
    const customer = await convertCustomer(client, "Mover");
    const index = named((await stateOf(mock)).running["IPGroup"], "Name").get("Mover")?.index ?? -1;
    const typed = [`ip-group ${index}`, 'sip-group-name "half.example.net"', "no activate", "exit"];
    await editAsScriptComes(rig, route, index, [`no ip-group ${index}`, ...typed]);
    const task = await changeCustomer(client, customer, { scriptParameters: { ProxySet: "Backup" } });
    expect(task.status).toBe("CompletedFailed");
    expect(wordsOf(task)).toContain(`ip-group ${index} has no name and is not active`);
    await client.resync();
    const rows = (await stateOf(mock)).running["IPGroup"] ?? [];
    expect(rows.find((row) => row.index === index)).toMatchObject({
      active: false,
      fields: { Name: "", SIPGroupName: "half.example.net" },
    });
    expect(named(rows, "Name").get("Mover")).toMatchObject({ active: true, fields: { ProxySetName: "SIPTrunk" } });
  });
});
