import type { DeviceDescription, Fields, Row, TableName } from "../../drivers/driver.ts";
import { refusal } from "../../drivers/index.ts";
import type { RecordedCreate } from "../store/model.ts";
import type { Intent, IntentRow } from "./intent.ts";
import type { LeftAlone } from "./left-alone.ts";
import { differences, endsCalls, nameOf, sameName, schemaOf, type Observed } from "./observed.ts";
import { tenantOf } from "./tenant-tag.ts";

export interface PlannedIntent {
  intent: Intent;
  /** Whether a link says that these rows are ours. */
  linked: boolean;
  /** Of a linked customer, the rows that its link does not know: of them it says nothing. */
  newRows?: readonly IntentRow[];
  /** A change of it was asked for, and whether with consent to end calls: the run's own does not count then. */
  changing?: { endCalls: boolean };
  /** Secret variables in clear. */
  secrets: Fields;
  /** Secret variables whose value on the device is the wanted one, as far as our last write tells. */
  secretsWritten: ReadonlySet<string>;
}

export interface PlanOptions {
  carrierPolicy: "report" | "enforce";
  /** The rows of all linked customers of the device, as `ip-group NAME` in lower case. */
  linkedRows: ReadonlySet<string>;
  /** Carriers that may share an address with a Proxy Set that is there. */
  sharedAddressAllowed: (proxySet: string) => boolean;
  /** Consent to steps that end active calls. */
  endCalls: boolean;
  /** Firmware without IP Group tags: ownership is record and link alone. */
  withoutTags: boolean;
  /** What stays as the device has it; by default nothing. */
  left?: LeftAlone;
}

/** What needs are found against. */
export interface PlanContext {
  observed: Observed;
  description: DeviceDescription;
  /** Rows that unresolved run records name. */
  recorded: readonly RecordedCreate[];
  options: PlanOptions;
  /** Hosts of the Proxy Sets that this plan creates, and the set of each. */
  newHosts: ReadonlyMap<string, string>;
  /** Rows that name a Proxy Set and are not linked to us, as the device prints them. */
  foreignUsers(proxySet: string): readonly string[];
}

/** What one row of an intent still needs on the device. */
export interface Need {
  row: IntentRow;
  kind: "create" | "update";
  found: Row | undefined;
  /** For updates: the fields to write. */
  fields: readonly string[];
  /** The children that are missing. */
  children: IntentRow["children"];
  /** Children that a script of ours left half-made: they are made the missing ones before new rows are. */
  unfinished: readonly Row[];
}

/** Why nothing may be planned for a customer. The message says what stands in the way and what to do. */
export class Conflict extends Error {
  override readonly name = "Conflict";
}

/** A customer's own row: created, completed, put right when it is ours, adopted when it equals what is wanted. */
export function needOwn(row: IntentRow, planned: PlannedIntent, context: PlanContext, notes: string[]): Need[] {
  const { observed, recorded, options } = context;
  const { intent } = planned;
  const linked = planned.linked && planned.newRows?.includes(row) !== true;
  const left = linked ? options.left : undefined;
  const found = observed.byName(row.table, row.name);
  if (left?.rows === true && found?.active !== true) return [];
  if (found === undefined) {
    assertSecrets(row, Object.keys(row.secretFields), planned);
    return [{ row, kind: "create", found, fields: [], children: [], unfinished: [] }];
  }
  const place = `${row.table} ${found.index} '${nameOf(found)}'`;
  const count = observed.countOf(row.table, row.name);
  if (count > 1)
    throw new Conflict(`${row.table} '${row.name}' stands ${count} times on the device: delete all but one there`);
  const tenant = tenantOf(found);
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
  const stays = (field: string): boolean =>
    left !== undefined && (found.active ? left.field(row.table, field) : left.kept(row.table, field));
  const fields = differences(found, row.fields).filter((field) => !stays(field));
  const unwritten = Object.entries(row.secretFields).filter(
    ([field, variable]) => !planned.secretsWritten.has(variable) && !stays(field),
  );
  if (!linked && !byRecord) {
    const carriesTag = row.table === "ip-group" ? tenant !== undefined : servesOwnGroup(row, observed, intent);
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
        (unwritten.length > 0 ? "; its password could not be compared" : ""),
    );
    return [];
  }
  if (found.active && fields.length === 0 && unwritten.length === 0) return [];
  const changed = found.active
    ? [...fields, ...unwritten.map(([field]) => field)]
    : [...Object.keys(row.fields), ...Object.keys(row.secretFields)].filter(
        (field) => found.fields[field] === undefined || !stays(field),
      );
  assertSecrets(row, changed, planned);
  if (linked && !(planned.changing ?? options).endCalls) assertNoCallsEnd(row, fields, place);
  if (!byRecord) assertRestorable(found, fields, place);
  return [{ row, kind: "update", found, fields: changed, children: [], unfinished: [] }];
}

function assertSecrets(row: IntentRow, fields: readonly string[], { secrets }: PlannedIntent): void {
  const missing = fields.flatMap((field) => {
    const variable = row.secretFields[field];
    return variable === undefined || secrets[variable] !== undefined ? [] : [variable];
  });
  if (missing.length > 0)
    throw new Conflict(
      `secret missing: ${missing.join(", ")}; the value is not kept here, so it cannot be written again`,
    );
}

/** What an undo could not write back is not overwritten: the device holds a value that no word is known for. */
export function assertRestorable(found: Row, fields: readonly string[], place: string): void {
  for (const field of schemaOf(found.table).fields) {
    const value = found.fields[field.name];
    if (!fields.includes(field.name) || value === undefined || value === "" || refusal(field, value) === undefined)
      continue;
    throw new Conflict(
      `${place} holds ${field.name} '${value}', which could not be written back if the change had to be undone: change it on the device`,
    );
  }
}

function assertNoCallsEnd(row: IntentRow, fields: readonly string[], place: string): void {
  const ending = fields.filter((field) => endsCalls(row.table, field));
  if (ending.length > 0)
    throw new Conflict(
      `${place}: changing ${ending.join(", ")} ends its active calls and needs consent: repeat with --end-calls (\`endCalls\`: true)`,
    );
}

/** An Account is the tenant's when the IP Group that it serves carries the tenant's tag. */
function servesOwnGroup(row: IntentRow, observed: Observed, intent: Intent): boolean {
  const group = observed.byName("ip-group", row.fields["served-ip-group-name"] ?? "");
  return group !== undefined && sameName(group.fields["tags"] ?? "", `Trunk=${intent.tenantId}`);
}

/** The row's fields exist on this device, and what it refers to does too. */
export function assertWritable(row: IntentRow, observed: Observed, description: DeviceDescription): void {
  for (const [table, fields] of [
    [row.table, { ...row.fields, ...row.secretFields }] as const,
    ...row.children.map((child) => [child.table, child.fields] as const),
  ]) {
    const columns = observed.config.columns.get(table);
    const lacking = Object.keys(fields).filter((field) => columns?.has(field) === false);
    if (lacking.length > 0)
      throw new Conflict(
        `this device (${description.dialect}) has no field ${lacking.join(", ")} in ${table}: take it out of the blueprint, or update the firmware`,
      );
    for (const [field, value] of Object.entries(fields)) assertReference(table, field, value, observed, row);
  }
}

/** A name that nothing bears would leave the row inactive. */
function assertReference(table: TableName, field: string, value: string, observed: Observed, row: IntentRow): void {
  const grammar = schemaOf(table).fields.find((f) => f.name === field)?.grammar;
  if (grammar?.kind !== "reference" || value === "") return;
  // Owned tables are referred to within the intent, which makes those rows itself.
  if (schemaOf(grammar.table).owned) return;
  if (observed.byName(grammar.table, value) === undefined)
    throw new Conflict(
      `${grammar.table} '${value}', which ${row.table} '${row.name}' refers to in ${field}, is not on the device: create it there, or correct the device's defaults`,
    );
}
