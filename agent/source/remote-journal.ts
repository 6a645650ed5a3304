import { reach } from "../fail-points.ts";
import type { Log } from "../log.ts";
import type { Lease } from "../store/model.ts";
import type { DetachedJournal, JournalStore } from "../store/journal-store.ts";
import { LeaseLost } from "../store/store.ts";
import type { PortalClient } from "./portal-client.ts";

/** How long a mark that is taken back is repeated: a run waits for it. */
const takeBackMs = 10_000;

/**
 * The journal of an agent whose portal is elsewhere. The portal marks conversions as sent before the record is written,
 * and that before a script leaves: it never ends a conversion of which lines may be on a device.
 */
export function openRemoteJournal(
  journal: DetachedJournal,
  client: Pick<PortalClient, "markSent" | "fault">,
  remainingMs: (lease: Lease) => number,
  log: Pick<Log, "warn">,
): JournalStore {
  /** Device → fence of the lease under which a mark may still be taken back by a request that was never answered. */
  const undecided = new Map<string, number>();

  /** Never throws: whoever calls it has other news. */
  async function takeBack(lease: Lease, taskIds: readonly string[]): Promise<void> {
    if (taskIds.length === 0) return;
    try {
      await client.markSent(lease, taskIds, false, Math.min(takeBackMs, remainingMs(lease)));
    } catch (error) {
      if (error instanceof LeaseLost) return;
      undecided.set(lease.device, lease.fence);
      const reason = error instanceof Error ? error.message : String(error);
      log.warn("conversions stay marked as sent", { device: lease.device, reason });
    }
  }

  return {
    ...journal,

    async recordWrite(lease, record) {
      // Such a request may arrive late, and would then deny what is about to leave. Under a new lease it cannot.
      if (undecided.get(lease.device) === lease.fence)
        throw client.fault("unreachable", `the portal did not answer for ${lease.device}: it is claimed anew first`);
      await client.markSent(lease, record.taskIds, true, remainingMs(lease));
      reach("sent-marked");
      try {
        return await journal.recordWrite(lease, record);
      } catch (error) {
        const recorded = await journal.unreported(lease.device).catch(() => record.taskIds);
        const unrecorded = record.taskIds.filter((id) => !recorded.includes(id));
        if (!(error instanceof LeaseLost)) await takeBack(lease, unrecorded);
        throw error;
      }
    },

    async withdrawWrite(lease, recordId) {
      const taskIds = await journal.withdrawWrite(lease, recordId);
      await takeBack(lease, taskIds);
      return taskIds;
    },
  };
}
