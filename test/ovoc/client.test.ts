import { fc, it as property } from "@fast-check/vitest";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { checkConfig, ConfigError, type OvocSettings } from "../../agent/settings/config.ts";
import { openOvoc, type LinkKey, type OvocClient } from "../../agent/ovoc/client.ts";
import type { OvocError } from "../../agent/ovoc/error.ts";
import type { OvocFault } from "../../mocks/ovoc-faults.ts";
import { startMockOvoc, type Entity, type MockOvoc, type MockOvocOptions } from "../../mocks/ovoc.ts";
import { createCertificate } from "../../mocks/sbc/certificate.ts";

const password = "a-password-of-its-own";
const patience = new AbortController().signal;
const customer = { siteName: "Acme", fullName: "Acme Ltd", tenantId: "f79a7f93-5ef7-47d2-92c8-e4570503cec3" };
const ipGroup: LinkKey = { kind: "ip-group", ipGroup: "Acme", device: "sbc-1" };
const devices = [
  { name: "sbc-1", address: "https://192.0.2.10:8443" },
  { name: "sbc-2", address: "https://sbc2.example.com" },
  { name: "sbc-3", address: "https://[2001:db8::3]" },
];

function settingsFor(url: string, changes: object = {}): OvocSettings {
  const device = { user: "u", password: { env: "P" } };
  const { ovoc } = checkConfig(
    {
      sealKey: { file: "seal.key" },
      devices: devices.map((one) => ({ ...device, ...one, gateways: [`${one.name}.gw.example.com`] })),
      ovoc: { url, user: "ovoc", password: { env: "OVOC" }, ...changes },
    },
    "test",
    "/etc/sbc-agent",
  );
  if (ovoc === undefined) throw new Error("no OVOC settings");
  return ovoc;
}

function open(url: string, changes: object = {}, ca?: string, secret: string | (() => string) = password): OvocClient {
  const client = openOvoc(settingsFor(url, changes), secret, ca, devices);
  onTestFinished(() => client.close());
  return client;
}

async function startOvoc(options: MockOvocOptions = {}): Promise<MockOvoc> {
  const mock = await startMockOvoc({ password, ...options });
  onTestFinished(() => mock.stop());
  return mock;
}

async function order(mock: MockOvoc, ...faults: Partial<OvocFault>[]): Promise<void> {
  const { status } = await fetch(`${mock.control}/faults`, { method: "POST", body: JSON.stringify(faults) });
  expect(status).toBe(200);
}

type State = Record<"sites" | "links" | "devices", Entity[]>;

const stateOf = async (mock: MockOvoc): Promise<State> =>
  (await (await fetch(`${mock.control}/state`)).json()) as State;

async function receivedBy(mock: MockOvoc): Promise<{ method: string; path: string; authorization: boolean }[]> {
  const { requests } = (await (await fetch(`${mock.control}/received`)).json()) as {
    requests: { method: string; path: string; authorization: boolean }[];
  };
  return requests;
}

/** A server that answers as it is told, for answers that no OVOC gives. */
async function serve(answer: (request: IncomingMessage) => [status: number, body: string, location?: string]) {
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(`${request.method ?? ""} ${request.url ?? ""}`);
    request.resume().once("end", () => {
      const [status, body, location] = answer(request);
      response.writeHead(status, location === undefined ? {} : { location }).end(body);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const refusalOf = (attempt: Promise<unknown>): Promise<OvocError> =>
  attempt.then(
    () => expect.unreachable("it went well"),
    (error: unknown) => error as OvocError,
  );

const linkBody = { deviceId: 1, siteId: 5 };

afterEach(() => vi.unstubAllEnvs());

describe("a site", () => {
  it("is created once, and found by every later try", async () => {
    const mock = await startOvoc();
    const client = open(mock.url);
    const first = await client.ensureSite(customer, patience);
    expect(first).toEqual({ id: 1, came: "created" });
    expect(await client.ensureSite(customer, patience)).toEqual({ id: 1, came: "present" });
    expect((await stateOf(mock)).sites).toEqual([{ name: "Acme", id: 1, url: "/ovoc/v1/topology/sites/1" }]);
  });

  it("is not sent again where it is there, for an OVOC that would take it twice", async () => {
    const { url, requests } = await serve(() => [200, '{"sites":[{"id":8,"name":"Acme"}]}']);
    expect(await open(url).ensureSite(customer, patience)).toEqual({ id: 8, came: "present" });
    expect(requests).toEqual([expect.stringMatching(/^GET /)]);
  });

  it("is created once by two who try at once", async () => {
    const mock = await startOvoc();
    const [one, other] = [open(mock.url), open(mock.url)];
    await order(mock, { name: "slow", ms: 20, method: "POST" });
    const tries = [one.ensureSite(customer, patience), other.ensureSite(customer, patience)];
    expect((await Promise.all(tries)).map(({ id }) => id)).toEqual([1, 1]);
    expect((await stateOf(mock)).sites).toHaveLength(1);
  });

  it("that somebody else made after the lookup is taken for made", async () => {
    const lookups = [
      [204, ""],
      [200, '{"sites":[{"id":8,"name":"Acme"}]}'],
    ] as const;
    let lookup = 0;
    const { url, requests } = await serve(({ method }) => {
      const [status, body] = (method === "GET" ? lookups[lookup++] : undefined) ?? [400, '{"description":"exists"}'];
      return [status, body];
    });
    expect(await open(url).ensureSite(customer, patience)).toEqual({ id: 8, came: "present" });
    expect(requests).toHaveLength(3);
  });

  it("is reached through Live Platform, under its base path and with a bearer token that may be renewed", async () => {
    const mock = await startOvoc({ basePath: "/tenantui/api", token: "second" });
    const tokens = ["first", "second", "second"];
    const client = open(mock.url, { token: { file: "t" } }, undefined, () => tokens.shift() ?? "");
    expect(await refusalOf(client.ensureSite(customer, patience))).toMatchObject({ code: "auth" });
    expect(await client.ensureSite(customer, patience)).toMatchObject({ came: "created" });
    expect((await receivedBy(mock))[0]?.path).toMatch(/^\/tenantui\/api\/ovoc\/v1\/topology\/sites\?/);
  });

  it.each<[string, Partial<OvocFault>[]]>([
    ["204", []],
    ["an empty list", [{ name: "no-match", answer: "list" }]],
    ["no body", [{ name: "no-match", answer: "nothing" }]],
    ["all that there is", [{ name: "no-filter" }]],
  ])("is created where the lookup is answered with %s", async (_, faults) => {
    const mock = await startOvoc({ entities: { sites: [{ name: "Acme2" }, { name: "ACME", regionId: 9 }] } });
    await order(mock, ...faults);
    const client = open(mock.url, { siteBody: { name: "{{siteName}}", regionId: 4 } });
    expect(await client.ensureSite(customer, patience)).toMatchObject({ came: "created" });
    expect(await client.ensureSite(customer, patience)).toMatchObject({ id: 3, came: "present" });
    expect((await stateOf(mock)).sites).toHaveLength(3);
  });

  it.each<[string, Partial<OvocFault>]>([
    ["a 500", { name: "error", processed: true }],
    ["silence", { name: "hang", processed: true }],
    ["a cut connection", { name: "cut", processed: true }],
    ["half an answer", { name: "malformed" }],
  ])("that was created but answered with %s is found again", async (_, fault) => {
    const mock = await startOvoc();
    await order(mock, { ...fault, method: "POST", times: 1 });
    const client = open(mock.url, { requestMs: 300 });
    await refusalOf(client.ensureSite(customer, patience));
    expect(await client.ensureSite(customer, patience)).toEqual({ id: 1, came: "present" });
    expect((await stateOf(mock)).sites).toHaveLength(1);
  });

  it.each([
    ["{}"],
    ["[]"],
    ['{"sites":{}}'],
    ['{"sites":[{"id":1}]}'],
    ['{"sites":[{"name":"Acme"}]}'],
    ['{"customers":[]}'],
    ['{"sites":['],
    ["<html>Log in</html>"],
  ])("is not created where the lookup is answered with %s", async (body) => {
    const { url, requests } = await serve(() => [200, body]);
    expect(await refusalOf(open(url).ensureSite(customer, patience))).toMatchObject({ code: "protocol" });
    expect(requests).toHaveLength(1);
  });

  it.each([[""], ["{}"], ['{"id":{}}'], ["created"]])("is not taken for created by the answer %j", async (body) => {
    const { url } = await serve(({ method }) => (method === "GET" ? [204, ""] : [201, body]));
    expect(await refusalOf(open(url).ensureSite(customer, patience))).toMatchObject({ code: "protocol" });
  });

  it("that stands there twice is told, not guessed", async () => {
    const sites = [
      { name: "Acme", regionId: 4 },
      { name: "Acme", regionId: 9 },
    ];
    const mock = await startOvoc({ entities: { sites } });
    const error = await refusalOf(open(mock.url).ensureSite(customer, patience));
    expect(error).toMatchObject({ code: "conflict", concernsAll: false });
    expect(error.message).toContain("2 sites 'Acme' (ids 1, 2)");
    const siteBody = { name: "{{siteName}}", regionId: 9 };
    expect(await open(mock.url, { siteBody }).ensureSite(customer, patience)).toEqual({ id: 2, came: "present" });
    expect((await stateOf(mock)).sites).toMatchObject(sites);
  });

  it("of another tenant is not taken for the customer's, and stays as it is", async () => {
    const sites = [{ name: "Acme", description: "another tenant" }];
    const mock = await startOvoc({ entities: { sites } });
    const siteBody = { name: "{{siteName}}", description: "{{tenantId}}" };
    const error = await refusalOf(open(mock.url, { siteBody }).ensureSite(customer, patience));
    expect(error).toMatchObject({ code: "conflict" });
    expect(error.message).toContain(`description is another tenant, not ${customer.tenantId}`);
    expect((await stateOf(mock)).sites).toMatchObject(sites);
  });

  it("has a body of one's own, in which values are only values", async () => {
    const mock = await startOvoc();
    const siteBody = { name: "LP-{{siteName}}", more: { full: "{{fullName}}!", ids: ["{{tenantId}}", 7] } };
    const client = open(mock.url, { siteBody });
    const odd = { ...customer, fullName: "Walter's $& {{tenantId}}" };
    await client.ensureSite(odd, patience);
    expect(await client.ensureSite(odd, patience)).toMatchObject({ came: "present" });
    expect((await stateOf(mock)).sites).toMatchObject([
      { name: "LP-Acme", more: { full: "Walter's $& {{tenantId}}!", ids: [customer.tenantId, 7] } },
    ]);
  });

  it.each([["x' or name='y"], ["back\\slash"], ["new\nline"], [""]])(
    "named %j is refused before anything is sent",
    async (siteName) => {
      const mock = await startOvoc();
      const error = await refusalOf(open(mock.url).ensureSite({ ...customer, siteName }, patience));
      expect(error).toMatchObject({ code: "name", concernsAll: false });
      expect(await receivedBy(mock)).toEqual([]);
    },
  );

  property.prop([fc.string({ unit: "binary", maxLength: 20 })], { numRuns: 60 })(
    "is looked up by exactly its name, or not at all",
    async (siteName) => {
      const asked: (string | null)[] = [];
      const { url } = await serve((request) => {
        asked.push(new URL(request.url ?? "", "http://ovoc.invalid").searchParams.get("filter"));
        return [404, ""];
      });
      const { code } = await refusalOf(open(url).ensureSite({ ...customer, siteName }, patience));
      expect(asked).toEqual(code === "name" ? [] : [`(name='${siteName}')`]);
    },
  );
});

describe("a link", () => {
  const topology = [
    { name: "other", ipAddress: "192.0.2.99", fqdn: "other.example.com" },
    { name: "ams", ipAddress: "192.0.2.10", fqdn: "sbc1.example.com" },
    { name: "lon", ipAddress: "192.0.2.11", fqdn: "sbc2.example.com" },
    { name: "par", ipAddress: "2001:db8::3", fqdn: "sbc3.example.com" },
  ];

  it.each([
    ["its IPv4 address", "sbc-1", {}, 2],
    ["its FQDN", "sbc-2", {}, 3],
    ["its IPv6 address", "sbc-3", {}, 4],
    ["the name that is configured for it", "sbc-1", { "sbc-1": "lon" }, 3],
    ["the id that is configured for it", "sbc-1", { "sbc-1": 4711 }, 4711],
  ])("is made on the device found by %s", async (_, device, configured, deviceId) => {
    const mock = await startOvoc({ entities: { devices: topology } });
    await order(mock, { name: "no-filter", path: "devices" });
    const client = open(mock.url, { links: true, devices: configured });
    const key: LinkKey = { kind: "ip-group", ipGroup: "Acme-c", device };
    expect(await client.ensureLink(customer, 5, key, patience)).toEqual({ id: 5, came: "created" });
    expect(await client.ensureLink(customer, 5, key, patience)).toEqual({ id: 5, came: "present" });
    const { links } = await stateOf(mock);
    expect(links).toEqual([{ name: "Acme-c", deviceId, siteId: 5, id: 5, url: "/ovoc/v1/topology/links/5" }]);
  });

  it.each([
    ["no device has the address", [], "missing", "no device with ipAddress '192.0.2.10'"],
    ["two devices have it", [topology[1], topology[1]], "conflict", "2 devices with ipAddress"],
  ])("is not made where %s", async (_, known, code, words) => {
    const mock = await startOvoc({ entities: { devices: known.map((one) => ({ ...one })) } });
    const error = await refusalOf(open(mock.url).ensureLink(customer, 5, ipGroup, patience));
    expect(error).toMatchObject({ code, concernsAll: false });
    expect(error.message).toContain(words);
    expect(error.message).toContain("ovoc.devices.sbc-1");
    expect((await stateOf(mock)).links).toEqual([]);
  });

  it("is not made where OVOC does not show the address that it was asked for", async () => {
    const { url, requests } = await serve(() => [200, '{"devices":[{"id":17,"description":"a device"}]}']);
    expect(await refusalOf(open(url).ensureLink(customer, 5, ipGroup, patience))).toMatchObject({ code: "protocol" });
    expect(requests).toHaveLength(1);
  });

  it.each([
    ["device", { deviceId: 2, siteId: 5 }, "deviceId is 2, not 1"],
    ["site", { deviceId: 1, siteId: 6 }, "siteId is 6, not 5"],
  ])("of that name on another %s is a conflict, and stays as it is", async (_, fields, words) => {
    const links = [{ name: "Acme", ...fields }];
    const mock = await startOvoc({ entities: { links } });
    const client = open(mock.url, { devices: { "sbc-1": 1 } });
    const error = await refusalOf(client.ensureLink(customer, 5, ipGroup, patience));
    expect(error).toMatchObject({ code: "conflict" });
    expect(error.message).toContain(words);
    expect((await stateOf(mock)).links).toMatchObject(links);
  });

  it("is told from its namesake on another device where both are there", async () => {
    const links = [
      { name: "Acme", ...linkBody, deviceId: 2 },
      { name: "Acme", ...linkBody },
    ];
    const mock = await startOvoc({ entities: { links } });
    const client = open(mock.url, { devices: { "sbc-1": 1 } });
    expect(await client.ensureLink(customer, 5, ipGroup, patience)).toEqual({ id: 2, came: "present" });
    expect((await stateOf(mock)).links).toHaveLength(2);
  });

  it("is keyed by the tenant where there is no IP Group, and wants no device", async () => {
    const mock = await startOvoc();
    const client = open(mock.url);
    await client.ensureLink(customer, 5, { kind: "tenant" }, patience);
    await client.ensureLink(customer, 5, { kind: "tenant" }, patience);
    expect((await stateOf(mock)).links).toMatchObject([{ name: customer.tenantId, siteId: 5 }]);
    expect((await stateOf(mock)).links).toHaveLength(1);
  });

  it("is made under a path of one's own, without a device where its body names none", async () => {
    const { url, requests } = await serve(({ method }) =>
      method === "GET" ? [200, '{"trunks":[]}'] : [201, '{"id":"9"}'],
    );
    const client = open(url, { linksPath: "/sites/{{siteId}}/trunks/", linkBody: { name: "{{ipGroup}}" } });
    expect(await client.ensureLink(customer, "a/b", ipGroup, patience)).toEqual({ id: "9", came: "created" });
    expect(requests).toEqual([expect.stringMatching(/^GET \/sites\/a%2Fb\/trunks\/\?/), "POST /sites/a%2Fb/trunks/"]);
  });
});

describe("trouble with OVOC", () => {
  it.each([
    [401, "auth", true],
    [403, "auth", true],
    [429, "busy", true],
    [503, "unreachable", true],
    [500, "rejected", false],
    [400, "rejected", false],
    [404, "rejected", false],
  ])("that is answered %i is told as %s", async (status, code, concernsAll) => {
    const mock = await startOvoc();
    await order(mock, { name: "error", status });
    const error = await refusalOf(open(mock.url).ensureSite(customer, patience));
    expect(error).toMatchObject({ code, concernsAll });
    expect(error.message).toContain(String(status));
    expect(error.message).toContain("Internal error");
    expect((await stateOf(mock)).sites).toEqual([]);
  });

  it("is told in OVOC's words, without the secret", async () => {
    const { url } = await serve(({ method }) =>
      method === "GET" ? [204, ""] : [400, JSON.stringify({ description: `regionId is missing, ${password}` })],
    );
    const { message } = await refusalOf(open(url).ensureSite(customer, patience));
    expect(message).toMatch(/answered 400 to the creation of site 'Acme': regionId is missing, \*{8}$/);
  });

  it("shows no credentials when nobody listens", async () => {
    const mock = await startOvoc();
    await mock.stop();
    const error = await refusalOf(open(mock.url).ensureSite(customer, patience));
    expect([error.code, error.cause]).toEqual(["unreachable", undefined]);
    const encoded = Buffer.from(`ovoc:${password}`).toString("base64");
    expect(error.message).toContain("ECONNREFUSED");
    for (const secret of [password, encoded]) expect(error.message).not.toContain(secret);
  });

  it("that does not end is left after requestMs, or when the caller says so", async () => {
    const mock = await startOvoc();
    await order(mock, { name: "hang" });
    const error = await refusalOf(open(mock.url, { requestMs: 100 }).ensureSite(customer, patience));
    expect(error).toMatchObject({ code: "unreachable" });
    expect(error.message).toContain("within 100 ms");
    const stop = new AbortController();
    const waiting = refusalOf(open(mock.url).ensureSite(customer, stop.signal));
    stop.abort();
    expect((await waiting).message).toContain("given up by the caller");
  });

  it("that is a redirection takes the credentials nowhere", async () => {
    const elsewhere = await serve(() => [204, ""]);
    const { url } = await serve(() => [302, "", `${elsewhere.url}/ovoc/v1/topology/sites`]);
    const error = await refusalOf(open(url).ensureSite(customer, patience));
    expect(error).toMatchObject({ code: "rejected" });
    expect(error.message).toContain("302");
    expect(elsewhere.requests).toEqual([]);
  });

  it("that is an endless answer is not read to its end", async () => {
    const { url, requests } = await serve(() => [200, `{"sites":[]}${" ".repeat(5 * 1024 * 1024)}`]);
    const error = await refusalOf(open(url).ensureSite(customer, patience));
    expect(error).toMatchObject({ code: "protocol" });
    expect(error.message).toContain("more than 4194304 bytes");
    expect(requests).toHaveLength(1);
  });

  it("is not asked of a proxy of the environment", async () => {
    const proxy = await serve(() => [204, ""]);
    for (const name of ["HTTP_PROXY", "http_proxy", "ALL_PROXY"]) vi.stubEnv(name, proxy.url);
    for (const name of ["NO_PROXY", "no_proxy"]) vi.stubEnv(name, "");
    const mock = await startOvoc();
    expect(await open(mock.url).ensureSite(customer, patience)).toMatchObject({ came: "created" });
    expect(proxy.requests).toEqual([]);
  });

  it("that is another certificate keeps the credentials back; the configured authority lets them go", async () => {
    const { certificatePem, keyPem } = createCertificate();
    const authorizations: (string | undefined)[] = [];
    const server = createTlsServer({ cert: certificatePem, key: keyPem }, (request, response) => {
      authorizations.push(request.headers.authorization);
      response.writeHead(request.method === "GET" ? 204 : 201).end(request.method === "GET" ? "" : '{"id":1}');
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    });
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await refusalOf(open(url).ensureSite(customer, patience))).toMatchObject({ code: "unreachable" });
    expect(authorizations).toEqual([]);
    expect(await open(url, {}, certificatePem).ensureSite(customer, patience)).toEqual({ id: 1, came: "created" });
    expect(authorizations).toHaveLength(2);
  });
});

describe("the settings of OVOC", () => {
  const faultsOf = (ovoc: object): readonly string[] => {
    try {
      settingsFor("https://ovoc.example.com", ovoc);
      return [];
    } catch (error) {
      if (error instanceof ConfigError) return error.faults;
      throw error;
    }
  };

  it.each([
    ["ovoc.user", { user: undefined }],
    ["ovoc.user", { password: undefined }],
    ["ovoc.url", { url: "https://me:pass@ovoc.example.com" }],
    ["ovoc.url", { url: "https://ovoc.example.com/?tenant=1" }],
    ["ovoc.siteBody", { siteBody: { name: "{{siteName}}", site: "{{siteId}}" } }],
    ["ovoc.siteBody.name", { siteBody: { title: "{{siteName}}" } }],
    ["ovoc.siteBody.name", { siteBody: { name: "one for all" } }],
    ["ovoc.linkBody", { linkBody: { name: "{{ipGroup}}", deep: [{ id: "{{sbcId}}" }] } }],
    ["ovoc.linkBody.name", { linkBody: { name: "{{siteName}}" } }],
    ["ovoc.tenantLinkBody", { tenantLinkBody: { name: "{{tenantId}}", deviceId: "{{deviceId}}" } }],
    ["ovoc.linksPath", { linksPath: "/devices/{{deviceId}}/links" }],
    ["ovoc.sitesPath", { sitesPath: "sites" }],
  ])("are refused for %s of %j", (path, changes) => {
    expect(faultsOf(changes).map((fault) => fault.split(":")[0])).toContain(path);
  });

  it("take a token in place of user and password", () => {
    expect(faultsOf({ user: undefined, password: undefined, token: { env: "T" } })).toEqual([]);
    expect(settingsFor("https://o.example.com", { token: { env: "T" } })).toMatchObject({
      bearer: true,
      password: { env: "T" },
    });
  });
});
