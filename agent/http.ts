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
import type { AgentConfig } from "./config.ts";
import { addOperationsRoutes, type OperationsApiDependencies } from "./operations-api.ts";
import { guardRoutes, type App } from "./portal/access.ts";
import { addCustomerRoutes } from "./portal/customers.ts";
import { answerBadPath, answerFailures, parseBodies } from "./portal/failures.ts";
import { addLeadRoutes } from "./portal/leads.ts";
import { commonProblems } from "./portal/problem.ts";
import { addTaskRoutes } from "./portal/tasks.ts";
import type { JournalStore, PortalStore } from "./store/store.ts";
import type { Tokens } from "./tokens.ts";

type HttpLog = (
  level: "error" | "info" | "debug",
  message: string,
  fields: Readonly<Record<string, string | number | null>>,
) => void;

export interface HttpDependencies extends OperationsApiDependencies {
  /** Of the product, for the OpenAPI document. */
  version: string;
  settings: Omit<AgentConfig["portal"], "tokens">;
  store: PortalStore & Pick<JournalStore, "auditTrail">;
  tokens: Tokens;
  /** Gets one line for each request, without bodies, queries and headers, and one for each failure of the server. */
  log: HttpLog;
}

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

async function describeApi(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "sbc-agent",
        version,
        description:
          "The create-customer contract of AudioCodes Live Platform, and the operators' API. The portal's routes also stand under /tenantui.",
      },
      tags: [
        { name: "portal", description: "Live Platform's contract: scope client" },
        { name: "operations", description: "For operators: scopes read, operate and admin" },
      ],
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
      security: [{ bearer: [] }],
    },
    transform: jsonSchemaTransform,
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
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
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
  await describeApi(app, version);
  addCustomerRoutes(app, { ...dependencies, prefixes });
  addLeadRoutes(app, { ...dependencies, prefixes });
  addTaskRoutes(app, { ...dependencies, inProgressStatus: settings.inProgressStatus, prefixes: taskPrefixes });
  addOperationsRoutes(app, dependencies);
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
  return app;
}

/** The portal API and the operators' API on one address. Nothing listens before `start`. */
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
