import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { startRelay } from "../faults/relay.ts";
import type { Bench } from "./bench.ts";
import { createCleanup, type Cleanup } from "./cleanup.ts";
import { createClient } from "./client.ts";
import { addLeads, drawCustomers, postConversion } from "./customers.ts";
import { startFleet, type Fleet, type FleetDevice } from "./fleet.ts";
import type { Shape } from "./shapes.ts";
import { untilConverted } from "./tasks.ts";

/** From the POST of a conversion to the end of its task, in milliseconds. */
export interface Times {
  p50Ms: number;
  p99Ms: number;
}

export interface IsolationFigures {
  shape: string;
  devices: number;
  /** Of the devices that are well in both cases. */
  conversions: number;
  without: Times;
  with: Times;
}

const devices = 20;
/** The first device answers nothing, the second one drips. */
const ill = 2;
const rounds = 10;

/** Converts a customer on every device at once, again and again, with all devices well and with two of them ill. */
export async function measureIsolation(bench: Bench, shape: Shape): Promise<IsolationFigures> {
  const without = await measureTimes(bench, shape, false);
  const beside = await measureTimes(bench, shape, true);
  return {
    shape: shape.name,
    devices,
    conversions: without.length,
    without: summarise(without),
    with: summarise(beside),
  };
}

async function measureTimes(bench: Bench, shape: Shape, areIll: boolean): Promise<number[]> {
  const { build, line } = bench;
  const cleanup = createCleanup(bench.cleanup);
  try {
    const folder = await mkdtemp(join(build.folder, "site-"));
    const fleet = await startFleet(build, cleanup, { count: devices, saveMs: line.saveMs, oneWayMs: line.rttMs / 2 });
    const seen = areIll ? await makeIll(fleet, cleanup) : fleet;
    const { portal } = await shape.start({ build, cleanup, folder, fleet: seen });
    const client = createClient(portal);
    cleanup.add(() => client.close());
    const gateways = fleet.devices.map(({ gateway }) => gateway);
    const drawn = drawCustomers(devices * rounds, gateways);
    await addLeads(client, drawn);
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const customers = drawn.slice(round * devices, (round + 1) * devices);
      await Promise.all(
        customers.map(async (customer, device) => {
          const startedMs = performance.now();
          const taskId = await postConversion(client, customer);
          if (device < ill) return;
          const { endedMs } = await untilConverted(client, taskId);
          times.push(endedMs - startedMs);
        }),
      );
    }
    return times;
  } finally {
    await cleanup.run();
  }
}

async function makeIll(fleet: Fleet, cleanup: Cleanup): Promise<Fleet> {
  const reached: FleetDevice[] = [];
  for (const [i, device] of fleet.devices.entries()) {
    if (i >= ill) {
      reached.push(device);
      continue;
    }
    const relay = await startRelay(device.relay.port);
    cleanup.add(() => relay.stop());
    relay.shape("both", i === 0 ? { isHeld: true } : { drip: { bytes: 20, everyMs: 100 } });
    reached.push({ ...device, address: device.address.replace(/:\d+$/, `:${relay.port}`) });
  }
  return { ...fleet, devices: reached };
}

function summarise(times: readonly number[]): Times {
  const sorted = [...times].sort((one, other) => one - other);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
