import { setMaxListeners } from "node:events";
import type { Pace } from "./pace.ts";

export interface TimeLimit {
  signal: AbortSignal;
  /** Whether it was the time that ran out. */
  expired(): boolean;
  /** To be called in every case. */
  dispose(): void;
}

/** What many calls listen to at once, each for its own time: their number is no leak. */
export function createLongSignal(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** A signal for one call: aborted after `ms`, or with one of the others. Leaves nothing behind on those that live long. */
export function limitTime(ms: number, others: readonly (AbortSignal | undefined)[], pace: Pace): TimeLimit {
  const controller = new AbortController();
  const timer = new AbortController();
  let expired = false;
  const abort = (): void => controller.abort();
  void pace.wait(ms, timer.signal).then(
    () => {
      expired = !controller.signal.aborted;
      abort();
    },
    () => undefined,
  );
  for (const other of others) {
    if (other?.aborted === true) abort();
    other?.addEventListener("abort", abort, { once: true });
  }
  return {
    signal: controller.signal,
    expired: () => expired,
    dispose() {
      timer.abort();
      for (const other of others) other?.removeEventListener("abort", abort);
    },
  };
}
