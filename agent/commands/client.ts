import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { checkServerIdentity, rootCertificates } from "node:tls";
import { X509Certificate } from "node:crypto";
import axios from "axios";
import { z } from "zod";
import { explanation, type Explanation } from "../explanation/explanation.ts";
import { printable } from "./output.ts";
import { describeProblem } from "./problem-text.ts";
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

type Method = "GET" | "POST" | "PATCH" | "DELETE";

const removalAnswer = z.object({ sbcCleanupTaskId: z.string() });

/** No answer: nothing listens, the connection broke, or the deadline passed. */
export class AgentUnreachable extends Error {
  override readonly name = "AgentUnreachable";
  /** Nothing listens there, so certainly nothing was sent. */
  readonly refused: boolean;

  constructor(message: string, refused: boolean) {
    super(message);
    this.refused = refused;
  }
}

/** An answer that is not the one that was asked for. */
export class AgentRefusal extends Error {
  override readonly name = "AgentRefusal";
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** SIGINT or SIGTERM came before the answer. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor() {
    super("Interrupted.");
  }
}

export interface ClientOptions {
  /** Scheme, host, port and perhaps a path below which the API stands. */
  url: string;
  token: string | undefined;
  /** Said when the agent answers 401: where the token came from, or why there is none. */
  tokenSource: string;
  /** PEM that the agent shows; trusted besides the public authorities, whatever name it bears. */
  certificatePem: string | undefined;
  signal: AbortSignal;
}

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
  const url = options.url.replace(/\/+$/, "");
  const httpAgent = new HttpAgent({ keepAlive: true });
  const httpsAgent = new HttpsAgent({ keepAlive: true, rejectUnauthorized: true, ...trust(options.certificatePem) });

  async function send(
    method: Method,
    path: string,
    body: string | undefined,
    deadlineSeconds: number,
  ): Promise<{ status: number; text: string; what: string }> {
    const what = `${method} ${url}${path}`;
    const deadline = AbortSignal.timeout(deadlineSeconds * 1_000);
    if (wasAborted(options.signal)) throw new Interrupted();
    try {
      const answer = await axios.request<string>({
        method,
        url: `${url}${path}`,
        data: body,
        headers: {
          accept: "application/json, application/problem+json",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        },
        httpAgent,
        httpsAgent,
        proxy: false,
        maxRedirects: 0,
        timeout: deadlineSeconds * 1_000,
        signal: AbortSignal.any([options.signal, deadline]),
        maxContentLength: 256 * 1_024 * 1_024,
        responseType: "text",
        transformRequest: [(data: unknown) => data],
        transformResponse: [(data: unknown) => data],
        validateStatus: () => true,
      });
      return { status: answer.status, text: answer.data, what };
    } catch (error) {
      if (wasAborted(options.signal)) throw new Interrupted();
      if (deadline.aborted || hasCode(error, "ECONNABORTED"))
        throw new AgentUnreachable(`${what}: no answer within ${deadlineSeconds} s`, false);
      const reason = error instanceof Error && error.message !== "" ? error.message : codeOf(error);
      throw new AgentUnreachable(`${what}: ${reason}`, hasCode(error, "ECONNREFUSED"));
    }
  }

  async function call<T>(
    schema: z.ZodType<T>,
    method: Method,
    path: string,
    request: { body?: string; seconds: number; alsoStatus?: number },
  ): Promise<T> {
    const { status, text, what } = await send(method, path, request.body, request.seconds);
    const value = parseJson(text);
    const expected = (status >= 200 && status < 300) || status === request.alsoStatus;
    const result = schema.safeParse(value);
    if (expected && result.success) return result.data;
    if (status >= 200 && status < 300 && !result.success)
      throw new AgentRefusal(
        `${what}: answered ${status}, but not with what this version of sbc-agent understands:\n${issues(result.error)}`,
        status,
      );
    throw new AgentRefusal(`${what}: ${describeProblem(status, value, text, options.tokenSource)}`, status);
  }

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
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

function trust(certificatePem: string | undefined): object {
  if (certificatePem === undefined) return {};
  const leaf = new X509Certificate(certificatePem).fingerprint256;
  return {
    ca: [...rootCertificates, certificatePem],
    // The configured certificate need not be self-signed: it is trusted without its issuer.
    allowPartialTrustChain: true,
    checkServerIdentity: (host: string, shown: Parameters<typeof checkServerIdentity>[1]) =>
      shown.fingerprint256 === leaf ? undefined : checkServerIdentity(host, shown),
  };
}

/** A call, so that the compiler does not take an earlier answer for granted. */
function wasAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** Whether the error, or one of those it stands for (a host with several addresses), has the code. */
function hasCode(error: unknown, code: string): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every((e) => hasCode(e, code));
  return codeOf(error) === code || (error.cause !== undefined && hasCode(error.cause, code));
}

function parseJson(text: string): unknown {
  if (text === "") return undefined;
  try {
    return printable(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function issues(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => `  ${issue.path.join(".") || "(top)"}: ${issue.message}`)
    .join("\n");
}
