import type { RunRecord } from "../model.ts";
import type { Connection } from "./connection.ts";
import { toRecord, type RecordRow } from "./rows.ts";

/** Records of a device whose save was never confirmed, or whose conversions are not reported yet, oldest first. */
export type Unresolved = (device: string) => RunRecord[];

/**
 * Whether a change whose task has ended is still to be followed up: its customer was given up, and what it had begun is
 * owed. Goes into a WHERE clause on amendments, which is called `change` there.
 */
export const isOwedChange = `change.kind = 'change' AND EXISTS (
  SELECT 1 FROM amendments AS debt
  WHERE debt.customer_guid = change.customer_guid AND debt.device = change.device
    AND debt.state = 'owed' AND debt.state <> 'ended' AND debt.seq > change.seq)`;

/** Whether a record names a task that is not reported yet, or is owed; goes into a WHERE clause on run_records. */
export const namesOpenTask = `EXISTS (
  SELECT 1 FROM json_each(task_ids) AS task
  WHERE EXISTS (SELECT 1 FROM conversions WHERE task_id = task.value AND state = 'ready')
     OR EXISTS (
       SELECT 1 FROM amendments
       WHERE task_id = task.value AND amendments.device = run_records.device AND amendments.state <> 'ended')
     OR EXISTS (
       SELECT 1 FROM amendments AS change
       WHERE task_id = task.value AND change.device = run_records.device AND ${isOwedChange})
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
