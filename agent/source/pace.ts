import { setTimeout as sleep } from "node:timers/promises";

/** What waiting is measured by, so that tests need not wait. */
export interface Pace {
  /** Monotonic. */
  nowMs(): number;
  /** Throws the signal's reason when it is aborted. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** From 0 up to 1. */
  random(): number;
}

export const realPace: Pace = {
  nowMs: () => performance.now(),
  wait: (ms, signal) => sleep(ms, undefined, { signal }),
  random: Math.random,
};

/** Exponential back-off with full jitter: anything from nothing up to `minMs` doubled with every failure. */
export function fullJitter(failures: number, minMs: number, maxMs: number, random: () => number): number {
  return random() * Math.min(maxMs, minMs * 2 ** Math.min(30, Math.max(0, failures - 1)));
}
