import type { Breaker } from "./breaker.ts";
import type { DriftChecks } from "../drift/drift-checks.ts";
import type { Log } from "../log.ts";
import { concernsDevice, decideOutcome, type Outcome } from "../provisioning/outcome.ts";
import type { RunResult } from "../provisioning/run.ts";
import type { RunRequest } from "../provisioning/work.ts";

export interface LaneCheckDependencies {
  device: string;
  drift: Pick<DriftChecks, "check" | "isDue" | "isWanted">;
  breaker: Pick<Breaker, "succeed" | "holds">;
  /** Asks the device how it is, and nothing else. */
  probe(signal: AbortSignal): Promise<void>;
  run(request: RunRequest): Promise<RunResult>;
  /** Whether the device may be written to now. */
  mayRestore(): boolean;
  /** Whether it may be asked now of the agent's own accord. */
  mayLook(): boolean;
  /** Notes trouble with the device. */
  failed(error: unknown): Outcome;
  ended(result: "done" | "failed", seconds: number): void;
  /** Runs work in the device's turn, behind what waits. */
  enqueue(work: () => Promise<void>): Promise<void>;
  log: Log;
  signal: AbortSignal;
}

/** What a lane looks at besides conversions: whether its customers are still what they should be. */
export interface LaneChecks {
  /** In the device's turn only. Resolves with what kept it from checking or restoring, or null. */
  check(): Promise<string | null>;
  /** Checks when a check is due, as after a restart of the device; unless it is waited for or paused. */
  checkIfDue(): void;
  /** Checks where that is wanted, else asks for a status; unless the device is waited for or paused. */
  look(): void;
}

const restoreRequest: RunRequest = {
  kind: "resync",
  dryRun: false,
  endCalls: false,
  rerender: false,
  restoring: true,
};

export function createLaneChecks(dependencies: LaneCheckDependencies): LaneChecks {
  const { device, drift, breaker, run, mayRestore, mayLook, failed, ended, enqueue, log, signal } = dependencies;
  let enqueued = false;

  async function check(): Promise<string | null> {
    const start = performance.now();
    let result: "done" | "failed" = "failed";
    try {
      await drift.check(mayRestore() ? () => run(restoreRequest) : undefined, signal);
      result = "done";
      breaker.succeed();
      return null;
    } catch (error) {
      signal.throwIfAborted();
      if (concernsDevice(error)) return failed(error).message;
      const { code, message } = decideOutcome(error);
      log.warn("drift check ended early", { device, code, reason: message });
      return message;
    } finally {
      ended(result, (performance.now() - start) / 1_000);
    }
  }

  async function probe(): Promise<void> {
    try {
      await dependencies.probe(signal);
      breaker.succeed();
    } catch (error) {
      signal.throwIfAborted();
      failed(error);
    }
  }

  /** Once, however often it is asked for. */
  function later(work: () => Promise<void>): void {
    if (enqueued || !mayLook()) return;
    enqueued = true;
    enqueue(async () => {
      // What is noticed from here on wants another look.
      enqueued = false;
      if (mayLook()) await work();
    }).catch((error: unknown) => {
      if (signal.aborted) return;
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log.error("device not looked at", { device, reason });
    });
  }

  return {
    check,
    checkIfDue: () =>
      later(async () => {
        if (await drift.isDue()) await check();
      }),
    look: () =>
      later(async () => {
        if (await drift.isWanted()) await check();
        else await probe();
      }),
  };
}
