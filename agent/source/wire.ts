import type { z } from "zod";
import type {
  claimedAmendment,
  adoptableRequest,
  claimedConversion,
  completeRequest,
  linksRequest,
  linkWithSecrets,
  peekAnswer,
} from "../pull-shapes.ts";
import type { Adoption } from "../store/adoption.ts";
import type { ClaimedAmendment } from "../store/amendment.ts";
import type { ClaimedConversion, ExecutionMessage, Link, LinkWithSecrets } from "../store/model.ts";
import type { Completion } from "../store/portal-store.ts";

/** What goes over the wire, as the agent has it, and back. */

type WireCompletion = z.infer<typeof completeRequest>["completions"][number];
type WireAdoption = z.infer<typeof adoptableRequest>["adoptions"][number];
type WireLink = z.infer<typeof linksRequest>["links"][number];

/** Twice the same conversion in one answer is one. */
export function readConversions(
  wire: readonly z.infer<typeof claimedConversion>[],
  device: string,
): ClaimedConversion[] {
  const seen = new Set<string>();
  return wire.flatMap((conversion) => {
    // A customer that stands twice would be worked on once and reported twice.
    const known = seen.has(conversion.taskId) || seen.has(conversion.customerGuid);
    seen.add(conversion.taskId).add(conversion.customerGuid);
    if (known) return [];
    const acceptedAt = Date.parse(conversion.acceptedAt);
    const deadlineAt = Date.parse(conversion.deadlineAt);
    return [{ ...conversion, variant: "ip-group" as const, state: "ready" as const, device, acceptedAt, deadlineAt }];
  });
}

/** Twice the same amendment in one answer is one, and of a customer only the first is worked on. */
export function readAmendments(wire: readonly z.infer<typeof claimedAmendment>[], device: string): ClaimedAmendment[] {
  const seen = new Set<string>();
  return wire.flatMap(({ acceptedAt, link, ...amendment }) => {
    const { taskId, customerGuid } = amendment;
    const known = seen.has(taskId) || seen.has(customerGuid);
    seen.add(taskId).add(customerGuid);
    return known ? [] : [{ ...amendment, device, acceptedAt: Date.parse(acceptedAt), link: readLinkWithSecrets(link) }];
  });
}

export function readLinkWithSecrets(wire: z.infer<typeof linkWithSecrets>): LinkWithSecrets {
  return { ...wire, linkedAt: Date.parse(wire.linkedAt) };
}

export function readPeek(
  { conversions, amendments, links }: z.infer<typeof peekAnswer>,
  device: string,
): { conversions: ClaimedConversion[]; amendments: ClaimedAmendment[]; links: LinkWithSecrets[] } {
  return {
    conversions: readConversions(conversions, device),
    amendments: readAmendments(amendments, device),
    links: links.map(readLinkWithSecrets),
  };
}

export function writeMessage({ level, message }: ExecutionMessage): ExecutionMessage {
  return { level, message: cut(message, 8_000) };
}

export function writeCompletion(completion: Completion): WireCompletion {
  const { taskId } = completion;
  const messages = completion.messages.slice(0, 100).map(writeMessage);
  if (completion.kind === "removed") return { kind: "removed", taskId, messages };
  if (completion.kind !== "failed")
    return { kind: completion.kind, taskId, link: writeLinkFields(completion.link), messages };
  const details = completion.details.slice(0, 20).map((detail) => cut(detail, 200));
  return { kind: "failed", taskId, details, messages };
}

export function writeLink(link: Link): WireLink {
  return { ...writeLinkFields(link), linkedAt: new Date(link.linkedAt).toISOString() };
}

export function writeAdoption({ fullName, ...link }: Adoption): WireAdoption {
  return { ...writeLinkFields({ ...link, fullName: "" }), fullName };
}

// Member by member: what a link carries beside them, such as secrets, stays here.
function writeLinkFields(link: Omit<Link, "linkedAt">): Omit<WireLink, "linkedAt"> {
  const { customerGuid, tenantId, shortName, device, gateway, intent, variables, proxySet, fullName, secretHashes } =
    link;
  return { customerGuid, tenantId, shortName, device, gateway, intent, variables, proxySet, fullName, secretHashes };
}

/** No longer than the portal takes: a text that is too long would keep its result from being reported. */
function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
