import type { Connection } from "./connection.ts";

/** Where it is kept that a script with a task's conversion has left. All of it is called inside a transaction. */
export interface SentTasks {
  /** Throws an Error for a task of another device. */
  mark: (taskId: string, device: string) => void;
  unmark: (taskId: string, device: string) => void;
}

/** Conversions and amendments are in this store: they carry the mark. */
export function markHere({ db }: Connection): SentTasks {
  const deviceOf = db.prepare<[string], { device: string | null }>("SELECT device FROM conversions WHERE task_id = ?");
  const amendments = db.prepare<[string], { device: string }>("SELECT device FROM amendments WHERE task_id = ?");
  const set = db.prepare<[number, string, string]>("UPDATE conversions SET sent = ? WHERE task_id = ? AND device = ?");
  const amend = db.prepare<[number, string, string]>("UPDATE amendments SET sent = ? WHERE task_id = ? AND device = ?");
  const put = (sent: number, taskId: string, device: string): void => {
    if (set.run(sent, taskId, device).changes === 0) amend.run(sent, taskId, device);
  };
  return {
    mark(taskId, device) {
      // An old record's task may have been pruned since.
      const conversion = deviceOf.get(taskId);
      const devices = conversion === undefined ? amendments.all(taskId) : [conversion];
      if (devices.length > 0 && !devices.some((known) => known.device === device))
        throw new Error(`${taskId} is no conversion or amendment of ${device}`);
      put(1, taskId, device);
    },
    unmark: (taskId, device) => put(0, taskId, device),
  };
}

/** They are elsewhere: what was sent and not reported yet is remembered here. */
export function rememberTasks({ db }: Connection): SentTasks {
  const insert = db.prepare<[string, string]>(
    "INSERT INTO unreported_tasks (task_id, device) VALUES (?, ?) ON CONFLICT (task_id, device) DO NOTHING",
  );
  const other = db.prepare<[string, string], { device: string }>(
    "SELECT device FROM unreported_tasks WHERE task_id = ? AND device <> ?",
  );
  const remove = db.prepare<[string, string]>("DELETE FROM unreported_tasks WHERE task_id = ? AND device = ?");
  return {
    mark(taskId, device) {
      insert.run(taskId, device);
      // A customer may be removed from several devices by one task; a conversion must not come to stand on two.
      if (!taskId.startsWith("tsk_") && other.get(taskId, device) !== undefined)
        throw new Error(`${taskId} is a task of another device than ${device}`);
    },
    unmark: (taskId, device) => void remove.run(taskId, device),
  };
}
