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
    ["PUT", "sites/9", 405],
  ])("answers %s %s with %i", async (method, path, status) => {
    const mock = await startOvoc();
    expect((await call(mock, path, { method })).status).toBe(status);
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

  it("shows all it holds", async () => {
    const mock = await startOvoc({ entities: { devices } });
    expect((await ask(`${mock.control}/state`)).json()).toMatchObject({ sites: [], devices });
    await ask(`${mock.control}/faults`, { method: "DELETE" });
    expect((await ask(`${mock.control}/nothing`)).status).toBe(404);
  });
});
