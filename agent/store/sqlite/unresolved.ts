import type { RunRecord } from "../model.ts";
import type { Connection } from "./connection.ts";
import { toRecord, type RecordRow } from "./rows.ts";

/** Records of a device whose save was never confirmed, or whose conversions are not reported yet, oldest first. */
export type Unresolved = (device: string) => RunRecord[];

/** Whether a record names a task that is not reported yet; goes into a WHERE clause on run_records. */
export const namesOpenTask = `EXISTS (
  SELECT 1 FROM json_each(task_ids) AS task
  WHERE EXISTS (SELECT 1 FROM conversions WHERE task_id = task.value AND state = 'ready')
     OR EXISTS (
       SELECT 1 FROM amendments
       WHERE task_id = task.value AND amendments.device = run_records.device AND amendments.state <> 'ended')
     OR EXISTS (
       SELECT 1 FROM unreported_tasks
       WHERE task_id = task.value AND unreported_tasks.device = run_records.device)
)`;

export function openUnresolved({ db }: Connection): Unresolved {
  const byDevice = db.prepare<[string], RecordRow>(
    `SELECT * FROM run_records WHERE device = ? AND (state <> 'saved' OR ${namesOpenTask}) ORDER BY seq`,
  );
  return (device) => byDevice.all(device).map(toRecord);
}
