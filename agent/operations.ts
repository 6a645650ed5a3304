import type { HealthReport, PlanReport, ResyncReport, ResyncRequest } from "./reports.ts";
import type { NewConversion } from "./store/store.ts";

/** What operators can ask of the agent, over HTTP or, where no daemon runs, from the command line alone. */
export interface Operations {
  health(): Promise<HealthReport>;
  /** The plan of one conversion that was posted (`taskId`) or that only could be (`conversion`). Writes nothing. */
  plan(subject: { taskId: string } | { conversion: NewConversion }): Promise<PlanReport>;
  /** Re-applies the intents of linked customers. Names of unknown devices or customers: NotFound. */
  resync(request: ResyncRequest): Promise<ResyncReport>;
  /** Durable and audited. Throws NotFound for an unknown device. */
  pause(device: string, reason: string, by: string): Promise<void>;
  /** Ends a pause, and forgets counted log-in failures and waiting times of the device. */
  resume(device: string, reason: string, by: string): Promise<void>;
}

/** The device, task or customer that was named does not exist here. */
export class NotFound extends Error {
  override readonly name = "NotFound";
}
