import { afterEach, describe, expect, it } from "vitest";
import { control, drawTenant, named, startRig, stateOf, statsOf, type Rig } from "./rig.ts";

let rig: Rig;
afterEach(async () => {
  await rig.stop();
});

describe.each(["rest", "ssh"] as const)("rows that others made and did not save, over %s", (route) => {
  it("are saved before the conversion that adopts them is reported as done, and only then", async () => {
    rig = await startRig({ route, overrides: { run: { foreignEditsWaitMs: 100 } } });
    const tenant = drawTenant();
    await rig.client.addLead(tenant);
    await control(rig.mock, "POST", "/edit", {
      lines: [
        "configure voip",
        "ip-group 7",
        `tags "Trunk=${tenant}"`,
        'name "Found"',
        'proxy-set-name "PS_Fabrikam"',
        'srd-name "DefaultSRD"',
        'media-realm-name "MR_WAN"',
        'ip-profile-name "IPP_Trunk"',
        "classify-by-proxy-set disable",
        "activate",
        "exit",
        "exit",
      ],
    });
    expect((await stateOf(rig.mock)).saveNeeded).toBe(true);

    const id = await rig.client.post("Found", tenant, 0, { ProxySet: "PS_Fabrikam" });
    const task = await rig.client.ended(id);
    expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
    const { startup, saveNeeded } = await stateOf(rig.mock);
    expect(saveNeeded).toBe(false);
    expect(named(startup["IPGroup"], "Name").has("Found")).toBe(true);
    expect(await statsOf(rig.mock)).toMatchObject({ saves: 1, uploads: 0 });
    expect(await rig.client.resync()).toMatchObject({ devices: [{ result: "in-sync", writes: 0, saves: 0 }] });
    expect(await statsOf(rig.mock)).toMatchObject({ saves: 1 });
  });
});
