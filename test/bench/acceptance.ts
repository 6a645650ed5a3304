import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { createCleanup } from "./cleanup.ts";
import { connections, createClient, eachAtOnce } from "./client.ts";
import { addLeads, drawCustomers, postConversion } from "./customers.ts";
import { startFleet } from "./fleet.ts";
import { readUsage, startNode } from "./process.ts";
import type { Shape } from "./shapes.ts";
import type { StoreOrder, StoreTimes } from "./store-process.ts";

export interface AcceptanceFigures {
  conversions: number;
  connections: number;
  perSecond: number;
  /** Of the process that accepts. */
  cpuSeconds: number;
}

export interface StoreFigures {
  conversions: number;
  perSecond: number;
}

const conversions = 5_000;
/** Longer than the measurement: no run starts meanwhile. */
const lingerMs = 3_600_000;

/**
 * POSTs over HTTP, each durable when it is answered. Nothing is done with the devices: every lane lingers, and takes
 * fewer than its largest batch.
 */
export async function measureAcceptance(bench: Bench, shape: Shape): Promise<AcceptanceFigures> {
  const { build } = bench;
  const cleanup = createCleanup(bench.cleanup);
  try {
    const folder = await mkdtemp(join(build.folder, "site-"));
    const fleet = await startFleet(build, cleanup, { count: 10, saveMs: 0, oneWayMs: 0 });
    const run = { lingerMs, lingerMaxMs: lingerMs, maxBatch: 1_000 };
    const { portal, processes } = await shape.start({ build, cleanup, folder, fleet, run });
    const client = createClient(portal);
    cleanup.add(() => client.close());
    const drawn = drawCustomers(
      conversions,
      fleet.devices.map(({ gateway }) => gateway),
    );
    await addLeads(client, drawn);
    const accepting = processes.find(({ role }) => role === "portal") ?? processes[0];
    const cpuOf = (): number => readUsage(accepting?.pid ?? 0).cpuSeconds;
    const cpuBefore = cpuOf();
    const startedMs = performance.now();
    await eachAtOnce(drawn, async (customer) => {
      await postConversion(client, customer);
    });
    const ms = performance.now() - startedMs;
    return { conversions, connections, perSecond: (conversions / ms) * 1_000, cpuSeconds: cpuOf() - cpuBefore };
  } finally {
    await cleanup.run();
  }
}

/** The store alone: `accept` called for all at once, in a process of its own. */
export async function measureStore(bench: Bench): Promise<StoreFigures> {
  const { build } = bench;
  const cleanup = createCleanup(bench.cleanup);
  try {
    const order: StoreOrder = { folder: await mkdtemp(join(build.folder, "store-")), conversions };
    const child = startNode([build.benchFile("store-process"), JSON.stringify(order)], {
      cwd: build.folder,
      log: join(build.folder, "store.log"),
    });
    cleanup.add(() => child.stop());
    const { ms } = JSON.parse(await child.firstLine) as StoreTimes;
    return { conversions, perSecond: (conversions / ms) * 1_000 };
  } finally {
    await cleanup.run();
  }
}
