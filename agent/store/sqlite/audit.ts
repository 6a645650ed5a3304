import type { AuditEntry } from "../model.ts";
import type { Store } from "../store.ts";
import type { Connection } from "./connection.ts";
import { toAuditEntry, type AuditRow } from "./rows.ts";

export interface AuditTrail extends Pick<Store, "audit" | "auditTrail"> {
  /** Adds an entry to the transaction that is under way. */
  append: (entry: Omit<AuditEntry, "at">) => void;
}

export function keepAuditTrail({ db, now, write }: Connection): AuditTrail {
  const insert = db.prepare(
    "INSERT INTO audit (at, event, device, task_id, who, data) VALUES (@at, @event, @device, @taskId, @who, @data)",
  );
  const newest = (where: string) => `SELECT * FROM audit ${where} ORDER BY seq DESC LIMIT @limit`;
  // What concerns many tasks lists them.
  const concernsTask =
    "(task_id = @taskId OR EXISTS (SELECT 1 FROM json_each(data, '$.taskIds') AS task WHERE task.value = @taskId))";
  const all = db.prepare<[{ limit: number }], AuditRow>(newest(""));
  const ofDevice = db.prepare<[{ device: string; limit: number }], AuditRow>(newest("WHERE device = @device"));
  const ofTask = db.prepare<[{ taskId: string; limit: number }], AuditRow>(newest(`WHERE ${concernsTask}`));
  const ofBoth = db.prepare<[{ device: string; taskId: string; limit: number }], AuditRow>(
    newest(`WHERE device = @device AND ${concernsTask}`),
  );

  const append: AuditTrail["append"] = (entry) => {
    insert.run({ ...entry, at: now(), data: JSON.stringify(entry.data) });
  };

  return {
    append,

    async audit(entry) {
      await write(() => append(entry));
    },

    async auditTrail({ device, taskId, limit }) {
      const rows =
        device === undefined
          ? taskId === undefined
            ? all.all({ limit })
            : ofTask.all({ taskId, limit })
          : taskId === undefined
            ? ofDevice.all({ device, limit })
            : ofBoth.all({ device, taskId, limit });
      return rows.map(toAuditEntry);
    },
  };
}
