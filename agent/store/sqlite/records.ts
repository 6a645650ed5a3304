import { randomUUID } from "node:crypto";
import type { Store } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { Fences } from "./fences.ts";
import { readJson } from "./json.ts";

export function keepRecords(
  { db, now, write }: Connection,
  fences: Fences,
): Pick<Store, "recordWrite" | "withdrawWrite" | "recordSaved" | "unsavedSince"> {
  const insert = db.prepare(
    `INSERT INTO run_records (id, run_id, device, fence, serial_number, state, task_ids, creates, changes, written_at)
     VALUES (@id, @runId, @device, @fence, @serialNumber, 'written', @taskIds, @creates, @changes, @at)`,
  );
  const deviceOf = db.prepare<[string], { device: string | null }>("SELECT device FROM conversions WHERE task_id = ?");
  const markSent = db.prepare<[string]>("UPDATE conversions SET sent = 1 WHERE task_id = ?");
  const withdraw = db.prepare<[string, string], { task_ids: string }>(
    "DELETE FROM run_records WHERE id = ? AND device = ? RETURNING task_ids",
  );
  const markUnsent = db.prepare<[{ task: string }]>(
    `UPDATE conversions SET sent = 0 WHERE task_id = @task
       AND NOT EXISTS (SELECT 1 FROM run_records, json_each(run_records.task_ids) AS task WHERE task.value = @task)`,
  );
  const save = db.prepare<[number, string]>(
    "UPDATE run_records SET state = 'saved', saved_at = ? WHERE device = ? AND state <> 'saved'",
  );
  const unsaved = db.prepare<[], { device: string; since: number }>(
    `SELECT device, min(written_at) AS since FROM run_records WHERE state <> 'saved' GROUP BY device ORDER BY device`,
  );

  return {
    async recordWrite(lease, { runId, serialNumber, taskIds, creates, changes }) {
      const id = randomUUID();
      await write(() => {
        fences.demand(lease);
        insert.run({
          id,
          runId,
          device: lease.device,
          fence: lease.fence,
          serialNumber,
          taskIds: JSON.stringify(taskIds),
          creates: JSON.stringify(creates),
          changes: JSON.stringify(changes),
          at: now(),
        });
        for (const taskId of taskIds) {
          // An old record's task may have been pruned since.
          const conversion = deviceOf.get(taskId);
          if (conversion !== undefined && conversion.device !== lease.device)
            throw new Error(`${taskId} is no conversion of ${lease.device}`);
          markSent.run(taskId);
        }
      });
      return id;
    },

    async withdrawWrite(lease, recordId) {
      await write(() => {
        fences.demand(lease);
        const record = withdraw.get(recordId, lease.device);
        for (const taskId of record === undefined ? [] : readJson.texts(record.task_ids))
          markUnsent.run({ task: taskId });
      });
    },

    async recordSaved(lease) {
      await write(() => {
        fences.demand(lease);
        save.run(now(), lease.device);
      });
    },

    async unsavedSince() {
      return unsaved.all();
    },
  };
}
