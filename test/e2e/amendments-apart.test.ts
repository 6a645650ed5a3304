import { afterEach, expect, it } from "vitest";
import { changeCustomer, convertCustomer, holdings, registering, removeCustomer, wordsOf } from "./customer.ts";
import { eventually } from "./client.ts";
import { named, startRig, stateOf, statsOf, type Rig } from "./rig.ts";

let rig: Rig;
afterEach(async () => {
  await rig.stop();
});

it("an agent elsewhere changes a customer, secret and all, and removes it, saved each time", async () => {
  rig = await startRig({
    shape: "apart",
    overrides: {
      carriers: [
        { name: "SIPTrunk", addresses: [{ address: "192.0.2.60:5060", transport: "udp" }] },
        { name: "Other", addresses: [{ address: "192.0.2.61:5060", transport: "udp" }] },
      ],
    },
  });
  const { client, mock } = rig;
  const before = await stateOf(mock);
  const customer = await convertCustomer(client, "Amended", registering);

  const changed = await changeCustomer(client, customer, {
    scriptParameters: { ProxySet: "Other", CarrierUserPassword: "s3cret-Two" },
  });
  expect(changed.status, JSON.stringify(changed)).toBe("CompletedSuccess");
  const state = await stateOf(mock);
  expect(named(state.running["IPGroup"], "Name").get("Amended")?.fields["ProxySetName"]).toBe("Other");
  expect(state.startup).toEqual(state.running);
  expect(JSON.stringify(changed)).not.toContain("s3cret");
  expect(await client.resync()).toMatchObject({ devices: [{ result: "in-sync", customers: 1, writes: 0 }] });

  const { saves } = await statsOf(mock);
  const gone = await removeCustomer(client, customer);
  expect(gone.status, JSON.stringify(gone)).toBe("CompletedSuccess");
  expect(holdings(await stateOf(mock))).toEqual(holdings(before));
  expect((await statsOf(mock)).saves).toBe(saves + 1);
  expect((await client.ended(await client.post("Amended", customer.tenant))).details).toEqual(["Converted"]);
});

it("an agent elsewhere settles the debt of a customer that was given up while its device was away", async () => {
  rig = await startRig({ shape: "apart" });
  const { client, mock } = rig;
  const before = await stateOf(mock);
  const { guid } = await convertCustomer(client, "Owed");
  const { body } = await client.ask("DELETE", `/api/v2/sitelocation/${guid}?forgetDevice=true`);
  const task = await client.ended((body as { sbcCleanupTaskId: string }).sbcCleanupTaskId);
  expect(wordsOf(task)).toContain("given up without device sbc0");
  await eventually(
    () => stateOf(mock),
    (state) => JSON.stringify(holdings(state)) === JSON.stringify(holdings(before)),
    () => "the debt was not settled",
  );
});
