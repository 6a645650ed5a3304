import { PutOff } from "../provisioning/outcome.ts";

/**
 * - `unreachable`: no whole answer came; what was asked for may have happened
 * - `busy`: it asked to be left alone for a while
 * - `protocol`: it answered what no portal answers
 * - `unauthorized`: the token was refused
 * - `refused`: it does not do this for this agent, however often it is asked
 * - `stopped`: this agent gave up, because it stops or had something newer to say
 */
export type PortalFault = "unreachable" | "busy" | "protocol" | "unauthorized" | "refused" | "stopped";

/** The portal did not do what it was asked for. A run is put off by it, which is no fault of its device's. */
export class PortalError extends PutOff {
  readonly fault: PortalFault;
  /** Of its answer, where there was one. */
  readonly status: number | undefined;
  /** How long it must be left alone. */
  readonly waitMs: number;

  /** `putOffMs`: after which time a run tries again, where the portal did not ask for more. */
  constructor(fault: PortalFault, message: string, more: { putOffMs: number; status?: number; waitMs?: number }) {
    super("portal", message, { afterMs: Math.round(Math.max(more.waitMs ?? 0, more.putOffMs)) });
    this.fault = fault;
    this.status = more.status;
    this.waitMs = more.waitMs ?? 0;
  }
}
