import { describe, expect, it, onTestFinished } from "vitest";
import type { MockOvoc, MockOvocOptions } from "../../mocks/ovoc.ts";
import { startMockOvoc } from "../../mocks/ovoc.ts";
import type { Answer, Ask } from "./device.ts";
import { ask } from "./device.ts";

async function startOvoc(options: MockOvocOptions = {}): Promise<MockOvoc> {
  const mock = await startMockOvoc(options);
  onTestFinished(() => mock.stop());
  return mock;
}

function call(mock: MockOvoc, path: string, options: Ask = {}): Promise<Answer> {
  return ask(`${mock.url}/ovoc/v1/topology/${path}`, { login: "ovoc:ovoc", ...options });
}

function create(mock: MockOvoc, path: string, body: unknown): Promise<Answer> {
  return call(mock, path, { method: "POST", body: JSON.stringify(body) });
}

const devices = [
  { name: "oc1", ipAddress: "192.0.2.10", description: "first" },
  { name: "oc2", ipAddress: "192.0.2.11" },
];

describe("the mock OVOC", () => {
  it.each([[null], ["ovoc:wrong"]])("answers 401 to %j", async (login) => {
    const mock = await startOvoc();
    expect((await call(mock, "devices", { login })).status).toBe(401);
  });

  it("finds entities by equal fields and answers 204 without a match", async () => {
    const mock = await startOvoc({ entities: { devices } });
    const filter = encodeURIComponent("(ipAddress='192.0.2.11')");
    expect((await call(mock, `devices?detail=1&filter=${filter}`)).json()).toEqual({
      devices: [{ id: 2, name: "oc2", ipAddress: "192.0.2.11", url: "/ovoc/v1/topology/devices/2" }],
    });
    expect((await call(mock, `devices?filter=${encodeURIComponent("(name='oc3')")}`)).status).toBe(204);
    expect((await call(mock, `devices?filter=${encodeURIComponent("name like x")}`)).status).toBe(400);
  });

  it("shows the fields that are asked for", async () => {
    const mock = await startOvoc({ entities: { devices } });
    expect((await call(mock, "devices?fields=id,ipAddress")).json()).toEqual({
      devices: [
        { id: 1, ipAddress: "192.0.2.10" },
        { id: 2, ipAddress: "192.0.2.11" },
      ],
    });
    expect((await call(mock, "devices")).json()).toMatchObject({ devices: [{ id: 1, name: "oc1" }, { id: 2 }] });
    expect((await call(mock, "devices")).text).not.toContain("ipAddress");
  });

  it("creates a site once in its region", async () => {
    const mock = await startOvoc();
    const made = await create(mock, "sites/", { name: "acme", regionId: 7 });
    expect(made.status).toBe(201);
    expect(made.json()).toEqual({ id: 1, url: "ovoc/v1/topology/sites/1" });
    expect((await call(mock, "sites/1")).json()).toMatchObject({ name: "acme", regionId: 7 });
    const again = await create(mock, "sites", { name: "ACME", regionId: 7 });
    expect([again.status, again.json()]).toEqual([400, { description: "Name ACME already exists" }]);
    expect((await create(mock, "sites", { name: "acme", regionId: 8 })).status).toBe(201);
  });

  it.each([[{}], [{ name: "" }], [[1]], ["x"]])("refuses to create from %j", async (body) => {
    const mock = await startOvoc();
    const answer = await create(mock, "links", body);
    expect(answer.status).toBe(400);
    expect(answer.json()).toHaveProperty("description");
  });

  it.each([
    ["GET", "nothing", 404],
    ["GET", "sites/9", 404],
    ["DELETE", "sites", 405],
    ["PUT", "sites", 405],
    ["PUT", "sites/9", 404],
    ["DELETE", "devices/1", 405],
  ])("answers %s %s with %i", async (method, path, status) => {
    const mock = await startOvoc();
    expect((await call(mock, path, { method })).status).toBe(status);
  });

  it("changes an entity in place, but not to a name that its parent has already", async () => {
    const mock = await startOvoc({
      entities: {
        sites: [
          { name: "acme", regionId: 7 },
          { name: "other", regionId: 7 },
        ],
      },
    });
    const put = (id: number, body: unknown) => call(mock, `sites/${id}`, { method: "PUT", body: JSON.stringify(body) });
    expect((await put(1, { description: "new", id: 5 })).status).toBe(200);
    expect((await put(1, { name: "acme" })).status).toBe(200);
    expect((await put(1, { name: "other" })).json()).toEqual({ description: "Name other already exists" });
    expect((await put(1, "x")).status).toBe(400);
    expect((await call(mock, "sites/1")).json()).toEqual({
      id: 1,
      url: "/ovoc/v1/topology/sites/1",
      name: "acme",
      regionId: 7,
      description: "new",
    });
  });

  it("wants a bearer token where it is told so, and stands under a base path", async () => {
    const mock = await startOvoc({ token: "secret", basePath: "/tenantui/api" });
    const bearer = (token: string) =>
      call(mock, "sites", { login: null, headers: { authorization: `Bearer ${token}` } });
    expect((await bearer("secret")).status).toBe(204);
    expect((await bearer("other")).status).toBe(401);
    expect((await call(mock, "sites")).status).toBe(401);
    const bare = mock.url.replace("/tenantui/api", "");
    const headers = { authorization: "Bearer secret" };
    expect((await ask(`${bare}/ovoc/v1/topology/sites`, { login: null, headers })).status).toBe(404);
  });

  it("goes down for so many requests, and refuses faults that it does not know", async () => {
    const mock = await startOvoc();
    const order = (body: unknown) => ask(`${mock.control}/faults`, { method: "POST", body: JSON.stringify(body) });
    expect((await order({ name: "down", times: 2 })).status).toBe(200);
    const answers = [];
    for (let count = 0; count < 3; count += 1) answers.push((await call(mock, "sites")).status);
    expect(answers).toEqual([503, 503, 204]);
    expect((await order({ name: "gremlins" })).status).toBe(400);
  });

  it("hangs until it is stopped, and tells what it received", async () => {
    const mock = await startOvoc();
    await ask(`${mock.control}/faults`, { method: "POST", body: '{"name":"hang"}' });
    const waiting = expect(call(mock, "sites")).rejects.toThrow();
    const received = async () => (await ask(`${mock.control}/received`)).json();
    let seen = await received();
    while (JSON.stringify(seen) === '{"requests":[]}') seen = await received();
    expect(seen).toEqual({
      requests: [{ method: "GET", path: "/ovoc/v1/topology/sites", authorization: true, body: "", status: 0 }],
    });
    await mock.stop();
    await waiting;
  });

  it.each([
    [{ name: "no-match", answer: "list" }, 200, '{"sites":[]}'],
    [{ name: "no-match", answer: "nothing" }, 200, ""],
    [{ name: "error" }, 500, '{"description":"Internal error"}'],
    [{ name: "error", status: 418, path: "(name='acme')" }, 418, '{"description":"Internal error"}'],
    [{ name: "error", method: "post" }, 204, ""],
    [{ name: "error", path: "links" }, 204, ""],
    [{ name: "slow", ms: 1 }, 204, ""],
  ])("answers a search without a match under %j with %i", async (fault, status, text) => {
    const mock = await startOvoc();
    await ask(`${mock.control}/faults`, { method: "POST", body: JSON.stringify(fault) });
    const answer = await call(mock, `sites?filter=${encodeURIComponent("(name='acme')")}`);
    expect([answer.status, answer.text]).toEqual([status, text]);
  });

  it.each([
    [{ name: "error", processed: true }, 1],
    [{ name: "error" }, 0],
    [{ name: "cut", processed: true }, 1],
    [{ name: "cut" }, 0],
    [{ name: "malformed" }, 1],
  ])("holds after a creation under %j: %i", async (fault, count) => {
    const mock = await startOvoc();
    await ask(`${mock.control}/faults`, { method: "POST", body: JSON.stringify({ ...fault, times: 1 }) });
    const answer = await create(mock, "sites", { name: "acme" }).catch(() => undefined);
    expect(answer === undefined).toBe(fault.name === "cut");
    if (fault.name === "malformed") expect(() => answer?.json()).toThrow(SyntaxError);
    const state = (await ask(`${mock.control}/state`)).json() as { sites: unknown[] };
    expect(state.sites).toHaveLength(count);
    expect((await ask(`${mock.control}/faults`)).json()).toEqual([]);
  });

  it("loses the filter when told so", async () => {
    const mock = await startOvoc({ entities: { devices } });
    await ask(`${mock.control}/faults`, { method: "POST", body: '{"name":"no-filter"}' });
    const answer = await call(mock, `devices?filter=${encodeURIComponent("(name='oc3')")}`);
    expect(answer.json()).toMatchObject({ devices: [{ name: "oc1" }, { name: "oc2" }] });
  });

  it("shows all it holds", async () => {
    const mock = await startOvoc({ entities: { devices } });
    expect((await ask(`${mock.control}/state`)).json()).toMatchObject({ sites: [], devices });
    await ask(`${mock.control}/faults`, { method: "DELETE" });
    expect((await ask(`${mock.control}/nothing`)).status).toBe(404);
  });
});
