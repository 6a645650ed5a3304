import type { ResyncDeviceReport } from "../reports.ts";
import type { RunReport } from "./run.ts";

/** A re-sync as operators see it. `drifted`: customers whose rows are still not as they should be. */
export function reportResync(done: RunReport): ResyncDeviceReport & { drifted: number } {
  const { plan } = done;
  const refused = [...done.results].flatMap(([guid, result]) =>
    result.kind === "failed" && !done.conflicting.has(guid)
      ? [{ customer: done.shortNames.get(guid) ?? guid, message: result.message }]
      : [],
  );
  const conflicts = [...plan.conflicts, ...refused];
  const pending = done.writes === 0 && plan.changes.length > 0;
  const waiting = pending ? plan.changes.flatMap(({ customers }) => customers) : [];
  return {
    ...plan,
    conflicts,
    result: done.writes > 0 ? "changed" : pending ? "pending" : conflicts.length > 0 ? "failed" : "in-sync",
    customers: done.customers,
    writes: done.writes,
    saves: done.saves,
    reason: conflicts.length > 0 ? `${conflicts.length} customer(s) in conflict` : null,
    drifted: new Set([...waiting, ...conflicts.map(({ customer }) => customer)]).size,
  };
}
