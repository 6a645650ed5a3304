import PQueue from "p-queue";
import { DriverError } from "../drivers/errors.ts";
import type { DeviceSettings, RunSettings } from "./config.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import { backoff, decideOutcome, type Outcome } from "./provisioning/outcome.ts";
import { reportResync } from "./provisioning/report-resync.ts";
import type { RunReport, RunResult } from "./provisioning/run.ts";
import type { RunRequest } from "./provisioning/work.ts";
import type { DeviceReport, PlanReport, ResyncDeviceReport, ResyncRequest } from "./reports.ts";
import type { ConversionSource } from "./source/source.ts";
import { noteOnWaiting } from "./waiting-notes.ts";
import type { ClaimedConversion } from "./store/model.ts";
import type { DeviceMode } from "./store/store.ts";

export interface LaneDependencies {
  device: DeviceSettings;
  settings: RunSettings;
  source: ConversionSource;
  /** One pass over the device. */
  run(request: RunRequest, signal: AbortSignal): Promise<RunResult>;
  log: Log;
  metrics: Metrics;
  now(): number;
}

export type LaneState = Pick<DeviceReport, "state" | "breaker" | "nextTryAt" | "lastSuccessAt" | "lastError" | "drift">;

/** All runs on one device, one after the other. No lane waits for another. */
export interface Lane {
  readonly device: DeviceSettings;
  /** Something arrived: a run starts when nothing more came for `lingerMs`, at the latest after `lingerMaxMs`. */
  wake(): void;
  /** Something waits: a run starts now, unless one is about to or the device is waited for. */
  look(): void;
  setPause(pause: DeviceMode["paused"]): void;
  /** Forgets waiting times and blocks, and tries at once. */
  retryNow(): void;
  resync(request: ResyncRequest & { customer?: string | undefined }): Promise<ResyncDeviceReport>;
  plan(candidate: ClaimedConversion): Promise<PlanReport>;
  state(): LaneState;
  /** Lets the run that is under way end until `graceMs`, then aborts it; its lease is handed back in both cases. */
  stop(graceMs: number): Promise<void>;
}

const empty: Omit<PlanReport, "device"> = { changes: [], lines: [], reverse: [], conflicts: [], warnings: [] };

export function createLane(dependencies: LaneDependencies): Lane {
  const { device, settings, source, log, metrics, now } = dependencies;
  const runs = new PQueue({ concurrency: 1 });
  const ending = new AbortController();
  let pause: DeviceMode["paused"];
  let linger: NodeJS.Timeout | undefined;
  let firstArrivalAt: number | undefined;
  let arrivals = 0;
  let retry: { timer: NodeJS.Timeout | undefined; at: number | undefined } | undefined;
  let failures = 0;
  let converting = false;
  let observedAt: number | undefined;
  let lastSuccessAt: number | undefined;
  let lastError: DeviceReport["lastError"] = null;
  let drift: DeviceReport["drift"] = null;

  const iso = (at: number): string => new Date(at).toISOString();

  const noteWaiting = (message: string): Promise<void> => noteOnWaiting(source, device.name, message, now());

  /** Says on the waiting tasks why they wait; a task that says so already is left as it is. */
  function noteReason(): void {
    if (lastError === null) return;
    const next =
      retry?.at === undefined
        ? `It waits for an operator: 'sbc-agent resume ${device.name} --reason ...' tries again.`
        : "It is tried again.";
    noteWaiting(`Device ${device.name}: ${lastError.message}. ${next}`).catch((error: unknown) =>
      log.error("tasks could not be told why they wait", { device: device.name, reason: String(error) }),
    );
  }

  function succeeded(): void {
    failures = 0;
    lastError = null;
    lastSuccessAt = now();
    clearRetry();
  }

  function clearRetry(): void {
    clearTimeout(retry?.timer);
    retry = undefined;
  }

  function retryIn(ms: number): void {
    clearTimeout(retry?.timer);
    retry = {
      at: now() + ms,
      timer: setTimeout(() => {
        retry = undefined;
        enqueueConvert();
      }, ms),
    };
  }

  /** Notes what went wrong and when it is tried again. Rethrows defects. */
  function failed(error: unknown): Outcome {
    const outcome = decideOutcome(error);
    lastError = { at: iso(now()), code: outcome.code, message: outcome.message };
    log.warn("run ended early", {
      device: device.name,
      outcome: outcome.kind,
      code: outcome.code,
      reason: outcome.message,
    });
    if (outcome.kind === "human") {
      clearRetry();
      retry = { timer: undefined, at: undefined };
    } else {
      failures += 1;
      const afterMs = outcome.kind === "later" ? outcome.afterMs : undefined;
      retryIn(afterMs ?? backoff(failures, settings.retryMinMs, settings.retryMaxMs, Math.random));
    }
    return outcome;
  }

  async function measured(request: RunRequest): Promise<RunResult> {
    const start = performance.now();
    let result = "failed";
    try {
      const ended = await dependencies.run(request, ending.signal);
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
    const request: RunRequest = { kind: "convert", dryRun: false, endCalls: false, rerender: false };
    if (pause !== undefined) {
      await noteWaiting(
        `Device ${device.name} is paused by ${pause.by} (${pause.reason}): the conversion waits until it is resumed.`,
      );
      return;
    }
    try {
      if (device.mode === "observe") await observe({ ...request, dryRun: true });
      else while (await convertBatch(request));
    } catch (error) {
      if (ending.signal.aborted) return;
      failed(error);
      noteReason();
    }
  }

  /** Resolves true when more may wait than one batch could take. */
  async function convertBatch(request: RunRequest): Promise<boolean> {
    const result = await measured(request);
    if (result.kind === "held") {
      retryIn(Math.max(50, result.retryAfterMs));
      return false;
    }
    succeeded();
    if (result.kind === "idle") return false;
    logRun("convert", result.report);
    return result.report.customers >= settings.maxBatch;
  }

  /** Shows what would be done, on the waiting tasks; nothing is written and no lease is taken. */
  async function observe(request: RunRequest): Promise<void> {
    const result = await measured(request);
    succeeded();
    observedAt = now();
    if (result.kind !== "done" || result.report.customers === 0) return;
    const { changes, conflicts } = result.report.plan;
    const shown = [
      ...changes.map((c) => `${c.action} ${c.row}`),
      ...conflicts.map((c) => `conflict for ${c.customer}: ${c.message}`),
    ];
    await noteWaiting(
      `Device ${device.name} is only observed, nothing is written. The plan: ${shown.join(", ") || "nothing to do"}.`,
    );
  }

  function logRun(kind: string, { runId, results, shortNames, taskIds, customers, writes, saves }: RunReport): void {
    for (const [guid, { kind: result }] of results) {
      const task = taskIds.get(guid);
      if (task === undefined) continue;
      log.info("conversion ran", { device: device.name, run: runId, task, customer: shortNames.get(guid), result });
    }
    log.info("run done", { device: device.name, run: runId, kind, customers, writes, saves });
  }

  function enqueueConvert(): void {
    linger = undefined;
    firstArrivalAt = undefined;
    arrivals = 0;
    if (converting || ending.signal.aborted) return;
    converting = true;
    const start = (): Promise<void> => {
      // From here on an arrival needs a run of its own: this one is about to take what waits.
      converting = false;
      return convert();
    };
    runs.add(start).catch((error: unknown) => {
      // A defect of ours, not trouble with the device: it must not end the lane, nor run hot.
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log.error("lane failed", { device: device.name, reason });
      lastError = { at: iso(now()), code: "defect", message: error instanceof Error ? error.message : String(error) };
      failures += 1;
      if (!ending.signal.aborted) retryIn(settings.retryMaxMs);
    });
  }

  async function resync(request: Parameters<Lane["resync"]>[0]): Promise<ResyncDeviceReport> {
    const report = { ...empty, device: device.name, customers: 0, writes: 0, saves: 0, reason: null };
    if (pause !== undefined && !request.dryRun)
      return { ...report, result: "put-off", reason: `paused by ${pause.by}: ${pause.reason}` };
    try {
      const result = await measured({
        kind: "resync",
        ...(request.customer === undefined ? {} : { customer: request.customer }),
        dryRun: request.dryRun || device.mode === "observe",
        endCalls: request.endCalls,
        rerender: request.rerender,
      });
      if (result.kind !== "done")
        return { ...report, result: "put-off", reason: "another run holds the device; repeat in a minute" };
      succeeded();
      logRun("resync", result.report);
      const { drifted, ...shown } = reportResync(result.report);
      drift = { checkedAt: iso(now()), drifted };
      return shown;
    } catch (error) {
      // What stops a re-sync after its plan, such as its limit, is no reason to hold up conversions.
      const outcome = error instanceof DriverError ? failed(error) : decideOutcome(error);
      return { ...report, result: outcome.kind === "human" ? "failed" : "put-off", reason: outcome.message };
    }
  }

  const alone = <T>(task: () => Promise<T>): Promise<T> => runs.add(task);

  return {
    device,
    wake() {
      if (ending.signal.aborted) return;
      if (retry !== undefined) {
        // A device that is waited for, or blocked, costs no run for each arrival.
        noteReason();
        return;
      }
      arrivals += 1;
      firstArrivalAt ??= now();
      clearTimeout(linger);
      const left = firstArrivalAt + settings.lingerMaxMs - now();
      const wait = arrivals >= settings.maxBatch ? 0 : Math.max(0, Math.min(settings.lingerMs, left));
      linger = setTimeout(enqueueConvert, wait);
    },
    look() {
      // What can only be shown is shown when it arrives; now and then is enough for what changes on the device.
      const shown = observedAt !== undefined && now() - observedAt < settings.retryMaxMs;
      if (retry === undefined && linger === undefined && pause === undefined && !shown) enqueueConvert();
    },
    setPause(next) {
      pause = next;
    },
    retryNow() {
      failures = 0;
      clearRetry();
      enqueueConvert();
    },
    resync: (request) => alone(() => resync(request)),
    plan: (candidate) =>
      alone(async () => {
        const result = await measured({ kind: "convert", dryRun: true, endCalls: false, rerender: false, candidate });
        if (result.kind !== "done") throw new Error("a plan takes no lease and cannot be held up");
        return result.report.plan;
      }),
    state: () => ({
      state: runs.pending > 0 ? "running" : retry === undefined ? "idle" : "waiting",
      breaker: failures >= 3 || (retry !== undefined && retry.at === undefined) ? "open" : "closed",
      nextTryAt: retry?.at === undefined ? null : iso(retry.at),
      lastSuccessAt: lastSuccessAt === undefined ? null : iso(lastSuccessAt),
      lastError,
      drift,
    }),
    async stop(graceMs) {
      clearTimeout(linger);
      clearRetry();
      const timer = setTimeout(() => ending.abort(), graceMs);
      runs.clear();
      await runs.onIdle();
      clearTimeout(timer);
      ending.abort();
    },
  };
}
