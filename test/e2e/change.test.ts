import { afterEach, describe, expect, it } from "vitest";
import type { PlanReport } from "../../agent/reports.ts";
import { changeCustomer, convertCustomer, holdings, registering, removeCustomer, wordsOf } from "./customer.ts";
import type { Route } from "./reach.ts";
import { control, named, startRig, stateOf, statsOf, type DeviceState, type Rig } from "./rig.ts";

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

const carriers = [
  { name: "SIPTrunk", addresses: [{ address: "192.0.2.60:5060", transport: "udp" }] },
  { name: "Backup", addresses: [{ address: "192.0.2.61:5060", transport: "udp" }] },
];

/** Rows of one table by name, without their index. */
function fieldsOf(state: DeviceState, table: string, column: string): Record<string, unknown> {
  return Object.fromEntries([...named(state.running[table], column)].map(([name, { fields }]) => [name, fields]));
}
const groupsOf = (state: DeviceState): Record<string, unknown> => fieldsOf(state, "IPGroup", "Name");
const setsOf = (state: DeviceState): string[] => Object.keys(fieldsOf(state, "ProxySet", "ProxyName"));

describe.each<Route>(["rest", "ssh"])("a customer that is changed, over %s", (route) => {
  it("moves to another carrier in the same row, and the Proxy Set that nobody needs any more goes", async () => {
    rig = await startRig({ route, overrides: { carriers } });
    const { client, mock } = rig;
    const customer = await convertCustomer(client, "Mover");
    const before = await stateOf(mock);
    const task = await changeCustomer(client, customer, { scriptParameters: { ProxySet: "Backup" } });
    expect(task.status, JSON.stringify(task)).toBe("CompletedSuccess");
    const after = await stateOf(mock);
    const group = named(before.running["IPGroup"], "Name").get("Mover");
    expect(named(after.running["IPGroup"], "Name").get("Mover")).toEqual({
      ...group,
      fields: { ...group?.fields, ProxySetName: "Backup" },
    });
    expect(setsOf(after)).toEqual(setsOf(before).map((name) => (name === "SIPTrunk" ? "Backup" : name)));
    expect(after.running).toEqual(after.startup);
    expect(await client.resync()).toMatchObject({ devices: [{ result: "in-sync", writes: 0, saves: 0 }] });
    const { saves } = await statsOf(mock);
    const same = await changeCustomer(client, customer, { scriptParameters: { ProxySet: "Backup" } });
    expect([same.status, wordsOf(same)]).toEqual(["CompletedSuccess", expect.stringContaining("nothing had to be")]);
    expect((await statsOf(mock)).saves).toBe(saves);
  });

  it("gets the rows of another blueprint and loses those of the old one, and back; then it leaves nothing", async () => {
    rig = await startRig({ route });
    const { client, mock } = rig;
    const before = await stateOf(mock);
    const customer = await convertCustomer(client, "Legs", registering);
    const one = await stateOf(mock);
    expect((await changeCustomer(client, customer, { blueprint: "oc-two-legs", endCalls: true })).status).toBe(
      "CompletedSuccess",
    );
    const two = await stateOf(mock);
    expect(Object.keys(groupsOf(two)).filter((name) => name.startsWith("Legs"))).toEqual(["Legs-c", "Legs-t"]);
    expect((two.running["Account"] ?? []).map(({ fields }) => fields["ServedIPGroupName"])).toContain("Legs-c");
    expect(two.running["Account"]).toHaveLength(one.running["Account"]?.length ?? 0);
    expect((await changeCustomer(client, customer, { blueprint: "oc-default", endCalls: true })).status).toBe(
      "CompletedSuccess",
    );
    const back = await stateOf(mock);
    expect(groupsOf(back)).toEqual(groupsOf(one));
    expect(back.running).toEqual(back.startup);
    expect((await removeCustomer(client, customer)).status).toBe("CompletedSuccess");
    expect(holdings(await stateOf(mock))).toEqual(holdings(before));
  });

  it("keeps an IP Group that would go, and all else, unless the change consents to end its calls", async () => {
    rig = await startRig({ route });
    const { client, mock } = rig;
    const customer = await convertCustomer(client, "Talks", registering);
    const before = await stateOf(mock);
    const site = { blueprint: "oc-two-legs" };
    const { body } = await client.ask("POST", "/api/agent/v1/plan", { change: { customer: "Talks", site } });
    expect((body as PlanReport).conflicts[0]?.message).toMatch(/deleting ip-group \d+ "Talks".*--end-calls/);
    const task = await changeCustomer(client, customer, site);
    expect(task.status).toBe("CompletedFailed");
    expect(wordsOf(task)).toContain("ends active calls and needs consent");
    expect(holdings(await stateOf(mock))).toEqual(holdings(before));
    const consented = await changeCustomer(client, customer, { ...site, endCalls: true });
    expect(consented.status, JSON.stringify(consented)).toBe("CompletedSuccess");
    expect(Object.keys(groupsOf(await stateOf(mock)))).not.toContain("Talks");
  });

  it("gets other variables and a new secret, in the fields that differ", async () => {
    rig = await startRig({ route });
    const { client, mock } = rig;
    const customer = await convertCustomer(client, "Vars", registering);
    const before = named((await stateOf(mock)).running["Account"], "ServedIPGroupName").get("Vars");
    const scriptParameters = { CarrierMailLine: "line9", CarrierUserPassword: "s3cret-Two" };
    const task = await changeCustomer(client, customer, { scriptParameters });
    expect(task.status, JSON.stringify(task)).toBe("CompletedSuccess");
    const after = named((await stateOf(mock)).running["Account"], "ServedIPGroupName").get("Vars");
    expect(after).toEqual({
      ...before,
      fields: { ...before?.fields, ContactUser: "line9", Password: after?.fields["Password"] },
    });
    expect(after?.fields["Password"]).not.toEqual(before?.fields["Password"]);
    expect(JSON.stringify(task)).not.toContain("s3cret");
    expect(await client.resync()).toMatchObject({ devices: [{ result: "in-sync", writes: 0, saves: 0 }] });
  });

  it("that the device refuses is as it was, secret included, and keeps its link", async () => {
    rig = await startRig({ route, overrides: { carriers } });
    const { client, mock } = rig;
    const customer = await convertCustomer(client, "Same", registering);
    const before = await stateOf(mock);
    await control(mock, "POST", "/faults", { name: "reject-line", pattern: 'contact-user "bad' });
    const scriptParameters = { ProxySet: "Backup", CarrierMailLine: "bad", CarrierUserPassword: "s3cret-Two" };
    const task = await changeCustomer(client, customer, { scriptParameters });
    expect(task.status).toBe("CompletedFailed");
    expect(wordsOf(task)).toContain("it was refused");
    expect(holdings(await stateOf(mock))).toEqual(holdings(before));
    expect(await client.resync()).toMatchObject({ devices: [{ result: "in-sync", writes: 0, saves: 0 }] });
  });
});

it("a change to a blueprint that does not exist fails naming those that do, and writes nothing", async () => {
  rig = await startRig();
  const customer = await convertCustomer(rig.client, "Lost");
  const { uploads } = await statsOf(rig.mock);
  const task = await changeCustomer(rig.client, customer, { blueprint: "oc-three-legs" });
  expect(task.status).toBe("CompletedFailed");
  expect(wordsOf(task)).toMatch(/no blueprint 'oc-three-legs'.*oc-default, oc-two-legs/);
  expect((await statsOf(rig.mock)).uploads).toBe(uploads);
});
