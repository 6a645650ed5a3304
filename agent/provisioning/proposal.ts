import type { Fields } from "../../drivers/driver.ts";
import type { Change, ClaimedAmendment } from "../store/amendment.ts";
import type { Peek } from "../store/portal-store.ts";

/** A change (or, without one, a removal) of a linked customer that is only asked about. */
export interface Proposal {
  customerGuid: string;
  change: Change | null;
  secrets: Fields;
}

/** What a claim would give if the proposal were all that waits. Nothing where the customer has no link, or leaves already. */
export function propose(waiting: Peek, { customerGuid, change, secrets }: Proposal): Peek {
  const link = waiting.links.find((one) => one.customerGuid === customerGuid);
  const kind = change === null ? "removal" : "change";
  const amendments: ClaimedAmendment[] =
    link === undefined
      ? []
      : [
          {
            taskId: "tsk_planned",
            kind,
            customerGuid,
            tenantId: link.tenantId,
            shortName: link.shortName,
            device: link.device,
            by: "",
            change,
            state: "ready",
            acceptedAt: 0,
            sent: false,
            superseded: false,
            link,
            secrets,
          },
        ];
  // The links of a claim are those of customers that stay.
  const links = kind === "removal" ? waiting.links.filter((one) => one !== link) : waiting.links;
  return { ...waiting, conversions: [], amendments, links };
}
