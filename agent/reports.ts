import { z } from "zod";
import { driftEvidenceFields } from "./store/shapes.ts";

/** What operators are shown: the shapes of the operations API, of `--json`, and of `/health`. Times are ISO 8601, in UTC. */

const time = z.string().nullable();

export const deviceReport = z.object({
  device: z.string(),
  driver: z.string(),
  /** Of driver `auto`: which it took in the latest run, and why; null where that is not known or not open. */
  taken: z.object({ driver: z.string(), reason: z.string() }).nullable().default(null),
  address: z.string(),
  gateways: z.array(z.string()),
  mode: z.enum(["manage", "observe", "paused"]),
  /** Why it is paused. */
  pause: z.object({ reason: z.string(), by: z.string(), since: z.string() }).nullable(),
  /** What the lane is doing. `waiting`: put off until nextTryAt. */
  state: z.enum(["idle", "running", "waiting"]),
  /** `open` after failures: only one probe an interval is let through. */
  breaker: z.enum(["closed", "open"]),
  nextTryAt: time,
  lastSuccessAt: time,
  lastError: z.object({ at: z.string(), code: z.string(), message: z.string() }).nullable(),
  /** Seconds since a write of ours that is not known to be saved; 0 when all is saved. */
  unsavedSeconds: z.number(),
  queue: z.number(),
  oldestPendingSeconds: z.number(),
  linked: z.number(),
  /**
   * The latest comparison of linked customers with the device, also from before a restart of the agent; null when there
   * was none. `updatedAt`: since then runs brought single customers up to date. `stale`: it is older than drift.maxAge
   * and says nothing any more. `afterRestart`: the device had started anew before it.
   */
  drift: z
    .object({
      checkedAt: z.string(),
      updatedAt: time.default(null),
      drifted: z.number(),
      stale: z.boolean().default(false),
      afterRestart: z.boolean().default(false),
    })
    .nullable(),
  /** A check is due since the device started anew, or since one was put off. */
  driftDue: z.boolean().default(false),
  loginFailures: z.number(),
});
export type DeviceReport = z.infer<typeof deviceReport>;

/** One device that an agent elsewhere serves, as the portal knows it. */
export const announcedReport = z.object({
  device: z.string(),
  /** The name of the agent's token. */
  agent: z.string(),
  version: z.string(),
  gateways: z.array(z.string()),
  /** Paused or only observed: its conversions wait. */
  standing: z.boolean(),
  heardAt: z.string(),
  queue: z.number(),
  oldestPendingSeconds: z.number(),
  linked: z.number(),
});
export type AnnouncedReport = z.infer<typeof announcedReport>;

export const healthReport = z.object({
  status: z.enum(["ok", "degraded"]),
  version: z.string(),
  startedAt: z.string(),
  /** One line for each thing that a human should look at. */
  remarks: z.array(z.string()),
  /** Those that this process works on. */
  devices: z.array(deviceReport),
  /** The portal that this agent pulls from; null where it is its own. */
  portal: z.object({ url: z.string(), reachedAt: time, trouble: z.string().nullable() }).nullable().default(null),
  /** Changes and removals of customers that have not ended, oldest first; `owed`: given up without the device. */
  amendments: z
    .array(
      z.object({
        taskId: z.string(),
        kind: z.enum(["change", "removal"]),
        customerGuid: z.string(),
        shortName: z.string(),
        device: z.string(),
        state: z.enum(["ready", "owed"]),
        acceptedAt: z.string(),
      }),
    )
    .default([]),
  /** Those that agents elsewhere work on for this portal. */
  announced: z.array(announcedReport).default([]),
});
export type HealthReport = z.infer<typeof healthReport>;

export const changeReport = z.object({
  action: z.enum(["create", "update", "delete"]),
  /** For example `ip-group 5 "SIPTest4"`. */
  row: z.string(),
  /** Field by field; null = absent. Secrets are shown as `********`. */
  fields: z.array(z.object({ field: z.string(), before: z.string().nullable(), after: z.string().nullable() })),
  customers: z.array(z.string()),
  endsCalls: z.boolean(),
});
export type ChangeReport = z.infer<typeof changeReport>;

export const planReport = z.object({
  device: z.string(),
  changes: z.array(changeReport),
  /** The exact lines that would be sent, secrets struck out. */
  lines: z.array(z.string()),
  /** The lines that would take it back. */
  reverse: z.array(z.string()),
  conflicts: z.array(z.object({ customer: z.string(), message: z.string() })),
  warnings: z.array(z.string()),
});
export type PlanReport = z.infer<typeof planReport>;

export const resyncDeviceReport = planReport.extend({
  /**
   * `in-sync`: nothing to write. `pending`: a dry run or observe mode found changes. `changed`: written, verified,
   * saved. `put-off`: not now, see reason. `failed`: needs a human, see reason.
   */
  result: z.enum(["in-sync", "pending", "changed", "put-off", "failed"]),
  customers: z.number(),
  writes: z.number(),
  saves: z.number(),
  reason: z.string().nullable(),
});
export type ResyncDeviceReport = z.infer<typeof resyncDeviceReport>;

export const resyncReport = z.object({ devices: z.array(resyncDeviceReport) });
export type ResyncReport = z.infer<typeof resyncReport>;

export const resyncRequest = z.strictObject({
  device: z.string().optional().describe("only this device"),
  customer: z.string().optional().describe("only this customer: GUID or short name"),
  dryRun: z.boolean().default(false).describe("stop after the plan"),
  endCalls: z.boolean().default(false).describe("consent to steps that end active calls"),
  rerender: z.boolean().default(false).describe("render the intents anew from today's blueprints"),
});
export type ResyncRequest = z.infer<typeof resyncRequest>;

export const auditReport = z.array(
  z.object({
    at: z.string(),
    event: z.string(),
    device: z.string().nullable(),
    taskId: z.string().nullable(),
    who: z.string(),
    data: z.record(z.string(), z.unknown()),
  }),
);
export type AuditReport = z.infer<typeof auditReport>;

export const failuresReport = z.object({
  since: z.string(),
  failed: z.number(),
  /** False where older failures were left out because there are too many. */
  complete: z.boolean(),
  /** The most frequent cause first. */
  groups: z.array(
    z.object({
      /** What the failures have in common: names, ids, numbers and quotes are struck out. */
      cause: z.string(),
      /** The latest of them in its own words. */
      example: z.string(),
      count: z.number(),
      firstAt: z.string(),
      lastAt: z.string(),
      devices: z.array(z.string()),
      /** The latest ones. */
      tasks: z.array(z.string()),
    }),
  ),
});
export type FailuresReport = z.infer<typeof failuresReport>;

export const adoptRequest = z.strictObject({
  device: z.string(),
  mapping: z
    .array(
      z.strictObject({
        ipGroup: z.string().min(1).max(100).describe("name of an IP Group on the device"),
        tenantId: z.guid().describe("whose it is"),
        gateway: z.string().min(1).max(253).optional().describe("FQDN; needed where the device has several"),
        fullName: z.string().min(1).max(200).optional().describe("default: the company name of the lead"),
      }),
    )
    .max(20_000)
    .default([])
    .refine((mapping) => new Set(mapping.map(({ ipGroup }) => ipGroup.toLowerCase())).size === mapping.length, {
      message: "names an IP Group twice",
    })
    .describe("what the tags of IP Groups do not say"),
  dryRun: z.boolean().default(false).describe("link nothing"),
});
export type AdoptRequest = z.infer<typeof adoptRequest>;

export const adoptReport = z.object({
  device: z.string(),
  dryRun: z.boolean(),
  /** `put-off`: not now, see reason. `failed`: needs a human, see reason. */
  result: z.enum(["done", "put-off", "failed"]),
  reason: z.string().nullable(),
  /** Customers that are linked now; after a dry run, that would be. */
  adopted: z.array(
    z.object({
      customerGuid: z.string().nullable(),
      tenantId: z.string(),
      shortName: z.string(),
      fullName: z.string(),
      gateway: z.string(),
      ipGroups: z.array(z.string()),
      /** Whether the IP Groups carry the tenant's tag. */
      tagged: z.boolean(),
    }),
  ),
  skipped: z.array(z.object({ ipGroup: z.string(), tenantId: z.string().nullable(), reason: z.string() })),
  /** IP Groups of customers that were linked before. */
  linked: z.number(),
  /** IP Groups that name no tenant, and of which the mapping says nothing. */
  unnamed: z.number(),
});
export type AdoptReport = z.infer<typeof adoptReport>;

export const driftDeviceReport = z.object({
  device: z.string(),
  /** `unknown`: never checked, or too long ago. */
  state: z.enum(["in-sync", "drifted", "unknown"]),
  /** When all its linked customers were compared. */
  checkedAt: time,
  /** The time since then: what runs found since makes it no younger. */
  ageSeconds: z.number().nullable(),
  /** When a run last brought single customers up to date since `checkedAt`, or took removed ones out; else null. */
  updatedAt: time.default(null),
  /** A check is due since the device started anew, or since one was put off. */
  due: z.boolean(),
  /** What kept the check that was asked for from being made; the evidence is then an earlier one. */
  trouble: z.string().nullable(),
  ...driftEvidenceFields,
});
export type DriftDeviceReport = z.infer<typeof driftDeviceReport>;
export type DriftState = DriftDeviceReport["state"];

export const driftReport = z.object({ devices: z.array(driftDeviceReport) });
export type DriftReport = z.infer<typeof driftReport>;
