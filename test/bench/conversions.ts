import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { ResyncReport } from "../../agent/reports.ts";
import type { Bench } from "./bench.ts";
import { createCleanup } from "./cleanup.ts";
import { askOk, createClient, eachAtOnce, type Client } from "./client.ts";
import { addLeads, carriersOf, drawCustomers, postConversion } from "./customers.ts";
import { measureFloor, type Floor } from "./floor.ts";
import { readScript, readStats, startFleet, type DeviceStats, type DriverName, type Fleet } from "./fleet.ts";
import { readUsage } from "./process.ts";
import type { Shape } from "./shapes.ts";
import { untilConverted } from "./tasks.ts";
import { explain, type Timeline } from "./timeline.ts";

export interface ProcessFigures {
  role: string;
  /** From the first POST to the end of the last task. */
  cpuSeconds: number;
  peakRssMb: number;
}

/** How the devices are reached, and what a conversion writes to them. */
export interface Way {
  driver: DriverName;
  /** Each customer has a Proxy Set of its own. */
  ownProxySets: boolean;
  /** Over SSH: rows leave before earlier ones are confirmed. */
  blindRows: boolean;
}

export interface ConversionFigures extends Way {
  shape: string;
  customers: number;
  /** From the first POST to the end of the last task. */
  wallMs: number;
  acceptanceMs: number;
  /** From the last acceptance to the end of the last task: what the floor is compared with. */
  afterAcceptanceMs: number;
  /** Of a run over REST on a shared Proxy Set. */
  floor?: Floor;
  ratio?: number;
  perSecond: number;
  requestsPerDevice: Range;
  uploadsPerDevice: Range;
  savesPerDevice: Range;
  /** Over SSH. */
  loginsPerDevice: Range;
  linesPerDevice: Range;
  processes: ProcessFigures[];
  devicesCpuSeconds: number;
  relayLagMs: number;
  /** Of the device whose task ended last. */
  timeline: Timeline;
  resync: ResyncFigures;
}

export interface ResyncFigures {
  wallMs: number;
  /** Devices that were in sync. */
  inSync: number;
  writes: number;
  saves: number;
  requestsPerDevice: Range;
}

interface Range {
  min: number;
  max: number;
}

const devices = 10;

interface Asked {
  taskId: string;
  device: number;
}

/** Converts so many customers, spread over ten devices, through the whole way; then re-syncs all of them. */
export async function measureConversions(
  bench: Bench,
  shape: Shape,
  customers: number,
  way: Way,
): Promise<ConversionFigures> {
  const { build, line } = bench;
  const cleanup = createCleanup(bench.cleanup);
  try {
    const folder = await mkdtemp(join(build.folder, "site-"));
    const { driver, ownProxySets, blindRows } = way;
    const fleet = await startFleet(build, cleanup, {
      count: devices,
      saveMs: line.saveMs,
      oneWayMs: line.rttMs / 2,
      driver,
    });
    const drawn = drawCustomers(
      customers,
      fleet.devices.map(({ gateway }) => gateway),
      ownProxySets,
    );
    const carriers = ownProxySets ? { carriers: carriersOf(drawn) } : {};
    const installation = await shape.start({ build, cleanup, folder, fleet, shell: { blindRows }, ...carriers });
    const client = createClient(installation.portal);
    const operator = createClient(installation.agent);
    cleanup.add(() => {
      client.close();
      operator.close();
    });
    await addLeads(client, drawn);

    const before = await Promise.all(fleet.devices.map(readStats));
    const cpuOf = (): number[] => [...installation.processes, fleet].map(({ pid }) => readUsage(pid).cpuSeconds);
    const cpuBefore = cpuOf();
    for (const { relay } of fleet.devices) relay.takeMoments();
    const startedMs = performance.now();
    let acceptedMs = startedMs;
    const asked: Asked[] = [];
    await eachAtOnce(drawn, async (customer) => {
      const taskId = await postConversion(client, customer);
      acceptedMs = performance.now();
      asked.push({ taskId, device: fleet.devices.findIndex(({ gateway }) => gateway === customer.gateway) });
    });
    const last = await untilDevicesEnded(client, asked);
    const cpuAfter = cpuOf();
    const moments = fleet.devices[last.device]?.relay.takeMoments() ?? [];
    const endedMs = Math.max(last.endedMs, await assertConverted(client, asked));

    const stats = await differences(fleet, before);
    const scripts = await Promise.all(fleet.devices.map(readScript));
    const afterAcceptanceMs = endedMs - acceptedMs;
    const resync = await measureResync(operator, fleet);
    const relayLagMs = Math.max(...fleet.devices.map(({ relay }) => relay.meanLagMs()));
    const usage = installation.processes.map(({ role, pid }, i) => ({
      role,
      cpuSeconds: (cpuAfter[i] ?? 0) - (cpuBefore[i] ?? 0),
      peakRssMb: readUsage(pid).peakRssMb,
    }));
    await cleanup.run();
    // Afterwards, when nothing else runs.
    const isFloorKnown = driver === "rest" && !ownProxySets;
    const floor = isFloorKnown
      ? await measureFloor(
          bench,
          scripts.filter((script) => script.length > 0),
        )
      : undefined;
    return {
      ...way,
      shape: shape.name,
      customers,
      wallMs: endedMs - startedMs,
      acceptanceMs: acceptedMs - startedMs,
      afterAcceptanceMs,
      ...(floor === undefined ? {} : { floor, ratio: afterAcceptanceMs / floor.ms }),
      perSecond: (customers / (endedMs - startedMs)) * 1_000,
      requestsPerDevice: rangeOf(stats.map(({ requests }) => requests)),
      uploadsPerDevice: rangeOf(stats.map(({ uploads }) => uploads)),
      savesPerDevice: rangeOf(stats.map(({ saves }) => saves)),
      loginsPerDevice: rangeOf(stats.map(({ sshLogins }) => sshLogins)),
      linesPerDevice: rangeOf(stats.map(({ shellLines }) => shellLines)),
      processes: usage,
      devicesCpuSeconds: (cpuAfter.at(-1) ?? 0) - (cpuBefore.at(-1) ?? 0),
      relayLagMs,
      timeline: explain(moments, acceptedMs, endedMs),
      resync,
    };
  } finally {
    await cleanup.run();
  }
}

/** Waits for the last task of each device, one after the other. */
async function untilDevicesEnded(
  client: Client,
  asked: readonly Asked[],
): Promise<{ endedMs: number; device: number }> {
  let last = { endedMs: performance.now(), device: asked.at(-1)?.device ?? 0 };
  for (const { taskId, device } of new Map(asked.map((one) => [one.device, one])).values()) {
    const { endedMs, wasWaitedFor } = await untilConverted(client, taskId);
    last = { endedMs, device: wasWaitedFor ? device : last.device };
  }
  return last;
}

/** Looks at every task. Resolves with the end of the last one that had not ended yet; with 0 where all had. */
async function assertConverted(client: Client, asked: readonly Asked[]): Promise<number> {
  let lateMs = 0;
  await eachAtOnce(asked, async ({ taskId }) => {
    const { endedMs, wasWaitedFor } = await untilConverted(client, taskId);
    if (wasWaitedFor) lateMs = Math.max(lateMs, endedMs);
  });
  return lateMs;
}

async function differences(fleet: Fleet, before: readonly DeviceStats[]): Promise<DeviceStats[]> {
  const after = await Promise.all(fleet.devices.map(readStats));
  return after.map((now, i) => {
    const since = (name: keyof DeviceStats): number => now[name] - (before[i]?.[name] ?? 0);
    return {
      requests: since("requests"),
      uploads: since("uploads"),
      saves: since("saves"),
      sshLogins: since("sshLogins"),
      shellLines: since("shellLines"),
    };
  });
}

async function measureResync(client: Client, fleet: Fleet): Promise<ResyncFigures> {
  const before = await Promise.all(fleet.devices.map(readStats));
  const startedMs = performance.now();
  const report = (await askOk(client, "POST", "/api/agent/v1/resync", {})) as ResyncReport;
  const wallMs = performance.now() - startedMs;
  const stats = await differences(fleet, before);
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  return {
    wallMs,
    inSync: report.devices.filter(({ result }) => result === "in-sync").length,
    // By the devices' own count; a shell knows no uploads.
    writes: sum(stats.map(({ uploads }) => uploads)) + sum(report.devices.map(({ writes }) => writes)),
    saves: sum(stats.map(({ saves }) => saves)),
    requestsPerDevice: rangeOf(stats.map(({ requests }) => requests)),
  };
}

function rangeOf(values: readonly number[]): Range {
  return { min: Math.min(...values), max: Math.max(...values) };
}
