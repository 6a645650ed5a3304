import { z } from "zod";
import type { Amendment } from "../store/amendment.ts";
import type { Customer, Link } from "../store/model.ts";
import type { PortalStore } from "../store/portal-store.ts";
import type { App } from "./access.ts";
import { commonProblems, literalNotFound, problemResponse, sendLiteral } from "./problem.ts";
import { createCustomer, toNewConversion, type ConversionSettings } from "./requests.ts";
import { printSites, sbcIdOf, siteLocation } from "./site-locations.ts";
import { spellFields } from "./spellings.ts";

const ocEssential = 3;

const pendingTask = z.object({
  TaskId: z.string(),
  Kind: z.enum(["Change", "Removal"]),
  SbcId: z.int().describe("the device's number, as in SiteLocation"),
  AcceptedAt: z.string().describe("ISO 8601, UTC"),
});

const customerBrief = z.object({
  UmpCustomerGuid: z.string(),
  CustomerShortName: z.string(),
  CustomerFullName: z.string(),
  LicenseType: z.literal(ocEssential).describe("3: OC Essential"),
  LicensedUsersCount: z.literal(0).describe("users are not counted here, nor in the members below"),
  MsTenantId: z.string(),
  ActiveUserCount: z.literal(0),
  LiveHubActiveUsersCount: z.literal(0),
  LiveHubSimpleUsersCount: z.literal(0),
  SiteLocation: z.array(siteLocation).optional().describe("with allDetails=true"),
  PendingTasks: z
    .array(pendingTask)
    .optional()
    .describe("of this API alone, and only where there are any: what changes or removes the customer now"),
});

const customerDetails = customerBrief.extend({
  MsDefaultDomain: z.null(),
  ApplicationClientId: z.null(),
  ApplicationClientSecret: z.null(),
  ClientSecretExpirationDate: z.null(),
  SiteLocation: z.array(siteLocation),
});

// What is owed concerns a device that the customer was given up on.
const isUnderWay = ({ state }: Amendment): boolean => state === "ready";

function printPending(amendments: readonly Amendment[]): Pick<z.infer<typeof customerBrief>, "PendingTasks"> {
  if (amendments.length === 0) return {};
  return {
    PendingTasks: amendments.map(({ taskId, kind, device, acceptedAt }) => ({
      TaskId: taskId,
      Kind: kind === "change" ? "Change" : "Removal",
      SbcId: sbcIdOf(device),
      AcceptedAt: new Date(acceptedAt).toISOString(),
    })),
  };
}

function printBrief(customer: Customer): z.infer<typeof customerBrief> {
  return {
    UmpCustomerGuid: customer.guid,
    CustomerShortName: customer.shortName,
    CustomerFullName: customer.fullName,
    LicenseType: ocEssential,
    LicensedUsersCount: 0,
    MsTenantId: customer.tenantId,
    ActiveUserCount: 0,
    LiveHubActiveUsersCount: 0,
    LiveHubSimpleUsersCount: 0,
  };
}

function byCustomer<T extends { customerGuid: string }>(all: readonly T[]): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const one of all) {
    const others = found.get(one.customerGuid);
    if (others === undefined) found.set(one.customerGuid, [one]);
    else others.push(one);
  }
  return found;
}

const detailsQuery = z.preprocess(
  spellFields({ allDetails: [] }),
  z.object({
    allDetails: z
      .string({ error: "must stand once" })
      .regex(/^(true|false)$/i, "must be true or false")
      .transform((word) => word.toLowerCase() === "true")
      .optional(),
  }),
);
const customerParams = z.object({ customerGuid: z.string().describe("UmpCustomerGuid") });
const notFound = (customerGuid: string) => `Customer with ${customerGuid} not found`;

export interface CustomerDependencies extends ConversionSettings {
  store: PortalStore;
  /** The routes stand under each; only those of the first are documented. */
  prefixes: readonly string[];
}

/** Create-customer and the reads of customers. No answer holds a secret. */
export function addCustomerRoutes(app: App, dependencies: CustomerDependencies): void {
  const { store, prefixes } = dependencies;
  for (const [i, prefix] of prefixes.entries()) {
    const url = `${prefix}/api/v3/customer`;
    const shared = { hide: i > 0, tags: ["portal"] };
    app.route({
      method: "POST",
      url,
      config: { access: ["client"] },
      schema: {
        ...shared,
        summary: "Turn a lead into a customer",
        description: "Answers at once with the id of a task; names, leads and gateways are judged in the task.",
        body: createCustomer,
        response: {
          200: z.object({
            taskId: z.string(),
            jobId: z.string().optional().describe("the same id, with OcEssential_TENANT_TYPE"),
          }),
          400: problemResponse,
          413: problemResponse,
          ...commonProblems,
        },
      },
      handler: async (request) => {
        const conversion = toNewConversion(request.body, dependencies);
        const { taskId } = await store.accept(conversion);
        return conversion.variant === "tenant" ? { taskId, jobId: taskId } : { taskId };
      },
    });
    app.route({
      method: "GET",
      url,
      config: { access: ["client"] },
      schema: {
        ...shared,
        summary: "All customers",
        querystring: detailsQuery,
        response: { 200: z.array(customerBrief), 400: problemResponse, ...commonProblems },
      },
      handler: async (request) => {
        const customers = await store.customers();
        const amendments = byCustomer((await store.openAmendments({})).filter(isUnderWay));
        const links = byCustomer<Link>(request.query.allDetails === true ? await store.links({}) : []);
        return customers.map((customer) => {
          const pending = amendments.get(customer.guid) ?? [];
          const sites = printSites(links.get(customer.guid) ?? [], pending);
          return {
            ...printBrief(customer),
            ...(request.query.allDetails === true ? { SiteLocation: sites } : {}),
            ...printPending(pending),
          };
        });
      },
    });
    app.route({
      method: "GET",
      url: `${url}/:customerGuid`,
      config: { access: ["client"] },
      schema: {
        ...shared,
        summary: "One customer with its SIP connections",
        params: customerParams,
        querystring: detailsQuery,
        response: { 200: customerDetails, 400: problemResponse, 404: literalNotFound, ...commonProblems },
      },
      handler: async (request, reply) => {
        const { customerGuid } = request.params;
        const customer = await store.customer(customerGuid.toLowerCase());
        if (customer === undefined) {
          sendLiteral(reply, notFound(customerGuid));
          return reply;
        }
        const links = await store.links({ customerGuid: customer.guid });
        const pending = (await store.openAmendments({ customerGuid: customer.guid })).filter(isUnderWay);
        return {
          ...printBrief(customer),
          MsDefaultDomain: null,
          ApplicationClientId: null,
          ApplicationClientSecret: null,
          ClientSecretExpirationDate: null,
          SiteLocation: printSites(links, pending),
          ...printPending(pending),
        };
      },
    });
    app.route({
      method: "GET",
      url: `${url}/:customerGuid/onlinepstngateway`,
      config: { access: ["client"] },
      schema: {
        ...shared,
        summary: "The gateways of a customer",
        params: customerParams,
        response: {
          200: z.array(z.object({ fqdn: z.string(), trunkModel: z.literal("DerivedTrunk") })),
          404: literalNotFound,
          ...commonProblems,
        },
      },
      handler: async (request, reply) => {
        const { customerGuid } = request.params;
        const customer = await store.customer(customerGuid.toLowerCase());
        if (customer === undefined) {
          sendLiteral(reply, notFound(customerGuid));
          return reply;
        }
        const links = await store.links({ customerGuid: customer.guid });
        return links.map((link) => ({ fqdn: link.gateway, trunkModel: "DerivedTrunk" as const }));
      },
    });
  }
}
