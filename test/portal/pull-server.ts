import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent as HttpAgent, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { z } from "zod";
import { createHttpServer, type HttpServer, type PortalDependencies } from "../../agent/http.ts";
import { judge } from "../../agent/portal/rules.ts";
import type { claimedConversion, completion, PollAnswer, PollRequest } from "../../agent/pull-shapes.ts";
import { openSealer } from "../../agent/store/seal.ts";
import { openSqliteStore } from "../../agent/store/sqlite/open.ts";
import type { Store } from "../../agent/store/store.ts";
import { createTokens } from "../../agent/tokens.ts";
import { createCertificate } from "../../mocks/sbc/certificate.ts";
import { explained, health } from "./server.ts";

export const [device, sibling] = ["sbc-ams-1", "sbc-ams-2"] as const;
export const [gateway, siblingGateway] = ["oc1.example.com", "oc2.example.com"] as const;
/** In every secret that a test gives away. */
export const canary = "canary-5d1f9c";
export const identity = "north-0001";
export const prefix = "/api/pull/v1";

/** Two agents that share a device and its gateway, and what may not pull at all. */
const bindings = {
  north: { devices: new Set([device, sibling]), gateways: new Set([gateway.toUpperCase(), siblingGateway]) },
  south: { devices: new Set([sibling]), gateways: new Set([siblingGateway]) },
};
const others = ["client", "read", "operate", "admin"] as const;
export const tokenOf = (name: keyof typeof bindings | (typeof others)[number]): string => `token-of-${name}-0123456789`;

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** The body as JSON, where there is one. */
  body: unknown;
}

export interface CallOptions {
  /** Default: that of agent north. */
  token?: string;
  /** An object is sent as JSON, a string as it is. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface PullServer {
  url: string;
  /** The store itself; the server's goes through what the test put before it. */
  store: Store;
  log: { level: string; message: string; fields: Readonly<Record<string, string | number | null>> }[];
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** As agent north with its device and gateway, at once, unless told otherwise. */
  poll(request?: Partial<PollRequest>, options?: CallOptions): Promise<Answer>;
  /** Accepts a conversion of a new tenant for the gateway and resolves with its task. */
  accept(shortName: string, more?: { gateway?: string; secrets?: Record<string, string> }): Promise<string>;
  /** Stops the server alone. */
  stop(): Promise<void>;
  /** Stops the server, closes the store, and starts both anew on the same file. */
  restart(): Promise<void>;
}

export interface PullServerOptions {
  settings?: Partial<PortalDependencies["settings"]>;
  /** Default true. */
  tls?: boolean;
  /** Put before the store that the server sees. */
  before?: (store: Store) => Store;
  /** The store's clock. */
  now?: () => number;
}

/** A portal on port 0 with a certificate and a store of its own; all is closed when the test ends. */
export async function startPortal(options: PullServerOptions = {}): Promise<PullServer> {
  const { settings, tls = true, before = (store) => store, now } = options;
  const folder = mkdtempSync(join(tmpdir(), "sbc-agent-pull-"));
  const { certificatePem, keyPem } = createCertificate();
  const files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  writeFileSync(files.cert, certificatePem);
  writeFileSync(files.key, keyPem, { mode: 0o600 });
  const connections = tls
    ? new HttpsAgent({ keepAlive: true, ca: certificatePem })
    : new HttpAgent({ keepAlive: true });
  const request = tls ? httpsRequest : httpRequest;
  const log: PullServer["log"] = [];
  let server: HttpServer | undefined;
  let store: Store | undefined;
  let url = "";
  let tenants = 0;

  async function start(): Promise<void> {
    store = openSqliteStore({
      file: join(folder, "agent.db"),
      judge,
      sealer: openSealer(Buffer.alloc(32, 7)),
      deadlineMs: 3_600_000,
      keepSecrets: true,
      gatewayWaitMs: 900_000,
      ...(now === undefined ? {} : { now }),
    });
    server = createHttpServer({
      role: "portal",
      version: "0.1.0",
      settings: {
        host: "127.0.0.1",
        port: 0,
        behindProxy: false,
        inProgressStatus: "InProgress",
        requestsPerMinute: 1_000_000,
        ...(tls ? { tls: files } : {}),
        ...settings,
      },
      secretVariables: ["*Password*"],
      tokens: createTokens([
        ...others.map((scope) => ({ name: scope, scopes: [scope], token: tokenOf(scope) })),
        ...Object.entries(bindings).map(([name, agent]) => ({
          name,
          scopes: ["agent"] as const,
          token: tokenOf(name as keyof typeof bindings),
          agent,
        })),
      ]),
      store: before(store),
      operations: { health: async () => health },
      failures: async () => ({ since: "", failed: 0, complete: true, groups: [] }),
      explain: async () => explained,
      resolveDevice: () => undefined,
      ready: async () => ({ ok: true, failed: [] }),
      metrics: async () => ({ contentType: "text/plain", body: "up 1\n" }),
      log: (level, message, fields) => log.push({ level, message, fields }),
    });
    ({ url } = await server.start());
  }
  async function stop(): Promise<void> {
    await server?.stop();
  }
  onTestFinished(async () => {
    connections.destroy();
    await stop();
    await store?.close();
    rmSync(folder, { recursive: true });
  });
  await start();
  const opened = (): Store => {
    if (store === undefined) throw new Error("the store is not open");
    return store;
  };

  const call: PullServer["call"] = (method, path, { token = tokenOf("north"), body, headers, signal } = {}) =>
    new Promise((resolve, reject) => {
      const sent = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
      const asked = request(
        `${url}${path}`,
        {
          method,
          agent: connections,
          headers: {
            authorization: `Bearer ${token}`,
            ...(sent === undefined
              ? {}
              : { "content-type": "application/json", "content-length": Buffer.byteLength(sent) }),
            ...headers,
          },
          ...(signal === undefined ? {} : { signal }),
        },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8");
          answer.on("data", (part: string) => (text += part));
          answer.on("end", () =>
            resolve({
              status: answer.statusCode ?? 0,
              headers: answer.headers,
              text,
              body: text === "" ? undefined : JSON.parse(text),
            }),
          );
          answer.on("error", reject);
        },
      );
      asked.on("error", reject);
      asked.end(sent);
    });

  return {
    get url() {
      return url;
    },
    get store() {
      return opened();
    },
    log,
    call,
    poll: (poll = {}, more = {}) =>
      call("POST", `${prefix}/poll`, {
        ...more,
        body: {
          identity,
          version: "0.1.0",
          fresh: false,
          devices: [{ device, gateways: [gateway], standing: false }],
          cursor: "",
          waitSeconds: 0,
          ...poll,
        },
      }),
    async accept(shortName, { gateway: fqdn = gateway, secrets = {} } = {}) {
      tenants += 1;
      const tenantId = `00000000-0000-4000-8000-${String(tenants).padStart(12, "0")}`;
      await opened().createLead({ tenantId, companyName: shortName });
      const { taskId } = await opened().accept({
        tenantId,
        variant: "ip-group",
        shortName,
        fullName: `${shortName} Ltd`,
        gateway: fqdn,
        proxySet: "SIPTrunk",
        variables: { City: "Breda" },
        secrets,
        device: null,
      });
      return taskId;
    },
    stop,
    async restart() {
      await stop();
      await store?.close();
      await start();
    },
  };
}

export const answerOf = (answer: Answer): PollAnswer => answer.body as PollAnswer;

/** What a run reports of a conversion that it was handed. */
export function linkedOf(
  conversion: z.output<typeof claimedConversion>,
  on: string = device,
): z.input<typeof completion> {
  const { taskId, customerGuid, tenantId, shortName, fullName, gateway: fqdn, proxySet, variables } = conversion;
  return {
    kind: "linked",
    taskId,
    link: {
      customerGuid,
      tenantId,
      shortName,
      fullName,
      device: on,
      gateway: fqdn,
      proxySet,
      variables,
      intent: { customerGuid, tenantId, shortName, blueprint: { name: "oc-default", hash: "0" }, rows: [] },
      secretHashes: {},
    },
    messages: [{ level: "Information", message: `SBC sbc-onboarding done for site ${shortName}.` }],
  };
}
