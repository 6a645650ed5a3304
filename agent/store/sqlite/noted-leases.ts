import { randomUUID } from "node:crypto";
import type { Lease } from "../model.ts";
import type { DetachedJournal } from "../journal-store.ts";
import { LeaseLost } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { Fences } from "./fences.ts";
import type { Unresolved } from "./unresolved.ts";

type Part = Pick<
  DetachedJournal,
  "id" | "unreported" | "noteLease" | "noteRenewal" | "noteRelease" | "noteReported" | "unresolved"
>;

/** What a portal elsewhere said of leases and of tasks, as far as the records here need it. */
export function keepNotedLeases({ db, now, write }: Connection, fences: Fences, unresolved: Unresolved): Part {
  const readId = db.prepare<[], { value: string }>("SELECT value FROM facts WHERE key = 'journal'");
  const insertId = db.prepare<[string]>("INSERT INTO facts (key, value) VALUES ('journal', ?)");
  const take = db.prepare<[Lease & { at: number }]>(
    `INSERT INTO leases (device, fence, held, holder, renewed_at, duration_ms, grace_ms)
     VALUES (@device, @fence, 1, '', @at, @durationMs, 0)
     ON CONFLICT (device) DO UPDATE SET fence = excluded.fence, held = 1, renewed_at = excluded.renewed_at,
       duration_ms = excluded.duration_ms`,
  );
  const renew = db.prepare<[number, string]>("UPDATE leases SET renewed_at = ? WHERE device = ?");
  const free = db.prepare<[string, number]>("UPDATE leases SET held = 0 WHERE device = ? AND fence = ?");
  const abandon = db.prepare<[string]>(
    "UPDATE run_records SET state = 'abandoned' WHERE device = ? AND state = 'written'",
  );
  const unreported = db.prepare<[string], { task_id: string }>(
    "SELECT task_id FROM unreported_tasks WHERE device = ? ORDER BY task_id",
  );
  const report = db.prepare<[string, string]>("DELETE FROM unreported_tasks WHERE task_id = ? AND device = ?");

  return {
    async id() {
      const id = readId.get()?.value;
      if (id !== undefined) return id;
      return write(() => {
        const known = readId.get()?.value;
        if (known !== undefined) return known;
        const drawn = randomUUID();
        insertId.run(drawn);
        return drawn;
      });
    },

    async unreported(device) {
      return unreported.all(device).map(({ task_id }) => task_id);
    },

    async noteLease(lease, openTasks) {
      return write(() => {
        take.run({ ...lease, at: now() });
        abandon.run(lease.device);
        const open = new Set(openTasks);
        for (const { task_id } of unreported.all(lease.device))
          if (!open.has(task_id)) report.run(task_id, lease.device);
        return unresolved(lease.device);
      });
    },

    async noteRenewal(lease) {
      await write(() => {
        const noted = fences.read(lease.device);
        if (noted?.fence !== lease.fence || noted.held === 0)
          throw new LeaseLost(`lease ${lease.fence} of ${lease.device} is not the one that was noted last`);
        renew.run(now(), lease.device);
      });
    },

    async noteRelease({ device, fence }) {
      await write(() => free.run(device, fence));
    },

    async noteReported(device, taskIds) {
      await write(() => {
        for (const taskId of taskIds) report.run(taskId, device);
      });
    },

    async unresolved(device) {
      return unresolved(device);
    },
  };
}
