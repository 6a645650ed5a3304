import type { Fields, Row } from "../../drivers/driver.ts";
import type { IntentRow } from "./intent.ts";
import { assertRestorable, Conflict, type Need, type PlanContext, type PlanOptions } from "./needs.ts";
import { differences, nameOf, sameName, samePlace, type Observed } from "./observed.ts";
import { holdsOnlySent } from "./remnant.ts";

/**
 * A Proxy Set: referred to when it is there, created when a carrier defines it, completed when a script of ours began
 * it, and rewritten only by policy and when all its users are ours. What is left as it is goes to `notes`.
 */
export function needShared(row: IntentRow, context: PlanContext, notes: string[], linked = false): Need[] {
  const { observed, recorded, options } = context;
  const found = observed.byName(row.table, row.name);
  const definedByCarrier = row.children.length > 0;
  const stays = linked ? options.left : undefined;
  if (found === undefined && stays?.rows === true) return [];
  if (found === undefined) {
    if (!definedByCarrier)
      throw new Conflict(
        `Proxy Set '${row.name}' is neither on the device nor among the carriers: create it there, or add it under 'carriers'`,
      );
    assertAddresses(row, context);
    return [{ row, kind: "create", found: undefined, fields: [], children: row.children, unfinished: [] }];
  }
  const { missing, others: otherChildren } = matchChildren(row, observed, found.index);
  const begun = recorded.some((r) => r.table === row.table && r.index === found.index && sameName(r.name, row.name));
  if (begun && definedByCarrier) {
    const fields = found.active ? differences(found, row.fields) : Object.keys(row.fields);
    if (fields.length + missing.length === 0) return [];
    const unfinished = otherChildren.filter((child) =>
      recorded.some((r) => samePlace(r, child) && holdsOnlySent(r, child)),
    );
    return [{ row, kind: "update", found, fields, children: missing, unfinished }];
  }
  if (!found.active)
    throw new Conflict(
      `Proxy Set '${row.name}' (index ${found.index}) is on the device but not active: complete it there, a SIP Interface is usually missing`,
    );
  if (!definedByCarrier) return [];

  const fields = differences(found, row.fields).filter((field) => stays?.field(row.table, field) !== true);
  const others = options.carrierPolicy === "enforce" ? context.foreignUsers(row.name) : [];
  const enforced = options.carrierPolicy === "enforce" && others.length === 0;
  const sameSet = missing.length + otherChildren.length === 0 || stays?.kept("proxy-ip", "proxy-address") === true;
  const left = [...(enforced ? [] : fields), ...(sameSet ? [] : ["addresses"])];
  if (left.length > 0)
    notes.push(
      `Proxy Set '${row.name}' differs from its carrier in ${left.join(", ")} and was left as it is` +
        (others.length > 0 ? `: ${others.join(", ")} use it too` : ""),
    );
  if (enforced) assertRestorable(found, fields, `Proxy Set '${row.name}'`);
  return enforced && fields.length > 0 ? [{ row, kind: "update", found, fields, children: [], unfinished: [] }] : [];
}

/** Who names a Proxy Set without being linked to us. Looked up once for each: thousands of customers may share one. */
export function findForeignUsers(
  observed: Observed,
  linkedRows: PlanOptions["linkedRows"],
): (proxySet: string) => readonly string[] {
  const found = new Map<string, readonly string[]>();
  return (proxySet) => {
    const key = proxySet.toLowerCase();
    const known = found.get(key);
    if (known !== undefined) return known;
    const users = observed
      .mentions("proxy-set", proxySet)
      .filter((mention) => !linkedRows.has(`ip-group ${mentioningName(mention.from, observed)}`))
      .map((mention) => mention.from);
    found.set(key, users);
    return users;
  };
}

/** The lower-case name of the IP Group that `ip-group 5` stands for; empty for rows of other tables. */
function mentioningName(from: string, observed: Observed): string {
  const [, index] = /^ip-group (\d+)$/.exec(from) ?? [];
  const row = index === undefined ? undefined : observed.byPlace({ table: "ip-group", index: Number(index) });
  return row === undefined ? "" : nameOf(row).toLowerCase();
}

/**
 * Children compare as a set, and only active ones count. A transport that the carrier leaves open may be whatever the
 * device has as its default. `others` are the rows that are none of the wanted ones.
 */
export function matchChildren(
  row: IntentRow,
  observed: Observed,
  parent: number,
): { missing: IntentRow["children"]; others: readonly Row[] } {
  const key = (fields: Fields, open: boolean): string => {
    const { "proxy-address": address = "", "transport-type": transport = "", priority = "0", weight = "0" } = fields;
    return [address.toLowerCase(), open ? "" : transport, priority, weight].join(" ");
  };
  const others = [...observed.children("proxy-ip", parent)];
  const missing = row.children.filter((child) => {
    const open = child.fields["transport-type"] === undefined;
    const at = others.findIndex(({ active, fields }) => active && key(fields, open) === key(child.fields, open));
    if (at === -1) return true;
    others.splice(at, 1);
    return false;
  });
  return { missing, others };
}

/** `host:port` without the port: by default the device classifies by the address alone. */
export function hostOf(address: string): string {
  return address.replace(/:\d+$/, "").toLowerCase();
}

/** The device classifies by the lowest Proxy Set that has an address: a second set with it would take or lose calls. */
function assertAddresses(row: IntentRow, { observed, options, newHosts, description }: PlanContext): void {
  const most = description.limits["proxy-ip"];
  if (most !== undefined && row.children.length > most)
    throw new Conflict(
      `carrier '${row.name}' has ${row.children.length} addresses, and a Proxy Set of this device holds ${most}: take some out of the carrier`,
    );
  if (options.sharedAddressAllowed(row.name)) return;
  const hosts = new Set(row.children.map(({ fields }) => hostOf(fields["proxy-address"] ?? "")));
  for (const other of observed.config.rows) {
    if (other.table !== "proxy-ip" || !hosts.has(hostOf(other.fields["proxy-address"] ?? ""))) continue;
    const set = other.parent === undefined ? undefined : observed.byPlace({ table: "proxy-set", index: other.parent });
    refuseSharing(row.name, other.fields["proxy-address"] ?? "", set === undefined ? "?" : nameOf(set));
  }
  for (const [host, set] of newHosts)
    if (hosts.has(host) && !sameName(set, row.name)) refuseSharing(row.name, host, set);
}

function refuseSharing(name: string, address: string, other: string): never {
  throw new Conflict(
    `Proxy Set '${name}' would share address ${address} with '${other}', and the device classifies by the lower index: refer to that one, or set allowSharedAddress on the carrier`,
  );
}
