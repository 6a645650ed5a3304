import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkConfig, type AgentConfig } from "../../agent/settings/config.ts";
import { startAgent } from "../../agent/main.ts";
import { createCertificate } from "../../mocks/sbc/certificate.ts";
import { clientOf, gatewayOf, type Client, type Door } from "./client.ts";
import { doorsFor, pin, reachOf, type Reach, type Route } from "./reach.ts";
import type { Relay } from "../faults/relay.ts";
import { startMockSbc, type MockSbc, type MockSbcOptions } from "../../mocks/sbc/mock-sbc.ts";

/** The whole thing on one machine: mock devices, the agent with its store, and what a client of its API does. */

export const deviceFile = readFileSync(new URL("../../config/devices/oc1-7.40.ini", import.meta.url), "utf8");
export const environment = {
  SBC_PASSWORD: "Admin",
  SBC_ENABLE: "Admin",
  SBC_AGENT_SOURCE_TOKEN: "token-of-the-agent-of-this-rig",
};

/** `embedded`: portal and devices in one process. `apart`: a portal, and an agent that pulls from it. */
export const shapes = ["embedded", "apart"] as const;
export type Shape = (typeof shapes)[number];

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
  requests: number;
  saves: number;
  uploads: number;
  mostWritersAtOnce: number;
  sshConnections: number;
  sshLogins: number;
  sshFailedLogins: number;
  shells: number;
  enables: number;
}

export function configFor(
  folder: string,
  reaches: readonly Reach[],
  overrides: Partial<Record<string, unknown>> = {},
): AgentConfig {
  const { run, ...rest } = overrides as { run?: Record<string, unknown> };
  return checkConfig(
    {
      dataDir: "data",
      sealKey: { file: "seal.key" },
      portal: { port: 0, requestsPerMinute: 10_000_000 },
      log: { level: "error" },
      devices: reaches.map((reach, i) => ({
        name: `sbc${i}`,
        ...reach,
        user: "Admin",
        password: { env: "SBC_PASSWORD" },
        ...(reach.address.startsWith("http:") ? { trust: "plaintext" } : {}),
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

/** For the portal of a rig that stands apart, with the agent's token bound to all of its devices. */
export function portalConfigFor(
  folder: string,
  devices: number,
  overrides: Partial<Record<string, unknown>> = {},
): AgentConfig {
  mkdirSync(folder, { recursive: true });
  const { certificatePem, keyPem } = createCertificate();
  if (!existsSync(join(folder, "cert.pem"))) {
    writeFileSync(join(folder, "cert.pem"), certificatePem);
    writeFileSync(join(folder, "key.pem"), keyPem, { mode: 0o600 });
  }
  const { portal, run, ...rest } = overrides as Record<"portal" | "run", Record<string, unknown> | undefined>;
  return checkConfig(
    {
      dataDir: "data",
      sealKey: { file: "seal.key" },
      portal: {
        port: 0,
        requestsPerMinute: 10_000_000,
        tls: { cert: "cert.pem", key: "key.pem" },
        ...portal,
      },
      agents: [
        {
          name: "near",
          token: { env: "SBC_AGENT_SOURCE_TOKEN" },
          devices: Array.from({ length: devices }, (_, i) => `sbc${i}`),
          gateways: Array.from({ length: devices }, (_, i) => gatewayOf(i)),
        },
      ],
      log: { level: "error" },
      run: { pollMs: 200, retryMinMs: 50, retryMaxMs: 200, ...run },
      ...rest,
    },
    "test",
    folder,
  );
}

export function doorOf(config: AgentConfig, url: string): Door {
  const token = readFileSync(join(config.dataDir, "admin.token"), "utf8").trim();
  const { tls } = config.portal;
  return { url, token, ...(tls === undefined ? {} : { ca: readFileSync(tls.cert, "utf8") }) };
}

export interface Rig {
  folder: string;
  /** Of the process that works on the devices. */
  config: AgentConfig;
  mocks: readonly MockSbc[];
  mock: MockSbc;
  client: Client;
  url(): string;
  adminToken(): string;
  /** Ends the agent; `stop` need not do it any more. */
  stopAgent(): Promise<void>;
  /** Ends all but the devices, and starts it again on the same data. */
  restart(overrides?: Partial<Record<string, unknown>>): Promise<void>;
  stop(): Promise<void>;
}

interface Running {
  config: AgentConfig;
  agent: Door;
  portal: Door;
  stop(): Promise<void>;
}

const options = { env: environment, logFormat: "text" } as const;

async function startEmbedded(
  folder: string,
  mocks: readonly MockSbc[],
  reach: ReachMock,
  overrides: Overrides,
): Promise<Running> {
  const config = configFor(folder, mocks.map(reach), overrides);
  await pin(config, mocks);
  const agent = await startAgent(config, { ...options, role: "embedded" });
  const door = doorOf(config, agent.url);
  return { config, agent: door, portal: door, stop: () => agent.stop() };
}

async function startApart(
  folder: string,
  mocks: readonly MockSbc[],
  reach: ReachMock,
  overrides: Overrides,
  line?: Line,
): Promise<Running> {
  const portalConfig = portalConfigFor(join(folder, "portal"), mocks.length, portalOverrides(overrides));
  const portal = await startAgent(portalConfig, { ...options, role: "portal" });
  line?.lead(Number(new URL(portal.url).port));
  const url = line === undefined ? portal.url : `https://127.0.0.1:${line.port}`;
  const near = join(folder, "near");
  mkdirSync(near, { recursive: true });
  const source = { url, ca: portalConfig.portal.tls?.cert };
  const config = configFor(near, mocks.map(reach), { ...overrides, source });
  await pin(config, mocks);
  const agent = await startAgent(config, { ...options, role: "agent" });
  return {
    config,
    agent: doorOf(config, agent.url),
    portal: doorOf(portalConfig, portal.url),
    async stop() {
      await agent.stop();
      await portal.stop();
    },
  };
}

type Overrides = Partial<Record<string, unknown>>;

/** What a portal has a setting for. */
function portalOverrides(overrides: Overrides): Overrides {
  const known = ["portal", "ovoc", "secretVariables", "keepSecrets", "log"];
  const { conversionDeadline } = (overrides["run"] ?? {}) as Overrides;
  return {
    ...Object.fromEntries(Object.entries(overrides).filter(([name]) => known.includes(name))),
    ...(conversionDeadline === undefined ? {} : { run: { conversionDeadline } }),
  };
}

type ReachMock = (mock: MockSbc) => Reach;
type Line = Pick<Relay, "port" | "lead">;

export async function startRig(
  setting: {
    shape?: Shape;
    route?: Route;
    reach?: ReachMock;
    devices?: number;
    mock?: MockSbcOptions;
    overrides?: Overrides;
    /** Between an agent and a portal that stand apart. */
    line?: Line;
  } = {},
): Promise<Rig> {
  const { route = "rest" } = setting;
  const reach = setting.reach ?? ((mock) => reachOf(mock, route));
  const folder = mkdtempSync(join(tmpdir(), "sbc-agent-test-"));
  const mocks = await Promise.all(
    Array.from({ length: setting.devices ?? 1 }, (_, i) =>
      startMockSbc({ ini: deviceFile, serialNumber: String(1_000 + i), ...doorsFor(route), ...setting.mock }),
    ),
  );
  const [mock] = mocks;
  if (mock === undefined) throw new Error("a rig needs a device");
  const start = setting.shape === "apart" ? startApart : startEmbedded;
  let running: Running | undefined = await start(folder, mocks, reach, setting.overrides ?? {}, setting.line);
  const { config } = running;
  const doors = (): Running => {
    if (running === undefined) throw new Error("the agent of this rig was stopped");
    return running;
  };
  const rig: Rig = {
    folder,
    config,
    mocks,
    mock,
    client: clientOf(running.portal, running.agent),
    url: () => doors().agent.url,
    adminToken: () => doors().agent.token,
    async restart(overrides) {
      await running?.stop();
      running = undefined;
      running = await start(folder, mocks, reach, overrides ?? setting.overrides ?? {}, setting.line);
      rig.client = clientOf(running.portal, running.agent);
    },
    async stopAgent() {
      const stopping = running;
      running = undefined;
      await stopping?.stop();
    },
    async stop() {
      await running?.stop();
      await Promise.all(mocks.map((m) => m.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return rig;
}

export const drawTenant = (): string => randomUUID();
