import type { DeviceStatus } from "../../drivers/driver.ts";
import type { CustomerResult } from "./apply.ts";
import type { Work } from "./work.ts";

/**
 * What a task found as it should be, and no script of ours made so, may stand in RAM alone. Rows of linked customers were
 * saved when they were linked: those are only saved again where the device says that something is unsaved.
 */
export function mayBeUnsaved(
  { saveNeeded }: DeviceStatus,
  sentBefore: ReadonlySet<string>,
  { taskIds, amendments }: Work,
  results: ReadonlyMap<string, CustomerResult>,
): boolean {
  const found = [...results].some(
    ([customer, result]) =>
      result.kind === "converged" &&
      taskIds.has(customer) &&
      !sentBefore.has(customer) &&
      (saveNeeded === true || amendments.get(customer)?.kind !== "change"),
  );
  return found && saveNeeded !== false;
}
