import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLane, type Lane } from "../../agent/lanes/lane.ts";
import { createMetrics } from "../../agent/metrics.ts";
import type { RunResult } from "../../agent/provisioning/run.ts";
import type { ConversionSource } from "../../agent/source/source.ts";
import type { StoreEvent } from "../../agent/store/portal-store.ts";
import { createWorker } from "../../agent/lanes/worker.ts";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { reachOf, type Route } from "../e2e/reach.ts";
import { configFor, startRig, statsOf, type Rig } from "../e2e/rig.ts";
import { convert, expectConverted } from "./conversions.ts";
import { assertDevice, assertInvariants } from "./invariants.ts";
import { startRelay, type Relay } from "./relay.ts";

const silent = (): void => undefined;
const log = { error: silent, warn: silent, info: silent, debug: silent, close: async () => undefined };

/** How long a run on the i-th device takes; null: it never ends. */
type Speeds = readonly (number | null)[];

/** What the lanes do, in the time of the fake clock, with arrivals for all devices now and then. */
async function journalOf(speeds: Speeds): Promise<string[][]> {
  const reaches = speeds.map((_, i) => ({ driver: "rest" as const, address: `https://127.0.0.1:${10_000 + i}` }));
  const { devices, run: settings } = configFor("/nowhere", reaches);
  const journal: string[][] = speeds.map(() => []);
  const waiting = speeds.map(() => 0);
  const listeners = new Set<(event: StoreEvent) => void>();
  const startedAt = Date.now();
  const at = (): string => `${Date.now() - startedAt} ms`;
  const source = {
    queues: async () =>
      devices.map(({ name }, i) => ({
        device: name,
        waiting: waiting[i] ?? 0,
        oldestAcceptedAt: 0,
        arrived: 0,
        owed: 0,
        amendments: 0,
      })),
    namedDevices: async () => [],
    setStandstill: async () => undefined,
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    peekDevice: async () => ({ conversions: [], amendments: [], links: [], unresolved: [] }),
    noteProgress: async () => undefined,
  } as Partial<ConversionSource> as ConversionSource;
  const metrics = createMetrics();
  const lanes = new Map<string, Lane>();
  for (const [i, device] of devices.entries())
    lanes.set(
      device.name,
      createLane({
        device,
        settings,
        source,
        drift: {
          check: async () => undefined,
          note: async () => undefined,
          isDue: async () => false,
          isWanted: async () => false,
        },
        adopt: () => Promise.reject(new Error("nothing is adopted here")),
        async run(_request, signal): Promise<RunResult> {
          const taken = waiting[i] ?? 0;
          if (taken === 0) return { kind: "idle" };
          journal[i]?.push(`${at()}: begins with ${taken}`);
          const ms = speeds[i] ?? null;
          await new Promise<void>((resolve, reject) => {
            const onAbort = (): void => reject(new Error("given up"));
            signal.addEventListener("abort", onAbort, { once: true });
            if (ms === null) return;
            setTimeout(() => {
              signal.removeEventListener("abort", onAbort);
              resolve();
            }, ms);
          });
          waiting[i] = (waiting[i] ?? 0) - taken;
          journal[i]?.push(`${at()}: ends`);
          return { kind: "idle" };
        },
        probe: async () => undefined,
        prepared: { prepare: () => undefined, discard: async () => undefined },
        log,
        metrics,
        now: Date.now,
      }),
    );
  const deviceModes = async () => [];
  const worker = createWorker({ lanes, source, journal: { deviceModes }, log, metrics, pollMs: 5_000, now: Date.now });
  await worker.start();
  for (let round = 0; round < 20; round += 1) {
    for (const [i, { name }] of devices.entries()) {
      waiting[i] = (waiting[i] ?? 0) + 1;
      for (const listener of listeners) listener({ kind: "ready", device: name });
    }
    await vi.advanceTimersByTimeAsync(1_700);
  }
  const stopped = worker.stop(1_000);
  await vi.advanceTimersByTimeAsync(2_000);
  await stopped;
  return journal;
}

describe("lanes in fake time", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("I10 begin and end their runs with a dead and a dripping device among 20 as they do without", async () => {
    const others = Array.from({ length: 18 }, (_, i) => 100 + 37 * i);
    const alone = await journalOf(others);
    const [dead, dripping, ...beside] = await journalOf([null, 600_000, ...others]);
    expect(alone.map((runs) => runs.length > 10)).toEqual(others.map(() => true));
    expect(beside).toEqual(alone);
    expect([dead, dripping]).toEqual([["20 ms: begins with 1"], ["20 ms: begins with 1"]]);
  });
});

describe("real devices", () => {
  let rig: Rig;
  let dead: Relay;
  let dripping: Relay;
  afterEach(async () => {
    await rig.stop();
    await dead.stop();
    await dripping.stop();
  });

  it.each<[Route, number]>([
    ["rest", 8],
    ["ssh", 5],
  ])("I10 over %s, all other of %i devices convert while one never answers and one drips", async (route, devices) => {
    [dead, dripping] = [await startRelay(), await startRelay()];
    const relays = [dead, dripping];
    let met = 0;
    const reach = (mock: MockSbc) => {
      const direct = reachOf(mock, route);
      const relay = relays[met];
      met += 1;
      if (relay === undefined) return direct;
      const { host, port } = new URL(direct.address);
      relay.lead(Number(port));
      return { ...direct, address: direct.address.replace(host, `127.0.0.1:${relay.port}`) };
    };
    // Nobody gives up on the two before the end of the test.
    const patient = { connectMs: 600_000, requestMs: 600_000, writeDeadlineMs: 1_000, saveMs: 1_000 };
    rig = await startRig({ route, devices, reach, overrides: { run: patient } });
    dead.shape("both", { isHeld: true });
    dripping.shape("both", { drip: { bytes: 1, everyMs: 200 } });
    const slow = [await convert(rig, "Cust0", 0), await convert(rig, "Cust1", 1)];
    while (dead.carried().connections === 0 || dripping.carried().toServer === 0) await sleep(5);

    const others = Array.from({ length: devices - 2 }, (_, i) => i + 2);
    const tasks = await Promise.all(others.map((device) => convert(rig, `Cust${device}`, device)));
    await Promise.all(tasks.map((task) => expectConverted(rig, task)));
    await Promise.all(others.map((i) => assertDevice(rig.mocks[i] ?? rig.mock, [`Cust${i}`])));
    expect(await rig.client.resync({ device: "sbc2" })).toMatchObject({ devices: [{ result: "in-sync" }] });
    for (const task of slow) expect((await rig.client.task(task)).status).toBe("InProgress");
    expect(dead.carried()).toMatchObject({ toServer: 0, toClient: 0 });
    for (const mock of rig.mocks.slice(0, 2)) expect(await statsOf(mock)).toMatchObject({ uploads: 0, shells: 0 });

    for (const relay of relays) relay.calm();
    for (const task of slow) await expectConverted(rig, task);
    await assertInvariants(
      rig,
      rig.mocks.map((_, i) => [`Cust${i}`]),
    );
  });
});
