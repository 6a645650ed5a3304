import { describe, expect, it } from "vitest";
import { byTenantId, device, siptest4, startServer, tenant, unknownGuid } from "./server.ts";

const companyName = "SIPTest";

interface TaskBody {
  executionMessages: { level: string; message: string }[];
}

describe("a task", () => {
  it.each(["", "/tenantui", "/tenantui/tenantui"])("is found under '%s'", async (prefix) => {
    const server = await startServer();
    const taskId = await server.convert(siptest4);
    expect((await server.call("GET", `${prefix}/api/v2/task/${taskId}`)).body).toMatchObject({ id: taskId });
  });

  it("that has not ended has no details, no customer, and the time of acceptance", async () => {
    const server = await startServer();
    await server.store.createLead({ tenantId: tenant, companyName });
    const before = Date.now();
    const taskId = await server.convert(siptest4);
    const { status, body } = await server.call("GET", `/api/v2/task/${taskId}`);
    expect(status).toBe(200);
    expect(body).toEqual({
      id: taskId,
      status: "InProgress",
      details: [],
      executionMessages: [{ level: "Information", message: `Accepted; waiting for device ${device}.` }],
      outputData: { umpCustomerGuid: null },
      createTime: expect.any(String) as string,
    });
    const { createTime } = body as { createTime: string };
    expect(new Date(createTime).toISOString()).toBe(createTime);
    expect(Date.parse(createTime)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(createTime)).toBeLessThanOrEqual(Date.now());
  });

  it("that has not ended has the configured word as its status", async () => {
    const server = await startServer({
      settings: {
        host: "127.0.0.1",
        port: 0,
        behindProxy: false,
        inProgressStatus: "In Progress",
        requestsPerMinute: 100,
      },
    });
    await server.store.createLead({ tenantId: tenant, companyName });
    const taskId = await server.convert(siptest4);
    expect((await server.call("GET", `/api/v2/task/${taskId}`)).body).toMatchObject({ status: "In Progress" });
  });

  it("of an IP Group that converted names the SBC step, then the site, and the customer", async () => {
    const server = await startServer();
    await server.store.createLead({ tenantId: tenant, companyName });
    const taskId = await server.convert(siptest4);
    await server.finish(taskId);
    const [customer] = await server.store.customers();
    expect((await server.call("GET", `/api/v2/task/${taskId}`)).body).toMatchObject({
      status: "CompletedSuccess",
      details: ["Converted"],
      executionMessages: [
        { level: "Information", message: "SBC sbc-onboarding done for site SIPTest4." },
        { level: "Information", message: "Site created in Ovoc" },
      ],
      outputData: { umpCustomerGuid: customer?.guid },
    });
  });

  it("by tenant id that converted names the site alone", async () => {
    const server = await startServer();
    await server.store.createLead({ tenantId: tenant, companyName });
    const taskId = await server.convert(byTenantId);
    await server.finish(taskId);
    const { body } = await server.call("GET", `/api/v2/task/${taskId}`);
    expect((body as TaskBody).executionMessages).toEqual([{ level: "Information", message: "Site created in Ovoc" }]);
  });

  it("without an active lead fails in Live Platform's words", async () => {
    const server = await startServer();
    const taskId = await server.convert(siptest4);
    expect((await server.call("GET", `/api/v2/task/${taskId}`)).body).toMatchObject({
      status: "CompletedFailed",
      details: ["ValidationFailed"],
      executionMessages: [
        { level: "Error", message: "Validation failed: Empty or invalid customer lead ID" },
        { level: "Information", message: "Workflow completed." },
      ],
      outputData: { umpCustomerGuid: null },
    });
  });

  it("for a tenant that is a customer already succeeds with nothing made", async () => {
    const server = await startServer();
    await server.store.createLead({ tenantId: tenant, companyName });
    await server.finish(await server.convert(siptest4));
    const taskId = await server.convert({ ...siptest4, customerShortName: "Again" });
    expect((await server.call("GET", `/api/v2/task/${taskId}`)).body).toMatchObject({
      status: "CompletedSuccess",
      details: ["CustomerAlreadyConverted"],
      executionMessages: [{ level: "Warning", message: "Undo Lead to OcBasic conversion in database!" }],
      outputData: { umpCustomerGuid: null },
    });
  });

  it("behind an older one of its tenant says for which it waits, and ends with it", async () => {
    const server = await startServer();
    await server.store.createLead({ tenantId: tenant, companyName });
    const first = await server.convert(siptest4);
    const second = await server.convert(siptest4);
    const waiting = (await server.call("GET", `/api/v2/task/${second}`)).body as TaskBody;
    expect(waiting).toMatchObject({ status: "InProgress" });
    expect(waiting.executionMessages.map(({ message }) => message).join()).toContain(first);
    await server.finish(first);
    expect((await server.call("GET", `/api/v2/task/${second}`)).body).toMatchObject({
      details: ["CustomerAlreadyConverted"],
    });
  });

  it("that nobody posted is not found", async () => {
    const server = await startServer();
    const { status, headers, body } = await server.call("GET", `/tenantui/api/v2/task/wst_${unknownGuid}`);
    expect(status).toBe(404);
    expect(headers.get("content-type")).toContain("application/problem+json");
    expect(body).toMatchObject({
      title: "Not Found",
      status: 404,
      instance: `/tenantui/api/v2/task/wst_${unknownGuid}`,
    });
  });
});
