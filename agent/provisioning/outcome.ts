import { DriverError } from "../../drivers/errors.ts";
import { LeaseLost } from "../store/store.ts";
import { StoreTrouble } from "../store/trouble.ts";

/** How a run ended that did not end well. Whether and when to try again is decided here and nowhere else. */
export type Outcome =
  /** Try again after a back-off. */
  | { kind: "later"; code: string; message: string; afterMs?: number }
  /** No further try until the configuration changes or an operator says `resume`. */
  | { kind: "human"; code: string; message: string }
  /** Somebody else has the device now. Nothing more may be written. */
  | { kind: "lost"; code: string; message: string };

/** A run that was put off, or stopped after the plan, for a reason that is no fault of the device's. */
export class PutOff extends Error {
  override readonly name = "PutOff";
  readonly code: string;
  readonly afterMs: number | undefined;
  readonly needsHuman: boolean;

  constructor(code: string, message: string, options: { afterMs?: number; needsHuman?: boolean } = {}) {
    super(message);
    this.code = code;
    this.afterMs = options.afterMs;
    this.needsHuman = options.needsHuman ?? false;
  }
}

/** Rethrows what is a defect of the agent rather than trouble with a device. */
export function decideOutcome(error: unknown): Outcome {
  if (error instanceof LeaseLost) return { kind: "lost", code: "lease", message: error.message };
  // Tasks and /health tell of it: where the file lies is for the log alone.
  if (error instanceof StoreTrouble)
    return { kind: "later", code: "store", message: `the store cannot be used: ${error.reason}` };
  if (error instanceof PutOff) {
    const { code, message, afterMs } = error;
    if (error.needsHuman) return { kind: "human", code, message };
    return afterMs === undefined ? { kind: "later", code, message } : { kind: "later", code, message, afterMs };
  }
  if (!(error instanceof DriverError)) throw error;
  const { code, message } = error;
  switch (code) {
    case "unreachable":
    case "timeout":
    case "busy":
    case "protocol":
    case "rejected":
      return { kind: "later", code, message };
    case "auth":
    case "forbidden":
    case "identity":
    case "unsupported":
      return { kind: "human", code, message };
  }
}

/**
 * Whether it is trouble with the device itself. What stops a run after its plan, such as its limit, is none, and no
 * reason to hold up conversions.
 */
export function concernsDevice(error: unknown): boolean {
  return error instanceof DriverError && error.code !== "unsupported";
}

/** Doubles from `minMs` to `maxMs`, with up to a fifth of jitter so that devices do not come back in step. */
export function backoff(failures: number, minMs: number, maxMs: number, random: () => number): number {
  const full = Math.min(maxMs, minMs * 2 ** Math.max(0, failures - 1));
  return Math.round(full * (1 - random() / 5));
}
