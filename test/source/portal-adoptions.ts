import type { Json } from "./portal-words.ts";

type Verdict = { kind: "adopted"; fullName: string } | { kind: "refused"; reason: string };

interface Claims {
  /** Company names by tenant id. */
  leads: ReadonlyMap<string, string>;
  /** By customer GUID. */
  links: Map<string, Json>;
  /** Tenants and names that conversions and debts hold which have not ended. */
  held(): { tenantId: string; shortName: string }[];
}

/** Adoptions, judged as the pull API's documentation tells them. */
export function createPortalAdoptions({ leads, links, held }: Claims) {
  function judge(adoption: Json): Verdict {
    const { customerGuid, tenantId, shortName } = adoption as Record<string, string>;
    const known = links.get(customerGuid ?? "");
    if (known?.["tenantId"] === tenantId) return { kind: "adopted", fullName: String(known?.["fullName"]) };
    const company = leads.get(tenantId ?? "");
    if (company === undefined) return { kind: "refused", reason: `tenant ${tenantId} is not known: create its lead` };
    const others = [...links.values(), ...held()] as { tenantId: string; shortName: string }[];
    if (others.some((other) => other.tenantId === tenantId))
      return { kind: "refused", reason: `tenant ${tenantId} is a customer, or about to be or to go` };
    if (others.some((other) => other.shortName.toLowerCase() === shortName?.toLowerCase()))
      return { kind: "refused", reason: `name ${shortName} is held` };
    return { kind: "adopted", fullName: (adoption["fullName"] as string | null) ?? company };
  }

  return {
    preview: (adoptions: readonly Json[]): Json => ({ verdicts: adoptions.map(judge) }),
    adopt(device: string, adoptions: readonly Json[]): Json {
      const verdicts = adoptions.map((adoption) => {
        const verdict = judge(adoption);
        const guid = String(adoption["customerGuid"]);
        if (verdict.kind === "adopted" && !links.has(guid)) {
          const { fullName } = verdict;
          links.set(guid, { ...adoption, device, fullName, linkedAt: new Date().toISOString() });
        }
        return verdict;
      });
      return { verdicts };
    },
  };
}
