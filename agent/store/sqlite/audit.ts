import type { Database } from "better-sqlite3";
import { chainStart, coverEntries, coverEvent, signEntry, type ChainedEntry } from "../audit-chain.ts";
import type { AuditEntry } from "../model.ts";
import type { Sealer } from "../seal.ts";
import type { Store } from "../store.ts";
import type { Connection } from "./connection.ts";
import { toAuditEntry, type AuditRow } from "./rows.ts";

export interface AuditTrail extends Pick<Store, "audit" | "auditTrail"> {
  /** Adds an entry to the transaction that is under way. */
  append: (entry: Omit<AuditEntry, "at">) => void;
}

/** All entries, oldest first. */
export function readEntries(db: Database): Iterable<ChainedEntry> {
  return db
    .prepare<[], ChainedEntry>(
      "SELECT seq, at, event, device, task_id AS taskId, who, data, previous, hash FROM audit ORDER BY seq",
    )
    .iterate();
}

/** Adds to the chain; for transactions that are under way. */
function openChain(db: Database, { sign }: Pick<Sealer, "sign">): (entry: AuditEntry) => void {
  const latest = db.prepare<[], { seq: number; hash: string | null }>(
    "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1",
  );
  const insert = db.prepare<[ChainedEntry]>(
    `INSERT INTO audit (seq, at, event, device, task_id, who, data, previous, hash)
     VALUES (@seq, @at, @event, @device, @taskId, @who, @data, @previous, @hash)`,
  );
  const list = db.prepare<[string, number]>(
    "INSERT INTO audit_tasks (task_id, seq) VALUES (?, ?) ON CONFLICT DO NOTHING",
  );
  return ({ at, event, device, taskId, who, data }) => {
    const before = latest.get();
    const entry = {
      seq: (before?.seq ?? 0) + 1,
      at,
      event,
      device,
      taskId,
      who,
      data: JSON.stringify(data),
      previous: before?.hash ?? chainStart,
    };
    insert.run({ ...entry, hash: signEntry(sign, entry) });
    for (const task of tasksOf(taskId, data)) list.run(task, entry.seq);
  };
}

/** What concerns many tasks lists them. */
function tasksOf(taskId: string | null, { taskIds }: AuditEntry["data"]): Set<string> {
  const named: unknown[] = [taskId, ...(Array.isArray(taskIds) ? (taskIds as unknown[]) : [])];
  return new Set(named.filter((task) => typeof task === "string"));
}

/** The first entry that names a task and that nobody who asks for that task would be shown; undefined where all are. */
export function findUnlisted(db: Database): number | undefined {
  const named = `SELECT task_id, seq FROM audit WHERE task_id IS NOT NULL
    UNION ALL SELECT task.value, audit.seq
      FROM audit, json_each(iif(json_valid(audit.data), audit.data, '{}'), '$.taskIds') AS task
      WHERE task.type = 'text'`;
  const found = db
    .prepare<[], { seq: number | null }>(
      `SELECT min(seq) AS seq FROM (${named}) AS named
       WHERE NOT EXISTS (SELECT 1 FROM audit_tasks WHERE task_id = named.task_id AND seq = named.seq)`,
    )
    .get();
  return found?.seq ?? undefined;
}

/** Where a trail was begun before there was a chain, lets the chain's first entry vouch for what stands there. */
export function coverOldEntries(db: Database, sealer: Pick<Sealer, "sign">, at: number): void {
  db.transaction(() => {
    const latest = db.prepare<[], { hash: string | null }>("SELECT hash FROM audit ORDER BY seq DESC LIMIT 1").get();
    if (latest?.hash !== null) return;
    const data = coverEntries(sealer.sign, readEntries(db));
    openChain(db, sealer)({ at, event: coverEvent, device: null, taskId: null, who: "sbc-agent", data });
  }).immediate();
}

export function keepAuditTrail({ db, now, write }: Connection, sealer: Pick<Sealer, "sign">): AuditTrail {
  const add = openChain(db, sealer);
  const newest = (where: string) => `SELECT * FROM audit ${where} ORDER BY seq DESC LIMIT @limit`;
  // From the list to the entries, and never the other way round.
  const newestOfTask = (where: string) =>
    `SELECT audit.* FROM audit_tasks CROSS JOIN audit USING (seq)
     WHERE audit_tasks.task_id = @taskId ${where} ORDER BY audit_tasks.seq DESC LIMIT @limit`;
  const all = db.prepare<[{ limit: number }], AuditRow>(newest(""));
  const ofDevice = db.prepare<[{ device: string; limit: number }], AuditRow>(newest("WHERE device = @device"));
  const ofTask = db.prepare<[{ taskId: string; limit: number }], AuditRow>(newestOfTask(""));
  const ofBoth = db.prepare<[{ device: string; taskId: string; limit: number }], AuditRow>(
    newestOfTask("AND device = @device"),
  );

  const append: AuditTrail["append"] = (entry) => add({ ...entry, at: now() });

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
