import type { ClaimedAmendment } from "../amendment.ts";
import type { ClaimedConversion } from "../model.ts";
import type { Sealer } from "../seal.ts";
import type { Claim } from "../portal-store.ts";
import type { Store } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { Fences, LeaseRow } from "./fences.ts";
import type { Handouts } from "./handouts.ts";
import { toConversion, type ConversionRow } from "./rows.ts";
import { openFields } from "./sealed-fields.ts";
import { isOwedChange, type Unresolved } from "./unresolved.ts";
import { reach } from "../../fail-points.ts";

type Part = Pick<
  Store,
  "claimDevice" | "peekDevice" | "renewLease" | "releaseLease" | "releaseOwnLeases" | "markSent" | "openTasks"
>;

export function keepLeases(
  { db, now, write }: Connection,
  fences: Fences,
  unresolved: Unresolved,
  handouts: Handouts,
  sealer: Sealer,
): Part {
  const take = db.prepare<[Omit<LeaseRow, "held"> & { device: string }]>(
    `INSERT INTO leases (device, fence, held, holder, renewed_at, duration_ms, grace_ms)
     VALUES (@device, @fence, 1, @holder, @renewed_at, @duration_ms, @grace_ms)
     ON CONFLICT (device) DO UPDATE SET fence = excluded.fence, held = 1, holder = excluded.holder,
       renewed_at = excluded.renewed_at, duration_ms = excluded.duration_ms, grace_ms = excluded.grace_ms`,
  );
  const renew = db.prepare<[number, string]>("UPDATE leases SET renewed_at = ? WHERE device = ?");
  const free = db.prepare<[string, number]>("UPDATE leases SET held = 0 WHERE device = ? AND fence = ?");
  const freeOwn = db.prepare("UPDATE leases SET held = 0 WHERE holder NOT IN (SELECT identity FROM announced_devices)");
  const takeBack = db.prepare<[string]>("UPDATE conversions SET fence = NULL WHERE device = ? AND fence IS NOT NULL");
  const handOut = db.prepare<[number, string]>("UPDATE conversions SET fence = ? WHERE task_id = ?");
  const abandon = db.prepare<[string]>(
    "UPDATE run_records SET state = 'abandoned' WHERE device = ? AND state = 'written'",
  );
  const ready = db.prepare<[string, number], ConversionRow>(
    "SELECT * FROM conversions WHERE device = ? AND state = 'ready' AND fence IS NULL ORDER BY seq LIMIT ?",
  );
  const readyAtAll = db.prepare<[string], ConversionRow>(
    "SELECT * FROM conversions WHERE device = ? AND state = 'ready' ORDER BY seq",
  );
  const mark = db.prepare<[number, string, string]>("UPDATE conversions SET sent = ? WHERE task_id = ? AND device = ?");
  const markAmendment = db.prepare<[number, string, string]>(
    "UPDATE amendments SET sent = ? WHERE task_id = ? AND device = ?",
  );
  const isReady = db.prepare<[{ taskId: string; device: string }], { task_id: string }>(
    `SELECT task_id FROM conversions WHERE task_id = @taskId AND device = @device AND state = 'ready'
     UNION SELECT task_id FROM amendments WHERE task_id = @taskId AND device = @device AND state <> 'ended'
     UNION SELECT task_id FROM amendments AS change
       WHERE task_id = @taskId AND device = @device AND ${isOwedChange}`,
  );

  const toClaimed = (row: ConversionRow): ClaimedConversion => ({
    ...toConversion(row),
    secrets: openFields(sealer, row.secrets),
  });

  const contents = (
    device: string,
    conversions: ConversionRow[],
    amendments: ClaimedAmendment[],
    links: boolean,
  ): Omit<Claim, "lease"> => ({
    conversions: conversions.map(toClaimed),
    amendments,
    links: links || amendments.length > 0 ? handouts.links(device) : [],
    unresolved: unresolved(device),
  });

  return {
    async claimDevice(device, { holder, durationMs, graceMs, max, links = true, amendments: wanted = true }) {
      return write(() => {
        const before = fences.read(device);
        const at = now();
        if (before?.held === 1 && before.renewed_at > at) {
          // The clock was set back: counted anew from here, the lease ends within its own length all the same.
          renew.run(at, device);
          before.renewed_at = at;
        }
        const retryAfterMs = before?.holder === holder ? 0 : fences.remainingMs(before, graceMs);
        if (retryAfterMs > 0) return { kind: "held", retryAfterMs };

        const fence = (before?.fence ?? 0) + 1;
        take.run({ device, fence, holder, renewed_at: at, duration_ms: durationMs, grace_ms: graceMs });
        takeBack.run(device);
        handouts.takeBack(device);
        abandon.run(device);
        const conversions = ready.all(device, max);
        for (const row of conversions) handOut.run(fence, row.task_id);
        const amendments = handouts.handOut(device, fence, wanted ? max : 0);
        reach("claim-storing");
        return {
          kind: "claimed",
          claim: { lease: { device, fence, durationMs }, ...contents(device, conversions, amendments, links) },
        };
      });
    },

    async peekDevice(device, { links = true } = {}) {
      return db.transaction(() => {
        const row = fences.read(device);
        const holding = fences.remainingMs(row) > 0 ? row?.fence : undefined;
        return contents(
          device,
          readyAtAll.all(device).filter(({ fence }) => fence === null || fence !== holding),
          handouts.peek(device, holding),
          links,
        );
      })();
    },

    async renewLease(lease) {
      await write(() => {
        fences.demand(lease);
        renew.run(now(), lease.device);
      });
    },

    async releaseLease({ device, fence }) {
      // What it was given keeps its fence until the next claim; a fence says nothing without its lease.
      await write(() => free.run(device, fence));
    },

    async markSent(lease, taskIds, sent) {
      await write(() => {
        fences.demand(lease);
        for (const taskId of taskIds) {
          mark.run(Number(sent), taskId, lease.device);
          markAmendment.run(Number(sent), taskId, lease.device);
        }
      });
    },

    async openTasks(device, taskIds) {
      return taskIds.filter((taskId) => isReady.get({ taskId, device }) !== undefined);
    },

    async releaseOwnLeases() {
      await write(() => freeOwn.run());
      reach("own-leases-freed");
    },
  };
}
