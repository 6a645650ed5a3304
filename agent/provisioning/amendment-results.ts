import type { ClaimedAmendment } from "../store/amendment.ts";
import type { ExecutionMessage, Link, LinkWithSecrets } from "../store/model.ts";
import type { Completion } from "../store/portal-store.ts";
import type { CustomerResult } from "./apply.ts";
import { hashesOf } from "./secret-hashes.ts";
import { isSuccessor, type Work, type WorkContext } from "./work.ts";

const say = (level: ExecutionMessage["level"], message: string): ExecutionMessage => ({ level, message });

/**
 * The results of changes and removals as the store takes them. A debt that is superseded ends without a step, once its tenant
 * is a customer again.
 */
export function amendmentCompletions(
  context: Pick<WorkContext, "device" | "hash">,
  work: Work,
  results: ReadonlyMap<string, CustomerResult>,
  notes: readonly string[],
): Completion[] {
  const device = context.device.name;
  return [...work.amendments.values()].flatMap((amendment): Completion[] => {
    const { taskId, kind, shortName, customerGuid } = amendment;
    if (kind === "removal" && amendment.superseded) {
      const successor = [...work.conversions.values()].find((conversion) => isSuccessor(amendment, conversion));
      // One that failed left the rows as they were: they are still owed, and then nobody's any more.
      if (successor !== undefined && results.get(successor.customerGuid)?.kind !== "converged") return [];
      const message = `What customer '${shortName}' left behind on device ${device} was not removed: its tenant is a customer there again.`;
      return [{ kind: "removed", taskId, messages: [say("Warning", message)] }];
    }
    const result = results.get(customerGuid);
    if (result === undefined) return [];
    if (result.kind === "failed") {
      const message = `Customer '${shortName}' was not ${kind === "change" ? "changed" : "removed"} on device ${device}: ${result.message}`;
      return [{ kind: "failed", taskId, details: ["Failed"], messages: [say("Error", message)] }];
    }
    const messages = [
      ...[...result.warnings, ...(result.changed ? notes : [])].map((note) => say("Warning", note)),
      ...(result.notes ?? []).map((note) => say("Information", note)),
      say("Information", endOf(amendment, result.changed, device)),
    ];
    if (kind === "removal") return [{ kind: "removed", taskId, messages }];
    const change = work.changes.get(customerGuid);
    if (change === undefined) return [];
    return [{ kind: "changed", taskId, link: linkOf(context, change.link), messages }];
  });
}

function linkOf({ hash }: Pick<WorkContext, "hash">, link: LinkWithSecrets): Omit<Link, "linkedAt"> {
  const { customerGuid, tenantId, shortName, fullName, device, gateway, proxySet, variables, intent, secrets } = link;
  const secretHashes = { ...link.secretHashes, ...hashesOf(hash, secrets) };
  return { customerGuid, tenantId, shortName, fullName, device, gateway, proxySet, variables, intent, secretHashes };
}

function endOf({ kind, shortName }: ClaimedAmendment, changed: boolean, device: string): string {
  if (kind === "removal")
    return changed
      ? `Customer '${shortName}' was removed from device ${device}, read back and saved.`
      : `Nothing of customer '${shortName}' was left on device ${device}.`;
  return changed
    ? `Customer '${shortName}' was changed on device ${device}, read back and saved.`
    : `Customer '${shortName}' is on device ${device} as was asked: nothing had to be changed there.`;
}
