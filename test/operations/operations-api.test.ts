import { describe, expect, it } from "vitest";
import { DriverError } from "../../drivers/errors.ts";
import type { Operations } from "../../agent/operations/operations.ts";
import { Ambiguous } from "../../agent/explanation/explainer.ts";
import type { FailuresReport } from "../../agent/reports.ts";
import {
  byTenantId,
  canary,
  device,
  explained,
  gateway,
  health,
  plan,
  siptest4,
  startServer,
  tenant,
  tokenOf,
} from "../portal/server.ts";

const read = tokenOf("read");
const operate = tokenOf("operate");
const admin = tokenOf("admin");
const failing = (error: Error): Operations => ({
  health: async () => Promise.reject(error),
  plan: async () => Promise.reject(error),
  resync: async () => Promise.reject(error),
  adopt: async () => Promise.reject(error),
  drift: async () => Promise.reject(error),
  checkDrift: async () => Promise.reject(error),
  pause: async () => Promise.reject(error),
  resume: async () => Promise.reject(error),
});

describe("probes", () => {
  it("need no token", async () => {
    const server = await startServer();
    for (const path of ["/livez", "/readyz"]) {
      const answer = await server.call("GET", path, { token: "" });
      expect([answer.status, answer.text]).toEqual([200, "ok\n"]);
    }
  });

  it("name the checks that failed, and nothing more", async () => {
    const server = await startServer({ ready: async () => ({ ok: false, failed: ["store", "devices"] }) });
    const answer = await server.call("GET", "/readyz", { token: "" });
    expect([answer.status, answer.text]).toEqual([503, "not ready: store, devices\n"]);
    expect((await server.call("GET", "/livez", { token: "" })).status).toBe(200);
  });

  it("show the metrics as they are", async () => {
    const server = await startServer();
    const answer = await server.call("GET", "/metrics", { token: read });
    expect([answer.status, answer.text]).toEqual([200, "up 1\n"]);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  });

  it.each(["/health", "/api/agent/v1/health"])("report the health at %s", async (path) => {
    const server = await startServer();
    expect((await server.call("GET", path, { token: read })).body).toEqual(health);
  });
});

describe("a plan", () => {
  it("of a request that was not posted is made from the same conversion, and stores nothing", async () => {
    const server = await startServer();
    const request = { ...siptest4, scriptParameters: { ...siptest4.scriptParameters, CarrierUserPassword: canary } };
    const answer = await server.call("POST", "/api/agent/v1/plan", { token: read, body: { request } });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual(plan);
    expect(answer.text).not.toContain(canary);
    expect(server.accepted).toEqual([]);
    expect(server.asked).toMatchObject([
      ["plan", { conversion: { tenantId: tenant, gateway, device, secrets: { CarrierUserPassword: canary } } }],
    ]);
  });

  it("of a task that is unknown is not found", async () => {
    const server = await startServer();
    const answer = await server.call("POST", "/api/agent/v1/plan", { token: read, body: { taskId: "wst_1" } });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ title: "Not Found", detail: "there is no task 'wst_1'" });
  });

  it.each<[unknown, string[]]>([
    [{}, [""]],
    [{ taskId: "wst_1", request: byTenantId }, [""]],
    [{ taskId: 5 }, ["taskId"]],
    [{ task: "wst_1" }, ["task"]],
    [{ request: { ...siptest4, msTenantId: "x" } }, ["request.msTenantId"]],
    ['{"request":{},"request":{}}', ["request"]],
  ])("needs one subject: %j", async (body, fields) => {
    const server = await startServer();
    const answer = await server.call("POST", "/api/agent/v1/plan", { token: read, body });
    expect(answer.status).toBe(400);
    expect(Object.keys((answer.body as { errors: object }).errors)).toEqual(expect.arrayContaining(fields));
    expect(server.asked).toEqual([]);
  });

  it("that the device does not allow for is a bad gateway, in the driver's words", async () => {
    const server = await startServer({
      operations: failing(new DriverError("unreachable", "sbc-brussels: no answer")),
    });
    const answer = await server.call("POST", "/api/agent/v1/plan", { token: read, body: { taskId: "wst_1" } });
    expect(answer.status).toBe(502);
    expect(answer.body).toMatchObject({ title: "Device error: unreachable", detail: "sbc-brussels: no answer" });
  });
});

describe("a re-sync", () => {
  it("needs the scope operate, but for a dry run read is enough", async () => {
    const server = await startServer();
    const post = (token: string, body: unknown) => server.call("POST", "/api/agent/v1/resync", { token, body });
    expect((await post(read, {})).status).toBe(403);
    expect((await post(read, { dryRun: false })).status).toBe(403);
    expect((await post(read, { dryRun: true })).status).toBe(200);
    expect((await post(operate, { dryRun: true })).status).toBe(200);
    expect((await post(operate, { device, endCalls: true })).body).toEqual({ devices: [] });
    expect(server.asked).toEqual([
      ["resync", { dryRun: true, endCalls: false, rerender: false }, "read"],
      ["resync", { dryRun: true, endCalls: false, rerender: false }, "operate"],
      ["resync", { device, dryRun: false, endCalls: true, rerender: false }, "operate"],
    ]);
  });

  it("of an unknown device is not found", async () => {
    const server = await startServer();
    const answer = await server.call("POST", "/api/agent/v1/resync", { token: operate, body: { device: "other" } });
    expect(answer.status).toBe(404);
  });
});

describe("a pause and its end", () => {
  it.each(["pause", "resume"])("%s: has a reason, and the token's name as its author", async (action) => {
    const server = await startServer();
    const path = `/api/agent/v1/devices/${device}/${action}`;
    const answer = await server.call("POST", path, { token: operate, body: { reason: "maintenance" } });
    expect([answer.status, answer.text]).toEqual([204, ""]);
    expect(server.asked).toEqual([[action, device, "maintenance", "operate"]]);
    for (const body of [{}, { reason: "" }, { reason: "a\nb" }, { reason: "x", by: "me" }])
      expect((await server.call("POST", path, { token: operate, body })).status).toBe(400);
    expect(server.asked).toHaveLength(1);
  });

  it("of an unknown device is not found", async () => {
    const server = await startServer();
    const path = "/api/agent/v1/devices/other/pause";
    const answer = await server.call("POST", path, { token: operate, body: { reason: "x" } });
    expect(answer.status).toBe(404);
    expect(answer.body).toMatchObject({ detail: expect.stringContaining("'other'") as string });
  });
});

describe("an explanation", () => {
  it("is that of the subject in the path, which may hold anything", async () => {
    const server = await startServer();
    const ask = (subject: string) => server.call("GET", `/api/agent/v1/explain/${subject}`, { token: read });
    expect((await ask(device)).body).toEqual(explained);
    const answer = await ask("a%2Fb%20c");
    expect(answer.status).toBe(404);
    expect(server.asked).toEqual([
      ["explain", device],
      ["explain", "a/b c"],
    ]);
  });

  it("of a name that several bear is a conflict", async () => {
    const server = await startServer({
      explain: async () => Promise.reject(new Ambiguous("2 customers are called 'Acme'")),
    });
    const answer = await server.call("GET", "/api/agent/v1/explain/Acme", { token: read });
    expect([answer.status, answer.body]).toEqual([
      409,
      expect.objectContaining({ detail: "2 customers are called 'Acme'" }),
    ]);
  });
});

describe("failures", () => {
  it("are those of the last week, or of the age that is asked for", async () => {
    const server = await startServer();
    await server.convert({
      ...siptest4,
      scriptParameters: { ProxySet: "SIPTrunk", OnlinePstnGateway: "other.example" },
    });
    const ask = (query: string) => server.call("GET", `/api/agent/v1/failures${query}`, { token: read });
    const { body } = await ask("");
    expect(body).toMatchObject({ failed: 1, complete: true, groups: [{ count: 1, devices: [] }] });
    const age = Date.now() - Date.parse((body as FailuresReport).since);
    expect(Math.round(age / 86_400_000)).toBe(7);
    expect((await ask("?since=999999999d")).body).toMatchObject({ since: "1970-01-01T00:00:00.000Z", failed: 1 });
    for (const query of ["?since=soon", "?since=-1d", "?since=", "?until=1d"])
      expect((await ask(query)).status).toBe(400);
  });
});

it("a drift check is asked for by the name of the token, which needs the scope operate", async () => {
  const server = await startServer();
  const post = (token: string, body: object) => server.call("POST", "/api/agent/v1/drift/check", { token, body });
  expect((await post(read, {})).status).toBe(403);
  expect((await post(operate, { device })).body).toEqual({ devices: [] });
  expect((await post(admin, {})).status).toBe(200);
  expect(server.asked).toEqual([
    ["checkDrift", device, "operate"],
    ["checkDrift", undefined, "admin"],
  ]);
});

describe("the audit trail", () => {
  it("is shown to administrators, filtered and bounded", async () => {
    const server = await startServer();
    for (const taskId of ["wst_1", "wst_2", "wst_3"])
      await server.store.audit({ event: "write", device, taskId, who: "agent", data: { lines: 3 } });
    const trail = async (query: string) =>
      (await server.call("GET", `/api/agent/v1/audit${query}`, { token: admin })).body as { taskId: string }[];
    expect(await trail("?taskId=wst_2")).toEqual([
      {
        at: expect.stringMatching(/Z$/) as string,
        event: "write",
        device,
        taskId: "wst_2",
        who: "agent",
        data: { lines: 3 },
      },
    ]);
    expect(await trail(`?device=${device}`)).toHaveLength(3);
    expect(await trail("?device=other")).toHaveLength(0);
    expect(await trail("?limit=2")).toHaveLength(2);
    for (const query of ["?limit=0", "?limit=10000", "?limit=x", "?surprise=1"])
      expect((await server.call("GET", `/api/agent/v1/audit${query}`, { token: admin })).status).toBe(400);
  });
});
