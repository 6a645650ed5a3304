import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { DriftReport } from "../../agent/reports.ts";
import type { Bench } from "./bench.ts";
import { createCleanup } from "./cleanup.ts";
import { askOk, createClient, eachAtOnce } from "./client.ts";
import { addLeads, drawCustomers, postConversion } from "./customers.ts";
import { readStats, startFleet } from "./fleet.ts";
import { readUsage } from "./process.ts";
import type { Shape } from "./shapes.ts";
import { untilConverted } from "./tasks.ts";

export interface DriftFigures {
  shape: string;
  ipGroups: number;
  linked: number;
  drifted: number;
  /** Of the check alone. */
  wallMs: number;
  cpuSeconds: number;
  requests: number;
  /** Of an agent that was started for the check. */
  peakRssMb: number;
  /** Of the agent that had converted all of them before. */
  convertingPeakRssMb: number;
  convertingMs: number;
}

const ipGroups = 5_000;
/** Those of the INI file that the device starts from. */
const present = 3;

/**
 * A drift check of one device with 5,000 IP Groups. All but those it starts with belong to linked
 * customers, which were converted over the API before, over a line without delay and in batches of 1,000.
 */
export async function measureDrift(bench: Bench, shape: Shape): Promise<DriftFigures> {
  const { build, line } = bench;
  const cleanup = createCleanup(bench.cleanup);
  try {
    const folder = await mkdtemp(join(build.folder, "site-"));
    const fleet = await startFleet(build, cleanup, { count: 1, saveMs: 0, oneWayMs: 0 });
    const [device] = fleet.devices;
    if (device === undefined) throw new Error("the mock device did not start");
    const site = { build, cleanup, folder, fleet, run: { maxBatch: 1_000 } };
    const converting = await shape.start(site);
    const drawn = drawCustomers(ipGroups - present, [device.gateway]);
    const startedMs = performance.now();
    const poster = createClient(converting.portal);
    cleanup.add(() => poster.close());
    await addLeads(poster, drawn);
    const tasks: string[] = [];
    await eachAtOnce(drawn, async (customer) => {
      tasks.push(await postConversion(poster, customer));
    });
    for (const task of tasks) await untilConverted(poster, task);
    const convertingMs = performance.now() - startedMs;
    const convertingPeakRssMb = Math.max(...converting.processes.map(({ pid }) => readUsage(pid).peakRssMb));
    poster.close();
    await converting.stop();

    device.relay.setDelay(line.rttMs / 2);
    const checking = await shape.start(site);
    const client = createClient(checking.agent);
    cleanup.add(() => client.close());
    const usage = () => checking.processes.map(({ pid }) => readUsage(pid));
    const cpuOf = () => usage().reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
    const before = { requests: (await readStats(device)).requests, cpuSeconds: cpuOf(), atMs: performance.now() };
    const request = { device: device.name };
    const { devices } = (await askOk(client, "POST", "/api/agent/v1/drift/check", request)) as DriftReport;
    const wallMs = performance.now() - before.atMs;
    const [report] = devices;
    if (report === undefined) throw new Error("the drift check reported nothing");
    return {
      shape: shape.name,
      ipGroups,
      linked: report.customers,
      drifted: report.drifted,
      wallMs,
      cpuSeconds: cpuOf() - before.cpuSeconds,
      requests: (await readStats(device)).requests - before.requests,
      peakRssMb: Math.max(...usage().map(({ peakRssMb }) => peakRssMb)),
      convertingPeakRssMb,
      convertingMs,
    };
  } finally {
    await cleanup.run();
  }
}
