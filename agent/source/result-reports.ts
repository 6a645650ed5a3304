import { reach } from "../fail-points.ts";
import type { Log } from "../log.ts";
import type { Lease } from "../store/model.ts";
import type { DetachedJournal } from "../store/journal-store.ts";
import type { Completion } from "../store/portal-store.ts";
import type { PortalClient } from "./portal-client.ts";
import { PortalError } from "./portal-error.ts";

/** What the portal cannot take however often it is asked; with others in one request it may be one of them alone. */
const unacceptable: readonly (number | undefined)[] = [400, 413, 422];

/**
 * Reports results, repeated until they are taken or the lease is over, and notes in the journal which were. Throws
 * LeaseLost, or PortalError for those that were not taken.
 */
export function createResultReports(
  client: Pick<PortalClient, "complete" | "fault">,
  journal: Pick<DetachedJournal, "noteReported">,
  remainingMs: (lease: Lease) => number,
  log: Pick<Log, "warn" | "error">,
): (lease: Lease, completions: readonly Completion[]) => Promise<void> {
  async function report(lease: Lease, completions: readonly Completion[]): Promise<void> {
    await client.complete(lease, completions, remainingMs(lease));
    reach("report-taken");
    try {
      await journal.noteReported(
        lease.device,
        completions.map(({ taskId }) => taskId),
      );
    } catch (error) {
      // The next claim asks the portal, and hears that they are not open any more.
      log.warn("results are reported, but not noted", { device: lease.device, reason: String(error) });
    }
  }

  /** One that the portal cannot take does not keep the others from being reported. */
  async function reportSingly(lease: Lease, completions: readonly Completion[]): Promise<void> {
    const refused: string[] = [];
    for (const completion of completions) {
      try {
        await report(lease, [completion]);
      } catch (error) {
        if (!isUnacceptable(error)) throw error;
        refused.push(completion.taskId);
        log.error("the portal does not take a result", {
          device: lease.device,
          task: completion.taskId,
          result: completion.kind,
          reason: error.message,
        });
      }
    }
    if (refused.length > 0)
      throw client.fault(
        "refused",
        `The portal does not take the results of ${refused.slice(0, 5).join(", ")}${refused.length > 5 ? ` and ${refused.length - 5} more` : ""}: what was done for them on ${lease.device} stands there; look at it`,
      );
  }

  return async (lease, completions) => {
    try {
      await report(lease, completions);
    } catch (error) {
      if (!isUnacceptable(error)) throw error;
      await reportSingly(lease, completions);
    }
  };
}

function isUnacceptable(error: unknown): error is PortalError {
  return error instanceof PortalError && unacceptable.includes(error.status);
}
