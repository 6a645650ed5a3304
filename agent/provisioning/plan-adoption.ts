import type { DeviceConfig, Row } from "../../drivers/driver.ts";
import type { Adoption } from "../store/adoption.ts";
import type { Link } from "../store/model.ts";
import { indexRows, nameOf, sameName, type Observed } from "./observed.ts";
import {
  reasonAgainstRow,
  renderAdoption,
  Skipped,
  type AdoptionContext,
  type MappedGroup,
} from "./render-adoption.ts";
import { tenantOf } from "./tenant-tag.ts";

/** A customer that could be adopted, and the IP Groups that it consists of. */
export interface AdoptionCandidate {
  adoption: Adoption;
  ipGroups: readonly string[];
  /** Whether each of them carries the tenant's tag. */
  tagged: boolean;
}

export interface SkippedGroup {
  ipGroup: string;
  tenantId: string | null;
  reason: string;
}

export interface AdoptionPlan {
  candidates: readonly AdoptionCandidate[];
  skipped: readonly SkippedGroup[];
  /** IP Groups of linked customers. */
  linked: number;
  /** IP Groups that name no tenant, and of which the mapping says nothing. */
  unnamed: number;
}

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Whose the IP Groups of a device are, by their tags and by what a human says, and the links that would say so. Pure, and
 * the intents are what stands there: a re-sync right after an adoption has nothing to write.
 */
export function planAdoption(
  config: DeviceConfig,
  links: readonly Pick<Link, "intent">[],
  mapping: readonly MappedGroup[],
  context: AdoptionContext,
): AdoptionPlan {
  const observed = indexRows(config);
  const groups = config.rows.filter(({ table }) => table === "ip-group");
  const mapped = new Map(mapping.map((entry) => [entry.ipGroup.toLowerCase(), entry]));
  const ours = new Set(
    links.flatMap(({ intent }) =>
      intent.rows.flatMap(({ table, role, name }) =>
        table === "ip-group" && role === "own" ? [name.toLowerCase()] : [],
      ),
    ),
  );
  const skipped: SkippedGroup[] = mapping
    .filter(({ ipGroup }) => observed.byName("ip-group", ipGroup) === undefined)
    .map(({ ipGroup, tenantId }) => ({ ipGroup, tenantId, reason: "there is no such IP Group on the device" }));
  const byTenant = new Map<string, Row[]>();
  let linked = 0;
  let unnamed = 0;
  for (const group of groups) {
    const key = nameOf(group).toLowerCase();
    const entry = mapped.get(key);
    if (ours.has(key)) linked += 1;
    else if (tenantOf(group) === undefined && entry === undefined) unnamed += 1;
    else {
      const tenantId = (entry?.tenantId ?? tenantOf(group) ?? "").toLowerCase();
      const reason = reasonAgainst(group, entry, observed);
      if (reason !== undefined) skipped.push({ ipGroup: nameOf(group), tenantId, reason });
      const members = byTenant.get(tenantId);
      if (members === undefined) byTenant.set(tenantId, [group]);
      else members.push(group);
    }
  }
  const candidates: AdoptionCandidate[] = [];
  const refused = new Set(skipped.map(({ ipGroup }) => ipGroup.toLowerCase()));
  for (const [tenantId, members] of byTenant) {
    const names = members.map(nameOf);
    const skip = (reason: string): void => {
      for (const ipGroup of names) if (!refused.has(ipGroup.toLowerCase())) skipped.push({ ipGroup, tenantId, reason });
    };
    const against = names.find((name) => refused.has(name.toLowerCase()));
    if (against !== undefined) skip(`it is the same tenant's as IP Group '${against}', which is skipped`);
    else
      try {
        const entries = names.flatMap((name) => mapped.get(name.toLowerCase()) ?? []);
        candidates.push({
          adoption: renderAdoption(tenantId, members, entries, observed, context),
          ipGroups: names,
          tagged: context.device.withoutTags || members.every((group) => tenantOf(group) !== undefined),
        });
      } catch (error) {
        if (!(error instanceof Skipped)) throw error;
        skip(error.message);
      }
  }
  return { candidates, skipped, linked, unnamed };
}

function reasonAgainst(group: Row, entry: MappedGroup | undefined, observed: Observed): string | undefined {
  const tenant = tenantOf(group);
  if (tenant !== undefined && !guid.test(tenant)) return `its tag names no tenant id ('${tenant}')`;
  if (tenant !== undefined && entry !== undefined && !sameName(tenant, entry.tenantId))
    return `its tag names tenant ${tenant.toLowerCase()}, the mapping names another`;
  return reasonAgainstRow(group, observed);
}
