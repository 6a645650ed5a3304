import type { RunRecord } from "../store/model.ts";
import type { Claim } from "../store/portal-store.ts";

/**
 * The unresolved records of a claim as a licence to take rows back. A record may stay open for the sake of others when a
 * customer's own task has ended: for a later task of that customer it says nothing. Of a customer that was given up it
 * stands: whatever was begun for it is owed.
 */
export function licences({ amendments, unresolved }: Pick<Claim, "amendments" | "unresolved">): readonly RunRecord[] {
  const asked = amendments.filter(({ state }) => state !== "owed");
  const taskOf = new Map(asked.map(({ customerGuid, taskId }) => [customerGuid, taskId]));
  if (taskOf.size === 0) return unresolved;
  return unresolved.map((record) => {
    const holds = (customer: string): boolean => {
      const task = taskOf.get(customer);
      return task === undefined || record.taskIds.includes(task);
    };
    const still = <T extends { customers: readonly string[] }>(entries: readonly T[]): T[] =>
      entries
        .map((entry) => ({ ...entry, customers: entry.customers.filter(holds) }))
        .filter(({ customers }) => customers.length > 0);
    return { ...record, creates: still(record.creates), changes: still(record.changes) };
  });
}
