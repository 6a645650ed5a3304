import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AgentConfig } from "../../agent/settings/config.ts";
import { startMockSbc, type MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { atPortalApart } from "../faults/kill-matrix.ts";
import { startRelay, type Relay } from "../faults/relay.ts";
import { buildAgent, type BuiltAgent } from "./built-agent.ts";
import { clientOf, eventually, type Client } from "./client.ts";
import { startDaemon, writeConfig, type Daemon } from "./daemon.ts";
import { configFor, control, deviceFile, drawTenant, named, portalConfigFor, stateOf } from "./rig.ts";
import { pin, reachOf } from "./reach.ts";

/** A portal and an agent as processes of their own, either of which may be killed at any point. */
let built: BuiltAgent;
let folder: string;
let mock: MockSbc;
let relay: Relay;
let portalConfig: AgentConfig;
let nearConfig: AgentConfig;
let portal: Daemon;
let near: Daemon;

const client = (): Client => clientOf(portal.door, near.door);

async function startPortal(): Promise<void> {
  portal = await startDaemon(writeConfig(join(folder, "portal"), portalConfig), portalConfig, "portal", built);
  relay.lead(Number(new URL(portal.door.url).port));
}

async function startNear(): Promise<void> {
  near = await startDaemon(writeConfig(join(folder, "near"), nearConfig), nearConfig, "run", built);
}

beforeAll(async () => {
  built = await buildAgent();
});
afterAll(() => built.remove());
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sbc-agent-apart-"));
  mkdirSync(join(folder, "near"));
  mock = await startMockSbc({ ini: deviceFile });
  relay = await startRelay();
  portalConfig = portalConfigFor(join(folder, "portal"), 1);
  const source = { url: `https://127.0.0.1:${relay.port}`, ca: portalConfig.portal.tls?.cert };
  // An agent that lives on must give a silent device up within the test.
  const run = { requestMs: 2_000, writeDeadlineMs: 2_000, saveMs: 2_000, leaseMs: 10_000 };
  nearConfig = configFor(join(folder, "near"), [reachOf(mock)], { source, run });
  await pin(nearConfig, [mock]);
  await startPortal();
  await startNear();
});
afterEach(async () => {
  await Promise.all([near.kill("SIGTERM"), portal.kill("SIGTERM")]);
  await relay.stop();
  await mock.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function hasReceived(method: string, path: string): Promise<void> {
  interface Received {
    requests: { method: string; path: string }[];
  }
  await eventually(
    async () => (await (await fetch(`${mock.control}/received`)).json()) as Received,
    ({ requests }) => requests.some((request) => request.method === method && request.path.includes(path)),
    () => `${method} ${path} was not received; ${near.output()}`,
  );
}

async function post(shortName: string): Promise<string> {
  const tenant = drawTenant();
  await client().addLead(tenant);
  return client().post(shortName, tenant);
}

async function expectOneCustomer(taskId: string, shortName: string): Promise<void> {
  const task = await client().ended(taskId);
  expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
  const state = await stateOf(mock);
  expect(state.running["IPGroup"]).toHaveLength(3 + 1);
  expect(named(state.running["IPGroup"], "Name").get(shortName)?.active).toBe(true);
  expect((state.running["ProxySet"] ?? []).filter(({ fields }) => fields["ProxyName"] === "SIPTrunk")).toHaveLength(1);
  expect(state.running).toEqual(state.startup);
  expect(state.saveNeeded).toBe(false);
  expect(await client().resync()).toMatchObject({
    devices: [{ result: "in-sync", customers: 1, writes: 0, saves: 0 }],
  });
}

const moments = [
  ["before the upload", { name: "hang", path: "cliScript", method: "GET" }, "GET", "cliScript"],
  ["when the device has the script and has not begun", { name: "hang", path: "incremental" }, "PUT", "incremental"],
  ["after the upload", { name: "hang", path: "incremental", processed: true }, "PUT", "incremental"],
  [
    "after the save, before the report",
    { name: "hang", path: "saveConfiguration", processed: true },
    "POST",
    "saveConfiguration",
  ],
] as const;

describe("killed with SIGKILL", () => {
  it.each(moments)("the agent, %s: the next start ends the conversion once, saved", async (_, fault, method, path) => {
    await control(mock, "POST", "/faults", fault);
    const task = await post("Killed");
    await hasReceived(method, path);
    await near.kill("SIGKILL");
    await control(mock, "DELETE", "/faults");
    await startNear();
    await expectOneCustomer(task, "Killed");
  });

  it.each(moments)("the portal, %s: the conversion ends once, saved", async (_, fault, method, path) => {
    await control(mock, "POST", "/faults", { ...fault, times: 1 });
    const task = await post("Killed");
    await hasReceived(method, path);
    await portal.kill("SIGKILL");
    await control(mock, "DELETE", "/faults");
    await startPortal();
    await expectOneCustomer(task, "Killed");
  });

  it.each(atPortalApart)("the agent, at its fail point %s: the next start ends the conversion once", async (point) => {
    await near.kill("SIGTERM");
    const file = writeConfig(join(folder, "near"), nearConfig);
    const variables = { SBC_AGENT_FAIL_POINT: point };
    near = await startDaemon(file, nearConfig, "run", { ...built, variables });
    const task = await post("Killed");
    expect(await near.ended).toBe("SIGKILL");
    await startNear();
    await expectOneCustomer(task, "Killed");
  });

  it("the portal, while it is asked for conversions: what it accepted before is delivered after", async () => {
    await near.kill("SIGTERM");
    const task = await post("Kept");
    await portal.kill("SIGKILL");
    await startPortal();
    await startNear();
    await expectOneCustomer(task, "Kept");
  });

  it("both at once, in mid-upload", async () => {
    await control(mock, "POST", "/faults", { name: "slow-lines", ms: 40 });
    const task = await post("Killed");
    await hasReceived("PUT", "incremental");
    await Promise.all([portal.kill("SIGKILL"), near.kill("SIGKILL")]);
    await control(mock, "DELETE", "/faults");
    await startPortal();
    await startNear();
    await expectOneCustomer(task, "Killed");
  });
});

describe("a partition between agent and portal", () => {
  it("in mid-upload: the result is reported when it is over", async () => {
    await control(mock, "POST", "/faults", { name: "slow-lines", ms: 30 });
    const task = await post("Parted");
    await hasReceived("PUT", "incremental");
    relay.lead(null);
    relay.cut();
    await eventually(
      () => stateOf(mock),
      ({ saveNeeded, running }) => !saveNeeded && named(running["IPGroup"], "Name").has("Parted"),
      () => `the device was not finished; ${near.output()}`,
    );
    expect((await client().task(task)).status).toBe("InProgress");
    relay.lead(Number(new URL(portal.door.url).port));
    await expectOneCustomer(task, "Parted");
  });

  it("keeps new conversions waiting, and an agent that cannot reach its portal writes nothing", async () => {
    relay.lead(null);
    relay.cut();
    const task = await post("Waiting");
    await eventually(
      async () => (await near.client.ask("GET", "/api/agent/v1/health")).body as { remarks: string[] },
      ({ remarks }) => remarks.some((remark) => remark.startsWith("portal https://127.0.0.1")),
      (health) => JSON.stringify(health),
    );
    expect((await stateOf(mock)).running["IPGroup"]).toHaveLength(3);
    relay.lead(Number(new URL(portal.door.url).port));
    await expectOneCustomer(task, "Waiting");
  });
});
