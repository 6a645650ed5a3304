import type { ResyncDeviceReport } from "../reports.ts";
import type { RunReport } from "./run.ts";

/** A re-sync as operators see it. */
export function reportResync(done: RunReport): ResyncDeviceReport {
  const { plan } = done;
  const refused = [...done.results].flatMap(([guid, result]) =>
    result.kind === "failed" && !done.conflicting.has(guid)
      ? [{ customer: done.shortNames.get(guid) ?? guid, message: result.message }]
      : [],
  );
  const conflicts = [...plan.conflicts, ...refused];
  const pending = done.writes === 0 && plan.changes.length > 0;
  return {
    ...plan,
    conflicts,
    result: done.writes > 0 ? "changed" : pending ? "pending" : conflicts.length > 0 ? "failed" : "in-sync",
    customers: done.customers,
    writes: done.writes,
    saves: done.saves,
    reason: conflicts.length > 0 ? `${conflicts.length} customer(s) in conflict` : null,
  };
}
