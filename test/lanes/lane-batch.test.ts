import { expect, it } from "vitest";
import { createLane } from "../../agent/lanes/lane.ts";
import { createMetrics } from "../../agent/metrics.ts";
import type { RunReport, RunResult } from "../../agent/provisioning/run.ts";
import type { ConversionSource } from "../../agent/source/source.ts";
import { configFor } from "../e2e/rig.ts";

/** A lane whose first runs take these; then nothing waits any more. */
function openLane(taken: readonly Pick<RunReport, "customers" | "owed">[], now: () => number) {
  let runs = 0;
  const config = configFor("/nowhere", [{ driver: "rest", address: "https://127.0.0.1:10000" }]);
  const [device] = config.devices;
  if (device === undefined) throw new Error("the configuration has no device");
  const report: Omit<RunReport, "customers" | "owed"> = {
    runId: "run_1",
    device: "sbc1",
    plan: { device: "sbc1", changes: [], lines: [], reverse: [], conflicts: [], warnings: [] },
    conflicting: new Set(),
    results: new Map(),
    shortNames: new Map(),
    asked: new Map(),
    taskIds: new Map(),
    writes: 0,
    saves: 0,
  };
  const lane = createLane({
    device,
    settings: { ...config.run, maxBatch: 2 },
    source: {} as Partial<ConversionSource> as ConversionSource,
    drift: {
      check: async () => undefined,
      note: async () => undefined,
      isDue: async () => false,
      isWanted: async () => false,
    },
    adopt: () => Promise.reject(new Error("nothing is adopted here")),
    async run(): Promise<RunResult> {
      const batch = taken[runs];
      runs += 1;
      return batch === undefined ? { kind: "idle" } : { kind: "done", report: { ...report, ...batch } };
    },
    probe: async () => undefined,
    prepared: { prepare: () => undefined, discard: async () => undefined },
    log: {
      error: () => undefined,
      warn: () => undefined,
      info: () => undefined,
      debug: () => undefined,
      close: async () => undefined,
    },
    metrics: createMetrics(),
    now,
  });
  return { lane, runs: () => runs, retryMaxMs: config.run.retryMaxMs };
}

async function countRuns(...taken: Pick<RunReport, "customers" | "owed">[]): Promise<number> {
  const { lane, runs } = openLane(taken, Date.now);
  lane.start();
  await lane.quiet(60_000);
  await lane.stop(0);
  return runs();
}

it("a lane runs again at once when a batch was full", async () => {
  expect(await countRuns({ customers: 2, owed: 0 }, { customers: 1, owed: 0 })).toBe(2);
});

it("a lane does not run again for debts that stand", async () => {
  expect(await countRuns({ customers: 3, owed: 2 }, { customers: 3, owed: 2 })).toBe(1);
});

it("a lane that only debts wait for tries them again when the longest waiting time is over, and others at once", async () => {
  let time = 1_000_000;
  const { lane, runs, retryMaxMs } = openLane([{ customers: 1, owed: 1 }], () => time);
  const after = async (owing: boolean, ms: number): Promise<number> => {
    time += ms;
    lane.look(owing);
    await lane.quiet(60_000);
    return runs();
  };
  lane.start();
  await lane.quiet(60_000);
  expect(runs()).toBe(1);
  expect(await after(true, retryMaxMs - 1)).toBe(1);
  expect(await after(true, 1)).toBe(2);
  expect(await after(true, 0)).toBe(2);
  expect(await after(false, 0)).toBe(3);
  await lane.stop(0);
});
