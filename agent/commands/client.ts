import { z } from "zod";
import { openTransport, type ClientOptions } from "./agent-transport.ts";
import { explanation, type Explanation } from "../explanation/explanation.ts";
import {
  adoptReport,
  auditReport,
  driftReport,
  failuresReport,
  healthReport,
  planReport,
  resyncReport,
  type AdoptReport,
  type AdoptRequest,
  type AuditReport,
  type DriftReport,
  type FailuresReport,
  type HealthReport,
  type PlanReport,
  type ResyncReport,
  type ResyncRequest,
} from "../reports.ts";

const taskAnswer = z.object({
  id: z.string(),
  status: z.string(),
  details: z.array(z.string().nullable()).nullish(),
  executionMessages: z.array(z.object({ level: z.string(), message: z.string() })).nullish(),
  outputData: z.object({ umpCustomerGuid: z.string().nullish() }).nullish(),
  createTime: z.string().nullish(),
});
export type TaskAnswer = z.infer<typeof taskAnswer>;

const customerAnswer = z.object({
  UmpCustomerGuid: z.string(),
  CustomerShortName: z.string(),
  CustomerFullName: z.string(),
  MsTenantId: z.string(),
  SiteLocation: z.array(z.object({ id: z.string(), sbcId: z.number() })).optional(),
  PendingTasks: z.array(z.object({ TaskId: z.string(), Kind: z.string() })).optional(),
});
export type CustomerAnswer = z.infer<typeof customerAnswer>;

const acceptAnswer = z
  .union([
    z.string(),
    z.object({ taskId: z.string() }).transform((body) => body.taskId),
    z.object({ jobId: z.string() }).transform((body) => body.jobId),
  ])
  .describe("a task id");

const removalAnswer = z.object({ sbcCleanupTaskId: z.string() });

/**
 * The agent's own API. Methods throw AgentUnreachable, AgentRefusal (with the fields of the ProblemDetails in its
 * message), or Interrupted when the signal aborted. Strings in answers are free of control characters.
 */
export interface AgentClient {
  readonly url: string;
  health(): Promise<HealthReport>;
  plan(
    subject:
      | { taskId: string }
      | { body: string }
      | { removal: { customer: string; device?: string } }
      | { change: { customer: string; device?: string; site: object } },
  ): Promise<PlanReport>;
  resync(request: ResyncRequest): Promise<ResyncReport>;
  adopt(request: AdoptRequest): Promise<AdoptReport>;
  drift(device: string | undefined): Promise<DriftReport>;
  checkDrift(device: string | undefined): Promise<DriftReport>;
  pause(device: string, reason: string): Promise<void>;
  resume(device: string, reason: string): Promise<void>;
  task(id: string): Promise<TaskAnswer>;
  explain(subject: string): Promise<Explanation>;
  /** `since` with its unit: `7d`. */
  failures(since: string): Promise<FailuresReport>;
  /** Newest first. */
  audit(filter: { device?: string; taskId?: string; limit: string }): Promise<AuditReport>;
  /** Posts a create-customer body as it is; resolves with the task's id. */
  convert(body: string): Promise<string>;
  /** With their sites and what is under way for them. */
  customers(): Promise<CustomerAnswer[]>;
  /** Asks that a customer go from all its devices. */
  removeCustomer(guid: string, forgetDevice: boolean): Promise<void>;
  /** Asks that a customer go from the device of a site; resolves with the task's id, as does a change. */
  removeSite(site: string, forgetDevice: boolean): Promise<string>;
  changeSite(guid: string, body: object): Promise<string>;
  /** Gives connections back. */
  close(): void;
}

const forgetting = (forgetDevice: boolean): string => (forgetDevice ? "?forgetDevice=true" : "");

const seconds = { quick: 10, convert: 60, plan: 300, adopt: 600, resync: 3_600 } as const;

/** Sends nothing before the first call. Throws an Error when the certificate cannot be read. */
export function openClient(options: ClientOptions): AgentClient {
  const { url, call, close } = openTransport(options);
  const device = (name: string) => `/api/agent/v1/devices/${encodeURIComponent(name)}`;
  return {
    url,
    health: () => call(healthReport, "GET", "/api/agent/v1/health", { seconds: seconds.quick, alsoStatus: 503 }),
    plan: (subject) =>
      call(planReport, "POST", "/api/agent/v1/plan", {
        // The body goes in as it was written: parsing it here would hide duplicate keys from the agent.
        body: "body" in subject ? `{"request":${subject.body}}` : JSON.stringify(subject),
        seconds: seconds.plan,
      }),
    resync: (request) =>
      call(resyncReport, "POST", "/api/agent/v1/resync", { body: JSON.stringify(request), seconds: seconds.resync }),
    adopt: (request) =>
      call(adoptReport, "POST", "/api/agent/v1/adopt", { body: JSON.stringify(request), seconds: seconds.adopt }),
    drift: (name) =>
      call(
        driftReport,
        "GET",
        `/api/agent/v1/drift${name === undefined ? "" : `?device=${encodeURIComponent(name)}`}`,
        {
          seconds: seconds.quick,
        },
      ),
    checkDrift: (name) =>
      call(driftReport, "POST", "/api/agent/v1/drift/check", {
        body: JSON.stringify(name === undefined ? {} : { device: name }),
        seconds: seconds.resync,
      }),
    pause: async (name, reason) => {
      await call(z.unknown(), "POST", `${device(name)}/pause`, {
        body: JSON.stringify({ reason }),
        seconds: seconds.quick,
      });
    },
    resume: async (name, reason) => {
      await call(z.unknown(), "POST", `${device(name)}/resume`, {
        body: JSON.stringify({ reason }),
        seconds: seconds.quick,
      });
    },
    task: (id) => call(taskAnswer, "GET", `/api/v2/task/${encodeURIComponent(id)}`, { seconds: seconds.quick }),
    explain: (subject) =>
      call(explanation, "GET", `/api/agent/v1/explain/${encodeURIComponent(subject)}`, { seconds: seconds.quick }),
    failures: (since) =>
      call(failuresReport, "GET", `/api/agent/v1/failures?since=${encodeURIComponent(since)}`, {
        seconds: seconds.quick,
      }),
    audit: (filter) =>
      call(auditReport, "GET", `/api/agent/v1/audit?${new URLSearchParams(filter).toString()}`, {
        seconds: seconds.quick,
      }),
    convert: (body) => call(acceptAnswer, "POST", "/api/v3/customer", { body, seconds: seconds.convert }),
    customers: () =>
      call(z.array(customerAnswer), "GET", "/api/v3/customer?allDetails=true", { seconds: seconds.convert }),
    removeCustomer: async (guid, forgetDevice) => {
      const path = `/api/v2/customer/${encodeURIComponent(guid)}${forgetting(forgetDevice)}`;
      await call(z.unknown(), "DELETE", path, { seconds: seconds.convert });
    },
    removeSite: async (site, forgetDevice) => {
      const path = `/api/v2/sitelocation/${encodeURIComponent(site)}${forgetting(forgetDevice)}`;
      return (await call(removalAnswer, "DELETE", path, { seconds: seconds.convert })).sbcCleanupTaskId;
    },
    changeSite: (guid, body) =>
      call(acceptAnswer, "PATCH", `/api/v2/customer/${encodeURIComponent(guid)}/sitelocation/`, {
        body: JSON.stringify(body),
        seconds: seconds.convert,
      }),
    close,
  };
}
