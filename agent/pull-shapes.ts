import { z } from "zod";
import { fieldsShape, intentShape } from "./store/shapes.ts";

/**
 * What goes over the wire between a portal and the agents that pull from it; docs/pull-api.md tells the rules. Times are
 * ISO 8601 in UTC, ids of tenants and customers GUIDs in lower case. Members that a side does not know are ignored, so
 * that portals and agents of different versions understand each other.
 */

const time = z.iso.datetime({ offset: true });
const device = z.string().min(1).max(63);
const taskIds = z.array(z.string().min(1).max(100)).max(5_000);
const fence = z.int().min(1).describe("the number of the lease; higher ones were granted later");

export const executionMessage = z.object({
  level: z.enum(["Information", "Warning", "Error"]),
  message: z.string().max(8_000),
});

export const pollRequest = z.object({
  identity: z
    .string()
    .regex(/^[\w.-]{8,100}$/)
    .describe("this installation of the agent: stays the same over restarts, and differs from any copy of it"),
  version: z.string().max(50).describe("of the agent's software"),
  fresh: z
    .boolean()
    .describe("first poll since the agent started: leases that this identity held are free, as their holder is gone"),
  devices: z
    .array(
      z.object({
        device,
        gateways: z.array(z.string().min(1).max(253)).max(1_000).describe("FQDNs in lower case"),
        standing: z
          .boolean()
          .describe("paused or only observed: its conversions wait, and their deadlines stand still"),
      }),
    )
    .max(1_000)
    .describe("all that this agent serves"),
  cursor: z.string().max(200).describe("of the last answer; empty at first"),
  waitSeconds: z
    .int()
    .min(0)
    .max(25)
    .describe("how long the answer may be held back while the cursor would not change"),
});
export type PollRequest = z.infer<typeof pollRequest>;

export const pollAnswer = z.object({
  cursor: z.string().max(200).describe("changes when something arrived or ended for one of the devices"),
  devices: z.array(
    z.object({
      device,
      waiting: z.int().min(0).describe("conversions that wait for it, those of a lease included"),
      amendments: z.int().min(0).default(0).describe("changes and removals of its customers that wait for it"),
      owed: z.int().min(0).default(0).describe("removals of customers that were given up without it"),
      arrived: z
        .int()
        .min(0)
        .describe("a number that grows with every arrival; may start anew whenever nothing waited"),
      oldestAcceptedAt: time.nullable(),
      linked: z.int().min(0),
    }),
  ),
  missing: z
    .array(device)
    .describe("devices of this token with linked customers or open conversions that no agent announces now"),
});
export type PollAnswer = z.infer<typeof pollAnswer>;

export const claimRequest = z.object({
  identity: pollRequest.shape.identity,
  durationMs: z.int().min(1_000).max(86_400_000).describe("of the lease, from the moment of the claim or of a renewal"),
  graceMs: z
    .int()
    .min(0)
    .max(86_400_000)
    .describe("how long after its end nobody else may have it: a write of its holder may still arrive"),
  max: z.int().min(0).max(1_000).describe("conversions at most, and amendments at most; 0 for a re-sync"),
  links: z.boolean().describe("whether the links of the device are wanted"),
  amendments: z
    .boolean()
    .default(false)
    .describe("whether the agent knows how to change and remove customers; else theirs stay as they are"),
  openTasks: taskIds.describe("tasks that the agent has unfinished records of; the answer says which are open"),
});
export type ClaimRequest = z.infer<typeof claimRequest>;

export const lease = z.object({ device, fence, durationMs: z.int().min(1) });

const conversion = z.object({
  taskId: z.string().min(1).max(100),
  tenantId: z.guid(),
  customerGuid: z.guid(),
  shortName: z.string(),
  fullName: z.string(),
  gateway: z.string(),
  proxySet: z.string(),
  variables: fieldsShape,
  acceptedAt: time,
  deadlineAt: time,
  sent: z.boolean().describe("a script that contains it has left before"),
});
export const claimedConversion = conversion.extend({
  secrets: fieldsShape.describe("secret variables in clear; in a peek their values are struck out"),
});

export const link = z.object({
  customerGuid: z.guid(),
  tenantId: z.guid(),
  shortName: z.string(),
  device,
  gateway: z.string(),
  intent: intentShape,
  variables: fieldsShape,
  proxySet: z.string(),
  fullName: z.string(),
  secretHashes: fieldsShape.describe("keyed by the agent, so that they mean nothing to anybody else"),
});
export const storedLink = link.extend({ linkedAt: time });
export const linkWithSecrets = storedLink.extend({ secrets: fieldsShape });

export const claimedAmendment = z.object({
  taskId: z.string().min(1).max(100).describe("shared by the removals of one customer from several devices"),
  kind: z.enum(["change", "removal"]),
  customerGuid: z.guid(),
  tenantId: z.guid(),
  shortName: z.string(),
  by: z.string().describe("who asked"),
  change: z
    .object({
      proxySet: z.string().exactOptional(),
      blueprint: z.string().exactOptional().describe("name of a blueprint of the agent"),
      variables: fieldsShape.describe("to be set; the others stay"),
      endCalls: z.literal(true).exactOptional().describe("consent to steps that end active calls"),
    })
    .nullable()
    .describe("what a change gives anew"),
  state: z.enum(["ready", "owed"]).describe("owed: the customer was given up, and its task has ended"),
  acceptedAt: time,
  sent: z.boolean().describe("a script that contains it has left before"),
  superseded: z.boolean().describe("owed: the tenant holds the name again, so nothing may be removed any more"),
  link: linkWithSecrets.describe("of the customer on this device; of an owed removal, as it was"),
  secrets: fieldsShape.describe("secret variables that a change sets, in clear; struck out in a peek"),
});
const amendments = z
  .array(claimedAmendment)
  .default([])
  .describe("the oldest of each customer, and all that are owed, oldest first");

export const claimAnswer = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("claimed"),
    lease,
    conversions: z.array(claimedConversion).describe("oldest first"),
    amendments,
    links: z.array(linkWithSecrets),
    openTasks: taskIds.describe("those of the request that have not been reported for this device"),
  }),
  z.object({ kind: z.literal("held"), retryAfterMs: z.int().min(0) }),
]);
export type ClaimAnswer = z.infer<typeof claimAnswer>;

export const peekAnswer = z.object({
  conversions: z
    .array(claimedConversion)
    .describe("that no live lease has; values of secrets are struck out, in links too"),
  amendments,
  links: z.array(storedLink.extend({ secrets: fieldsShape.default({}) })),
});

export const renewRequest = z.object({ fence });
export const sentRequest = z.object({
  fence,
  taskIds,
  sent: z.boolean().describe("false takes it back, for scripts that certainly never left"),
});

export const completion = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("linked"),
    taskId: z.string().min(1).max(100),
    link,
    messages: z.array(executionMessage).max(100),
  }),
  z.object({
    kind: z.literal("failed"),
    taskId: z.string().min(1).max(100),
    details: z.array(z.string().max(200)).max(20),
    messages: z.array(executionMessage).max(100),
  }),
  z.object({
    kind: z.literal("changed"),
    taskId: z.string().min(1).max(100),
    link,
    messages: z.array(executionMessage).max(100),
  }),
  z.object({
    kind: z.literal("removed"),
    taskId: z.string().min(1).max(100),
    messages: z.array(executionMessage).max(100),
  }),
]);
export const completeRequest = z.object({ fence, completions: z.array(completion).max(1_000) });
export const linksRequest = z.object({ fence, links: z.array(storedLink).max(1_000) });
export const progressRequest = z.object({ taskIds, message: executionMessage });

const adoptions = z
  .array(link.extend({ fullName: z.string().nullable().describe("null: the company name of the lead") }))
  .max(1_000)
  .describe("customers that stand on the device already, with links that say what stands there");
export const adoptRequest = z.object({ fence, by: z.string().max(200).describe("who asked the agent"), adoptions });
export const adoptableRequest = z.object({ adoptions });
export const adoptAnswer = z.object({
  verdicts: z
    .array(
      z.discriminatedUnion("kind", [
        z.object({ kind: z.literal("adopted"), fullName: z.string() }),
        z.object({ kind: z.literal("refused"), reason: z.string() }),
      ]),
    )
    .describe("one for each adoption, in their order"),
});
