import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { scopes, type Scope } from "../agent/settings/config-schema.ts";
import { createCertificate } from "../mocks/sbc/certificate.ts";
import { canary, device, health, siptest4, startServer, tenant, tokenOf, unknownGuid } from "./portal/server.ts";

const settings = {
  host: "127.0.0.1",
  port: 0,
  behindProxy: false,
  inProgressStatus: "InProgress",
  requestsPerMinute: 1_000_000,
};

interface Route {
  method: string;
  /** As OpenAPI writes it. */
  route: string;
  path: string;
  scopes: readonly Scope[];
  body?: unknown;
  /** Documented under its path without /tenantui. */
  alias?: true;
}

const lead = { tenantId: tenant, companyName: "SIPTest" };
const portalRoutes: Route[] = [
  { method: "POST", route: "/api/v3/customer", path: "/api/v3/customer", scopes: ["client"], body: siptest4 },
  { method: "GET", route: "/api/v3/customer", path: "/api/v3/customer?allDetails=true", scopes: ["client"] },
  {
    method: "GET",
    route: "/api/v3/customer/{customerGuid}",
    path: `/api/v3/customer/${unknownGuid}`,
    scopes: ["client"],
  },
  {
    method: "GET",
    route: "/api/v3/customer/{customerGuid}/onlinepstngateway",
    path: `/api/v3/customer/${unknownGuid}/onlinepstngateway`,
    scopes: ["client"],
  },
  {
    method: "DELETE",
    route: "/api/v2/customer/{customerGuid}",
    path: `/api/v2/customer/${unknownGuid}`,
    scopes: ["client"],
  },
  {
    method: "DELETE",
    route: "/api/v2/sitelocation/{sbcSiteGuid}",
    path: `/api/v2/sitelocation/${unknownGuid}`,
    scopes: ["client"],
  },
  {
    method: "PATCH",
    route: "/api/v2/customer/{customerGuid}/sitelocation/",
    path: `/api/v2/customer/${unknownGuid}/sitelocation/`,
    scopes: ["client"],
    body: { blueprint: "oc-default" },
  },
  { method: "GET", route: "/api/v2/task/{taskId}", path: "/api/v2/task/wst_1", scopes: ["client"] },
  { method: "GET", route: "/api/v2/oc/lead", path: "/api/v2/oc/lead", scopes: ["client"] },
  { method: "POST", route: "/api/v2/oc/lead", path: "/api/v2/oc/lead", scopes: ["client"], body: lead },
  { method: "DELETE", route: "/api/v2/oc/lead", path: `/api/v2/oc/lead?msTenantID=${tenant}`, scopes: ["client"] },
];
const aliases = portalRoutes.map((route): Route => ({
  ...route,
  route: `/tenantui${route.route}`,
  path: `/tenantui${route.path}`,
  alias: true,
}));
const agent = "/api/agent/v1";
const operatorRoutes: Route[] = [
  { method: "GET", route: "/health", path: "/health", scopes: ["read"] },
  { method: "GET", route: "/metrics", path: "/metrics", scopes: ["read"] },
  { method: "GET", route: `${agent}/health`, path: `${agent}/health`, scopes: ["read"] },
  { method: "POST", route: `${agent}/plan`, path: `${agent}/plan`, scopes: ["read"], body: { request: siptest4 } },
  { method: "POST", route: `${agent}/resync`, path: `${agent}/resync`, scopes: ["operate"], body: {} },
  {
    method: "POST",
    route: `${agent}/resync`,
    path: `${agent}/resync`,
    scopes: ["read", "operate"],
    body: { dryRun: true },
  },
  {
    method: "POST",
    route: `${agent}/adopt`,
    path: `${agent}/adopt`,
    scopes: ["operate"],
    body: { device },
  },
  {
    method: "POST",
    route: `${agent}/adopt`,
    path: `${agent}/adopt`,
    scopes: ["read", "operate"],
    body: { device, dryRun: true },
  },
  { method: "GET", route: `${agent}/drift`, path: `${agent}/drift?device=${device}`, scopes: ["read"] },
  { method: "POST", route: `${agent}/drift/check`, path: `${agent}/drift/check`, scopes: ["operate"], body: {} },
  ...["pause", "resume"].map((action) => ({
    method: "POST",
    route: `${agent}/devices/{device}/${action}`,
    path: `${agent}/devices/${device}/${action}`,
    scopes: ["operate"] as const,
    body: { reason: "x" },
  })),
  { method: "GET", route: `${agent}/explain/{subject}`, path: `${agent}/explain/${device}`, scopes: ["read"] },
  { method: "GET", route: `${agent}/failures`, path: `${agent}/failures`, scopes: ["read"] },
  { method: "GET", route: `${agent}/audit`, path: `${agent}/audit`, scopes: ["admin"] },
  { method: "GET", route: "/openapi.json", path: "/openapi.json", scopes: scopes.filter((scope) => scope !== "agent") },
];
const doubled: Route = {
  method: "GET",
  route: "/tenantui/tenantui/api/v2/task/{taskId}",
  path: "/tenantui/tenantui/api/v2/task/wst_1",
  scopes: ["client"],
  alias: true,
};
const routesOf = (paths: Record<string, object>): string[] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
const guarded = [...portalRoutes, ...aliases, doubled, ...operatorRoutes];
const open = ["/livez", "/readyz"];

describe("scopes", () => {
  it.each(guarded)("$method $path is for $scopes and admin alone", async (route) => {
    const server = await startServer();
    for (const scope of scopes) {
      const answer = await server.call(route.method, route.path, { token: tokenOf(scope), body: route.body });
      const allowed = scope === "admin" || route.scopes.includes(scope);
      if (allowed) expect([200, 204, 400, 404], `${scope}: ${answer.text}`).toContain(answer.status);
      else {
        expect(answer.status, scope).toBe(403);
        expect((answer.body as { detail: string }).detail).toMatch(
          route.path === "/openapi.json"
            ? "Token 'agent' is an agent's: it may call the pull API and nothing else."
            : new RegExp(`Token '${scope}' lacks the scope .*'${route.scopes.at(-1) ?? ""}'`),
        );
      }
    }
    const allowed = scopes.filter((scope) => scope === "admin" || route.scopes.includes(scope)).length;
    const isAccept = route.path.endsWith("/v3/customer") && route.method === "POST";
    expect(server.accepted).toHaveLength(isAccept ? allowed : 0);
  });

  it.each(guarded)("$method $path is closed without a token that was given out", async (route) => {
    const server = await startServer();
    for (const authorization of [
      undefined,
      "",
      "Bearer",
      "Bearer wrong",
      `Basic ${tokenOf("admin")}`,
      tokenOf("admin"),
    ]) {
      const answer = await server.call(route.method, route.path, {
        token: "",
        body: route.body,
        headers: authorization === undefined ? {} : { authorization },
      });
      expect(answer.status).toBe(401);
      expect(answer.headers.get("www-authenticate")).toBe("Bearer");
      expect(answer.headers.get("content-type")).toContain("application/problem+json");
    }
    expect(server.accepted).toEqual([]);
    expect(server.asked).toEqual([]);
  });

  it("are asked for before a body is read", async () => {
    const server = await startServer();
    expect((await server.call("POST", "/api/v3/customer", { token: "", body: "{" })).status).toBe(401);
    expect((await server.call("POST", "/api/v3/customer", { token: tokenOf("read"), body: "{" })).status).toBe(403);
  });

  it("cover every route that there is", async () => {
    const server = await startServer();
    const { paths } = (await server.call("GET", "/openapi.json")).body as { paths: Record<string, object> };
    const documented = routesOf(paths);
    const tested = [...portalRoutes, ...operatorRoutes].map(({ method, route }) => `${method} ${route}`);
    expect(new Set(documented)).toEqual(new Set([...tested, ...open.map((path) => `GET ${path}`)]));
  });
});

describe("a server of role", () => {
  const nearDevices = ["plan", "resync", "adopt", "drift", "devices"].map((name) => `${agent}/${name}`);
  const isOperation = ({ path }: Route) => nearDevices.some((start) => path.startsWith(start));
  const named = (routes: readonly Route[]) => routes.map(({ method, route }) => `${method} ${route}`);
  const oversight = [...named(operatorRoutes.filter((route) => !isOperation(route))), "GET /livez", "GET /readyz"];
  const pull = [
    "POST /poll",
    "POST /devices/{device}/claim",
    "GET /devices/{device}/work",
    "POST /leases/{device}/renew",
    "POST /leases/{device}/release",
    "POST /leases/{device}/sent",
    "POST /leases/{device}/complete",
    "PUT /leases/{device}/links",
    "POST /leases/{device}/adopt",
    "POST /devices/{device}/adoptable",
    "POST /progress",
  ].map((route) => route.replace(" ", " /api/pull/v1"));

  it.each([
    ["portal", ["portal", "pull", "operations"], [...named(portalRoutes), ...pull, ...oversight]],
    ["agent", ["operations"], [...named(operatorRoutes), ...oversight]],
    ["embedded", ["portal", "operations"], [...named(portalRoutes), ...named(operatorRoutes), ...oversight]],
  ] as const)("%s documents what it serves, and nothing else", async (role, tags, routes) => {
    const server = await startServer({ role });
    const answer = await server.call("GET", "/openapi.json", { token: tokenOf("read") });
    const document = answer.body as { tags: { name: string }[]; paths: Record<string, object> };
    expect(document.tags.map(({ name }) => name)).toEqual(tags);
    expect(new Set(routesOf(document.paths))).toEqual(new Set(routes));
  });

  it.each([
    ["portal", operatorRoutes.filter(isOperation)],
    ["agent", [...portalRoutes, ...aliases]],
    ["embedded", [{ method: "POST", path: "/api/pull/v1/poll", body: {} }]],
  ] as const)("%s has no route for what is elsewhere", async (role, routes) => {
    const server = await startServer({ role });
    expect(routes.length).toBeGreaterThan(0);
    for (const { method, path, body } of routes)
      expect((await server.call(method, path, { token: tokenOf("admin"), body })).status, path).toBe(404);
    expect(server.accepted).toEqual([]);
  });

  it.each(["portal", "agent"] as const)("%s tells operators how it is", async (role) => {
    const server = await startServer({ role });
    const ask = (path: string, token = tokenOf("admin")) => server.call("GET", path, { token });
    expect((await ask("/health")).body).toEqual(health);
    expect((await ask("/metrics")).text).toBe("up 1\n");
    expect((await ask(`${agent}/audit`)).body).toEqual([]);
    expect((await ask("/readyz", "")).text).toBe("ok\n");
  });
});

describe("the OpenAPI document", () => {
  interface Operation {
    summary?: string;
    tags?: string[];
    security?: unknown[];
    responses: Record<string, { content?: Record<string, { schema: unknown }> }>;
    requestBody?: { content: Record<string, { schema: { properties?: Record<string, unknown> } }> };
  }
  const load = async (role: "embedded" | "portal" = "embedded") => {
    const server = await startServer({ role });
    return (await server.call("GET", "/openapi.json")).body as {
      openapi: string;
      paths: Record<string, Record<string, Operation>>;
      components: { securitySchemes: unknown };
      security: unknown;
    };
  };

  it.each(["embedded", "portal"] as const)(
    "of role %s is OpenAPI 3.1 with bearer tokens, and every route says what it is and how it fails",
    async (role) => {
      const document = await load(role);
      expect(document.openapi).toBe("3.1.0");
      expect(document.components.securitySchemes).toEqual({ bearer: { type: "http", scheme: "bearer" } });
      expect(document.security).toEqual([{ bearer: [] }]);
      for (const [path, methods] of Object.entries(document.paths))
        for (const operation of Object.values(methods)) {
          expect(operation.summary, path).toBeTruthy();
          expect(operation.tags, path).toHaveLength(1);
          if (open.includes(path)) expect(operation.security).toEqual([]);
          else
            for (const status of ["401", "403", "429", "500"])
              expect(Object.keys(operation.responses[status]?.content ?? {}), path).toEqual([
                "application/problem+json",
              ]);
        }
    },
  );

  it("describes create-customer with the fields that are checked", async () => {
    const operation = (await load()).paths["/api/v3/customer"]?.["post"];
    const schema = operation?.requestBody?.content["application/json"]?.schema;
    expect(Object.keys(schema?.properties ?? {})).toEqual(
      expect.arrayContaining([
        "configurationName",
        "customerShortName",
        "customerFullName",
        "msTenantId",
        "scriptParameters",
      ]),
    );
    expect(Object.keys(operation?.responses ?? {})).toEqual(expect.arrayContaining(["200", "400", "413"]));
  });
});

describe("answers", () => {
  it("may not be cached or guessed at", async () => {
    const server = await startServer();
    const { headers } = await server.call("GET", "/api/v3/customer");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  it.each([
    ["GET", "/"],
    ["GET", "/api/v3/customers"],
    ["PUT", "/api/v3/customer"],
    ["HEAD", "/livez"],
    ["GET", "/tenantui/health"],
  ])("to %s %s are 404 in problem details", async (method, path) => {
    const server = await startServer();
    const answer = await server.call(method, path);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    if (method !== "HEAD") expect(answer.body).toMatchObject({ title: "Not Found", status: 404, instance: path });
  });

  it.each([
    ["that cannot be decoded", "/api/v2/task/%zz", 400, "Bad Request"],
    ["that is too long", `/api/v2/task/${"x".repeat(200)}`, 414, "URI Too Long"],
  ])("to a path %s are problem details", async (_what, path, status, title) => {
    const server = await startServer();
    const answer = await server.call("GET", path);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    expect(answer.body).toMatchObject({ status, title, instance: path });
    await expect.poll(() => server.log).toMatchObject([{ message: "request", fields: { route: null, status } }]);
  });

  it("to what the server cannot do show a trace id and no more; the log has the rest", async () => {
    const server = await startServer({
      metrics: async () => Promise.reject(new Error("SQLITE_IOERR at /var/lib")),
    });
    const answer = await server.call("GET", "/metrics", { token: tokenOf("read") });
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain("SQLITE");
    const { traceId } = answer.body as { traceId: string };
    expect(server.log.filter(({ level }) => level === "error")).toMatchObject([
      {
        message: "request failed",
        fields: { route: "/metrics", traceId, error: expect.stringContaining("SQLITE_IOERR") as string },
      },
    ]);
  });

  it("that would not fit their schema are failures of the server", async () => {
    const server = await startServer({
      operations: {
        health: async () => ({ ...health, status: "splendid" as "ok" }),
        plan: async () => Promise.reject(new Error("not asked for")),
        resync: async () => Promise.reject(new Error("not asked for")),
        adopt: async () => Promise.reject(new Error("not asked for")),
        drift: async () => Promise.reject(new Error("not asked for")),
        checkDrift: async () => Promise.reject(new Error("not asked for")),
        pause: async () => undefined,
        resume: async () => undefined,
      },
    });
    expect((await server.call("GET", "/health", { token: tokenOf("read") })).status).toBe(500);
  });
});

describe("the request log", () => {
  it("has one line for each request, with its route and its token's name, and no value of anybody", async () => {
    const server = await startServer();
    const secret = { ...siptest4, scriptParameters: { ...siptest4.scriptParameters, CarrierUserPassword: canary } };
    await server.call("POST", "/tenantui/api/v3/customer", { body: secret });
    await server.call("GET", `/api/v2/oc/lead?msTenantID=${canary}`);
    await server.call("GET", `/api/v2/task/${canary}`, { headers: { "x-canary": canary } });
    await server.call("GET", `/${canary}`, { token: canary });
    await server.call("GET", "/livez", { token: "" });
    await expect.poll(() => server.log.length).toBe(5);
    const lines = server.log.map(({ level, message, fields: { ms, ...fields } }) => {
      expect(ms).toEqual(expect.any(Number));
      return [level, message, fields];
    });
    expect(lines).toEqual([
      ["info", "request", { method: "POST", route: "/tenantui/api/v3/customer", status: 200, token: "client" }],
      ["info", "request", { method: "GET", route: "/api/v2/oc/lead", status: 400, token: "client" }],
      ["info", "request", { method: "GET", route: "/api/v2/task/:taskId", status: 404, token: "client" }],
      ["info", "request", { method: "GET", route: null, status: 404, token: null }],
      ["debug", "request", { method: "GET", route: "/livez", status: 200, token: null }],
    ]);
    expect(JSON.stringify(server.log)).not.toContain(canary);
  });
});

describe("the number of requests", () => {
  it.each([
    ["of refused tokens", "/health", "wrong", 401],
    ["of unknown routes", "/nowhere", "wrong", 404],
    ["of good ones", "/health", tokenOf("read"), 200],
  ])("%s in a minute is limited", async (_what, path, token, status) => {
    const server = await startServer({ settings: { ...settings, requestsPerMinute: 3 } });
    for (let i = 0; i < 3; i += 1) expect((await server.call("GET", path, { token })).status).toBe(status);
    const answer = await server.call("GET", path, { token });
    expect(answer.status).toBe(429);
    expect(answer.body).toMatchObject({ title: "Too Many Requests", status: 429 });
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  it.each([
    [false, 429],
    [true, 200],
  ])("counts clients behind a proxy apart only where one is configured: %s", async (behindProxy, status) => {
    const server = await startServer({ settings: { ...settings, behindProxy, requestsPerMinute: 1 } });
    const from = (forwarded: string) => server.call("GET", "/livez", { headers: { "x-forwarded-for": forwarded } });
    expect((await from("192.0.2.1")).status).toBe(200);
    expect((await from("192.0.2.2")).status).toBe(status);
    // What the client itself wrote before the proxy's own entry does not count.
    expect((await from("198.51.100.9, 192.0.2.1")).status).toBe(429);
  });
});

describe("the server", () => {
  it("speaks TLS where it is configured, and not below 1.2", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sbc-agent-tls-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const { certificatePem, keyPem } = createCertificate();
    writeFileSync(join(folder, "cert.pem"), certificatePem);
    writeFileSync(join(folder, "key.pem"), keyPem, { mode: 0o600 });
    const server = await startServer({
      settings: { ...settings, tls: { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") } },
    });
    expect(server.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    const ask = (options: object) =>
      new Promise<number | undefined>((resolve, reject) => {
        httpsRequest(`${server.url}/livez`, { ca: certificatePem, agent: false, ...options }, (response) => {
          response.resume();
          response.on("end", () => resolve(response.statusCode));
        })
          .on("error", reject)
          .end();
      });
    expect(await ask({})).toBe(200);
    await expect(ask({ maxVersion: "TLSv1.1", minVersion: "TLSv1" })).rejects.toThrow();
  });

  it("lets a request under way end when it stops, and takes no more", async () => {
    let answer: (() => void) | undefined;
    let asked: (() => void) | undefined;
    const wasAsked = new Promise<void>((resolve) => (asked = resolve));
    const server = await startServer({
      metrics: () =>
        new Promise((resolve) => {
          answer = () => resolve({ contentType: "text/plain", body: "done" });
          asked?.();
        }),
    });
    const underWay = server.call("GET", "/metrics", { token: tokenOf("read") });
    await wasAsked;
    const stopped = server.stop();
    answer?.();
    expect((await underWay).text).toBe("done");
    await stopped;
    await expect(server.call("GET", "/livez")).rejects.toThrow();
    await server.stop();
  });

  it("cuts off what is still under way five seconds later", async () => {
    let asked: (() => void) | undefined;
    const wasAsked = new Promise<void>((resolve) => (asked = resolve));
    const server = await startServer({
      metrics: () => {
        asked?.();
        return new Promise(() => undefined);
      },
    });
    const underWay = expect(server.call("GET", "/metrics", { token: tokenOf("read") })).rejects.toThrow();
    await wasAsked;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const stopped = server.stop();
    await vi.advanceTimersByTimeAsync(5_000);
    await stopped;
    await underWay;
  });

  it("does not wait for idle connections when it stops", async () => {
    const server = await startServer();
    const { port } = new URL(server.url);
    const socket = connect(Number(port), "127.0.0.1");
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.write("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    await server.stop();
    await closed;
  });

  it("says which address it cannot have", async () => {
    const server = await startServer();
    const port = Number(new URL(server.url).port);
    await expect(startServer({ settings: { ...settings, port } })).rejects.toThrow(`127.0.0.1:${port}`);
  });
});
