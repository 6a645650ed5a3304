import { afterEach, describe, expect, it } from "vitest";
import { eventually, type TaskBody } from "./client.ts";
import type { Route } from "./reach.ts";
import { control, drawTenant, named, startRig, stateOf, type DeviceState, type Rig } from "./rig.ts";

let rig: Rig;
afterEach(() => rig.stop());

interface Customer {
  tenant: string;
  guid: string;
}

async function convert(name: string, parameters: Record<string, string> = {}): Promise<Customer> {
  const tenant = drawTenant();
  await rig.client.addLead(tenant);
  const task = await rig.client.ended(await rig.client.post(name, tenant, 0, parameters));
  expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
  return { tenant, guid: task.outputData.umpCustomerGuid ?? "" };
}

const registering = { CarrierUserName: "user1", CarrierHostName: "reg.example.net", CarrierUserPassword: "s3cret-One" };

/** Asks for the removal of the customer's only site, and waits for the end of its task. */
async function remove({ guid }: Customer): Promise<TaskBody> {
  const { status, body } = await rig.client.ask("DELETE", `/api/v2/sitelocation/${guid}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return rig.client.ended((body as { sbcCleanupTaskId: string }).sbcCleanupTaskId);
}

const tables = ({ running, startup, saveNeeded }: DeviceState): unknown => ({ running, startup, saveNeeded });
const proxySets = async (): Promise<string[]> => [
  ...named((await stateOf(rig.mock)).running["ProxySet"], "ProxyName").keys(),
];
const groups = async (): Promise<string[]> => [...named((await stateOf(rig.mock)).running["IPGroup"], "Name").keys()];

describe.each<Route>(["rest", "ssh"])("a customer that is removed, over %s", (route) => {
  it("leaves the device as it was before the conversion, saved, and its tenant may be converted again", async () => {
    rig = await startRig({ route });
    const before = await stateOf(rig.mock);
    const customer = await convert("Leaver", registering);
    const task = await remove(customer);
    expect(task.status, JSON.stringify(task)).toBe("CompletedSuccess");
    expect(tables(await stateOf(rig.mock))).toEqual(tables(before));
    const again = await rig.client.ended(await rig.client.post("Leaver", customer.tenant));
    expect(again.details).toEqual(["Converted"]);
  });
});
