import { describe, expect, it } from "vitest";
import type { Claim } from "../../agent/store/portal-store.ts";
import { sbcIdOf } from "../../agent/portal/site-locations.ts";
import { byTenantId, canary, device, gateway, siptest4, startServer, tenant, tokenOf, unknownGuid } from "./server.ts";
import type { TestServer } from "./server.ts";

const admin = tokenOf("admin");

async function startWithCustomer(body: unknown = siptest4) {
  const server = await startServer();
  await server.store.createLead({ tenantId: tenant, companyName: "SIPTest" });
  await server.finish(await server.convert(body));
  const [customer] = await server.store.customers();
  if (customer === undefined) throw new Error("there is no customer");
  const taskIdOf = async () => (await server.store.openAmendments({}))[0]?.taskId ?? "";
  return { server, guid: customer.guid, taskIdOf };
}

/** Does what a run does for the removal that waits. */
async function removeRows({ store }: TestServer): Promise<void> {
  const claim = await claimOf(store);
  await store.complete(
    claim.lease,
    claim.amendments.map(({ taskId }) => ({
      kind: "removed",
      taskId,
      messages: [{ level: "Information", message: "Rows removed." }],
    })),
  );
  await store.releaseLease(claim.lease);
}

async function claimOf(store: TestServer["store"]): Promise<Claim> {
  const claimed = await store.claimDevice(device, { holder: "test", durationMs: 60_000, graceMs: 0, max: 10 });
  if (claimed.kind !== "claimed") throw new Error("the device is held");
  return claimed.claim;
}

const fieldsOf = (body: unknown) => Object.keys((body as { errors?: object }).errors ?? {});

describe("DELETE of a customer", () => {
  it.each(["", "/tenantui"])(
    "answers 1 under '%s'; the rows go, then the customer, and its tenant can be converted again",
    async (prefix) => {
      const { server, guid, taskIdOf } = await startWithCustomer();
      const { status, headers, text } = await server.call("DELETE", `${prefix}/api/v2/customer/${guid.toUpperCase()}`);
      expect([status, text]).toEqual([200, "1"]);
      expect(headers.get("content-type")).toContain("application/json");
      const taskId = await taskIdOf();
      const again = await server.convert(siptest4);
      expect((await server.call("GET", `/api/v2/task/${again}`)).text).toContain(taskId);
      await removeRows(server);

      expect((await server.call("GET", `/api/v3/customer/${guid}`)).status).toBe(404);
      expect((await server.call("GET", `${prefix}/api/v2/task/${taskId}`)).body).toEqual({
        id: taskId,
        status: "CompletedSuccess",
        details: [null],
        executionMessages: [{ level: "Information", message: "Rows removed." }],
        outputData: { umpCustomerGuid: guid },
        createTime: expect.any(String) as string,
      });
      expect((await server.call("GET", `/api/v2/oc/lead?msTenantId=${tenant}`)).body).toMatchObject([
        { umpCustomerGuid: null },
      ]);
      expect(await server.store.conversion(again)).toMatchObject({ state: "ready" });
    },
  );

  it("is shown with its task, in the list and one by one, and tells when its script has left", async () => {
    const { server, guid, taskIdOf } = await startWithCustomer();
    await server.call("DELETE", `/api/v2/customer/${guid}`);
    const taskId = await taskIdOf();
    const pending = {
      PendingTasks: [
        { TaskId: taskId, Kind: "Removal", SbcId: sbcIdOf(device), AcceptedAt: expect.any(String) as string },
      ],
    };
    expect((await server.call("GET", "/api/v3/customer")).body).toMatchObject([pending]);
    const shown = { ...pending, SiteLocation: [{ id: guid, sbcDeploymentState: "Deployed" }] };
    expect((await server.call("GET", "/api/v3/customer?allDetails=true")).body).toMatchObject([shown]);
    expect((await server.call("GET", `/api/v3/customer/${guid}`)).body).toMatchObject(shown);
    expect((await server.call("GET", `/api/v2/task/${taskId}`)).body).toMatchObject({
      status: "InProgress",
      details: [],
    });
    const { lease } = await claimOf(server.store);
    await server.store.markSent(lease, [taskId], true);

    const removing = { ...pending, SiteLocation: [{ id: guid, sbcDeploymentState: "Removing" }] };
    expect((await server.call("GET", `/api/v3/customer/${guid}`)).body).toMatchObject(removing);
    expect((await server.call("GET", "/api/v3/customer?allDetails=true")).body).toMatchObject([removing]);
  });

  it("is asked for once, however often, and by name", async () => {
    const { server, guid } = await startWithCustomer();
    for (let turn = 0; turn < 3; turn += 1)
      expect((await server.call("DELETE", `/api/v2/customer/${guid}`)).text).toBe("1");

    const amendments = await server.store.openAmendments({});
    expect(amendments).toMatchObject([{ kind: "removal", by: "client" }]);
  });

  it("of a customer by tenant id is done at once", async () => {
    const { server, guid } = await startWithCustomer(byTenantId);
    expect((await server.call("DELETE", `/api/v2/customer/${guid}`)).text).toBe("1");
    expect((await server.call("GET", "/api/v3/customer")).body).toEqual([]);
  });

  it("of an unknown one is answered in Live Platform's words", async () => {
    const server = await startServer();
    const { status, text } = await server.call("DELETE", `/api/v2/customer/${unknownGuid}`);
    expect([status, text]).toEqual([404, `"Customer with ${unknownGuid} not found"`]);
  });

  it("gives the device up for the administrator alone", async () => {
    const { server, guid } = await startWithCustomer();
    const path = `/api/v2/customer/${guid}?forgetdevice=TRUE`;
    const refused = await server.call("DELETE", path);
    expect(refused).toMatchObject({ status: 403, body: { detail: expect.stringContaining("admin") as string } });
    expect(await server.store.openAmendments({})).toEqual([]);
    expect((await server.call("DELETE", path, { token: admin })).text).toBe("1");

    expect((await server.call("GET", "/api/v3/customer")).body).toEqual([]);
    const [debt] = await server.store.openAmendments({});
    expect(debt).toMatchObject({ state: "owed", by: "admin" });
    expect((await server.call("GET", `/api/v2/task/${debt?.taskId ?? ""}`)).body).toMatchObject({
      status: "CompletedSuccess",
      details: [null],
      executionMessages: [{ level: "Warning" }],
    });
  });

  it.each(["forgetDevice=1", "forgetDevice=", "forgetDevice=true&forgetDevice=true"])(
    "refuses the query %s",
    async (query) => {
      const { server, guid } = await startWithCustomer();
      const { status, body } = await server.call("DELETE", `/api/v2/customer/${guid}?${query}`, { token: admin });
      expect([status, fieldsOf(body)]).toEqual([400, ["forgetDevice"]]);
      expect(await server.store.openAmendments({})).toEqual([]);
    },
  );
});

describe("DELETE of a site", () => {
  it.each(["", "/tenantui"])("is queued under '%s', with the task in the answer", async (prefix) => {
    const { server, guid, taskIdOf } = await startWithCustomer();
    const answer = await server.call("DELETE", `${prefix}/api/v2/sitelocation/${guid.toUpperCase()}`);
    expect([answer.status, answer.body]).toEqual([
      200,
      { status: true, msg: "queued", sbcCleanupTaskId: await taskIdOf(), o365CleanupTask: "tsk_0" },
    ]);
    await removeRows(server);

    expect((await server.call("GET", "/api/v3/customer")).body).toEqual([]);
  });

  it("gives the device up for the administrator alone", async () => {
    const { server, guid } = await startWithCustomer();
    const path = `/api/v2/sitelocation/${guid}?forgetDevice=true`;
    expect((await server.call("DELETE", path)).status).toBe(403);
    expect((await server.call("DELETE", path, { token: admin })).status).toBe(200);

    expect(await server.store.openAmendments({})).toMatchObject([{ state: "owed" }]);
  });

  it.each([unknownGuid, "x", "..."])("that is unknown is not found: %s", async (id) => {
    const { server } = await startWithCustomer();
    const { status, body } = await server.call("DELETE", `/api/v2/sitelocation/${id}`);
    expect([status, body]).toMatchObject([404, { title: "Not Found" }]);
  });
});

describe("PATCH of a customer's site", () => {
  const patch = (server: TestServer, guid: string, body: unknown, path = "/sitelocation/") =>
    server.call("PATCH", `/api/v2/customer/${guid}${path}`, { body });

  it.each([
    ["", "/sitelocation/"],
    ["/tenantui", "/sitelocation/"],
    ["", "/sitelocation"],
  ])("answers with the task's id under '%s' at %s", async (prefix, path) => {
    const { server, guid, taskIdOf } = await startWithCustomer();
    const body = { scriptParameters: { ProxySet: "Other" } };
    const answer = await server.call("PATCH", `${prefix}/api/v2/customer/${guid}${path}`, { body });

    expect([answer.status, answer.text]).toEqual([200, JSON.stringify(await taskIdOf())]);
    expect(answer.headers.get("content-type")).toContain("application/json");
    expect(answer.text).toMatch(/^"tsk_\d+"$/);
  });

  it("asks for what it names, spelled without case; secrets are kept apart and shown nowhere", async () => {
    const { server, guid, taskIdOf } = await startWithCustomer();
    const answer = await patch(server, guid, {
      SBCSITEGUID: guid.toUpperCase(),
      sbcid: sbcIdOf(device),
      sbcSiteName: "siptest4",
      cacprofile: "10 sessions",
      enableCac: true,
      flagConfigureSbc: true,
      flagCarrierRegistration: false,
      ScriptParameters: {
        proxyset: "Other",
        OnlinePstnGateway: gateway.toUpperCase(),
        CarierMailLine: "+3220000",
        carrieruserpassword: canary,
        Region: "south",
      },
      Blueprint: "oc-two-legs",
      EndCalls: true,
    });
    expect(answer.status).toBe(200);
    const [claimed] = (await claimOf(server.store)).amendments;

    expect(claimed).toMatchObject({ kind: "change", by: "client", device, secrets: { CarrierUserPassword: canary } });
    expect(claimed?.change).toEqual({
      proxySet: "Other",
      blueprint: "oc-two-legs",
      variables: {
        CacProfile: "10 sessions",
        enableCAC: "true",
        flagCarrierRegistration: "false",
        CarrierMailLine: "+3220000",
        Region: "south",
      },
      endCalls: true,
    });
    const shown = await server.call("GET", `/api/v3/customer/${guid}`);
    expect(shown.body).toMatchObject({
      PendingTasks: [{ TaskId: await taskIdOf(), Kind: "Change" }],
      SiteLocation: [{ sbcDeploymentState: "Deployed" }],
    });
    const trail = JSON.stringify(await server.store.auditTrail({ limit: 99 }));
    expect([answer.text, shown.text, trail, JSON.stringify(server.log)].join()).not.toContain(canary);
  });

  it.each<[string, unknown, string[]]>([
    ["nothing at all", {}, [""]],
    ["consent to nothing", { endCalls: true }, [""]],
    ["only what chooses the site", { sbcSiteName: "SIPTest4", scriptParameters: {} }, [""]],
    [
      "another gateway",
      { scriptParameters: { OnlinePstnGateway: "oc2.example.com" } },
      ["scriptParameters.OnlinePstnGateway"],
    ],
    ["another device", { sbcId: 1, blueprint: "b" }, ["sbcId"]],
    ["another name", { sbcSiteName: "Other", blueprint: "b" }, ["sbcSiteName"]],
    ["another customer's site", { sbcSiteGuid: unknownGuid, blueprint: "b" }, ["sbcSiteGuid"]],
    ["a change without the device", { flagConfigureSbc: false, blueprint: "b" }, ["flagConfigureSbc"]],
    ["one field twice", { CacProfile: "a", scriptParameters: { CacProfile: "b" } }, ["CacProfile"]],
    ["several wrong things", { sbcId: 1, sbcSiteName: "Other" }, ["sbcId", "sbcSiteName"]],
    ["an unknown member", { blueprint: "b", surprise: 1 }, ["surprise"]],
    ["a control character", { scriptParameters: { ProxySet: "a\nb" } }, ["scriptParameters.ProxySet"]],
    ["no object", [], [""]],
  ])("that asks for %s is refused, and nothing is stored", async (_, body, fields) => {
    const { server, guid } = await startWithCustomer();
    const answer = await patch(server, guid, body);

    expect([answer.status, fieldsOf(answer.body)]).toEqual([400, fields]);
    expect(await server.store.openAmendments({})).toEqual([]);
  });

  it("of a customer without a site is refused", async () => {
    const { server, guid } = await startWithCustomer(byTenantId);
    const answer = await patch(server, guid, { blueprint: "b" });
    expect([answer.status, fieldsOf(answer.body)]).toEqual([400, ["sbcSiteGuid"]]);
  });

  it("of an unknown customer is answered in Live Platform's words", async () => {
    const server = await startServer();
    const answer = await patch(server, unknownGuid, { blueprint: "b" });
    expect([answer.status, answer.text]).toEqual([404, `"Customer with ${unknownGuid} not found"`]);
  });

  it("of a customer that is being removed is a conflict that names the task", async () => {
    const { server, guid, taskIdOf } = await startWithCustomer();
    await server.call("DELETE", `/api/v2/customer/${guid}`);
    const answer = await patch(server, guid, { blueprint: "b" });

    expect(answer.status).toBe(409);
    expect(answer.text).toContain(await taskIdOf());
  });
});

describe("removals and changes", () => {
  it.each(["read", "operate", "agent"] as const)("are not for the scope %s", async (scope) => {
    const { server, guid } = await startWithCustomer();
    const token = tokenOf(scope);
    for (const path of [`/api/v2/customer/${guid}`, `/api/v2/sitelocation/${guid}`])
      expect((await server.call("DELETE", path, { token })).status).toBe(403);
    const body = { blueprint: "b" };
    expect((await server.call("PATCH", `/api/v2/customer/${guid}/sitelocation/`, { token, body })).status).toBe(403);

    expect(await server.store.openAmendments({})).toEqual([]);
  });
});
