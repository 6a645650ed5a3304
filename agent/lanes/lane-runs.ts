import type { DeviceSettings, RunSettings } from "../settings/config.ts";
import type { DriftChecks } from "../drift/drift-checks.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { AdoptionRequest } from "../provisioning/adopt-device.ts";
import { concernsDevice, decideOutcome, PutOff, type Outcome } from "../provisioning/outcome.ts";
import { reportResync } from "../provisioning/report-resync.ts";
import type { RunReport, RunResult } from "../provisioning/run.ts";
import type { RunRequest } from "../provisioning/work.ts";
import type { AdoptReport, PlanReport, ResyncDeviceReport, ResyncRequest } from "../reports.ts";
import type { ConversionSource } from "../source/source.ts";
import type { DeviceMode } from "../store/journal-store.ts";
import { StoreTrouble } from "../store/trouble.ts";
import type { Breaker } from "./breaker.ts";
import { noteOnWaiting, summarisePlan } from "./waiting-notes.ts";

/** What can be done on a device. */
export interface DeviceWork {
  /** One pass over the device. `mayWrite` throws PutOff once nothing new may be written to it. */
  run(request: RunRequest, signal: AbortSignal, mayWrite: () => void): Promise<RunResult>;
  /** Links the customers that stand on the device already. */
  adopt(request: AdoptionRequest, signal: AbortSignal): Promise<AdoptReport>;
  /** Asks the device how it is, and nothing else. */
  probe(signal: AbortSignal): Promise<void>;
}

export interface LaneRunDependencies extends DeviceWork {
  device: Pick<DeviceSettings, "name" | "mode">;
  settings: Pick<RunSettings, "maxBatch" | "retryMaxMs">;
  source: Pick<ConversionSource, "peekDevice" | "noteProgress">;
  drift: Pick<DriftChecks, "note">;
  breaker: Pick<Breaker, "fail" | "putOff" | "succeed" | "reason" | "state">;
  paused(): DeviceMode["paused"];
  /** Whether the lane pulls conversions: before and after, waiting tasks are told nothing. */
  pulls(): boolean;
  /** Called when the device may be well again and something may wait for it. */
  look(): void;
  log: Log;
  metrics: Metrics;
  signal: AbortSignal;
  now(): number;
}

/** What a lane does on its device. In the device's turn only, except for `tellReason` and `repeats`. */
export interface LaneRuns {
  /** Takes what waits, batch after batch; on an observed device it only shows what would be done. */
  convert(): Promise<void>;
  resync(request: ResyncRequest & { customer?: string | undefined }): Promise<ResyncDeviceReport>;
  plan(subject: Pick<RunRequest, "candidate" | "amendment" | "proposal">): Promise<PlanReport>;
  adopt(request: AdoptionRequest): Promise<AdoptReport>;
  /** One pass, measured. */
  run(request: RunRequest): Promise<RunResult>;
  /** Notes trouble with the device. */
  failed(error: unknown): Outcome;
  /** Says on the waiting tasks why they wait; a task that says so already is left as it is. Never throws. */
  tellReason(): Promise<void>;
  /** Whether a run now, for debts alone where `owing`, would only repeat what the latest did. */
  repeats(owing: boolean): boolean;
}

const empty: Omit<PlanReport, "device"> = { changes: [], lines: [], reverse: [], conflicts: [], warnings: [] };
const convertRequest: RunRequest = { kind: "convert", dryRun: false, endCalls: false, rerender: false };

export function createLaneRuns(dependencies: LaneRunDependencies): LaneRuns {
  const { device, settings, source, breaker, paused, look, log, metrics, signal, now } = dependencies;
  let observedAt: number | undefined;
  let convertedAt: number | undefined;

  const noteWaiting = (message: string): Promise<void> => noteOnWaiting(source, device.name, message, now());

  async function tellReason(): Promise<void> {
    const reason = breaker.reason();
    if (!dependencies.pulls() || reason === undefined) return;
    try {
      await noteWaiting(reason);
    } catch (error) {
      if (!(error instanceof StoreTrouble)) log.error("tasks not told", { device: device.name, reason: String(error) });
    }
  }

  function mayWrite(): void {
    const pause = paused();
    if (pause !== undefined)
      throw new PutOff("paused", `device ${device.name} is paused by ${pause.by} (${pause.reason})`);
  }

  function failed(error: unknown): Outcome {
    const outcome = breaker.fail(error);
    const { kind, code, message } = outcome;
    log.warn("run ended early", { device: device.name, outcome: kind, code, reason: message });
    return outcome;
  }

  async function run(request: RunRequest): Promise<RunResult> {
    const start = performance.now();
    let result = "failed";
    try {
      const ended = await dependencies.run(request, signal, mayWrite);
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
    const pause = paused();
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
      if (signal.aborted) return;
      failed(error);
      await tellReason();
    }
  }

  /** Resolves true when more may wait than one batch could take. */
  async function convertBatch(): Promise<boolean> {
    convertedAt = now();
    const result = await run(convertRequest);
    if (result.kind === "held") {
      breaker.putOff(Math.max(50, result.retryAfterMs));
      return false;
    }
    if (result.kind === "idle") {
      // Nothing waits, and so nothing says whether a device that failed is well again.
      if (breaker.state().lastError !== null) {
        await dependencies.probe(signal);
        breaker.succeed();
      }
      return false;
    }
    breaker.succeed();
    logRun("convert", result.report);
    // A debt that stands would be taken again and again.
    const { customers, owed } = result.report;
    return customers - owed >= settings.maxBatch && paused() === undefined;
  }

  /** Shows what would be done, on the waiting tasks; nothing is written and no lease is taken. */
  async function observe(): Promise<void> {
    observedAt = now();
    const { conversions, amendments } = await source.peekDevice(device.name, { links: false });
    if (conversions.length + amendments.filter(({ state }) => state === "ready").length === 0) return;
    const result = await run({ ...convertRequest, dryRun: true });
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

  async function resync(request: Parameters<LaneRuns["resync"]>[0]): Promise<ResyncDeviceReport> {
    const report = { ...empty, device: device.name, customers: 0, writes: 0, saves: 0, reason: null };
    const pause = paused();
    if (pause !== undefined && !request.dryRun)
      return { ...report, result: "put-off", reason: `paused by ${pause.by}: ${pause.reason}` };
    const dryRun = request.dryRun || device.mode === "observe";
    try {
      const result = await run({
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
    const outcome = concernsDevice(error) ? failed(error) : decideOutcome(error);
    return { result: outcome.kind === "human" ? "failed" : "put-off", reason: outcome.message };
  }

  return {
    convert,
    resync,
    async plan(subject) {
      const result = await run({ ...convertRequest, dryRun: true, ...subject });
      if (result.kind !== "done") throw new Error("a plan takes no lease and cannot be held up");
      return result.report.plan;
    },
    async adopt(request) {
      try {
        const report = await dependencies.adopt(request, signal);
        breaker.succeed();
        log.info("adoption done", { device: device.name, by: request.by, adopted: report.adopted.length });
        return report;
      } catch (error) {
        const nothing = { adopted: [], skipped: [], linked: 0, unnamed: 0 };
        return { device: device.name, dryRun: request.dryRun, ...nothing, ...stopped(error) };
      } finally {
        look();
      }
    },
    run,
    failed,
    tellReason,
    repeats(owing) {
      if (owing && convertedAt !== undefined && now() - convertedAt < settings.retryMaxMs) return true;
      // What can only be shown is shown when it arrives; now and then is enough for what changes on the device.
      return observedAt !== undefined && Math.abs(now() - observedAt) < settings.retryMaxMs;
    },
  };
}
