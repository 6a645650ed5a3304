import { z } from "zod";
import { DriverError } from "../../drivers/errors.ts";
import { duration } from "../settings/config-schema.ts";
import { Ambiguous, type Explain } from "../explanation/explainer.ts";
import { explanation } from "../explanation/explanation.ts";
import { NotFound, type Operations } from "./operations.ts";
import { requireScope, type App } from "../portal/access.ts";
import { commonProblems, Problem, problemResponse } from "../portal/problem.ts";
import { changeSite, toChange } from "../portal/change-request.ts";
import { createCustomer, toNewConversion, type ConversionSettings } from "../portal/requests.ts";
import {
  adoptReport,
  adoptRequest,
  auditReport,
  driftReport,
  failuresReport,
  healthReport,
  planReport,
  resyncReport,
  resyncRequest,
  type FailuresReport,
} from "../reports.ts";
import type { Link } from "../store/model.ts";
import type { JournalStore } from "../store/store.ts";

export interface OversightDependencies {
  operations: Pick<Operations, "health">;
  store: Pick<JournalStore, "auditTrail">;
  explain: Explain;
  /** Failed tasks of the last so many milliseconds, by their cause. Throws NotFound where tasks are kept elsewhere. */
  failures: (sinceMs: number) => Promise<FailuresReport>;
  /** `failed` names checks, without details: readiness is open to everybody. */
  ready: () => Promise<{ ok: boolean; failed: readonly string[] }>;
  metrics: () => Promise<{ contentType: string; body: string }>;
}

export interface OperationsApiDependencies extends ConversionSettings {
  operations: Operations;
}

const amended = {
  customer: z.string().max(100).describe("GUID, short name or tenant id"),
  device: z.string().optional().describe("needed only where it is linked on several"),
};

const planSubject = z
  .strictObject({
    taskId: z.string().max(100).optional().describe("a conversion that was posted"),
    request: createCustomer.optional().describe("a body of create-customer that was not posted; it is not stored"),
    removal: z.strictObject(amended).optional().describe("a removal that was not asked for"),
    change: z
      .strictObject({ ...amended, site: changeSite })
      .optional()
      .describe("a change that was not asked for"),
  })
  .refine((body) => Object.values(body).filter((one) => one !== undefined).length === 1, {
    message: "give one of taskId, request, removal and change",
  });

function planSubjectOf(body: z.output<typeof planSubject>, settings: ConversionSettings) {
  const { taskId = "", request, removal, change } = body;
  if (request !== undefined) return { conversion: toNewConversion(request, settings) };
  if (removal !== undefined) return { amendment: removal };
  if (change === undefined) return { taskId };
  const { site, ...amendment } = change;
  return { amendment: { ...amendment, change: (link: Link) => toChange(site, link, settings.secretVariables) } };
}

const reason = z.strictObject({
  reason: z
    .string()
    .min(1)
    .max(500)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, "must not hold control characters")
    .describe("stands in the audit trail and in the tasks that wait"),
});

/** Nothing that does not exist here, and no device that fails, is a failure of the server. */
async function answering<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof NotFound) throw new Problem(404, error.message);
    if (error instanceof Ambiguous) throw new Problem(409, error.message);
    if (error instanceof DriverError) throw new Problem(502, error.message, { title: `Device error: ${error.code}` });
    throw error;
  }
}

const tags = ["operations"];
const weekMs = 7 * 86_400_000;

/** Of a mapping of all IP Groups that the largest device can hold. */
const mappingLimitBytes = 4 * 1024 * 1024;
const text = { description: "Text", content: { "text/plain": { schema: z.string() } } };

function addProbes(app: App, { operations, ready, metrics }: OversightDependencies): void {
  app.route({
    method: "GET",
    url: "/livez",
    config: { access: "open" },
    schema: { tags, summary: "Whether the process answers", security: [], response: { 200: text } },
    handler: async (_request, reply) => reply.type("text/plain; charset=utf-8").send("ok\n"),
  });
  app.route({
    method: "GET",
    url: "/readyz",
    config: { access: "open" },
    schema: {
      tags,
      summary: "Whether work is accepted; names failed checks without details",
      security: [],
      response: { 200: text, 503: text },
    },
    handler: async (_request, reply) => {
      const { ok, failed } = await ready();
      return reply
        .code(ok ? 200 : 503)
        .type("text/plain; charset=utf-8")
        .send(ok ? "ok\n" : `not ready: ${failed.join(", ")}\n`);
    },
  });
  app.route({
    method: "GET",
    url: "/metrics",
    config: { access: ["read"] },
    schema: { tags, summary: "Metrics as Prometheus reads them", response: { 200: text, ...commonProblems } },
    handler: async (_request, reply) => {
      const { contentType, body } = await metrics();
      return reply.type(contentType).send(body);
    },
  });
  for (const url of ["/health", "/api/agent/v1/health"])
    app.route({
      method: "GET",
      url,
      config: { access: ["read"] },
      schema: {
        tags,
        summary: "The state of every device, and what a human should look at",
        response: { 200: healthReport, ...commonProblems },
      },
      handler: () => operations.health(),
    });
}

function addDriftRoutes(app: App, { operations }: OperationsApiDependencies): void {
  const answers = { 200: driftReport, 400: problemResponse, 404: problemResponse, ...commonProblems };
  const only = z.strictObject({ device: z.string().optional().describe("only this device") });
  app.route({
    method: "GET",
    url: "/api/agent/v1/drift",
    config: { access: ["read"] },
    schema: {
      tags,
      summary: "How devices differed from what their linked customers need at the latest check; asks no device",
      querystring: only,
      response: answers,
    },
    handler: async ({ query }) => answering(operations.drift(query)),
  });
  app.route({
    method: "POST",
    url: "/api/agent/v1/drift/check",
    config: { access: ["operate"] },
    schema: {
      tags,
      summary: "Compare linked customers with their devices now",
      description:
        "Writes only what the policy `restore` says, and never to a device that is observed or paused. Audited with the name of the token.",
      body: only,
      response: answers,
    },
    handler: async (request) => {
      const { name } = requireScope(request, ["operate"]);
      return answering(operations.checkDrift(request.body, name));
    },
  });
}

function addDeviceRoutes(app: App, { operations }: OperationsApiDependencies): void {
  for (const action of ["pause", "resume"] as const)
    app.route({
      method: "POST",
      url: `/api/agent/v1/devices/:device/${action}`,
      config: { access: ["operate"] },
      schema: {
        tags,
        summary:
          action === "pause"
            ? "Stop all writing to a device; its conversions wait and their deadlines stand still"
            : "End a pause, and try the device again at once",
        params: z.object({ device: z.string() }),
        body: reason,
        response: {
          204: z.undefined().describe("done, durably"),
          400: problemResponse,
          404: problemResponse,
          ...commonProblems,
        },
      },
      handler: async (request, reply) => {
        const { name } = requireScope(request, ["operate"]);
        await answering(operations[action](request.params.device, request.body.reason, name));
        return reply.code(204).send();
      },
    });
}

/** The operators' routes that need devices near: plans, re-sync, pauses. */
export function addOperationsRoutes(app: App, dependencies: OperationsApiDependencies): void {
  const { operations } = dependencies;
  app.route({
    method: "POST",
    url: "/api/agent/v1/plan",
    config: { access: ["read"] },
    schema: {
      tags,
      summary: "What a conversion, change or removal would do to its device; writes nothing",
      body: planSubject,
      response: {
        200: planReport,
        400: problemResponse,
        404: problemResponse,
        502: problemResponse,
        ...commonProblems,
      },
    },
    handler: async ({ body }) => answering(operations.plan(planSubjectOf(body, dependencies))),
  });
  app.route({
    method: "POST",
    url: "/api/agent/v1/resync",
    config: { access: ["read", "operate"] },
    schema: {
      tags,
      summary: "Bring linked customers back to their intents",
      description: "With dryRun the scope read is enough.",
      body: resyncRequest,
      response: {
        200: resyncReport,
        400: problemResponse,
        404: problemResponse,
        502: problemResponse,
        ...commonProblems,
      },
    },
    handler: async (request) => {
      const { name } = requireScope(request, request.body.dryRun ? ["read", "operate"] : ["operate"]);
      return answering(operations.resync(request.body, name));
    },
  });
  app.route({
    method: "POST",
    url: "/api/agent/v1/adopt",
    config: { access: ["read", "operate"] },
    bodyLimit: mappingLimitBytes,
    schema: {
      tags,
      summary: "Link the customers that stand on a device already",
      description:
        "By the tags of its IP Groups, `Trunk=<tenant id>`, and by the mapping. Reads the device and writes nothing to it. With dryRun the scope read is enough.",
      body: adoptRequest,
      response: {
        200: adoptReport,
        400: problemResponse,
        404: problemResponse,
        502: problemResponse,
        ...commonProblems,
      },
    },
    handler: async (request) => {
      const { name } = requireScope(request, request.body.dryRun ? ["read", "operate"] : ["operate"]);
      return answering(operations.adopt(request.body, name));
    },
  });
  addDriftRoutes(app, dependencies);
  addDeviceRoutes(app, dependencies);
}

function addExplanations(app: App, { explain, failures }: OversightDependencies): void {
  app.route({
    method: "GET",
    url: "/api/agent/v1/explain/:subject",
    config: { access: ["read"] },
    schema: {
      tags,
      summary: "What a task, a device or a customer waits for, what is next, and what a human can do",
      params: z.object({
        subject: z
          .string()
          .max(200)
          .describe("a task id, a device's name, or a customer's GUID, tenant id or short name"),
      }),
      response: { 200: explanation, 404: problemResponse, 409: problemResponse, ...commonProblems },
    },
    handler: ({ params }) => answering(explain(params.subject)),
  });
  app.route({
    method: "GET",
    url: "/api/agent/v1/failures",
    config: { access: ["read"] },
    schema: {
      tags,
      summary: "Failed tasks, those of equal cause together",
      querystring: z.strictObject({
        since: duration.default(weekMs).describe("how far back, for example 12h (default 7d)"),
      }),
      response: { 200: failuresReport, 400: problemResponse, 404: problemResponse, ...commonProblems },
    },
    handler: ({ query }) => answering(failures(query.since)),
  });
}

/** The operators' routes that every server has: probes, metrics, health, explanations, audit. */
export function addOversightRoutes(app: App, dependencies: OversightDependencies): void {
  const { store } = dependencies;
  addProbes(app, dependencies);
  addExplanations(app, dependencies);
  app.route({
    method: "GET",
    url: "/api/agent/v1/audit",
    config: { access: ["admin"] },
    schema: {
      tags,
      summary: "The audit trail, filtered",
      querystring: z.strictObject({
        device: z.string().optional(),
        taskId: z.string().optional(),
        limit: z
          .string()
          .regex(/^[1-9][0-9]{0,3}$/, "must be from 1 to 9999")
          .transform(Number)
          .optional()
          .describe("entries at most (default 100)"),
      }),
      response: { 200: auditReport, 400: problemResponse, ...commonProblems },
    },
    handler: async ({ query: { device, taskId, limit = 100 } }) => {
      const entries = await store.auditTrail({
        ...(device === undefined ? {} : { device }),
        ...(taskId === undefined ? {} : { taskId }),
        limit,
      });
      return entries.map(({ at, ...entry }) => ({ ...entry, at: new Date(at).toISOString(), data: { ...entry.data } }));
    },
  });
}
