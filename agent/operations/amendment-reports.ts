import type { HealthReport } from "../reports.ts";
import type { AmendmentStore } from "../store/amendment.ts";

/** The health report has room for no more. */
const mostShown = 500;

/** What operators are shown of changes, removals and debts. */
export async function reportAmendments(
  store: Pick<AmendmentStore, "openAmendments"> | undefined,
): Promise<HealthReport["amendments"]> {
  const open = (await store?.openAmendments({})) ?? [];
  return open.slice(0, mostShown).map(({ taskId, kind, customerGuid, shortName, device, state, acceptedAt }) => ({
    taskId,
    kind,
    customerGuid,
    shortName,
    device,
    state: state === "owed" ? "owed" : "ready",
    acceptedAt: new Date(acceptedAt).toISOString(),
  }));
}
