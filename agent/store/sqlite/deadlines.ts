import type { Store } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { Fences } from "./fences.ts";
import { toConversion, type ConversionRow } from "./rows.ts";
import type { Turns } from "./turns.ts";

export function keepDeadlines(
  { db, now, write }: Connection,
  fences: Fences,
  turns: Turns,
): Pick<Store, "endOverdue" | "setStandstill"> {
  const overdue = db.prepare<[number], ConversionRow & { device: string }>(
    `SELECT * FROM conversions
     WHERE state = 'ready' AND sent = 0 AND deadline_at <= ? AND device NOT IN (SELECT device FROM standstills)
     ORDER BY seq`,
  );
  const stand = db.prepare<[string, number]>(
    "INSERT INTO standstills (device, since) VALUES (?, ?) ON CONFLICT (device) DO NOTHING",
  );
  const go = db.prepare<[string], { since: number }>("DELETE FROM standstills WHERE device = ? RETURNING since");
  const postpone = db.prepare<[{ device: string; since: number; at: number }]>(
    `UPDATE conversions SET deadline_at = deadline_at + max(0, @at - max(@since, accepted_at))
     WHERE device = @device AND state <> 'ended'`,
  );

  const isHeld = ({ device, fence }: { device: string; fence: number | null }): boolean => {
    const lease = fences.read(device);
    return fence !== null && lease?.fence === fence && fences.remainingMs(lease) > 0;
  };

  return {
    async endOverdue(messages) {
      return write(() => {
        const rows = overdue.all(now()).filter((row) => !isHeld(row));
        for (const row of rows) {
          const result = { details: ["Failed"], messages: messages(toConversion(row)), umpCustomerGuid: null };
          turns.end(row, { status: "CompletedFailed", ...result }, null);
        }
        return rows.map(({ task_id }) => task_id);
      });
    },

    async setStandstill(device, standing) {
      await write(() => {
        if (standing) {
          stand.run(device, now());
          return;
        }
        const stood = go.get(device);
        if (stood !== undefined) postpone.run({ device, since: stood.since, at: now() });
      });
    },
  };
}
