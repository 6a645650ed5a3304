import { describe, expect, it } from "vitest";
import { siptest4, startServer, tenant, unknownGuid, type TestServer } from "./server.ts";

const numbered = (i: number) => `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`;

async function startWithLeads(count: number) {
  const server = await startServer();
  for (let i = 0; i < count; i += 1)
    await server.store.createLead({ tenantId: numbered(i), companyName: `Company ${i}` });
  return server;
}
const tenantsOf = async (server: TestServer, query: string) =>
  ((await server.call("GET", `/api/v2/oc/lead${query}`)).body as { tenantId: string }[]).map(
    ({ tenantId }) => tenantId,
  );
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => numbered(from + i));

const printed = {
  civicAddresses: null,
  comments: null,
  umpCustomerGuid: null,
  isNotActive: null,
  channelId: null,
  ovocChannelId: null,
  isDirectLead: true,
  id: expect.any(String) as string,
  tenantId: tenant,
  tenantOrigin: null,
  operatorId: null,
  status: "Active",
  consentedOn: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
  lastModifiedOn: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
  consentedCountries: [],
  contactDetails: {
    fullName: null,
    email: null,
    phoneNumber: null,
    companyName: "qa-int-GolanCDX&-!",
    companySize: null,
  },
  contacts: null,
};

describe("leads", () => {
  it("come oldest first, ten to a page, from the first page", async () => {
    const server = await startWithLeads(25);
    expect(await tenantsOf(server, "")).toEqual(range(0, 10));
  });

  it.each([
    ["?PageNumber=0&PageSize=10", 0, 10],
    ["?PageNumber=1&PageSize=10", 0, 10],
    ["?PageNumber=2&PageSize=10", 10, 20],
    ["?Page%20Number=3", 20, 25],
    ["?page+number=3&pagesize=10", 20, 25],
    ["?PageNumber=4", 0, 0],
    ["?PageSize=20000", 0, 25],
    ["?PageNumber=999999999&PageSize=20000", 0, 0],
    ["?PageSize=200&checkOnline=true", 0, 25],
  ])("are paged: %s", async (query, from, to) => {
    const server = await startWithLeads(25);
    expect(await tenantsOf(server, query)).toEqual(range(from, to));
  });

  it.each([
    "?PageSize=0",
    "?PageSize=20001",
    "?PageSize=-1",
    "?PageSize=1e3",
    "?PageNumber=x",
    "?PageNumber=1&Page%20Number=2",
    "?PageSize=1&PageSize=2",
    "?msTenantID=5",
  ])("refuse %s", async (query) => {
    const server = await startWithLeads(0);
    expect((await server.call("GET", `/api/v2/oc/lead${query}`)).status).toBe(400);
  });

  it.each(["msTenantID", "msTenantId", "mstenantid"])("of a tenant, as %s, are one or none", async (key) => {
    const server = await startWithLeads(3);
    expect(await tenantsOf(server, `?${key}=${numbered(1).toUpperCase()}`)).toEqual([numbered(1)]);
    expect(await tenantsOf(server, `?${key}=${unknownGuid}`)).toEqual([]);
  });

  it.each(["", "/tenantui"])(
    "that are created under '%s' show every member of Live Platform's sample",
    async (prefix) => {
      const server = await startServer();
      const created = await server.call("POST", `${prefix}/api/v2/oc/lead`, {
        body: { TenantId: tenant.toUpperCase(), companyName: "qa-int-GolanCDX&-!" },
      });
      expect(created.status).toBe(200);
      expect(created.body).toEqual(printed);
      expect((await server.call("GET", `${prefix}/api/v2/oc/lead?msTenantId=${tenant}`)).body).toEqual([created.body]);
    },
  );

  it("that came by consent are no direct leads", async () => {
    const server = await startServer();
    await server.store.createLead({ tenantId: tenant, companyName: "A", consentless: false, status: "Removed" });
    expect((await server.call("GET", "/api/v2/oc/lead")).body).toMatchObject([
      { isDirectLead: false, status: "Removed" },
    ]);
  });

  it("name their customer once converted", async () => {
    const server = await startServer();
    await server.store.createLead({ tenantId: tenant, companyName: "A" });
    await server.finish(await server.convert(siptest4));
    const [customer] = await server.store.customers();
    expect((await server.call("GET", "/api/v2/oc/lead")).body).toMatchObject([{ umpCustomerGuid: customer?.guid }]);
  });
});

describe("creating a lead", () => {
  it.each([
    [{ tenantId: tenant, companyName: "Other" }, { TenantId: ["This MsTenant already exists as an UMP lead!"] }],
    [
      { tenantId: unknownGuid, companyName: "Taken" },
      { CompanyName: ["Company name is already used for an UMP lead."] },
    ],
  ])("that is there already is refused in Live Platform's words: %j", async (body, errors) => {
    const server = await startServer();
    await server.store.createLead({ tenantId: tenant, companyName: "Taken" });
    const answer = await server.call("POST", "/api/v2/oc/lead", { body });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ title: "One or more validation errors occurred.", errors });
    expect(await server.store.leads({ skip: 0, take: 10 })).toHaveLength(1);
  });

  it.each<[unknown, string[]]>([
    [{}, ["companyName", "tenantId"]],
    [{ tenantId: 1, companyName: 2 }, ["companyName", "tenantId"]],
    [{ tenantId: "x", companyName: "" }, ["companyName", "tenantId"]],
    [{ tenantId: tenant, companyName: "a", status: "Active" }, ["status"]],
    [{ tenantId: tenant, TenantId: unknownGuid, companyName: "a" }, ["tenantId"]],
    ['{"tenantId":"a","tenantId":"a"}', ["tenantId"]],
  ])("with a wrong body names each field and stores nothing: %j", async (body, fields) => {
    const server = await startServer();
    const answer = await server.call("POST", "/api/v2/oc/lead", { body });
    expect(answer.status).toBe(400);
    expect(Object.keys((answer.body as { errors: object }).errors).sort()).toEqual(fields);
    expect(await server.store.leads({ skip: 0, take: 10 })).toEqual([]);
  });
});

describe("deleting a lead", () => {
  it("answers 1, and the lead is gone", async () => {
    const server = await startServer();
    await server.store.createLead({ tenantId: tenant, companyName: "A" });
    const answer = await server.call("DELETE", `/tenantui/api/v2/oc/lead?msTenantID=${tenant.toUpperCase()}`);
    expect([answer.status, answer.text]).toEqual([200, "1"]);
    expect(await server.store.leads({ skip: 0, take: 10 })).toEqual([]);
  });

  it("that is unknown is not found, in Live Platform's spelling", async () => {
    const server = await startServer();
    const answer = await server.call("DELETE", `/api/v2/oc/lead?msTenantID=${tenant}`);
    expect([answer.status, answer.text]).toEqual([404, '"Invalild lead"']);
  });

  it("that the customer consented to is refused, and says where it can be withdrawn", async () => {
    const server = await startServer();
    await server.store.createLead({ tenantId: tenant, companyName: "A", consentless: false });
    const answer = await server.call("DELETE", `/api/v2/oc/lead?msTenantID=${tenant}`);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({
      title: "Invalid lead",
      detail: expect.stringContaining("Teams admin center") as string,
    });
    expect(await server.store.leads({ skip: 0, take: 10 })).toHaveLength(1);
  });

  it("that is converted is refused", async () => {
    const server = await startServer();
    await server.store.createLead({ tenantId: tenant, companyName: "A" });
    await server.finish(await server.convert(siptest4));
    const answer = await server.call("DELETE", `/api/v2/oc/lead?msTenantID=${tenant}`);
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ title: "Invalid lead", detail: expect.stringContaining(tenant) as string });
  });

  it("needs a tenant", async () => {
    const server = await startServer();
    expect((await server.call("DELETE", "/api/v2/oc/lead")).status).toBe(400);
  });
});
