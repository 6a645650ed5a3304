import type { PortalClient } from "./portal-client.ts";

type Answer = Awaited<ReturnType<PortalClient["claim"]>>;

/**
 * Claims a device. With changes and removals come the links of all customers but those that are being removed: whose
 * rows must be left alone is known by these, also at a portal that gives links only where they are asked for.
 */
export async function claimWhole(
  client: Pick<PortalClient, "claim">,
  device: string,
  request: Parameters<PortalClient["claim"]>[1],
  signal: AbortSignal,
): Promise<Answer> {
  const first = await client.claim(device, request, signal);
  const isWhole = request.links || first.kind === "held" || first.amendments.length === 0 || first.links.length > 0;
  const answer = isWhole ? first : await client.claim(device, { ...request, links: true }, signal);
  if (answer.kind === "held") return answer;
  const leaving = new Set(
    answer.amendments.filter(({ kind }) => kind === "removal").map(({ customerGuid }) => customerGuid),
  );
  return { ...answer, links: answer.links.filter(({ customerGuid }) => !leaving.has(customerGuid)) };
}
