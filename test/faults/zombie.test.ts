import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
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
import { buildAgent, type BuiltAgent } from "../e2e/built-agent.ts";

/** Where an agent falls asleep. `in a row`: while it types one, from outside. */
type Place = FailPoint | "in a row";

const places: readonly (readonly [Route, Place])[] = [
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

/** An agent that falls asleep, with its device and its work. */
interface Sleeper {
  place: Place;
  mock: MockSbc;
  zombie: Daemon;
  customer: string;
  task: string;
  /** What the device had received, and what it was like, before the agent woke. */
  received: Received;
  state: DeviceState;
}

let built: BuiltAgent;
let folder: string;
let mocks: MockSbc[] = [];
let client: Client;
let stopPortal: () => Promise<void>;
let spare: Daemon | undefined;
const zombies: Daemon[] = [];
/** As they are when they wake. */
let sleepers: Sleeper[] = [];
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

/** Starts an agent that serves the devices of these numbers. */
async function startNear(
  name: string,
  source: { url: string; ca: string | undefined },
  devices: readonly number[],
  variables: Record<string, string>,
): Promise<Daemon> {
  const home = join(folder, name);
  mkdirSync(home);
  const reaches = mocks.map((mock, i) => reachOf(mock, places[i]?.[0]));
  const config = configFor(home, reaches, { source, run, log: { level: "warn" } });
  config.devices = config.devices.filter((_, i) => devices.includes(i));
  await pin(config, mocks);
  return startDaemon(writeConfig(home, config), config, "run", { variables, program: built.program });
}

/** Posts one customer of the device to its agent, which falls asleep over it. */
async function fallAsleep(
  i: number,
  [, place]: (typeof places)[number],
  mock: MockSbc,
  source: Parameters<typeof startNear>[1],
): Promise<Pick<Sleeper, "place" | "mock" | "zombie" | "customer" | "task">> {
  const inRow = place === "in a row";
  if (inRow) await control(mock, "POST", "/faults", { name: "slow-lines", ms: 50 });
  const variables = inRow ? {} : { SBC_AGENT_FAIL_POINT: `${place}=stop` };
  const zombie = await startNear(`zombie${i}`, source, [i], variables);
  zombies.push(zombie);
  const tenant = drawTenant();
  await client.addLead(tenant);
  const customer = `Customer${i}`;
  const task = await client.post(customer, tenant, i);
  if (inRow) {
    await eventually(
      () => receivedBy(mock),
      ({ lines }) => lines.some(({ line }) => line.trim().startsWith("tags")),
      () => "no row was begun",
    );
    zombie.signal("SIGSTOP");
  }
  await eventually(
    async () => zombie.isStopped(),
    (stopped) => stopped,
    () => `it does not sleep; ${zombie.output()}`,
  );
  await control(mock, "DELETE", "/faults");
  return { place, mock, zombie, customer, task };
}

beforeAll(async () => {
  built = await buildAgent();
  folder = mkdtempSync(join(tmpdir(), "sbc-agent-zombie-"));
  const realNow = Date.now;
  vi.spyOn(Date, "now").mockImplementation(() => realNow.call(Date) + aheadMs);
  mocks = await Promise.all(
    places.map(([route], i) =>
      startMockSbc({ ini: deviceFile, serialNumber: String(i), settings, ...doorsFor(route) }),
    ),
  );
  const portalConfig = portalConfigFor(join(folder, "portal"), mocks.length);
  const portal = await startAgent(portalConfig, { role: "portal", env: environment, logFormat: "text" });
  stopPortal = () => portal.stop();
  client = clientOf(doorOf(portalConfig, portal.url));
  const source = { url: portal.url, ca: portalConfig.portal.tls?.cert };

  const asleep = await Promise.all(
    mocks.map((mock, i) => fallAsleep(i, places[i] ?? ["rest", "claim-stored"], mock, source)),
  );
  const asleepAt = performance.now();
  aheadMs = 100_000;
  spare = await startNear("spare", source, [...mocks.keys()], {});
  for (const { task } of asleep) expect((await client.ended(task)).details).toEqual(["Converted"]);
  // By their own clocks too, their leases are over when they wake.
  await sleep(Math.max(0, leaseMs - (performance.now() - asleepAt)));
  sleepers = await Promise.all(
    asleep.map(async (each) => ({ ...each, received: await receivedBy(each.mock), state: await stateOf(each.mock) })),
  );
  for (const zombie of zombies) zombie.signal("SIGCONT");
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

describe.each(places)(
  "an agent over %s that sleeps past its lease at %s, while another one does its work",
  (...place) => {
    const sleeper = (): Sleeper => {
      const found = sleepers[places.findIndex((one) => one.join() === place.join())];
      if (found === undefined) throw new Error("it did not fall asleep");
      return found;
    };

    it("has lost its device to it, which did the work once and saved it", () => {
      const { state, customer } = sleeper();
      expect(state.running["IPGroup"]).toHaveLength(3 + 1);
      expect(named(state.running["IPGroup"], "Name").get(customer)?.active).toBe(true);
      expect(state.running).toEqual(state.startup);
      expect(state.saveNeeded).toBe(false);
    });

    it("writes nothing when it wakes, and says why", async () => {
      const { zombie, mock, received, state, task } = sleeper();
      await eventually(
        async () => zombie.output(),
        (output) => output.includes("run ended early") && output.includes("portal refuses this agent"),
        (output) => `it did not notice: ${output}`,
      );
      expect(zombie.output()).toMatch(/"outcome":"lost"/);
      expect(writesAfter(received, await receivedBy(mock))).toEqual([]);
      expect(await stateOf(mock)).toEqual(state);
      expect((await client.task(task)).details).toEqual(["Converted"]);
    });
  },
);
