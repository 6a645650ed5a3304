import type { Table } from "./columns.ts";
import type { Settings } from "./settings.ts";

interface Tier {
  readonly proxySets: number;
  readonly addresses: number;
}

/** Limits by model. */
const tiers: Readonly<Record<string, Tier>> = {
  "ve-2gb": { proxySets: 80, addresses: 10 },
  "ve-3.5gb": { proxySets: 1_000, addresses: 10 },
  "ve-4gb": { proxySets: 1_500, addresses: 10 },
  "ve-8gb": { proxySets: 1_500, addresses: 10 },
  "ve-16gb": { proxySets: 1_500, addresses: 10 },
  "ve-32gb": { proxySets: 5_000, addresses: 50 },
  "ve-64gb": { proxySets: 5_000, addresses: 50 },
  se: { proxySets: 5_000, addresses: 50 },
  m500: { proxySets: 80, addresses: 10 },
  "m500-msbr": { proxySets: 102, addresses: 10 },
  m9000: { proxySets: 5_000, addresses: 50 },
};

/** Names of the models that this mock can be. */
export const models: readonly string[] = Object.keys(tiers);

/** How many rows fit; for rows inside others, how many fit into one of them. Indexes run from 0 to one below. */
export function limitOf(table: Table, model: string, settings: Settings): number {
  const set = settings.limits[table.name];
  if (set !== undefined) return set;
  const tier = tiers[model] ?? { proxySets: 1_500, addresses: 10 };
  switch (table.name) {
    case "ProxySet":
    case "IPGroup":
      return tier.proxySets;
    case "ProxyIp":
      return tier.addresses;
    case "CpMediaRealm":
      return 1_024;
    // The others are known for few models only: these numbers are invented, and small on small models.
    case "IpProfile":
      return tier.proxySets >= 1_000 ? 300 : 20;
    case "SIPInterface":
      return tier.proxySets >= 1_000 ? 1_200 : 80;
    case "Account":
      return tier.proxySets >= 1_000 ? 1_500 : 102;
    default:
      return 1_500;
  }
}
