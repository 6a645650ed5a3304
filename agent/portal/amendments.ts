import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Link } from "../store/model.ts";
import type { PortalStore } from "../store/portal-store.ts";
import { requireScope, type App } from "./access.ts";
import { changeSite, toChange } from "./change-request.ts";
import { commonProblems, invalid, literalNotFound, Problem, problemResponse, sendLiteral } from "./problem.ts";
import { findSite, printSites } from "./site-locations.ts";
import { spellFields } from "./spellings.ts";

export interface AmendmentDependencies {
  store: PortalStore;
  /** Patterns of the names of secret variables, as in the configuration. */
  secretVariables: readonly string[];
  /** The routes stand under each; only those of the first are documented. */
  prefixes: readonly string[];
}

const customerParams = z.object({ customerGuid: z.string().describe("UmpCustomerGuid") });
const siteParams = z.object({ sbcSiteGuid: z.string().describe("id of a SiteLocation") });
const removalQuery = z.preprocess(
  spellFields({ forgetDevice: [] }),
  z.object({
    forgetDevice: z
      .string({ error: "must stand once" })
      .regex(/^(true|false)$/i, "must be true or false")
      .transform((word) => word.toLowerCase() === "true")
      .optional()
      .describe(
        "true (scope admin): the customer is gone at once; what stands on the device is removed at the next contact",
      ),
  }),
);
const queued = z.object({
  status: z.literal(true),
  msg: z.literal("queued"),
  sbcCleanupTaskId: z.string(),
  o365CleanupTask: z.literal("tsk_0").describe("tsk_0: none"),
});

const removing =
  "The rows that are the customer's own are deleted on its devices, and calls over them end; then the tenant may be converted again. GET customer shows the task, and its result tells whether the devices are clean.";

/** Throws a 403 where a customer is to be given up without its device and the caller may not. */
function mayForget(request: FastifyRequest, forgetDevice: boolean | undefined): boolean {
  if (forgetDevice === true) requireScope(request, ["admin"]);
  return forgetDevice === true;
}

function callerOf({ caller }: FastifyRequest): string {
  return caller?.name ?? "";
}

function sendNotFound(reply: FastifyReply, customerGuid: string): FastifyReply {
  sendLiteral(reply, `Customer with ${customerGuid} not found`);
  return reply;
}

/** Which of the customer's sites a change is for. Throws a 400 that names its field. */
function chooseSite(links: readonly Link[], sbcSiteGuid: string | null | undefined): Link {
  const sites = printSites(links, []);
  const ids = sites.map(({ id }) => id).join(", ");
  const wanted = sbcSiteGuid?.toLowerCase();
  const [link, other] = wanted === undefined ? links : links.filter((_, i) => sites[i]?.id === wanted);
  if (links.length === 0)
    throw invalid({ sbcSiteGuid: ["the customer has no site on a device, so nothing can be changed there"] });
  if (link === undefined) throw invalid({ sbcSiteGuid: [`is no site of the customer, which has ${ids}`] });
  if (other !== undefined) throw invalid({ sbcSiteGuid: [`is missing: the customer has several sites, ${ids}`] });
  return link;
}

/** Removals and changes of customers that exist. No answer holds a secret. */
export function addAmendmentRoutes(app: App, { store, secretVariables, prefixes }: AmendmentDependencies): void {
  for (const [i, prefix] of prefixes.entries()) {
    const shared = { hide: i > 0, tags: ["portal"] };
    app.route({
      method: "DELETE",
      url: `${prefix}/api/v2/customer/:customerGuid`,
      config: { access: ["client"] },
      schema: {
        ...shared,
        summary: "Remove a customer from all its devices",
        description: `Answers at once. ${removing}`,
        params: customerParams,
        querystring: removalQuery,
        response: { 200: z.literal(1), 400: problemResponse, 404: literalNotFound, ...commonProblems },
      },
      handler: async (request, reply) => {
        const forgetDevice = mayForget(request, request.query.forgetDevice);
        const { customerGuid } = request.params;
        const answer = await store.removeCustomer({ customerGuid, by: callerOf(request), forgetDevice });
        return answer.kind === "unknown" ? sendNotFound(reply, customerGuid) : (1 as const);
      },
    });
    app.route({
      method: "DELETE",
      url: `${prefix}/api/v2/sitelocation/:sbcSiteGuid`,
      config: { access: ["client"] },
      schema: {
        ...shared,
        summary: "Remove a customer from one device; with its last site the customer goes",
        description: removing,
        params: siteParams,
        querystring: removalQuery,
        response: {
          200: queued,
          400: problemResponse,
          404: problemResponse,
          409: { ...problemResponse, description: "Problem details: a customer's GUID, and it has several sites" },
          ...commonProblems,
        },
      },
      handler: async (request) => {
        const forgetDevice = mayForget(request, request.query.forgetDevice);
        const { sbcSiteGuid } = request.params;
        const site = await findSite(store, sbcSiteGuid);
        if (site.kind === "ambiguous")
          throw new Problem(409, `Customer ${sbcSiteGuid} has several sites: name one of ${site.ids.join(", ")}.`);
        const unknown = new Problem(404, `Site location ${sbcSiteGuid} is not known here.`);
        if (site.kind === "unknown") throw unknown;
        const { customerGuid, device } = site.link;
        const answer = await store.removeCustomer({ customerGuid, device, by: callerOf(request), forgetDevice });
        if (answer.kind === "unknown") throw unknown;
        const sbcCleanupTaskId = answer.taskId;
        return { status: true as const, msg: "queued" as const, sbcCleanupTaskId, o365CleanupTask: "tsk_0" as const };
      },
    });
    // Its page prints the slash at the end.
    for (const [j, end] of ["/", ""].entries())
      app.route({
        method: "PATCH",
        url: `${prefix}/api/v2/customer/:customerGuid/sitelocation${end}`,
        config: { access: ["client"] },
        schema: {
          ...shared,
          hide: i + j > 0,
          summary: "Change a customer on its device: another carrier, blueprint or variables",
          description:
            "Answers at once with the id of a task, as a JSON string. Only the fields that differ are written; a change that the device refuses is taken back.",
          params: customerParams,
          body: changeSite,
          response: {
            200: z.string().describe("id of the task, `tsk_<number>`"),
            400: problemResponse,
            404: literalNotFound,
            409: { ...problemResponse, description: "Problem details: the customer is being removed" },
            413: problemResponse,
            ...commonProblems,
          },
        },
        handler: async (request, reply) => {
          const { customerGuid } = request.params;
          const customer = await store.customer(customerGuid);
          if (customer === undefined) return sendNotFound(reply, customerGuid);
          const link = chooseSite(await store.links({ customerGuid }), request.body.sbcSiteGuid);
          const { device } = link;
          const change = toChange(request.body, link, secretVariables);
          const answer = await store.changeCustomer({ ...change, customerGuid, device, by: callerOf(request) });
          if (answer.kind === "leaving")
            throw new Problem(409, `Customer ${customerGuid} is being removed by task ${answer.taskId}.`);
          if (answer.kind !== "asked") return sendNotFound(reply, customerGuid);
          void reply.type("application/json").send(JSON.stringify(answer.taskId));
          return reply;
        },
      });
  }
}
