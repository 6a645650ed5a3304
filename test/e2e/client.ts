import { Agent } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import axios from "axios";
import type { ResyncReport } from "../../agent/reports.ts";

interface Answer {
  status: number;
  body: unknown;
}

export interface TaskBody {
  id: string;
  status: string;
  details: string[];
  executionMessages: { level: string; message: string }[];
  outputData: { umpCustomerGuid: string | null };
  createTime: string;
}

/** A gateway per device: `gw0.example.com` and so on. */
export const gatewayOf = (device: number): string => `gw${device}.example.com`;

/** One server of the product, as the token's holder sees it. */
export interface Door {
  url: string;
  token: string;
  /** PEM of its certificate. */
  ca?: string;
}

async function call({ url, token, ca }: Door, method: string, path: string, body?: unknown): Promise<Answer> {
  const { status, headers, data } = await axios.request<string>({
    method,
    url: `${url}${path}`,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    data: body === undefined ? undefined : JSON.stringify(body),
    responseType: "text",
    transformResponse: (text: string) => text,
    validateStatus: () => true,
    proxy: false,
    ...(ca === undefined ? {} : { httpsAgent: new Agent({ ca }) }),
  });
  const json = String(headers["content-type"]).includes("json");
  return { status, body: json ? (JSON.parse(data) as unknown) : data };
}

/** A client of the portal's API and, where that is another process, of the operators' API of its agent. */
export function clientOf(portal: Door, agent: Door = portal) {
  const ask = (method: string, path: string, body?: unknown): Promise<Answer> =>
    call(path.startsWith("/api/agent/") ? agent : portal, method, path, body);
  const task = async (id: string): Promise<TaskBody> => (await ask("GET", `/api/v2/task/${id}`)).body as TaskBody;
  return {
    ask,
    task,
    async addLead(tenantId: string): Promise<void> {
      const { status } = await ask("POST", "/api/v2/oc/lead", { tenantId, companyName: `Company ${tenantId}` });
      if (status !== 200) throw new Error(`lead was answered ${status}`);
    },
    async post(
      shortName: string,
      tenantId: string,
      device = 0,
      parameters: Record<string, string> = {},
    ): Promise<string> {
      const { status, body } = await ask("POST", "/api/v3/customer", {
        configurationName: "OcEssential_IPGROUP_TYPE",
        customerShortName: shortName,
        customerFullName: shortName,
        msTenantId: tenantId,
        scriptParameters: { ProxySet: "SIPTrunk", OnlinePstnGateway: gatewayOf(device), ...parameters },
      });
      if (status !== 200) throw new Error(`the conversion was answered ${status}: ${JSON.stringify(body)}`);
      return (body as { taskId: string }).taskId;
    },
    /** Waits for the task's end by asking for it; fails after a minute with what the task says. */
    async ended(taskId: string): Promise<TaskBody> {
      return eventually(
        () => task(taskId),
        (t) => t.status !== "InProgress",
        (t) => `task did not end: ${JSON.stringify(t)}`,
      );
    },
    async resync(request: Record<string, unknown> = {}): Promise<ResyncReport> {
      const { status, body } = await ask("POST", "/api/agent/v1/resync", request);
      if (status !== 200) throw new Error(`re-sync was answered ${status}: ${JSON.stringify(body)}`);
      return body as ResyncReport;
    },
  };
}

export type Client = ReturnType<typeof clientOf>;

/** Asks again until the fact holds. */
export async function eventually<T>(
  ask: () => Promise<T>,
  holds: (value: T) => boolean,
  explain: (value: T) => string,
  patienceMs = 60_000,
): Promise<T> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    if (performance.now() > until) throw new Error(explain(value));
    await sleep(10);
  }
}
