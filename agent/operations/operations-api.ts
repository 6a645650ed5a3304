import { z } from "zod";
import { requireScope, type App } from "../portal/access.ts";
import { commonProblems, problemResponse } from "../portal/problem.ts";
import { changeSite, toChange } from "../portal/change-request.ts";
import { createCustomer, toNewConversion, type ConversionSettings } from "../portal/requests.ts";
import { adoptReport, adoptRequest, driftReport, planReport, resyncReport, resyncRequest } from "../reports.ts";
import type { Link } from "../store/model.ts";
import type { Operations } from "./operations.ts";
import { answering } from "./problem-answers.ts";

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

const tags = ["operations"];
const problems = { 400: problemResponse, 404: problemResponse, ...commonProblems };
const deviceProblems = { ...problems, 502: problemResponse };

/** Of a mapping of all IP Groups that the largest device can hold. */
const mappingLimitBytes = 4 * 1024 * 1024;

function addDriftRoutes(app: App, { operations }: OperationsApiDependencies): void {
  const answers = { 200: driftReport, ...problems };
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
        response: { 204: z.undefined().describe("done, durably"), ...problems },
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
      response: { 200: planReport, ...deviceProblems },
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
      response: { 200: resyncReport, ...deviceProblems },
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
      response: { 200: adoptReport, ...deviceProblems },
    },
    handler: async (request) => {
      const { name } = requireScope(request, request.body.dryRun ? ["read", "operate"] : ["operate"]);
      return answering(operations.adopt(request.body, name));
    },
  });
  addDriftRoutes(app, dependencies);
  addDeviceRoutes(app, dependencies);
}
