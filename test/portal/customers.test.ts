import { describe, expect, it } from "vitest";
import { sbcIdOf } from "../../agent/portal/site-locations.ts";
import { byTenantId, canary, device, gateway, siptest4, startServer, tenant, unknownGuid } from "./server.ts";

async function startWithCustomer(body: unknown = siptest4) {
  const server = await startServer();
  await server.store.createLead({ tenantId: tenant, companyName: "SIPTest" });
  await server.finish(await server.convert(body));
  const [customer] = await server.store.customers();
  if (customer === undefined) throw new Error("there is no customer");
  return { server, guid: customer.guid };
}

const brief = (guid: string) => ({
  UmpCustomerGuid: guid,
  CustomerShortName: "SIPTest4",
  CustomerFullName: "SIPTest4",
  LicenseType: 3,
  LicensedUsersCount: 0,
  MsTenantId: tenant,
  ActiveUserCount: 0,
  LiveHubActiveUsersCount: 0,
  LiveHubSimpleUsersCount: 0,
});
const site = (guid: string) => ({
  id: guid,
  name: "SIPTest4",
  sbcId: sbcIdOf(device),
  sbcDeploymentState: "Deployed",
  sbcConfigurationType: "SipTrunk",
});

describe("customers", () => {
  it.each(["", "/tenantui"])("are listed under '%s', with their sites only when asked for", async (prefix) => {
    const { server, guid } = await startWithCustomer();
    expect((await server.call("GET", `${prefix}/api/v3/customer`)).body).toEqual([brief(guid)]);
    expect((await server.call("GET", `${prefix}/api/v3/customer?allDetails=false`)).body).toEqual([brief(guid)]);
    for (const query of ["allDetails=true", "alldetails=True"])
      expect((await server.call("GET", `${prefix}/api/v3/customer?${query}`)).body).toEqual([
        { ...brief(guid), SiteLocation: [site(guid)] },
      ]);
  });

  it("are none before the first conversion", async () => {
    const server = await startServer();
    expect((await server.call("GET", "/api/v3/customer")).body).toEqual([]);
  });

  it.each(["", "?allDetails=true"])("are shown one by one%s with details and sites, and no secret", async (query) => {
    const { server, guid } = await startWithCustomer({
      ...siptest4,
      scriptParameters: { ...siptest4.scriptParameters, CarrierUserPassword: canary },
    });
    const { body, text } = await server.call("GET", `/api/v3/customer/${guid}${query}`);
    expect(body).toEqual({
      ...brief(guid),
      MsDefaultDomain: null,
      ApplicationClientId: null,
      ApplicationClientSecret: null,
      ClientSecretExpirationDate: null,
      SiteLocation: [site(guid)],
    });
    expect(text).not.toContain(canary);
  });

  it("are found by a GUID in any case", async () => {
    const { server, guid } = await startWithCustomer();
    expect((await server.call("GET", `/api/v3/customer/${guid.toUpperCase()}`)).body).toMatchObject(brief(guid));
  });

  it("by tenant id have no site on a device", async () => {
    const { server, guid } = await startWithCustomer(byTenantId);
    expect((await server.call("GET", `/api/v3/customer/${guid}`)).body).toMatchObject({ SiteLocation: [] });
    expect((await server.call("GET", `/api/v3/customer/${guid}/onlinepstngateway`)).body).toEqual([]);
  });

  it("have their gateway", async () => {
    const { server, guid } = await startWithCustomer();
    expect((await server.call("GET", `/tenantui/api/v3/customer/${guid}/onlinepstngateway`)).body).toEqual([
      { fqdn: gateway, trunkModel: "DerivedTrunk" },
    ]);
  });

  it.each(["", "/onlinepstngateway"])("that are unknown are not found%s, in Live Platform's words", async (path) => {
    const server = await startServer();
    const { status, headers, text } = await server.call("GET", `/api/v3/customer/${unknownGuid}${path}`);
    expect(status).toBe(404);
    expect(headers.get("content-type")).toContain("application/json");
    expect(text).toBe(`"Customer with ${unknownGuid} not found"`);
  });

  it("refuse a query that is neither true nor false", async () => {
    const server = await startServer();
    for (const query of ["allDetails=1", "allDetails=", "allDetails=true&allDetails=false"])
      expect((await server.call("GET", `/api/v3/customer?${query}`)).status).toBe(400);
  });
});

describe("a device's number", () => {
  it("is a positive 32-bit integer that follows from the name alone", () => {
    expect(sbcIdOf("sbc-brussels")).toBe(sbcIdOf("sbc-brussels"));
    const numbers = Array.from({ length: 1_000 }, (_, i) => sbcIdOf(`sbc-${i}`));
    expect(new Set(numbers).size).toBe(1_000);
    expect(numbers.every((number) => Number.isInteger(number) && number >= 0 && number <= 0x7fffffff)).toBe(true);
  });
});
