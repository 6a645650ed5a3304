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
  };
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
  // What concerns many tasks lists them.
  const concernsTask =
    "(task_id = @taskId OR EXISTS (SELECT 1 FROM json_each(data, '$.taskIds') AS task WHERE task.value = @taskId))";
  const all = db.prepare<[{ limit: number }], AuditRow>(newest(""));
  const ofDevice = db.prepare<[{ device: string; limit: number }], AuditRow>(newest("WHERE device = @device"));
  const ofTask = db.prepare<[{ taskId: string; limit: number }], AuditRow>(newest(`WHERE ${concernsTask}`));
  const ofBoth = db.prepare<[{ device: string; taskId: string; limit: number }], AuditRow>(
    newest(`WHERE device = @device AND ${concernsTask}`),
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
