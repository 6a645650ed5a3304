import { afterEach, describe, expect, it } from "vitest";
import { costOfRun, type Route } from "./reach.ts";
import { drawTenant, named, startRig, stateOf, statsOf, type Rig, type Shape } from "./rig.ts";

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

describe.each<[Shape, Route]>([
  ["embedded", "rest"],
  ["apart", "rest"],
  ["embedded", "ssh"],
  ["apart", "ssh"],
  ["embedded", "auto"],
])("a conversion, end to end, %s, over %s", (shape, route) => {
  it("becomes an IP Group and a Proxy Set on the device, saved, and the task result that the page prints", async () => {
    rig = await startRig({ shape, route });
    const { client, mock } = rig;
    const tenant = drawTenant();
    await client.addLead(tenant);
    const task = await client.ended(await client.post("SIPTest4", tenant));
    expect(task, JSON.stringify(task)).toMatchObject({ status: "CompletedSuccess" });
    expect(task.details).toEqual(["Converted"]);
    expect(task.executionMessages).toEqual([
      { level: "Information", message: "SBC sbc-onboarding done for site SIPTest4." },
      { level: "Information", message: "OVOC is not configured: no site was created in Ovoc." },
    ]);
    expect(task.outputData.umpCustomerGuid).toMatch(/^[0-9a-f-]{36}$/);
    const state = await stateOf(mock);
    expect(state.saveNeeded).toBe(false);
    for (const tables of [state.running, state.startup]) {
      const group = named(tables["IPGroup"], "Name").get("SIPTest4");
      expect(group?.active).toBe(true);
      expect(group?.fields).toMatchObject({ ProxySetName: "SIPTrunk", Tags: `Trunk=${tenant}`, MediaRealm: "MR_WAN" });
      expect(named(tables["ProxySet"], "ProxyName").get("SIPTrunk")?.active).toBe(true);
    }
    const stats = await statsOf(mock);
    expect(stats).toMatchObject(costOfRun(route));

    const { devices } = await client.resync();
    expect(devices).toMatchObject([{ result: "in-sync", customers: 1, writes: 0, saves: 0 }]);
    expect(await statsOf(mock)).toMatchObject({ saves: 1, uploads: stats.uploads });
  });
});
