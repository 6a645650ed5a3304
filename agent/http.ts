import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:https";
import rateLimit from "@fastify/rate-limit";
import swagger from "@fastify/swagger";
import fastify, { type FastifyContextConfig, type FastifyReply, type FastifyRequest } from "fastify";
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from "fastify-type-provider-zod";
import { z } from "zod";
import type { AgentConfig } from "./settings/config.ts";
import { addOperationsRoutes, type OperationsApiDependencies } from "./operations/operations-api.ts";
import { addOversightRoutes, type OversightDependencies } from "./operations/oversight-api.ts";
import { guardRoutes, type App } from "./portal/access.ts";
import { addAmendmentRoutes } from "./portal/amendments.ts";
import { addCustomerRoutes } from "./portal/customers.ts";
import { answerBadPath, answerFailures, parseBodies } from "./portal/failures.ts";
import { addLeadRoutes } from "./portal/leads.ts";
import { commonProblems } from "./portal/problem.ts";
import { pointToPlans } from "./portal/plans-elsewhere.ts";
import { addPullRoutes } from "./portal/pull.ts";
import type { ConversionSettings } from "./portal/requests.ts";
import { addTaskRoutes } from "./portal/tasks.ts";
import type { JournalStore } from "./store/journal-store.ts";
import type { PortalStore } from "./store/portal-store.ts";
import type { Tokens } from "./tokens.ts";

type HttpLog = (
  level: "error" | "info" | "debug",
  message: string,
  fields: Readonly<Record<string, string | number | null>>,
) => void;

interface Common extends OversightDependencies, ConversionSettings {
  /** Of the product, for the OpenAPI document. */
  version: string;
  settings: Omit<AgentConfig["portal"], "tokens" | "gatewayWait">;
  tokens: Tokens;
  /** Gets one line for each request, without bodies, queries and headers, and one for each failure of the server. */
  log: HttpLog;
}

interface PortalPart {
  store: PortalStore & Pick<JournalStore, "auditTrail">;
}

/** Portal and devices in one process: Live Platform's contract and all of the operators' API. */
export type EmbeddedDependencies = Common & PortalPart & OperationsApiDependencies & { role?: "embedded" };

/** No device near: Live Platform's contract, the pull API for agents elsewhere, and what operators may see. */
export type PortalDependencies = Common & PortalPart & { role: "portal" };

/** The portal is elsewhere: the operators' API alone. */
export type AgentDependencies = Common & OperationsApiDependencies & { role: "agent" };

export type HttpDependencies = EmbeddedDependencies | PortalDependencies | AgentDependencies;

export interface HttpServer {
  /** Resolves with its URL once requests are taken. Throws when the address is in use or the certificate cannot be read. */
  start(): Promise<{ url: string }>;
  /** Takes no more requests, lets those under way end for up to five seconds, then cuts them off. No error when not started. */
  stop(): Promise<void>;
}

const bodyLimitBytes = 64 * 1024;
const stopGraceMs = 5_000;
const receiveMs = 30_000;

/** The base URL of Live Platform's contract ends in /tenantui; its Get Task page prints that twice. */
const prefixes = ["", "/tenantui"];
const taskPrefixes = [...prefixes, "/tenantui/tenantui"];

function logRequest(log: HttpLog, request: FastifyRequest, reply: FastifyReply): void {
  // Absent where the path could not be read.
  const config = request.routeOptions.config as FastifyContextConfig | undefined;
  log(config?.access === "open" ? "debug" : "info", "request", {
    method: request.method,
    route: request.routeOptions.url ?? null,
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime),
    token: request.caller?.name ?? null,
  });
}

const portalTag = { name: "portal", description: "Live Platform's contract: scope client" };
const pullTag = {
  name: "pull",
  description: "For agents elsewhere, each with its own token that is bound to devices and gateways; over TLS only",
};
const operationsTag = { name: "operations", description: "For operators: scopes read, operate and admin" };

const contract =
  "The create-customer contract of AudioCodes Live Platform. The portal's routes also stand under /tenantui.";
const documents = {
  embedded: { description: `${contract} And the operators' API.`, tags: [portalTag, operationsTag] },
  portal: {
    description: `${contract} And the pull API, by which agents near the devices take conversions and report their results.`,
    tags: [portalTag, pullTag, operationsTag],
  },
  agent: { description: "The operators' API of an agent whose portal is elsewhere.", tags: [operationsTag] },
};

async function describeApi(app: App, version: string, role: keyof typeof documents): Promise<void> {
  const { description, tags } = documents[role];
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "sbc-agent", version, description },
      tags,
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
      security: [{ bearer: [] }],
    },
    transform: jsonSchemaTransform,
  });
}

function addRoutes(app: App, dependencies: HttpDependencies): void {
  const { inProgressStatus } = dependencies.settings;
  if (dependencies.role !== "agent") {
    addCustomerRoutes(app, { ...dependencies, prefixes });
    addAmendmentRoutes(app, { ...dependencies, prefixes });
    addLeadRoutes(app, { ...dependencies, prefixes });
    addTaskRoutes(app, { ...dependencies, inProgressStatus, prefixes: taskPrefixes });
  }
  if (dependencies.role === "portal") {
    addPullRoutes(app, dependencies);
    pointToPlans(app);
  } else addOperationsRoutes(app, dependencies);
  addOversightRoutes(app, dependencies);
  app.route({
    method: "GET",
    url: "/openapi.json",
    config: { access: "any token" },
    schema: {
      tags: ["operations"],
      summary: "This API as OpenAPI 3.1",
      response: { 200: z.record(z.string(), z.unknown()), ...commonProblems },
    },
    handler: async () => ({ ...app.swagger() }),
  });
}

async function build(dependencies: HttpDependencies): Promise<App> {
  const { settings, tokens, log, version } = dependencies;
  const app = fastify<Server, IncomingMessage, ServerResponse>({
    https:
      settings.tls === undefined
        ? null
        : { cert: readFileSync(settings.tls.cert), key: readFileSync(settings.tls.key), minVersion: "TLSv1.2" },
    logger: false,
    frameworkErrors(error, request, reply) {
      answerBadPath(error, request, reply);
      logRequest(log, request, reply);
    },
    bodyLimit: bodyLimitBytes,
    requestTimeout: receiveMs,
    exposeHeadRoutes: false,
    forceCloseConnections: "idle",
    // One proxy stands in front, so only the last hop of X-Forwarded-For is its word.
    trustProxy: settings.behindProxy ? (_address, hop) => hop === 0 : false,
    // Given here rather than set afterwards, fastify never loads its own compilers: that takes longer than our own code.
    // Its types know no others than those.
    schemaController: {
      compilersFactory: {
        buildValidator: () => validatorCompiler as never,
        buildSerializer: () => serializerCompiler as never,
      },
    },
  }).withTypeProvider<ZodTypeProvider>();
  parseBodies(app);
  answerFailures(app, (error, request, traceId) => {
    log("error", "request failed", {
      method: request.method,
      route: request.routeOptions.url ?? null,
      traceId,
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    });
  });
  app.addHook("onResponse", async (request, reply) => logRequest(log, request, reply));
  await app.register(rateLimit, { global: false, max: settings.requestsPerMinute, timeWindow: 60_000 });
  app.addHook("onRequest", app.rateLimit());
  app.addHook("onRequest", async (_request, reply) => {
    void reply.headers({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
  });
  guardRoutes(app, tokens);
  await describeApi(app, version, dependencies.role ?? "embedded");
  addRoutes(app, dependencies);
  return app;
}

/** All APIs of this process's role on one address. Nothing listens before `start`. */
export function createHttpServer(dependencies: HttpDependencies): HttpServer {
  let app: App | undefined;
  return {
    async start() {
      const { host, port } = dependencies.settings;
      app = await build(dependencies);
      return { url: await app.listen({ host, port }) };
    },
    async stop() {
      if (app === undefined) return;
      const stopping = app;
      app = undefined;
      const cut = setTimeout(() => stopping.server.closeAllConnections(), stopGraceMs);
      try {
        await stopping.close();
      } finally {
        clearTimeout(cut);
      }
    },
  };
}
