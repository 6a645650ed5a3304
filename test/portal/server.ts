import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Scope } from "../../agent/settings/config.ts";
import type { Explanation } from "../../agent/explanation/explanation.ts";
import { reportFailures } from "../../agent/operations/failures.ts";
import { createHttpServer, type EmbeddedDependencies, type HttpDependencies } from "../../agent/http.ts";
import { NotFound, type Operations } from "../../agent/operations/operations.ts";
import { judge } from "../../agent/portal/rules.ts";
import type { HealthReport, PlanReport } from "../../agent/reports.ts";
import { openSealer } from "../../agent/store/seal.ts";
import { openSqliteStore } from "../../agent/store/sqlite/open.ts";
import type { NewConversion } from "../../agent/store/judgement.ts";
import type { Store } from "../../agent/store/store.ts";
import { createTokens } from "../../agent/tokens.ts";

export const device = "sbc-brussels";
export const gateway = "oc1.sandbox2.audiocodes.be";
export const tenant = "f79a7f93-5ef7-47d2-92c8-e4570503cec3";
export const unknownGuid = "3aae7841-12d1-4341-a7f1-867f1dd0ba0c";
/** In every secret that a test gives away; must be in no answer and no log line. */
export const canary = "canary-5d1f9c";

export const tokenOf = (scope: Scope): string => `token-of-${scope}-0123456789`;

export const siptest4 = {
  configurationName: "OcEssential_IPGROUP_TYPE",
  customerShortName: "SIPTest4",
  customerFullName: "SIPTest4",
  msTenantId: tenant,
  scriptParameters: { ProxySet: "SIPTrunk", OnlinePstnGateway: gateway },
};
export const byTenantId = {
  configurationName: "OcEssential_TENANT_TYPE",
  customerShortName: "SIPTest4",
  customerFullName: "SIPTest4",
  msTenantID: tenant,
};

export const health: HealthReport = {
  status: "ok",
  version: "0.1.0",
  startedAt: "2026-01-01T00:00:00.000Z",
  remarks: [],
  devices: [],
  portal: null,
  amendments: [],
  announced: [],
};
export const explained: Explanation = {
  subject: device,
  kind: "device",
  state: "idle",
  waitsFor: null,
  next: null,
  humanCan: null,
  sentence: `Device ${device} is idle.`,
};
export const plan: PlanReport = { device, changes: [], lines: [], reverse: [], conflicts: [], warnings: [] };

interface Answer {
  status: number;
  headers: Headers;
  text: string;
  /** The body as JSON, where it is JSON. */
  body: unknown;
}

interface CallOptions {
  token?: string | undefined;
  /** An object is sent as JSON, a string as it is. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface TestServer {
  url: string;
  store: Store;
  /** What create-customer handed to the store. */
  accepted: NewConversion[];
  /** What operators asked for, as `[name, ...arguments]`. */
  asked: unknown[][];
  log: { level: string; message: string; fields: Readonly<Record<string, string | number | null>> }[];
  /** With the token of scope client, unless told otherwise. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** Posts a create-customer body and resolves with the id of its task. */
  convert(body: unknown): Promise<string>;
  /** Does for a posted conversion what a run and the OVOC step do. */
  finish(taskId: string): Promise<void>;
  stop(): Promise<void>;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

type Overrides = Partial<Omit<EmbeddedDependencies, "role">> & Pick<HttpDependencies, "role">;

/**
 * A real server on port 0, of an embedded portal unless told otherwise, with a real store in a folder of its own; both
 * are closed when the test ends.
 */
export async function startServer({ role = "embedded", ...overrides }: Overrides = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), "sbc-agent-http-"));
  const store = openSqliteStore({
    file: join(folder, "agent.db"),
    judge,
    sealer: openSealer(Buffer.alloc(32, 7)),
    deadlineMs: 3_600_000,
    keepSecrets: true,
  });
  const accepted: NewConversion[] = [];
  const asked: unknown[][] = [];
  const log: TestServer["log"] = [];
  const known = (name: string) => {
    if (name !== device) throw new NotFound(`there is no device '${name}' in the inventory (${device})`);
  };
  const operations: Operations = {
    health: async () => health,
    async plan(subject) {
      asked.push(["plan", subject]);
      if ("taskId" in subject) throw new NotFound(`there is no task '${subject.taskId}'`);
      return plan;
    },
    async resync(request, by) {
      asked.push(["resync", request, by]);
      if (request.device !== undefined) known(request.device);
      return { devices: [] };
    },
    async adopt({ device: name, ...request }, by) {
      known(name);
      asked.push(["adopt", name, request, by]);
      const { dryRun } = request;
      return { device, dryRun, result: "done", reason: null, adopted: [], skipped: [], linked: 0, unnamed: 0 };
    },
    async drift({ device: name }) {
      if (name !== undefined) known(name);
      asked.push(["drift", name]);
      return { devices: [] };
    },
    async checkDrift({ device: name }, by) {
      if (name !== undefined) known(name);
      asked.push(["checkDrift", name, by]);
      return { devices: [] };
    },
    async pause(name, reason, by) {
      known(name);
      asked.push(["pause", name, reason, by]);
    },
    async resume(name, reason, by) {
      known(name);
      asked.push(["resume", name, reason, by]);
    },
  };
  const server = createHttpServer({
    version: "0.1.0",
    settings: {
      host: "127.0.0.1",
      port: 0,
      behindProxy: false,
      inProgressStatus: "InProgress",
      requestsPerMinute: 1_000_000,
    },
    secretVariables: ["CarrierUserPassword", "*Password*", "*Secret*"],
    tokens: createTokens(
      (["client", "agent", "read", "operate", "admin"] as const).map((scope) => ({
        name: scope,
        scopes: [scope],
        token: tokenOf(scope),
        ...(scope === "agent" ? { agent: { devices: new Set([device]), gateways: new Set([gateway]) } } : {}),
      })),
    ),
    store: {
      ...store,
      accept(conversion) {
        accepted.push(conversion);
        return store.accept(conversion);
      },
    },
    operations,
    async explain(subject) {
      asked.push(["explain", subject]);
      known(subject);
      return explained;
    },
    failures: (sinceMs) => reportFailures(store, sinceMs, Date.now()),
    resolveDevice: (fqdn) => (fqdn === gateway ? device : undefined),
    ready: async () => ({ ok: true, failed: [] }),
    metrics: async () => ({ contentType: "text/plain; version=0.0.4; charset=utf-8", body: "up 1\n" }),
    log: (level, message, fields) => log.push({ level, message, fields }),
    ...overrides,
    role,
  });
  onTestFinished(async () => {
    await server.stop();
    await store.close();
    rmSync(folder, { recursive: true });
  });
  const { url } = await server.start();

  const call: TestServer["call"] = async (method, path, { token = tokenOf("client"), body, headers } = {}) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token === "" ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, text, body: parse(text) };
  };

  return {
    url,
    store,
    accepted,
    asked,
    log,
    call,
    async convert(body) {
      const answer = await call("POST", "/api/v3/customer", { body });
      if (answer.status !== 200) throw new Error(`create-customer answered ${answer.status}: ${answer.text}`);
      return (answer.body as { taskId: string }).taskId;
    },
    async finish(taskId) {
      const conversion = await store.conversion(taskId);
      if (conversion?.state === "ready") {
        const { device: name, gateway: fqdn, customerGuid, tenantId, shortName, fullName } = conversion;
        const claimed = await store.claimDevice(name ?? "", {
          holder: "test",
          durationMs: 60_000,
          graceMs: 0,
          max: 10,
        });
        if (claimed.kind !== "claimed") throw new Error("the device is held");
        await store.complete(claimed.claim.lease, [
          {
            kind: "linked",
            taskId,
            link: {
              customerGuid,
              tenantId,
              shortName,
              fullName,
              device: name ?? "",
              gateway: fqdn ?? "",
              proxySet: conversion.proxySet ?? "",
              intent: { customerGuid, tenantId, shortName, blueprint: { name: "oc-default", hash: "0" }, rows: [] },
              variables: conversion.variables,
              secretHashes: {},
            },
            messages: [{ level: "Information", message: `SBC sbc-onboarding done for site ${shortName}.` }],
          },
        ]);
        await store.releaseLease(claimed.claim.lease);
      }
      await store.completeSite(taskId, [{ level: "Information", message: "Site created in Ovoc" }]);
    },
    stop: () => server.stop(),
  };
}
