import type { FailedTask } from "../portal-store.ts";
import type { Store } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { Fences } from "./fences.ts";
import { readJson } from "./json.ts";
import { toConversion, type ConversionRow } from "./rows.ts";

interface FailedRow extends Omit<FailedTask, "messages"> {
  messages: string;
}

/** What is asked only to explain things to humans. */
export function openLookups(
  { db, now }: Connection,
  fences: Fences,
): Pick<Store, "conversionOf" | "leaseHolder" | "failedTasks"> {
  const nearest = (where: string) =>
    db.prepare<[string], ConversionRow>(
      `SELECT * FROM conversions WHERE ${where}
       ORDER BY state = 'ended', CASE state WHEN 'ended' THEN -seq ELSE seq END LIMIT 1`,
    );
  const ofTenant = nearest("tenant_id = lower(?)");
  const ofName = nearest("lower(short_name) = lower(?)");
  const failed = db.prepare<[{ since: number; limit: number }], FailedRow>(
    `SELECT id AS taskId, short_name AS shortName, device, gateway, tenant_id AS tenantId, ended_at AS endedAt, messages
     FROM (SELECT task_id, short_name, device, gateway, tenant_id, ended_at, seq FROM conversions
           WHERE state = 'ended' AND ended_at >= @since
           UNION ALL
           SELECT task_id, short_name, min(device), NULL, tenant_id, max(ended_at), seq FROM amendments
           WHERE state = 'ended' AND failed = 1 AND ended_at >= @since GROUP BY task_id)
     JOIN tasks ON id = task_id
     WHERE status = 'CompletedFailed' ORDER BY ended_at DESC, seq DESC LIMIT @limit`,
  );

  return {
    async conversionOf(whose) {
      const row = "tenantId" in whose ? ofTenant.get(whose.tenantId) : ofName.get(whose.shortName);
      return row === undefined ? undefined : toConversion(row);
    },

    async leaseHolder(device) {
      const row = fences.read(device);
      const leftMs = fences.remainingMs(row);
      return row === undefined || leftMs === 0 ? undefined : { holder: row.holder, until: now() + leftMs };
    },

    async failedTasks(since, limit) {
      return failed.all({ since, limit }).map(({ messages, ...row }) => ({
        ...row,
        messages: readJson.messages(messages).map(({ level, message }) => ({ level, message })),
      }));
    },
  };
}
