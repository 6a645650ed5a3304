import type { Store } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { Tasks } from "./tasks.ts";
import { namesOpenTask } from "./unresolved.ts";

/** Rows of each kind that one call deletes at most, so that nobody waits long behind it. */
const maxPruned = 5_000;

export function keepHouse(
  { db, now, write, drain }: Connection,
  tasks: Tasks,
): Pick<Store, "probe" | "prune" | "close"> {
  const proof = db.prepare<[string]>("INSERT OR REPLACE INTO facts (key, value) VALUES ('probed at', ?)");
  const pruneConversions = db.prepare<[number, number], { task_id: string }>(
    `DELETE FROM conversions WHERE seq IN
       (SELECT seq FROM conversions WHERE state = 'ended' AND ended_at < ? ORDER BY ended_at LIMIT ?)
     RETURNING task_id`,
  );
  const pruneAmendments = db.prepare<[number, number]>(
    `DELETE FROM amendments WHERE seq IN
       (SELECT seq FROM amendments AS old WHERE state = 'ended' AND ended_at < ?
          AND NOT EXISTS (SELECT 1 FROM amendments WHERE task_id = old.task_id AND state <> 'ended')
        ORDER BY ended_at LIMIT ?)`,
  );
  // Of customers without a device there was no amendment ever.
  const pruneAmendmentTasks = db.prepare<[number]>(
    `DELETE FROM tasks WHERE id >= 'tsk_' AND id < 'tsk\`' AND status <> 'InProgress' AND created_at < ?
       AND NOT EXISTS (SELECT 1 FROM amendments WHERE task_id = tasks.id)`,
  );
  const pruneRecords = db.prepare<[number, number]>(
    `DELETE FROM run_records WHERE seq IN
       (SELECT seq FROM run_records WHERE state = 'saved' AND saved_at < ? AND NOT ${namesOpenTask}
        ORDER BY saved_at LIMIT ?)`,
  );

  return {
    async probe() {
      await write(() => proof.run(String(now())));
    },

    async prune(olderThanMs) {
      return write(() => {
        const before = now() - olderThanMs;
        const conversions = pruneConversions.all(before, maxPruned);
        for (const { task_id } of conversions) tasks.remove(task_id);
        const amendments = pruneAmendments.run(before, maxPruned).changes;
        pruneAmendmentTasks.run(before);
        return { deleted: conversions.length + amendments + pruneRecords.run(before, maxPruned).changes };
      });
    },

    async close() {
      await drain();
      db.close();
    },
  };
}
