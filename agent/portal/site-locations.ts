import { createHash } from "node:crypto";
import { z } from "zod";
import type { Amendment } from "../store/amendment.ts";
import type { Link } from "../store/model.ts";
import type { PortalStore } from "../store/portal-store.ts";

/** A customer's link with one device, as Live Platform prints it: a SIP connection, or site location. */
export const siteLocation = z.object({
  id: z.string().describe("UmpCustomerGuid where it is the customer's only one"),
  name: z.string(),
  sbcId: z.int().describe("stays the same for a device name, whatever the inventory's order"),
  sbcDeploymentState: z
    .enum(["Deployed", "Removing"])
    .describe("Removing: a script that removes it has left for the device, and its end is not known yet"),
  sbcConfigurationType: z.literal("SipTrunk"),
});

/** A device's number: the first 31 bits of the SHA-256 of its name, so that it survives restarts and a reordered inventory. */
export function sbcIdOf(device: string): number {
  return createHash("sha256").update(device).digest().readUInt32BE(0) >>> 1;
}

/**
 * The id of a customer's site on a device that no other site of the customer has: the customer's GUID with the device's
 * number in its last 32 bits. It can be taken back with the device's name alone: applied twice, the GUID is there again.
 */
function siteIdOf(customerGuid: string, device: string): string {
  const last = Number.parseInt(customerGuid.slice(-8), 16);
  return customerGuid.slice(0, -8) + ((last ^ sbcIdOf(device)) >>> 0).toString(16).padStart(8, "0");
}

/** All sites of one customer; `amendments` are those of the customer that have not ended. */
export function printSites(links: readonly Link[], amendments: readonly Amendment[]): z.infer<typeof siteLocation>[] {
  return links.map(({ customerGuid, device, shortName }) => ({
    id: links.length === 1 ? customerGuid : siteIdOf(customerGuid, device),
    name: shortName,
    sbcId: sbcIdOf(device),
    sbcDeploymentState: amendments.some((one) => one.kind === "removal" && one.sent && one.device === device)
      ? "Removing"
      : "Deployed",
    sbcConfigurationType: "SipTrunk",
  }));
}

/**
 * The site of an id that was ever printed for it, in any case. The customer's GUID stands for its only site; once there
 * are several it is `ambiguous`, with the ids that they have now.
 */
export async function findSite(
  store: Pick<PortalStore, "links" | "countLinks">,
  id: string,
): Promise<{ kind: "unknown" } | { kind: "ambiguous"; ids: string[] } | { kind: "found"; link: Link }> {
  const wanted = id.toLowerCase();
  if (!/^[0-9a-f-]{28}[0-9a-f]{8}$/.test(wanted)) return { kind: "unknown" };
  const links = await store.links({ customerGuid: wanted });
  const [link, other] = links;
  if (other !== undefined) return { kind: "ambiguous", ids: printSites(links, []).map((site) => site.id) };
  if (link !== undefined) return { kind: "found", link };
  for (const { device } of await store.countLinks()) {
    const [found] = await store.links({ customerGuid: siteIdOf(wanted, device), device });
    if (found !== undefined) return { kind: "found", link: found };
  }
  return { kind: "unknown" };
}
