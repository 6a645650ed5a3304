import type { z } from "zod";
import type { claimedAmendment, claimedConversion, linkWithSecrets, storedLink } from "../pull-shapes.ts";
import type { Fields } from "../../drivers/driver.ts";
import type { ClaimedAmendment } from "../store/amendment.ts";
import type { ClaimedConversion, Link, LinkWithSecrets } from "../store/model.ts";

/** What the store knows, as agents are told it: times as ISO 8601, and of every thing only what its shape names. */

const time = (ms: number): string => new Date(ms).toISOString();

const struckOut = "********";

/** With its secrets in clear. */
export function writeConversion(conversion: ClaimedConversion): z.output<typeof claimedConversion> {
  const { taskId, tenantId, customerGuid, shortName, fullName, gateway, proxySet, variables, secrets, sent } =
    conversion;
  return {
    taskId,
    tenantId,
    customerGuid,
    shortName,
    fullName,
    gateway: gateway ?? "",
    proxySet: proxySet ?? "",
    variables,
    secrets,
    acceptedAt: time(conversion.acceptedAt),
    deadlineAt: time(conversion.deadlineAt),
    sent,
  };
}

/** With its secrets and those of its link in clear. */
export function writeAmendment(amendment: ClaimedAmendment): z.output<typeof claimedAmendment> {
  const { taskId, kind, customerGuid, tenantId, shortName, by, change, sent, superseded, secrets } = amendment;
  return {
    taskId,
    kind,
    customerGuid,
    tenantId,
    shortName,
    by,
    change,
    state: amendment.state === "owed" ? "owed" : "ready",
    acceptedAt: time(amendment.acceptedAt),
    sent,
    superseded,
    link: writeLinkWithSecrets(amendment.link),
    secrets,
  };
}

/** The same with the names of its secrets, and none of their values. */
export function strikeSecrets<T extends { secrets: Fields }>(one: T): T {
  return { ...one, secrets: Object.fromEntries(Object.keys(one.secrets).map((name) => [name, struckOut])) };
}

/** Without its secrets, wherever it has some. */
function writeLink(link: Link): z.output<typeof storedLink> {
  const { customerGuid, tenantId, shortName, device, gateway, intent, variables, proxySet, fullName, secretHashes } =
    link;
  return {
    customerGuid,
    tenantId,
    shortName,
    device,
    gateway,
    intent,
    variables,
    proxySet,
    fullName,
    secretHashes,
    linkedAt: time(link.linkedAt),
  };
}

export function writeLinkWithSecrets(link: LinkWithSecrets): z.output<typeof linkWithSecrets> {
  return { ...writeLink(link), secrets: link.secrets };
}

export function readLink(link: z.output<typeof storedLink>): Link {
  return { ...link, linkedAt: Date.parse(link.linkedAt) };
}
