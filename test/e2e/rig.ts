import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { checkConfig, type AgentConfig } from "../../agent/config.ts";
import { startAgent } from "../../agent/main.ts";
import { pinFile } from "../../agent/devices.ts";
import type { ResyncReport } from "../../agent/reports.ts";
import { startMockSbc, type MockSbc, type MockSbcOptions } from "../../mocks/sbc/mock-sbc.ts";

/** The whole thing on one machine: mock devices, the agent with its store, and what a client of its API does. */

export const deviceFile = readFileSync(new URL("../../config/devices/oc1-7.40.ini", import.meta.url), "utf8");
export const environment = { SBC_PASSWORD: "Admin" };

export interface TaskBody {
  id: string;
  status: string;
  details: string[];
  executionMessages: { level: string; message: string }[];
  outputData: { umpCustomerGuid: string | null };
  createTime: string;
}

interface StateRow {
  index: number;
  active: boolean;
  fields: Record<string, string | number>;
}

export interface DeviceState {
  serialNumber: string;
  saveNeeded: boolean;
  running: Record<string, StateRow[]>;
  startup: Record<string, StateRow[]>;
}

export interface DeviceStats {
  saves: number;
  uploads: number;
  mostWritersAtOnce: number;
}

/** A gateway per device: `gw0.example.com` and so on. */
export const gatewayOf = (device: number): string => `gw${device}.example.com`;

export function configFor(
  folder: string,
  addresses: readonly string[],
  overrides: Partial<Record<string, unknown>> = {},
): AgentConfig {
  const { run, ...rest } = overrides as { run?: Record<string, unknown> };
  return checkConfig(
    {
      dataDir: "data",
      sealKey: { file: "seal.key" },
      portal: { port: 0, requestsPerMinute: 10_000_000 },
      log: { level: "error" },
      devices: addresses.map((address, i) => ({
        name: `sbc${i}`,
        address,
        user: "Admin",
        password: { env: "SBC_PASSWORD" },
        ...(address.startsWith("http:") ? { trust: "plaintext" } : {}),
        model: "ve-4gb",
        gateways: [gatewayOf(i)],
        defaults: { srd: "DefaultSRD", sipInterface: "SIF_WAN", mediaRealm: "MR_WAN", ipProfile: "IPP_Trunk" },
      })),
      carriers: [{ name: "SIPTrunk", addresses: [{ address: "192.0.2.60:5060", transport: "udp" }] }],
      run: { pollMs: 200, settleMs: 300, retryMinMs: 50, retryMaxMs: 200, lingerMs: 20, ...run },
      ...rest,
    },
    "test",
    folder,
  );
}

/** A client of the agent's API. */
export function clientOf(url: string, token: string) {
  const ask = async (method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = response.headers.get("content-type")?.includes("json") === true;
    return { status: response.status, body: json ? (JSON.parse(text) as unknown) : text };
  };
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
    /** Waits for the task's end by asking for it; fails after 20 s with what the task says. */
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
): Promise<T> {
  const until = performance.now() + 20_000;
  for (;;) {
    const value = await ask();
    if (holds(value)) return value;
    if (performance.now() > until) throw new Error(explain(value));
    await sleep(10);
  }
}

export const stateOf = async (mock: Pick<MockSbc, "control">): Promise<DeviceState> =>
  (await (await fetch(`${mock.control}/state`)).json()) as DeviceState;

export const statsOf = async (mock: Pick<MockSbc, "control">): Promise<DeviceStats> =>
  (await (await fetch(`${mock.control}/stats`)).json()) as DeviceStats;

export async function control(
  mock: Pick<MockSbc, "control">,
  method: string,
  path: string,
  body?: unknown,
): Promise<void> {
  const response = await fetch(`${mock.control}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}: ${await response.text()}`);
}

/** Rows of a table by their name column. */
export function named(rows: readonly StateRow[] | undefined, column: string): Map<string, StateRow> {
  return new Map((rows ?? []).map((row) => [String(row.fields[column]), row]));
}

export async function pin(config: AgentConfig, mocks: readonly MockSbc[]): Promise<void> {
  await mkdir(join(config.dataDir, "pins"), { recursive: true, mode: 0o700 });
  for (const [i, mock] of mocks.entries())
    writeFileSync(pinFile(config.dataDir, `sbc${i}`), mock.certificatePem, { mode: 0o600 });
}

export interface Rig {
  folder: string;
  config: AgentConfig;
  mocks: readonly MockSbc[];
  mock: MockSbc;
  client: Client;
  url(): string;
  adminToken(): string;
  /** Ends the agent; `stop` need not do it any more. */
  stopAgent(): Promise<void>;
  /** Ends the agent and starts it again on the same data. */
  restart(overrides?: Partial<Record<string, unknown>>): Promise<void>;
  stop(): Promise<void>;
}

export async function startRig(
  options: {
    devices?: number;
    mock?: MockSbcOptions;
    overrides?: Partial<Record<string, unknown>>;
  } = {},
): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), "sbc-agent-test-"));
  const mocks = await Promise.all(
    Array.from({ length: options.devices ?? 1 }, (_, i) =>
      startMockSbc({ ini: deviceFile, serialNumber: String(1_000 + i), ...options.mock }),
    ),
  );
  let config = configFor(
    folder,
    mocks.map(({ rest }) => rest),
    options.overrides,
  );
  await pin(config, mocks);
  let agent = await startAgent(config, { role: "embedded", env: environment, logFormat: "text" });
  const token = (): string => readFileSync(join(config.dataDir, "admin.token"), "utf8").trim();
  let running = true;
  const [mock] = mocks;
  if (mock === undefined) throw new Error("a rig needs a device");
  const rig: Rig = {
    folder,
    config,
    mocks,
    mock,
    client: clientOf(agent.url, token()),
    url: () => agent.url,
    adminToken: token,
    async restart(overrides) {
      await agent.stop();
      config = configFor(
        folder,
        mocks.map(({ rest }) => rest),
        overrides ?? options.overrides,
      );
      agent = await startAgent(config, { role: "embedded", env: environment, logFormat: "text" });
      rig.client = clientOf(agent.url, token());
    },
    async stopAgent() {
      running = false;
      await agent.stop();
    },
    async stop() {
      if (running) await agent.stop();
      await Promise.all(mocks.map((m) => m.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return rig;
}

export const drawTenant = (): string => randomUUID();
