import type { Store } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { Fences } from "./fences.ts";
import type { Gateways } from "./gateways.ts";
import { toConversion, type ConversionRow } from "./rows.ts";
import type { Standstills } from "./standstills.ts";
import type { Turns } from "./turns.ts";

export function keepDeadlines(
  { db, now, write }: Connection,
  fences: Fences,
  gateways: Gateways,
  standstills: Standstills,
  turns: Turns,
): Pick<Store, "endOverdue" | "setStandstill"> {
  const overdue = db.prepare<[number], ConversionRow & { device: string }>(
    `SELECT * FROM conversions
     WHERE state = 'ready' AND sent = 0 AND deadline_at <= ? AND device NOT IN (SELECT device FROM standstills)
     ORDER BY seq`,
  );
  const unplaced = db.prepare<[], ConversionRow>("SELECT * FROM conversions WHERE state = 'unplaced' ORDER BY seq");

  const isHeld = ({ device, fence }: { device: string; fence: number | null }): boolean => {
    const lease = fences.read(device);
    return fence !== null && lease?.fence === fence && fences.remainingMs(lease) > 0;
  };
  const isAwaited = (row: ConversionRow): boolean => gateways.isAwaited(row.accepted_at);

  return {
    async endOverdue(messages) {
      // Most of the time nothing is overdue, and nothing needs writing.
      const late = overdue.all(now()).length + unplaced.all().filter((row) => !isAwaited(row)).length;
      if (late === 0) return [];
      return write(() => {
        const rows = overdue.all(now()).filter((row) => !isHeld(row));
        for (const row of rows) {
          const result = { details: ["Failed"], messages: messages(toConversion(row)), umpCustomerGuid: null };
          turns.end(row, { status: "CompletedFailed", ...result }, null);
        }
        const inVain = unplaced.all().filter((row) => !isAwaited(row) && turns.take(row) === "failed");
        return [...rows, ...inVain].map(({ task_id }) => task_id);
      });
    },

    async setStandstill(device, standing) {
      await write(() => standstills.set(device, standing));
    },
  };
}
