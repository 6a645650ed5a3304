import PQueue from "p-queue";
import { DriverError } from "../../drivers/errors.ts";
import { createBreaker } from "./breaker.ts";
import type { DriftChecks } from "../drift/drift-checks.ts";
import type { DeviceSettings, RunSettings } from "../settings/config.ts";
import { createLaneChecks } from "./lane-checks.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { RunRequest } from "../provisioning/work.ts";
import type { AdoptionRequest } from "../provisioning/adopt-device.ts";
import type { AdoptReport, DeviceReport, PlanReport, ResyncDeviceReport, ResyncRequest } from "../reports.ts";
import type { ConversionSource } from "../source/source.ts";
import type { DeviceMode } from "../store/journal-store.ts";
import type { PreparedDriver } from "../devices/prepared-driver.ts";
import { createLaneRuns, type DeviceWork } from "./lane-runs.ts";

export interface LaneDependencies extends DeviceWork {
  device: DeviceSettings;
  settings: RunSettings;
  source: ConversionSource;
  drift: Omit<DriftChecks, "follow">;
  /** What a run will use. Prepared when something arrives, discarded when the device is paused and at the end. */
  prepared: Pick<PreparedDriver, "prepare" | "discard">;
  log: Log;
  metrics: Metrics;
  now(): number;
}

export type LaneState = Pick<DeviceReport, "state" | "breaker" | "nextTryAt" | "lastSuccessAt" | "lastError">;

/** All runs on one device, one after the other. No lane waits for another. */
export interface Lane {
  readonly device: DeviceSettings;
  /** From here on conversions are pulled. Before it, only what is asked for is done. */
  start(): void;
  /** Something arrived: a run starts when nothing more came for `lingerMs`, at the latest after `lingerMaxMs`. */
  wake(): void;
  /**
   * Something waits: a run starts now, unless one is about to or the device is waited for. Where only debts are left
   * (`owing`), one is not tried again before the longest waiting time is over.
   */
  look(owing?: boolean): void;
  /** A run under way writes no new script from now on; see `quiet`. */
  setPause(pause: DeviceMode["paused"]): void;
  /** Resolves when no run is under way, at the latest after `ms`. */
  quiet(ms: number): Promise<void>;
  /** Forgets waiting times and blocks, and tries at once. */
  retryNow(): void;
  resync(request: ResyncRequest & { customer?: string | undefined }): Promise<ResyncDeviceReport>;
  /** Of a conversion, or of the change or removal of a task or that is only asked about. */
  plan(subject: Pick<RunRequest, "candidate" | "amendment" | "proposal">): Promise<PlanReport>;
  /** Also on a paused or observed device: nothing is written to it. */
  adopt(request: AdoptionRequest): Promise<AdoptReport>;
  /**
   * Compares all linked customers with the device, and restores by policy where the device may be written. Resolves with
   * what kept it from doing so, or null.
   */
  checkDrift(): Promise<string | null>;
  /** A drift check is due: it is made when the runs under way have ended, unless the device is waited for or paused. */
  checkSoon(): void;
  /** Asks an idle device how it is, and checks it where that is wanted. For a device that is waited for or paused: nothing. */
  probe(): void;
  state(): LaneState;
  /** Lets the run that is under way end until `graceMs`, then aborts it; its lease is handed back in both cases. */
  stop(graceMs: number): Promise<void>;
}

/** Requests of operators that may wait for one device. */
const mostWaiting = 8;
/** New tasks of a device that is waited for are told why at most this often. */
const noteMs = 1_000;

export function createLane(dependencies: LaneDependencies): Lane {
  const { device, settings, log, metrics, now } = dependencies;
  const runs = new PQueue({ concurrency: 1 });
  const ending = new AbortController();
  const breaker = createBreaker(device.name, settings, now, enqueueConvert);
  let pulls = false;
  let pause: DeviceMode["paused"];
  let linger: NodeJS.Timeout | undefined;
  let noting: NodeJS.Timeout | undefined;
  let firstArrivalAt: number | undefined;
  let arrivals = 0;
  let enqueued = false;

  function enqueueConvert(): void {
    clearTimeout(linger);
    linger = undefined;
    firstArrivalAt = undefined;
    arrivals = 0;
    if (!pulls || enqueued || ending.signal.aborted) return;
    enqueued = true;
    const start = (): Promise<void> => {
      // From here on an arrival needs a run of its own: this one is about to take what waits.
      enqueued = false;
      return ending.signal.aborted ? Promise.resolve() : work.convert();
    };
    // Before what operators asked for: a conversion waits for the run under way and for no other.
    runs.add(start, { priority: 1 }).catch((error: unknown) => {
      // A defect of ours, not trouble with the device: it must not end the lane.
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log.error("lane failed", { device: device.name, reason });
      breaker.failBadly(error instanceof Error ? error.message : String(error));
    });
  }

  const work = createLaneRuns({
    ...dependencies,
    breaker,
    paused: () => pause,
    pulls: () => pulls,
    look,
    signal: ending.signal,
  });

  const checks = createLaneChecks({
    ...dependencies,
    device: device.name,
    breaker,
    run: work.run,
    mayRestore: () => device.mode === "manage" && pause === undefined,
    mayLook: () => pulls && pause === undefined && !breaker.holds(),
    failed: work.failed,
    ended: (result, seconds) => metrics.runEnded(device.name, "drift", result, seconds),
    enqueue: (ask) => runs.add(ask),
    signal: ending.signal,
  });

  async function inTurn<T>(ask: () => Promise<T>): Promise<T> {
    if (runs.size >= mostWaiting)
      throw new DriverError(
        "busy",
        `${mostWaiting} requests wait for ${device.name} already: repeat when they are done`,
      );
    return runs.add(() => {
      ending.signal.throwIfAborted();
      return ask();
    });
  }

  function look(owing = false): void {
    if (!breaker.holds() && linger === undefined && pause === undefined && !work.repeats(owing)) enqueueConvert();
  }

  return {
    device,
    start() {
      pulls = true;
      // Once: an earlier run may have left something unsaved.
      enqueueConvert();
      checks.checkIfDue();
    },
    wake() {
      if (!pulls || ending.signal.aborted) return;
      if (breaker.holds()) {
        // A device that is waited for, or blocked, costs no run for each arrival.
        noting ??= setTimeout(() => {
          noting = undefined;
          void work.tellReason();
        }, noteMs);
        return;
      }
      arrivals += 1;
      // Not beside a run under way: devices have few session slots, and humans want one.
      if (firstArrivalAt === undefined && runs.size + runs.pending === 0 && pause === undefined)
        dependencies.prepared.prepare();
      firstArrivalAt ??= now();
      clearTimeout(linger);
      const left = firstArrivalAt + settings.lingerMaxMs - now();
      const wait = arrivals >= settings.maxBatch ? 0 : Math.max(0, Math.min(settings.lingerMs, left));
      linger = setTimeout(enqueueConvert, wait);
    },
    look,
    setPause(next) {
      pause = next;
      if (pause !== undefined) void dependencies.prepared.discard();
    },
    async quiet(ms) {
      let timer: NodeJS.Timeout | undefined;
      const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
      await Promise.race([runs.onIdle(), patience]);
      clearTimeout(timer);
    },
    retryNow() {
      breaker.reset();
      enqueueConvert();
    },
    resync: (request) => inTurn(() => work.resync(request)),
    plan: (subject) => inTurn(() => work.plan(subject)),
    adopt: (request) => inTurn(() => work.adopt(request)),
    checkDrift: () => inTurn(checks.check),
    checkSoon: checks.checkIfDue,
    probe() {
      if (runs.size + runs.pending === 0) checks.look();
    },
    state: () => ({
      state: runs.pending > 0 ? "running" : breaker.holds() ? "waiting" : "idle",
      ...breaker.state(),
    }),
    async stop(graceMs) {
      pulls = false;
      clearTimeout(linger);
      clearTimeout(noting);
      breaker.stop();
      const timer = setTimeout(() => ending.abort(), graceMs);
      await runs.onIdle();
      clearTimeout(timer);
      ending.abort();
      await dependencies.prepared.discard();
    },
  };
}
