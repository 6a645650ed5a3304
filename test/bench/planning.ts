import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import { createCleanup } from "./cleanup.ts";
import { createDeviceClient } from "./device-client.ts";
import { fillIni } from "./full-ini.ts";
import { model, startFleet } from "./fleet.ts";
import type { PlanningOrder, PlanningTimes } from "./planning-process.ts";
import { startNode } from "./process.ts";

export interface PlanningFigures {
  ipGroups: number;
  /** CPU of parsing the two texts and of planning, together: in a new process, and once its code is warm (median). */
  coldMs: number;
  warmMs: number;
  warmParseMs: number;
  warmPlanMs: number;
}

const repetitions = 7;
const ipGroups = 5_000;

/** CPU time of reading and planning one device of 5,000 IP Groups that is in sync, in a process of its own. */
export async function measurePlanning(bench: Bench): Promise<PlanningFigures> {
  const { build } = bench;
  const cleanup = createCleanup(bench.cleanup);
  try {
    const folder = await mkdtemp(join(build.folder, "planning-"));
    const iniFile = join(folder, "start.ini");
    await writeFile(
      iniFile,
      fillIni(await readFile(join(build.folder, "config/devices/oc1-7.40.ini"), "utf8"), ipGroups),
    );
    const { devices } = await startFleet(build, cleanup, { count: 1, saveMs: 0, oneWayMs: 0, iniFile });
    const [device] = devices;
    if (device === undefined) throw new Error("the mock device did not start");
    const client = createDeviceClient({ port: device.restPort, certificatePem: device.certificatePem });
    cleanup.add(() => client.close());
    const order: PlanningOrder = {
      runningFile: join(folder, "running.txt"),
      iniFile: join(folder, "device.ini"),
      model,
      repetitions,
    };
    await writeFile(order.runningFile, await client.ask("GET", "files/cliScript"));
    await writeFile(order.iniFile, await client.ask("GET", "files/ini"));
    const child = startNode([build.benchFile("planning-process"), JSON.stringify(order)], {
      cwd: build.folder,
      log: join(build.folder, "planning.log"),
    });
    cleanup.add(() => child.stop());
    const times = JSON.parse(await child.firstLine) as PlanningTimes;
    const median = (values: readonly number[]): number =>
      values.slice(1).sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
    return {
      ipGroups: times.ipGroups,
      coldMs: (times.parseMs[0] ?? 0) + (times.planMs[0] ?? 0),
      warmMs: median(times.parseMs.map((ms, i) => ms + (times.planMs[i] ?? 0))),
      warmParseMs: median(times.parseMs),
      warmPlanMs: median(times.planMs),
    };
  } finally {
    await cleanup.run();
  }
}
