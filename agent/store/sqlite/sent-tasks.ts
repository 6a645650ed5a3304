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

/** The conversions are elsewhere: what was sent and not reported yet is remembered here. */
export function rememberTasks({ db }: Connection): SentTasks {
  const insert = db.prepare<[string, string]>(
    "INSERT INTO unreported_tasks (task_id, device) VALUES (?, ?) ON CONFLICT (task_id) DO NOTHING",
  );
  const deviceOf = db.prepare<[string], { device: string }>("SELECT device FROM unreported_tasks WHERE task_id = ?");
  const remove = db.prepare<[string]>("DELETE FROM unreported_tasks WHERE task_id = ?");
  return {
    mark(taskId, device) {
      insert.run(taskId, device);
      if (deviceOf.get(taskId)?.device !== device)
        throw new Error(`${taskId} is a task of another device than ${device}`);
    },
    unmark: (taskId) => void remove.run(taskId),
  };
}
