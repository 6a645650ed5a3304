import { afterEach, describe, expect, it } from "vitest";
import type { AdoptReport } from "../../agent/reports.ts";
import { drawTenant, deviceFile, shapes, startRig, statsOf, stateOf, type Rig } from "./rig.ts";

let rig: Rig;
afterEach(async () => {
  await rig.stop();
});

/** The device's file, with IP Groups of tenants that somebody provisioned before. */
function brownField(groups: readonly { name: string; tags: string }[]): string {
  const lines = groups.map(({ name, tags }, i) =>
    deviceFile
      .split("\n")
      .filter((line) => line.startsWith("IPGroup 4 = "))
      .join("")
      .replace("IPGroup 4", `IPGroup ${10 + i}`)
      .replace('"IPG_Fabrikam"', `"${name}"`)
      .replace("Customer=Fabrikam;Site=Berlin", tags),
  );
  return deviceFile.replace("[ \\IPGroup ]", `${lines.join("\n")}\n\n[ \\IPGroup ]`);
}

async function adopt(request: object = {}): Promise<AdoptReport> {
  const { status, body } = await rig.client.ask("POST", "/api/agent/v1/adopt", { device: "sbc0", ...request });
  expect(status, JSON.stringify(body)).toBe(200);
  return body as AdoptReport;
}

describe.each(shapes)("an adoption, %s", (shape) => {
  it("links what stands on the device without a write, once, and is in sync right after", async () => {
    const [known, unknown, untagged] = [drawTenant(), drawTenant(), drawTenant()];
    const ini = brownField([
      { name: "Acme", tags: `Trunk=${known.toUpperCase()};Site=Berlin` },
      { name: "Nobody", tags: `Trunk=${unknown}` },
    ]);
    rig = await startRig({ shape, mock: { ini } });
    for (const tenant of [known, untagged]) await rig.client.addLead(tenant);
    const mapping = [{ ipGroup: "ipg_fabrikam", tenantId: untagged, fullName: "Fabrikam" }];
    const before = await stateOf(rig.mock);

    const planned = await adopt({ mapping, dryRun: true });
    expect(planned.adopted.map(({ shortName, customerGuid }) => [shortName, customerGuid])).toEqual([
      ["IPG_Fabrikam", null],
      ["Acme", null],
    ]);
    const report = await adopt({ mapping });
    expect(report).toMatchObject({
      result: "done",
      adopted: [
        { shortName: "IPG_Fabrikam", tenantId: untagged, fullName: "Fabrikam", tagged: false },
        { shortName: "Acme", tenantId: known, fullName: `Company ${known}`, tagged: true, ipGroups: ["Acme"] },
      ],
      skipped: [{ ipGroup: "Nobody", tenantId: unknown, reason: expect.stringContaining("create its lead") as string }],
      linked: 0,
      unnamed: 2,
    });
    expect(await adopt({ mapping })).toMatchObject({ adopted: [], linked: 2, unnamed: 2 });

    const [lead] = (await rig.client.ask("GET", `/api/v2/oc/lead?msTenantID=${known}`)).body as {
      umpCustomerGuid: string;
    }[];
    expect(lead?.umpCustomerGuid).toBe(report.adopted[1]?.customerGuid);
    expect(await rig.client.resync()).toMatchObject({
      devices: [{ result: "in-sync", customers: 2, changes: [], conflicts: [], writes: 0, saves: 0 }],
    });
    expect(await statsOf(rig.mock)).toMatchObject({ uploads: 0, saves: 0 });
    expect(await stateOf(rig.mock)).toEqual(before);
  });
});
