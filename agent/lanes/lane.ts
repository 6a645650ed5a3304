import PQueue from "p-queue";
import { DriverError } from "../../drivers/errors.ts";
import { createBreaker } from "./breaker.ts";
import type { DriftChecks } from "../drift/drift-checks.ts";
import type { DeviceSettings, RunSettings } from "../settings/config.ts";
import { createLaneChecks } from "./lane-checks.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { decideOutcome, PutOff } from "../provisioning/outcome.ts";
import { reportResync } from "../provisioning/report-resync.ts";
import type { RunReport, RunResult } from "../provisioning/run.ts";
import type { RunRequest } from "../provisioning/work.ts";
import type { AdoptionRequest } from "../provisioning/adopt-device.ts";
import type { AdoptReport, DeviceReport, PlanReport, ResyncDeviceReport, ResyncRequest } from "../reports.ts";
import type { ConversionSource } from "../source/source.ts";
import type { DeviceMode } from "../store/store.ts";
import { StoreTrouble } from "../store/trouble.ts";
import type { PreparedDriver } from "../devices/prepared-driver.ts";
import { noteOnWaiting, summarisePlan } from "./waiting-notes.ts";

export interface LaneDependencies {
  device: DeviceSettings;
  settings: RunSettings;
  source: ConversionSource;
  /** One pass over the device. `mayWrite` throws PutOff once nothing new may be written to it. */
  run(request: RunRequest, signal: AbortSignal, mayWrite: () => void): Promise<RunResult>;
  /** Links the customers that stand on the device already. */
  adopt(request: AdoptionRequest, signal: AbortSignal): Promise<AdoptReport>;
  /** Asks the device how it is, and nothing else. */
  probe(signal: AbortSignal): Promise<void>;
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

const empty: Omit<PlanReport, "device"> = { changes: [], lines: [], reverse: [], conflicts: [], warnings: [] };
const convertRequest: RunRequest = { kind: "convert", dryRun: false, endCalls: false, rerender: false };

/** Requests of operators that may wait for one device. */
const mostWaiting = 8;
/** New tasks of a device that is waited for are told why at most this often. */
const noteMs = 1_000;

export function createLane(dependencies: LaneDependencies): Lane {
  const { device, settings, source, log, metrics, now } = dependencies;
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
  let observedAt: number | undefined;
  let convertedAt: number | undefined;

  const noteWaiting = (message: string): Promise<void> => noteOnWaiting(source, device.name, message, now());

  /** Says on the waiting tasks why they wait; a task that says so already is left as it is. */
  async function noteReason(): Promise<void> {
    const reason = breaker.reason();
    if (pulls && reason !== undefined) await noteWaiting(reason);
  }

  function notTold(error: unknown): void {
    if (!(error instanceof StoreTrouble)) log.error("tasks not told", { device: device.name, reason: String(error) });
  }

  function mayWrite(): void {
    if (pause !== undefined)
      throw new PutOff("paused", `device ${device.name} is paused by ${pause.by} (${pause.reason})`);
  }

  function failed(error: unknown): ReturnType<typeof breaker.fail> {
    const outcome = breaker.fail(error);
    const { kind, code, message } = outcome;
    log.warn("run ended early", { device: device.name, outcome: kind, code, reason: message });
    return outcome;
  }

  async function measured(request: RunRequest): Promise<RunResult> {
    const start = performance.now();
    let result = "failed";
    try {
      const ended = await dependencies.run(request, ending.signal, mayWrite);
      result = ended.kind;
      return ended;
    } finally {
      if (result !== "idle")
        metrics.runEnded(
          device.name,
          request.dryRun ? "plan" : request.kind,
          result,
          (performance.now() - start) / 1_000,
        );
    }
  }

  async function convert(): Promise<void> {
    if (pause !== undefined) {
      await noteWaiting(
        `Device ${device.name} is paused by ${pause.by} (${pause.reason}): this waits until it is resumed.`,
      );
      return;
    }
    try {
      if (device.mode === "observe") await observe();
      else while (await convertBatch());
    } catch (error) {
      if (ending.signal.aborted) return;
      failed(error);
      await noteReason().catch(notTold);
    }
  }

  /** Resolves true when more may wait than one batch could take. */
  async function convertBatch(): Promise<boolean> {
    convertedAt = now();
    const result = await measured(convertRequest);
    if (result.kind === "held") {
      breaker.putOff(Math.max(50, result.retryAfterMs));
      return false;
    }
    if (result.kind === "idle") {
      // Nothing waits, and so nothing says whether a device that failed is well again.
      if (breaker.state().lastError !== null) {
        await dependencies.probe(ending.signal);
        breaker.succeed();
      }
      return false;
    }
    breaker.succeed();
    logRun("convert", result.report);
    // A debt that stands would be taken again and again.
    const { customers, owed } = result.report;
    return customers - owed >= settings.maxBatch && pause === undefined;
  }

  /** Shows what would be done, on the waiting tasks; nothing is written and no lease is taken. */
  async function observe(): Promise<void> {
    observedAt = now();
    const { conversions, amendments } = await source.peekDevice(device.name, { links: false });
    if (conversions.length + amendments.filter(({ state }) => state === "ready").length === 0) return;
    const result = await measured({ ...convertRequest, dryRun: true });
    breaker.succeed();
    if (result.kind !== "done") return;
    const plan = summarisePlan(result.report.plan);
    await noteWaiting(`Device ${device.name} is only observed, nothing is written. The plan: ${plan}.`);
  }

  function logRun(kind: string, report: RunReport): void {
    const { runId, results, shortNames, taskIds, asked, customers, writes, saves } = report;
    for (const [guid, { kind: result }] of results) {
      const task = taskIds.get(guid);
      if (task === undefined) continue;
      const what = `${asked.get(guid) ?? "conversion"} ran`;
      log.info(what, { device: device.name, run: runId, task, customer: shortNames.get(guid), result });
    }
    log.info("run done", { device: device.name, run: runId, kind, customers, writes, saves });
  }

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
      return ending.signal.aborted ? Promise.resolve() : convert();
    };
    // Before what operators asked for: a conversion waits for the run under way and for no other.
    runs.add(start, { priority: 1 }).catch((error: unknown) => {
      // A defect of ours, not trouble with the device: it must not end the lane.
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log.error("lane failed", { device: device.name, reason });
      breaker.failBadly(error instanceof Error ? error.message : String(error));
    });
  }

  async function resync(request: Parameters<Lane["resync"]>[0]): Promise<ResyncDeviceReport> {
    const report = { ...empty, device: device.name, customers: 0, writes: 0, saves: 0, reason: null };
    if (pause !== undefined && !request.dryRun)
      return { ...report, result: "put-off", reason: `paused by ${pause.by}: ${pause.reason}` };
    const dryRun = request.dryRun || device.mode === "observe";
    try {
      const result = await measured({
        kind: "resync",
        ...(request.customer === undefined ? {} : { customer: request.customer }),
        dryRun,
        endCalls: request.endCalls,
        rerender: request.rerender,
      });
      if (result.kind !== "done")
        return { ...report, result: "put-off", reason: "another run holds the device; repeat in a minute" };
      breaker.succeed();
      look();
      logRun("resync", result.report);
      const { drift, shortNames } = result.report;
      if (drift !== undefined) await dependencies.drift.note(drift, [...shortNames.values()]);
      return reportResync(result.report);
    } catch (error) {
      return { ...report, ...stopped(error) };
    }
  }

  function stopped(error: unknown): { result: "failed" | "put-off"; reason: string } {
    // What stops a re-sync after its plan, such as its limit, is no reason to hold up conversions.
    const concernsDevice = error instanceof DriverError && error.code !== "unsupported";
    const outcome = concernsDevice ? failed(error) : decideOutcome(error);
    return { result: outcome.kind === "human" ? "failed" : "put-off", reason: outcome.message };
  }

  async function adopt(request: AdoptionRequest): Promise<AdoptReport> {
    try {
      const report = await dependencies.adopt(request, ending.signal);
      breaker.succeed();
      log.info("adoption done", { device: device.name, by: request.by, adopted: report.adopted.length });
      return report;
    } catch (error) {
      const nothing = { adopted: [], skipped: [], linked: 0, unnamed: 0 };
      return { device: device.name, dryRun: request.dryRun, ...nothing, ...stopped(error) };
    } finally {
      look();
    }
  }

  const checks = createLaneChecks({
    ...dependencies,
    device: device.name,
    breaker,
    run: measured,
    mayRestore: () => device.mode === "manage" && pause === undefined,
    mayLook: () => pulls && pause === undefined && !breaker.holds(),
    failed,
    ended: (result, seconds) => metrics.runEnded(device.name, "drift", result, seconds),
    enqueue: (work) => runs.add(work),
    signal: ending.signal,
  });

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (runs.size >= mostWaiting)
      throw new DriverError(
        "busy",
        `${mostWaiting} requests wait for ${device.name} already: repeat when they are done`,
      );
    return runs.add(() => {
      ending.signal.throwIfAborted();
      return work();
    });
  }

  function look(owing = false): void {
    if (owing && convertedAt !== undefined && now() - convertedAt < settings.retryMaxMs) return;
    // What can only be shown is shown when it arrives; now and then is enough for what changes on the device.
    const shown = observedAt !== undefined && Math.abs(now() - observedAt) < settings.retryMaxMs;
    if (!breaker.holds() && linger === undefined && pause === undefined && !shown) enqueueConvert();
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
          noteReason().catch(notTold);
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
    resync: (request) => inTurn(() => resync(request)),
    plan: (subject) =>
      inTurn(async () => {
        const result = await measured({ ...convertRequest, dryRun: true, ...subject });
        if (result.kind !== "done") throw new Error("a plan takes no lease and cannot be held up");
        return result.report.plan;
      }),
    adopt: (request) => inTurn(() => adopt(request)),
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
