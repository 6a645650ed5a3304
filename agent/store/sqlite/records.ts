import { randomUUID } from "node:crypto";
import type { MadeProxySet } from "../amendment.ts";
import type { JournalStore } from "../journal-store.ts";
import type { Connection } from "./connection.ts";
import type { Fences } from "./fences.ts";
import { readJson } from "./json.ts";
import type { SentTasks } from "./sent-tasks.ts";
import { reach } from "../../fail-points.ts";

export function keepRecords(
  { db, now, write }: Connection,
  fences: Fences,
  sent: SentTasks,
): Pick<JournalStore, "recordWrite" | "withdrawWrite" | "recordSaved" | "madeProxySets" | "unsavedSince"> {
  const insert = db.prepare(
    `INSERT INTO run_records (id, run_id, device, fence, serial_number, state, task_ids, creates, changes, written_at)
     VALUES (@id, @runId, @device, @fence, @serialNumber, 'written', @taskIds, @creates, @changes, @at)`,
  );
  const withdraw = db.prepare<[string, string], { task_ids: string }>(
    "DELETE FROM run_records WHERE id = ? AND device = ? RETURNING task_ids",
  );
  const naming = db.prepare<[string, string], { seq: number }>(
    `SELECT seq FROM run_records
     WHERE device = ? AND EXISTS (SELECT 1 FROM json_each(task_ids) AS task WHERE task.value = ?) LIMIT 1`,
  );
  const save = db.prepare<[number, string]>(
    "UPDATE run_records SET state = 'saved', saved_at = ? WHERE device = ? AND state <> 'saved'",
  );
  const noteMade = db.prepare<[MadeProxySet & { device: string; at: number }]>(
    `INSERT INTO made_proxy_sets (device, name, row_index, serial_number, made_at)
     VALUES (@device, @name, @index, @serialNumber, @at)
     ON CONFLICT (device, name) DO UPDATE SET row_index = excluded.row_index,
       serial_number = excluded.serial_number, made_at = excluded.made_at`,
  );
  const noteGone = db.prepare<[{ device: string; name: string; index: number; serialNumber: string }]>(
    `DELETE FROM made_proxy_sets
     WHERE device = @device AND name = @name AND row_index = @index AND serial_number = @serialNumber`,
  );
  const made = db.prepare<[string], MadeProxySet>(
    `SELECT row_index AS "index", name, serial_number AS serialNumber FROM made_proxy_sets
     WHERE device = ? ORDER BY row_index, name`,
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
        for (const taskId of taskIds) sent.mark(taskId, lease.device);
        reach("record-storing");
      });
      return id;
    },

    async withdrawWrite(lease, recordId) {
      return write(() => {
        fences.demand(lease);
        const record = withdraw.get(recordId, lease.device);
        const taskIds = record === undefined ? [] : readJson.texts(record.task_ids);
        const unsent = taskIds.filter((taskId) => naming.get(lease.device, taskId) === undefined);
        for (const taskId of unsent) sent.unmark(taskId, lease.device);
        return unsent;
      });
    },

    async recordSaved(lease, sets = { made: [], gone: [] }) {
      await write(() => {
        fences.demand(lease);
        save.run(now(), lease.device);
        for (const { index, name, serialNumber } of sets.gone)
          noteGone.run({ device: lease.device, index, name, serialNumber });
        for (const { index, name, serialNumber } of sets.made)
          noteMade.run({ device: lease.device, index, name, serialNumber, at: now() });
        reach("saved-storing");
      });
      reach("saved-stored");
    },

    async madeProxySets(device) {
      return made.all(device);
    },

    async unsavedSince() {
      return unsaved.all();
    },
  };
}
