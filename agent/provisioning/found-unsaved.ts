import { isDeepStrictEqual } from "node:util";
import type { DeviceStatus } from "../../drivers/driver.ts";
import type { CustomerResult } from "./apply.ts";
import type { Work } from "./work.ts";

/** What a task found as it should be, and no script of ours made so, may stand in RAM alone. */
export function mayBeUnsaved(
  { saveNeeded }: DeviceStatus,
  sentBefore: ReadonlySet<string>,
  { taskIds, amendments, changes }: Work,
  results: ReadonlyMap<string, CustomerResult>,
): boolean {
  // Of what the link says already it was confirmed when the customer was linked.
  const isNews = (customer: string): boolean =>
    !changes.has(customer) ||
    !isDeepStrictEqual(changes.get(customer)?.link.intent, amendments.get(customer)?.link.intent);
  const found = [...results].some(
    ([customer, result]) =>
      result.kind === "converged" && taskIds.has(customer) && !sentBefore.has(customer) && isNews(customer),
  );
  return found && saveNeeded !== false;
}
