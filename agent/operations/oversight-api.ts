import { z } from "zod";
import type { Explain } from "../explanation/explainer.ts";
import { explanation } from "../explanation/explanation.ts";
import type { App } from "../portal/access.ts";
import { commonProblems, problemResponse } from "../portal/problem.ts";
import { auditReport, failuresReport, healthReport, type FailuresReport } from "../reports.ts";
import { duration } from "../settings/config-schema.ts";
import type { JournalStore } from "../store/journal-store.ts";
import type { Operations } from "./operations.ts";
import { answering } from "./problem-answers.ts";

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

const tags = ["operations"];
const weekMs = 7 * 86_400_000;

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
