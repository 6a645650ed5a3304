import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { FailPoint } from "../../agent/fail-points.ts";
import { startAgent } from "../../agent/main.ts";
import { startMockSbc, type MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { clientOf, eventually, type Client } from "../e2e/client.ts";
import { startDaemon, writeConfig, type Daemon } from "../e2e/daemon.ts";
import { doorsFor, pin, reachOf, type Route } from "../e2e/reach.ts";
import {
  configFor,
  control,
  deviceFile,
  doorOf,
  drawTenant,
  environment,
  named,
  portalConfigFor,
  stateOf,
  type DeviceState,
} from "../e2e/rig.ts";
import { buildAgent, type BuiltAgent } from "./built-agent.ts";

/** Where an agent falls asleep. `in a row`: while it types one, from outside. */
type Place = FailPoint | "in a row";

const sleepers: readonly (readonly [Route, Place])[] = [
  ["rest", "record-stored"],
  ["rest", "read-back"],
  ["rest", "saved-stored"],
  ["ssh", "record-stored"],
  ["ssh", "in a row"],
  ["ssh", "read-back"],
];

interface Received {
  requests: { method: string; path: string }[];
  lines: { source: string; line: string }[];
}

/** What a device makes of a row that two sessions type is not known: here the end of the first one leaves it alone. */
const settings = { unfinishedRow: "drop" } as const;

const leaseMs = 10_000;
const run = { leaseMs, writeDeadlineMs: 3_000, saveMs: 3_000, requestMs: 3_000, foreignEditsWaitMs: 300 };

let built: BuiltAgent;
let folder: string;
let mocks: MockSbc[];
let client: Client;
let stopPortal: () => Promise<void>;
let spare: Daemon | undefined;
const zombies: Daemon[] = [];
const tasks: string[] = [];
/** How far the portal's clock is ahead: in that time, agents that sleep are given up. */
let aheadMs = 0;

const receivedBy = async (mock: MockSbc): Promise<Received> =>
  (await (await fetch(`${mock.control}/received`)).json()) as Received;

/** What may change a device, or save it. `exit` leaves a session that only looked: where it ends a row, the row changes. */
function writesAfter(before: Received, { requests, lines }: Received): string[] {
  const asked = requests.slice(before.requests.length).filter(({ method }) => method !== "GET");
  const typed = lines.slice(before.lines.length).filter(({ line }) => !/^(enable|show .*|exit)$/.test(line.trim()));
  return [...asked.map(({ method, path }) => `${method} ${path}`), ...typed.map(({ line }) => line)];
}

async function startNear(name: string, devices: readonly number[], variables: Record<string, string>): Promise<Daemon> {
  const home = join(folder, name);
  mkdirSync(home);
  const { url, ca } = source();
  const config = configFor(
    home,
    mocks.map((mock, i) => reachOf(mock, sleepers[i]?.[0])),
    { source: { url, ca }, run, log: { level: "warn" } },
  );
  config.devices = config.devices.filter((_, i) => devices.includes(i));
  await pin(config, mocks);
  return startDaemon(writeConfig(home, config), config, "run", { variables, program: built.program });
}

let source: () => { url: string; ca: string | undefined };

/** Settles once the operating system says that the process is stopped. */
async function isAsleep(daemon: Daemon): Promise<void> {
  await eventually(
    async () => daemon.isStopped(),
    (stopped) => stopped,
    () => `it does not sleep; ${daemon.output()}`,
  );
}

beforeAll(async () => {
  built = await buildAgent();
  folder = mkdtempSync(join(tmpdir(), "sbc-agent-zombie-"));
  const realNow = Date.now;
  vi.spyOn(Date, "now").mockImplementation(() => realNow.call(Date) + aheadMs);
  mocks = await Promise.all(
    sleepers.map(([route], i) =>
      startMockSbc({ ini: deviceFile, serialNumber: String(i), settings, ...doorsFor(route) }),
    ),
  );
  const portalConfig = portalConfigFor(join(folder, "portal"), mocks.length);
  const portal = await startAgent(portalConfig, { role: "portal", env: environment, logFormat: "text" });
  stopPortal = () => portal.stop();
  client = clientOf(doorOf(portalConfig, portal.url));
  source = () => ({ url: portal.url, ca: portalConfig.portal.tls?.cert });

  await Promise.all(
    sleepers.map(async ([, place], i) => {
      const inRow = place === "in a row";
      if (inRow) await control(mocks[i]!, "POST", "/faults", { name: "slow-lines", ms: 50 });
      zombies[i] = await startNear(`zombie${i}`, [i], inRow ? {} : { SBC_AGENT_FAIL_POINT: `${place}=stop` });
    }),
  );
  for (const i of sleepers.keys()) {
    const tenant = drawTenant();
    await client.addLead(tenant);
    tasks[i] = await client.post(`Customer${i}`, tenant, i);
  }
}, 120_000);

afterAll(async () => {
  vi.restoreAllMocks();
  for (const zombie of zombies) await zombie.kill("SIGKILL");
  await spare?.kill("SIGTERM");
  await stopPortal();
  await Promise.all(mocks.map((mock) => mock.stop()));
  rmSync(folder, { recursive: true, force: true });
  built.remove();
});

describe("an agent that sleeps past its lease while another one does its work", () => {
  const received: Received[] = [];
  const states: DeviceState[] = [];

  it("loses its devices to it", async () => {
    for (const [i, [, place]] of sleepers.entries()) {
      const zombie = zombies[i]!;
      if (place === "in a row") {
        await eventually(
          () => receivedBy(mocks[i]!),
          ({ lines }) => lines.some(({ line }) => line.trim().startsWith("tags")),
          () => "no row was begun",
        );
        zombie.signal("SIGSTOP");
      }
      await isAsleep(zombie);
    }
    const asleepAt = performance.now();
    await control(mocks[4]!, "DELETE", "/faults");
    aheadMs = 100_000;
    spare = await startNear("spare", [...sleepers.keys()], {});
    for (const task of tasks) expect((await client.ended(task)).details).toEqual(["Converted"]);
    // By its own clocks too, the lease is over when it wakes.
    await eventually(
      async () => performance.now() - asleepAt,
      (ms) => ms > leaseMs,
      () => "time stands still",
    );
    for (const [i, mock] of mocks.entries()) {
      received[i] = await receivedBy(mock);
      const state = await stateOf(mock);
      states[i] = state;
      expect(state.running["IPGroup"]).toHaveLength(3 + 1);
      expect(named(state.running["IPGroup"], "Name").get(`Customer${i}`)?.active).toBe(true);
      expect(state.running).toEqual(state.startup);
      expect(state.saveNeeded).toBe(false);
    }
    for (const zombie of zombies) zombie.signal("SIGCONT");
  });

  it.each(sleepers.map(([route, place], i) => ({ route, place, i })))(
    "over $route, asleep at $place: it writes nothing when it wakes, and says why",
    async ({ i }) => {
      const mock = mocks[i]!;
      const zombie = zombies[i]!;
      await eventually(
        async () => zombie.output(),
        (output) => output.includes("run ended early") && output.includes("portal refuses this agent"),
        (output) => `it did not notice: ${output}`,
      );
      expect(zombie.output()).toMatch(/"outcome":"lost"/);
      expect(writesAfter(received[i]!, await receivedBy(mock))).toEqual([]);
      const state = await stateOf(mock);
      expect(state).toEqual(states[i]);
      expect((await client.task(tasks[i]!)).details).toEqual(["Converted"]);
    },
  );
});
