import type { RunSettings } from "../settings/config.ts";
import { backoff, decideOutcome, type Outcome } from "../provisioning/outcome.ts";
import type { DeviceReport } from "../reports.ts";

export interface Breaker {
  /** Whether the device is waited for: until the next try, or until an operator says so. */
  holds(): boolean;
  /** Notes what went wrong and decides when `retry` is called. Rethrows what is a defect rather than trouble. */
  fail(error: unknown): Outcome;
  /** A defect of ours: the longest wait, so that it does not run hot. */
  failBadly(message: string): void;
  /** Calls `retry` after this time, without an error. */
  putOff(ms: number): void;
  /** The device answered as it should. */
  succeed(): void;
  /** Forgets waits and blocks, not the latest error: only an answer of the device takes that away. */
  reset(): void;
  /** One sentence for tasks that wait; undefined while there is nothing to say. */
  reason(): string | undefined;
  state(): Pick<DeviceReport, "breaker" | "nextTryAt" | "lastSuccessAt" | "lastError">;
  stop(): void;
}

/** Three failures in a row, or one that only a human can mend, open it. */
const opensAt = 3;

export function createBreaker(
  device: string,
  settings: Pick<RunSettings, "retryMinMs" | "retryMaxMs">,
  now: () => number,
  retry: () => void,
): Breaker {
  let wait: { timer: NodeJS.Timeout | undefined; at: number | undefined } | undefined;
  let failures = 0;
  let lastSuccessAt: number | undefined;
  let lastError: DeviceReport["lastError"] = null;
  let stopped = false;

  const iso = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());
  const blocked = (): boolean => wait !== undefined && wait.at === undefined;

  function clear(): void {
    clearTimeout(wait?.timer);
    wait = undefined;
  }

  function retryIn(ms: number): void {
    clear();
    if (stopped) return;
    const timer = setTimeout(() => {
      wait = undefined;
      retry();
    }, ms);
    wait = { at: now() + ms, timer };
  }

  function note(code: string, message: string): void {
    lastError = { at: new Date(now()).toISOString(), code, message };
  }

  return {
    holds: () => wait !== undefined,
    fail(error) {
      const outcome = decideOutcome(error);
      note(outcome.code, outcome.message);
      if (outcome.kind === "human") {
        clear();
        wait = { timer: undefined, at: undefined };
        return outcome;
      }
      failures += 1;
      const afterMs = outcome.kind === "later" ? outcome.afterMs : undefined;
      retryIn(afterMs ?? backoff(failures, settings.retryMinMs, settings.retryMaxMs, Math.random));
      return outcome;
    },
    failBadly(message) {
      note("defect", message);
      failures += 1;
      retryIn(settings.retryMaxMs);
    },
    putOff: retryIn,
    succeed() {
      failures = 0;
      lastError = null;
      lastSuccessAt = now();
      clear();
    },
    reset() {
      failures = 0;
      clear();
    },
    reason() {
      if (lastError === null) return undefined;
      const what = lastError.message.includes(device) ? lastError.message : `Device ${device}: ${lastError.message}`;
      return blocked()
        ? `${what}. It waits for an operator: 'sbc-agent resume ${device} --reason ...' tries again.`
        : `${what}. It is tried again.`;
    },
    state: () => ({
      breaker: failures >= opensAt || blocked() ? "open" : "closed",
      nextTryAt: iso(wait?.at),
      lastSuccessAt: iso(lastSuccessAt),
      lastError,
    }),
    stop() {
      stopped = true;
      clear();
    },
  };
}
