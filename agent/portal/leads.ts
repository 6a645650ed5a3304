import { z } from "zod";
import type { Lead } from "../store/model.ts";
import type { PortalStore } from "../store/portal-store.ts";
import type { App } from "./access.ts";
import { commonProblems, invalid, literalNotFound, Problem, problemResponse, sendLiteral } from "./problem.ts";
import { guid } from "./requests.ts";
import { spellFields } from "./spellings.ts";

const leadAnswer = z.object({
  civicAddresses: z.null(),
  comments: z.null(),
  umpCustomerGuid: z.string().nullable().describe("set once the lead is converted"),
  isNotActive: z.null(),
  channelId: z.null(),
  ovocChannelId: z.null(),
  isDirectLead: z.boolean().describe("made through this API rather than by the customer's consent"),
  id: z.string(),
  tenantId: z.string(),
  tenantOrigin: z.null(),
  operatorId: z.null(),
  status: z.string().describe("Active is the only status that can be converted"),
  consentedOn: z.string(),
  lastModifiedOn: z.string(),
  consentedCountries: z.array(z.string()),
  contactDetails: z.object({
    fullName: z.null(),
    email: z.null(),
    phoneNumber: z.null(),
    companyName: z.string(),
    companySize: z.null(),
  }),
  contacts: z.null(),
});
type LeadAnswer = z.infer<typeof leadAnswer>;

/** A lead as Live Platform prints it, every member of its sample included. */
function printLead(lead: Lead): LeadAnswer {
  return {
    civicAddresses: null,
    comments: null,
    umpCustomerGuid: lead.umpCustomerGuid,
    isNotActive: null,
    channelId: null,
    ovocChannelId: null,
    isDirectLead: lead.consentless,
    id: lead.id,
    tenantId: lead.tenantId,
    tenantOrigin: null,
    operatorId: null,
    status: lead.status,
    consentedOn: new Date(lead.createdAt).toISOString(),
    lastModifiedOn: new Date(lead.modifiedAt).toISOString(),
    consentedCountries: [],
    contactDetails: {
      fullName: null,
      email: null,
      phoneNumber: null,
      companyName: lead.companyName,
      companySize: null,
    },
    contacts: null,
  };
}

const largestPage = 20_000;
const count = z
  .string({ error: "must stand once" })
  .regex(/^[0-9]{1,9}$/, "must be a whole number")
  .transform(Number);

const leadsQuery = z.preprocess(
  spellFields({
    PageNumber: ["Page Number"],
    PageSize: ["Page Size"],
    msTenantId: [],
    checkOnline: [],
  }),
  z.object({
    PageNumber: count.optional().describe("0 and 1 both mean the first page (default 1)"),
    PageSize: count
      .refine((size) => size >= 1 && size <= largestPage, `must be from 1 to ${largestPage}`)
      .optional()
      .describe(`leads in a page (default 10, at most ${largestPage})`),
    msTenantId: guid.optional().describe("only this tenant's lead; also spelled msTenantID"),
    checkOnline: z.string().optional().describe("has no effect: all leads are held here"),
  }),
);

const newLead = z.preprocess(
  spellFields({ tenantId: [], companyName: [] }),
  z.strictObject(
    {
      tenantId: guid,
      companyName: z
        .string({ error: (issue) => (issue.input === undefined ? "is missing" : "must be a string") })
        .min(1, "must not be empty")
        .max(256, "must have at most 256 characters")
        .regex(/^[^\p{Cc}\p{Cs}]*$/u, "must not hold control characters"),
    },
    { error: "must be an object" },
  ),
);

const deleteQuery = z.preprocess(spellFields({ msTenantId: [] }), z.object({ msTenantId: guid }));

const refusedDeletion = (tenantId: string) => ({
  consented: `The lead of tenant ${tenantId} came by the customer's consent: only the customer can withdraw it, in the Teams admin center.`,
  converted: `The lead of tenant ${tenantId} is converted: delete the customer before its lead.`,
});

/** The lead routes, under each of `prefixes`; only the first is documented. */
export function addLeadRoutes(
  app: App,
  { store, prefixes }: { store: PortalStore; prefixes: readonly string[] },
): void {
  for (const [i, prefix] of prefixes.entries()) {
    const url = `${prefix}/api/v2/oc/lead`;
    const shared = { hide: i > 0, tags: ["portal"] };
    app.route({
      method: "GET",
      url,
      config: { access: ["client"] },
      schema: {
        ...shared,
        summary: "Leads, oldest first, page by page; or the one of a tenant",
        querystring: leadsQuery,
        response: { 200: z.array(leadAnswer), 400: problemResponse, ...commonProblems },
      },
      handler: async (request) => {
        const { PageNumber = 1, PageSize = 10, msTenantId } = request.query;
        const leads = await store.leads({
          ...(msTenantId === undefined ? {} : { tenantId: msTenantId.toLowerCase() }),
          skip: Math.max(0, PageNumber - 1) * PageSize,
          take: PageSize,
        });
        return leads.map(printLead);
      },
    });
    app.route({
      method: "POST",
      url,
      config: { access: ["client"] },
      schema: {
        ...shared,
        summary: "Create a consentless lead",
        body: newLead,
        response: { 200: leadAnswer, 400: problemResponse, 413: problemResponse, ...commonProblems },
      },
      handler: async (request) => {
        const { tenantId, companyName } = request.body;
        const result = await store.createLead({ tenantId: tenantId.toLowerCase(), companyName });
        if ("created" in result) return printLead(result.created);
        throw result.taken === "tenant"
          ? invalid({ TenantId: ["This MsTenant already exists as an UMP lead!"] })
          : invalid({ CompanyName: ["Company name is already used for an UMP lead."] });
      },
    });
    app.route({
      method: "DELETE",
      url,
      config: { access: ["client"] },
      schema: {
        ...shared,
        summary: "Delete a consentless lead that is not converted",
        querystring: deleteQuery,
        response: { 200: z.literal(1), 400: problemResponse, 404: literalNotFound, ...commonProblems },
      },
      handler: async (request, reply) => {
        const tenantId = request.query.msTenantId.toLowerCase();
        const result = await store.deleteLead(tenantId);
        if (result === "consented" || result === "converted")
          throw new Problem(400, refusedDeletion(tenantId)[result], { title: "Invalid lead" });
        if (result === "unknown") {
          // Live Platform's own spelling.
          sendLiteral(reply, "Invalild lead");
          return reply;
        }
        return 1 as const;
      },
    });
  }
}
