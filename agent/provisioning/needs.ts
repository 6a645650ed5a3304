import type { DeviceConfig, DeviceDescription, Fields, Row, TableName } from "../../drivers/driver.ts";
import type { RecordedCreate } from "../store/model.ts";
import type { Intent, IntentRow } from "./intent.ts";
import { differences, nameOf, sameName, schemaOf, type Observed } from "./observed.ts";

export interface PlannedIntent {
  intent: Intent;
  /** Whether a link says that these rows are ours. */
  linked: boolean;
  /** Secret variables in clear. */
  secrets: Fields;
  /** Secret variables whose value on the device is the wanted one, as far as our last write tells. */
  secretsWritten: ReadonlySet<string>;
}

export interface PlanOptions {
  carrierPolicy: "report" | "enforce";
  /** Carriers that may share an address with a Proxy Set that is there. */
  sharedAddressAllowed: (proxySet: string) => boolean;
  /** Consent to steps that end active calls. */
  endCalls: boolean;
  /** Firmware without IP Group tags: ownership is record and link alone. */
  withoutTags: boolean;
}

/** What one row of an intent still needs on the device. */
export interface Need {
  row: IntentRow;
  kind: "create" | "update";
  found: Row | undefined;
  /** For updates: the fields to write. */
  fields: readonly string[];
}

/** Why nothing may be planned for a customer. The message says what stands in the way and what to do. */
export class Conflict extends Error {
  override readonly name = "Conflict";
}

/** A Proxy Set: referred to when it is there, created when a carrier defines it, rewritten only when all its users are ours. */
export function needShared(
  row: IntentRow,
  observed: Observed,
  ours: ReadonlySet<string>,
  options: PlanOptions,
  notes: string[],
): Need[] {
  const found = observed.byName(row.table, row.name);
  const definedByCarrier = row.children.length > 0;
  if (found === undefined) {
    if (!definedByCarrier)
      throw new Conflict(
        `Proxy Set '${row.name}' is neither on the device nor among the carriers: create it there, or add it under 'carriers'`,
      );
    assertNewAddresses(row, observed, options);
    return [{ row, kind: "create", found: undefined, fields: [] }];
  }
  if (!found.active)
    throw new Conflict(
      `Proxy Set '${row.name}' (index ${found.index}) is on the device but not active: complete it there, a SIP Interface is usually missing`,
    );
  if (!definedByCarrier) return [];
  const fields = differences(found, row.fields);
  const addresses = sameChildren(row, observed, found.index) ? [] : ["addresses"];
  if (fields.length + addresses.length === 0) return [];
  const others = observed
    .mentions("proxy-set", row.name)
    .filter((mention) => !ours.has(`ip-group ${mentioningName(mention.from, observed)}`))
    .map((mention) => mention.from);
  if (options.carrierPolicy === "enforce" && others.length === 0 && fields.length > 0)
    return [{ row, kind: "update", found, fields }];
  notes.push(
    `Proxy Set '${row.name}' differs from its carrier in ${[...fields, ...addresses].join(", ")} and was left as it is` +
      (options.carrierPolicy === "enforce" && others.length > 0 ? `: ${others.join(", ")} use it too` : ""),
  );
  return [];
}

/** The lower-case name of the IP Group that `ip-group 5` stands for; empty for rows of other tables. */
function mentioningName(from: string, observed: Observed): string {
  const [, index] = /^ip-group (\d+)$/.exec(from) ?? [];
  const row = index === undefined ? undefined : observed.byPlace({ table: "ip-group", index: Number(index) });
  return row === undefined ? "" : nameOf(row).toLowerCase();
}

function childKey(fields: Fields): string {
  const { "proxy-address": address = "", "transport-type": transport = "", priority = "0", weight = "0" } = fields;
  return [address.toLowerCase(), transport, priority, weight].join(" ");
}

function sameChildren(row: IntentRow, observed: Observed, parent: number): boolean {
  // A transport that the carrier leaves open may be whatever the device has as its default.
  const key = (fields: Fields, open: boolean): string => childKey(open ? { ...fields, "transport-type": "" } : fields);
  const have = observed.children("proxy-ip", parent);
  const open = row.children.some((child) => child.fields["transport-type"] === undefined);
  const wanted = row.children.map((child) => key(child.fields, open)).sort();
  const shown = have.map((child) => key(child.fields, open)).sort();
  return wanted.join("\n") === shown.join("\n");
}

/** The device classifies by the lowest Proxy Set that has an address: a second set with it would take or lose calls. */
function assertNewAddresses(row: IntentRow, observed: Observed, options: PlanOptions): void {
  if (options.sharedAddressAllowed(row.name)) return;
  for (const other of observed.config.rows) {
    if (other.table !== "proxy-ip") continue;
    const address = other.fields["proxy-address"] ?? "";
    if (!row.children.some((child) => sameName(child.fields["proxy-address"] ?? "", address))) continue;
    const set = other.parent === undefined ? undefined : observed.byPlace({ table: "proxy-set", index: other.parent });
    throw new Conflict(
      `Proxy Set '${row.name}' would share address ${address} with '${set === undefined ? "?" : nameOf(set)}', and the device classifies by the lower index: refer to that one, or set allowSharedAddress on the carrier`,
    );
  }
}

export function needOwn(
  row: IntentRow,
  planned: PlannedIntent,
  observed: Observed,
  recorded: readonly RecordedCreate[],
  options: PlanOptions,
  notes: string[],
): Need[] {
  const { intent, linked, secretsWritten } = planned;
  const found = observed.byName(row.table, row.name);
  if (found === undefined) {
    const begun = recorded.find((r) => isRemnantOf(r, row, intent, observed));
    if (begun !== undefined)
      throw new Conflict(
        `${row.table} ${begun.index} was begun for this customer and has no name yet: it is undone first`,
      );
    return [{ row, kind: "create", found: undefined, fields: [] }];
  }
  const place = `${row.table} ${found.index} '${nameOf(found)}'`;
  const tenant = /(?:^|;)Trunk=([^;]*)/.exec(found.fields["tags"] ?? "")?.[1];
  if (tenant !== undefined && !sameName(tenant, intent.tenantId))
    throw new Conflict(
      `${place} is on the device and carries the tag of another tenant (${tenant}): it is not touched; choose another short name`,
    );
  const byRecord = recorded.some(
    (r) =>
      r.table === found.table &&
      r.index === found.index &&
      sameName(r.name, row.name) &&
      r.customers.includes(intent.customerGuid),
  );
  const fields = differences(found, row.fields);
  const secrets = Object.entries(row.secretFields).filter(([, variable]) => !secretsWritten.has(variable));
  if (!linked && !byRecord) {
    const carriesTag = row.table === "ip-group" ? tenant !== undefined : ownsServedGroup(row, observed, intent);
    if (options.withoutTags || !carriesTag || fields.length > 0 || !found.active)
      throw new Conflict(
        `${place} is on the device and was not made here` +
          (carriesTag && fields.length > 0
            ? `; it carries this tenant's tag but differs in ${fields.join(", ")}`
            : "") +
          ": it is not touched; remove or rename it there, or choose another short name",
      );
    notes.push(
      `${place} was already on the device, equal to what is wanted, and was adopted` +
        (secrets.length > 0 ? "; its password could not be compared" : ""),
    );
    return [];
  }
  if (found.active && fields.length === 0 && secrets.length === 0) return [];
  const changed = found.active
    ? [...fields, ...secrets.map(([field]) => field)]
    : [...Object.keys(row.fields), ...Object.keys(row.secretFields)];
  const missing = secrets
    .filter(([, variable]) => planned.secrets[variable] === undefined)
    .map(([, variable]) => variable);
  if (missing.length > 0)
    throw new Conflict(
      `secret missing: ${missing.join(", ")}; the value is not kept here, so it cannot be written again`,
    );
  const ending = fields.filter((field) =>
    schemaOf(row.table).fields.some((f) => f.name === field && f.endsCalls === true),
  );
  if (ending.length > 0 && !options.endCalls && linked)
    throw new Conflict(
      `${place}: changing ${ending.join(", ")} ends its active calls and needs consent: repeat with --end-calls`,
    );
  return [{ row, kind: "update", found, fields: changed }];
}

/** An Account is the tenant's when the IP Group that it serves carries the tenant's tag. */
function ownsServedGroup(row: IntentRow, observed: Observed, intent: Intent): boolean {
  const group = observed.byName("ip-group", row.fields["served-ip-group-name"] ?? "");
  return group !== undefined && sameName(group.fields["tags"] ?? "", `Trunk=${intent.tenantId}`);
}

function isRemnantOf(r: RecordedCreate, row: IntentRow, intent: Intent, observed: Observed): boolean {
  if (r.table !== row.table || !sameName(r.name, row.name) || !r.customers.includes(intent.customerGuid)) return false;
  const there = observed.byPlace(r);
  return there !== undefined && nameOf(there) === "";
}

/** The row's fields exist on this device, and what it refers to does too. */
export function assertWritable(row: IntentRow, config: DeviceConfig, description: DeviceDescription): void {
  for (const [table, fields] of [
    [row.table, { ...row.fields, ...row.secretFields }] as const,
    ...row.children.map((child) => [child.table, child.fields] as const),
  ]) {
    const columns = config.columns.get(table);
    const lacking = Object.keys(fields).filter((field) => columns?.has(field) === false);
    if (lacking.length > 0)
      throw new Conflict(
        `this device (${description.dialect}) has no field ${lacking.join(", ")} in ${table}: take it out of the blueprint, or update the firmware`,
      );
    for (const [field, value] of Object.entries(fields)) assertReference(table, field, value, config, row);
  }
}

/** A name that nothing bears would leave the row inactive. */
function assertReference(table: TableName, field: string, value: string, config: DeviceConfig, row: IntentRow): void {
  const grammar = schemaOf(table).fields.find((f) => f.name === field)?.grammar;
  if (grammar?.kind !== "reference" || value === "") return;
  // Owned tables are referred to within the intent, which makes those rows itself.
  if (schemaOf(grammar.table).owned) return;
  const there = config.rows.some((r) => r.table === grammar.table && sameName(nameOf(r), value));
  if (!there)
    throw new Conflict(
      `${grammar.table} '${value}', which ${row.table} '${row.name}' refers to in ${field}, is not on the device: create it there, or correct the device's defaults`,
    );
}
