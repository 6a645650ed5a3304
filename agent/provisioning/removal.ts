import type { DeviceConfig, Row } from "../../drivers/driver.ts";
import type { MadeProxySet } from "../store/amendment.ts";
import type { Intent, IntentRow } from "./intent.ts";
import { describeRow, indexRows, mentionerOf, nameOf, sameName, schemaOf, type Observed } from "./observed.ts";
import type { PlannedStep } from "./plan.ts";
import { tenantOf } from "./tenant-tag.ts";

/** A customer of whom rows are to go. */
export interface Leaver {
  /** By GUID, as everywhere. */
  customer: string;
  tenantId: string;
  /** Own rows, which go, and shared ones, which go when nobody needs them any more. */
  rows: readonly IntentRow[];
  /** Own rows that stay; by then they refer to something else. */
  staying?: readonly IntentRow[];
}

export interface RemovalOptions {
  /** Firmware without IP Group tags: the link alone says whose rows these are. */
  withoutTags: boolean;
  /** Proxy Sets that this agent made on this very unit. */
  made: readonly Pick<MadeProxySet, "index" | "name">[];
  /** The rows of other customers, whether they stand on the device yet or not. */
  others: OtherRows;
}

export interface OtherRows {
  has(row: Pick<IntentRow, "table" | "name">): boolean;
}

export interface Removal {
  /** In the order in which they must be sent. */
  steps: readonly PlannedStep[];
  /** Customer → why nothing of it is removed, and what to do. */
  blocked: ReadonlyMap<string, string>;
  /** Customer → what stays of what may go, and why. */
  notes: ReadonlyMap<string, readonly string[]>;
}

/** For `others`: all rows that these intents name. */
export function rowsOf(intents: readonly Intent[]): OtherRows {
  const key = ({ table, name }: Pick<IntentRow, "table" | "name">): string => `${table} ${name.toLowerCase()}`;
  const keys = new Set(intents.flatMap(({ rows }) => rows.map(key)));
  return { has: (row) => keys.has(key(row)) };
}

/** What stands of a leaver's own rows. */
export function standingRows(observed: Observed, { rows }: Leaver): Row[] {
  return rows.flatMap((row) => (row.role === "own" ? (observed.byName(row.table, row.name) ?? []) : []));
}

/**
 * The steps that delete what is there of the leavers' rows; empty when all is gone. Pure, and level-based. What is not
 * certainly theirs, or referred to by rows that stay, is not touched, and then nothing of its customer is.
 */
export function planRemoval(config: DeviceConfig, leavers: readonly Leaver[], options: RemovalOptions): Removal {
  const observed = indexRows(config);
  const blocked = new Map<string, string>();
  const notes = new Map<string, string[]>();
  for (const leaver of leavers) {
    const doubts = leaver.rows.flatMap((row) => doubtOf(row, leaver, observed, options) ?? []);
    if (doubts.length > 0) blocked.set(leaver.customer, doubts.join("; "));
  }

  const open = (): Leaver[] => leavers.filter(({ customer }) => !blocked.has(customer));
  let going = new Set<string>();
  // One that is held up keeps its rows, and these may hold up others.
  for (let before = -1; before < blocked.size;) {
    before = blocked.size;
    going = new Set(open().flatMap((leaver) => standingRows(observed, leaver).map(mentionerOf)));
    for (const leaver of open()) {
      const references = standingRows(observed, leaver).flatMap((row) => referencesTo(row, leaver, observed, going));
      if (references.length > 0)
        blocked.set(leaver.customer, `${references.join("; ")}: take these references out there, then ask again`);
    }
  }

  const steps = (["account", "ip-group"] as const).flatMap((table) =>
    open().flatMap((leaver) =>
      standingRows(observed, leaver)
        .filter((row) => row.table === table)
        .map((row) => deleteStep(row, [leaver.customer], [])),
    ),
  );
  const unused = new Set([...going, ...open().flatMap((leaver) => stayingRows(observed, leaver).map(mentionerOf))]);
  for (const [name, customers] of proxySetsOf(open())) {
    const row = observed.byName("proxy-set", name);
    if (row === undefined) continue;
    const reason = reasonToStay(row, observed, unused, options);
    if (reason === undefined) steps.push(deleteStep(row, customers, observed.children("proxy-ip", row.index)));
    else for (const customer of customers) addNote(notes, customer, `Proxy Set '${nameOf(row)}' stays: ${reason}`);
  }
  return { steps, blocked, notes };
}

function addNote(notes: Map<string, string[]>, customer: string, note: string): void {
  notes.set(customer, [...(notes.get(customer) ?? []), note]);
}

function deleteStep(row: Row, customers: readonly string[], children: readonly Row[]): PlannedStep {
  const { table, index } = row;
  const name = nameOf(row);
  return {
    step: { kind: "delete", table, index, name },
    name,
    before: row.fields,
    customers,
    endsCalls: schemaOf(table).deleteEndsCalls === true,
    ...(children.length === 0 ? {} : { children }),
  };
}

/** Why a row that bears the name is not certainly the leaver's. */
function doubtOf(
  { table, name, role }: IntentRow,
  { tenantId }: Leaver,
  observed: Observed,
  { withoutTags, others }: RemovalOptions,
): string | undefined {
  const found = role === "own" ? observed.byName(table, name) : undefined;
  if (found === undefined) return undefined;
  const count = observed.countOf(table, name);
  if (count > 1)
    return `${table} '${name}' stands ${count} times on the device, and which of them is this customer's is not known: delete them there`;
  if (withoutTags)
    return others.has({ table, name })
      ? `${describeRow(found, nameOf(found))} may be that of another customer, who has the name now: it is not touched; delete it there if it is not`
      : undefined;
  const served = found.fields["served-ip-group-name"] ?? "";
  const group = table === "ip-group" ? found : observed.byName("ip-group", served);
  if (group === undefined) return undefined;
  const tenant = tenantOf(group);
  if (tenant !== undefined && sameName(tenant, tenantId)) return undefined;
  const place = describeRow(group, nameOf(group));
  return tenant === undefined
    ? `${place} carries no tag of a tenant, so it is not certain that it is this customer's: set its tags to Trunk=${tenantId}, or delete it there`
    : `${place} carries the tag of another tenant (${tenant}) and is not touched: put the tag right, or rename it there`;
}

/** The rows that would be left referring to nothing. */
function referencesTo(row: Row, leaver: Leaver, observed: Observed, going: ReadonlySet<string>): string[] {
  const rewritten = new Set(stayingRows(observed, leaver).map(mentionerOf));
  const users = observed
    .mentions(row.table, nameOf(row))
    .filter(({ from }) => !going.has(from) && !rewritten.has(from))
    .map(({ from, field }) => `${from} (${field})`);
  return users.length === 0 ? [] : [`${describeRow(row, nameOf(row))} is referred to by ${users.join(", ")}`];
}

/** Rows that the leaver keeps: they will have been written anew. */
function stayingRows(observed: Observed, { staying = [] }: Leaver): Row[] {
  return staying.flatMap(({ table, name, role }) => (role === "own" ? (observed.byName(table, name) ?? []) : []));
}

function proxySetsOf(leavers: readonly Leaver[]): Map<string, string[]> {
  const sets = new Map<string, string[]>();
  for (const { customer, rows } of leavers)
    for (const { name, role } of rows)
      if (role === "shared") sets.set(name.toLowerCase(), [...(sets.get(name.toLowerCase()) ?? []), customer]);
  return sets;
}

/** Undefined for a Proxy Set that this agent made and that nobody needs any more. */
function reasonToStay(
  row: Row,
  observed: Observed,
  unused: ReadonlySet<string>,
  { made, others }: RemovalOptions,
): string | undefined {
  const name = nameOf(row);
  if (!made.some((set) => set.index === row.index && sameName(set.name, name))) return "it was not made here";
  if (observed.countOf("proxy-set", name) > 1) return "more than one bears that name";
  const users = observed
    .mentions("proxy-set", name)
    .filter(({ from }) => !unused.has(from))
    .map(({ from, field }) => `${from} (${field})`);
  const more = users.length > 3 ? ` and ${users.length - 3} more` : "";
  if (users.length > 0) return `in use by ${users.slice(0, 3).join(", ")}${more}`;
  return others.has({ table: "proxy-set", name }) ? "another customer needs it" : undefined;
}
