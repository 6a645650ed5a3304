import { createHash } from "node:crypto";
import type { DeviceConfig, Fields, FieldSchema, Row, TableName, TableSchema } from "../driver.ts";
import { DriverError } from "../errors.ts";
import type { Dialect } from "./dialects.ts";
import { rowMentions } from "./mentions.ts";
import { afterHeader } from "./parse.ts";
import type { IniFile, WantedTable } from "./parse-ini.ts";
import { parseIni } from "./parse-ini.ts";
import type { FoundRow, RunningRows } from "./rows.ts";
import { describePlace, iniRows, position, runningRows, wantedColumns } from "./rows.ts";
import { mediantTables } from "./tables.ts";

/** Thrown as DriverError `protocol`, told apart because another writer may have come between the two reads. */
export class Disagreement extends DriverError {
  constructor(reason: string) {
    super("protocol", `the running configuration and the INI file disagree: ${reason}`);
  }
}

export interface MergedConfiguration {
  config: DeviceConfig;
  /** The blocks that the dialect usually has and this text has not: it may be cut. */
  lacking: readonly string[];
  /**
   * Fields, by table and name, that some row does not print although the INI shows another value than their known
   * default: either the device never prints them, or somebody wrote between the two reads.
   */
  doubtful: readonly string[];
  /** Whether the device prints rows in the shape of 7.0, which is read and never written. */
  oldShape: boolean;
}

/**
 * One read out of the two texts that a device gives. Throws DriverError `protocol` where a text is not complete, and
 * `Disagreement` where they do not show the same active rows. Which fields are reported follows from the FORMAT lines;
 * for tables without one, from the dialect.
 */
export function mergeConfiguration(runningText: string, iniText: string, dialect: Dialect): MergedConfiguration {
  const running = runningRows(runningText, mediantTables);
  const ini = parseIni(iniText, wantedTables());
  const columns = new Map<TableName, ReadonlySet<string>>();
  const doubtful = new Set<string>();
  const rows: Row[] = [];
  for (const schema of mediantTables.values()) {
    const printed = running.rows.get(schema.name) ?? [];
    const pairs = pairRows(schema, printed, ini, inactiveRows(schema.parent, running));
    const held = heldFields(schema, printed, ini, dialect);
    columns.set(schema.name, new Set(schema.fields.flatMap((field, at) => (held[at] === true ? [field.name] : []))));
    const merged = rowMerger(schema, held, doubtful);
    for (const row of pairs.map(merged).sort(byPlace)) rows.push(row);
  }
  const mentions = [...rowMentions(rows, mediantTables), ...running.mentions];
  return {
    config: { rows, mentions, columns, fingerprint: fingerprint(runningText, iniText) },
    lacking: dialect.usualRoots.filter((root) => !running.roots.has(root)),
    doubtful: [...doubtful],
    oldShape: running.oldShape,
  };
}

function wantedTables(): ReadonlyMap<string, WantedTable> {
  return new Map([...mediantTables.values()].map((schema) => [schema.iniName.toLowerCase(), wantedColumns(schema)]));
}

/** Without what tells the device's name and the time: the header of one text, the comments of the other. */
function fingerprint(runningText: string, iniText: string): string {
  return createHash("sha256")
    .update(afterHeader(runningText))
    .update("\0")
    .update(iniText.replace(/^[ \t]*;.*\r?\n?/gm, ""))
    .digest("hex");
}

/** Positions of the rows that are not activated, of the table whose rows hold others. */
function inactiveRows(parent: TableName | undefined, running: RunningRows): ReadonlySet<number> {
  const rows = parent === undefined ? [] : (running.rows.get(parent) ?? []);
  return new Set(rows.filter((row) => !row.active).map(position));
}

/** One row by what the two texts show of it; `place` is that of either. */
interface Pair {
  place: FoundRow;
  printed: FoundRow | undefined;
  shown: FoundRow | undefined;
}

/**
 * Both texts must show the same active rows of an owned table, under the same names. Rows that are not activated may be
 * missing in the INI, and their children in either text.
 */
function pairRows(
  schema: TableSchema,
  printed: readonly FoundRow[],
  ini: IniFile,
  inactiveParents: ReadonlySet<number>,
): Pair[] {
  const iniName = schema.iniName.toLowerCase();
  const hidden = !ini.tables.has(iniName) && (schema.name === "account" || ini.hidden.has(iniName));
  const mustAgree = schema.owned && !hidden;
  const underInactive = ({ parent }: FoundRow) => parent !== undefined && inactiveParents.has(parent);
  const keyFields = schema.key.map((name) => schema.fields.findIndex((field) => field.name === name));
  const left = new Map(iniRows(ini, schema).map((row) => [position(row), row]));
  const pairs: Pair[] = [];
  for (const row of printed) {
    const shown = left.get(position(row));
    left.delete(position(row));
    pairs.push({ place: row, printed: row, shown });
    if (!mustAgree) continue;
    if (shown === undefined) {
      if (row.active && !underInactive(row)) throw new Disagreement(`${describePlace(row)} is not in the INI`);
    } else if (keyFields.some((at) => !sameName(row.values[at], shown.values[at])))
      throw new Disagreement(`${describePlace(row)} has two names`);
  }
  for (const row of left.values()) {
    if (mustAgree && !underInactive(row)) throw new Disagreement(`${describePlace(row)} is only in the INI`);
    pairs.push({ place: row, printed: undefined, shown: row });
  }
  return pairs;
}

/** For each field whether this device has it: it stands in the FORMAT line, or the device prints it. */
function heldFields(
  schema: TableSchema,
  printed: readonly FoundRow[],
  ini: IniFile,
  dialect: Dialect,
): readonly boolean[] {
  const table = ini.tables.get(schema.iniName.toLowerCase());
  const common = dialect.common.get(schema.name);
  return schema.fields.map((field, at) => {
    const told = table === undefined ? common?.has(field.name) === true : table.slots.has(at);
    return told || printed.some((row) => row.values[at] !== undefined);
  });
}

/** A field that is reported, with what it is where neither text shows it. */
interface Told {
  at: number;
  name: string;
  known: string | undefined;
}

/** Turns pairs of one table into rows, and notes the fields in doubt. */
function rowMerger(
  { name: tableName, owned, fields: schemas }: TableSchema,
  held: readonly boolean[],
  doubtful: Set<string>,
): (pair: Pair) => Row {
  const told = [...schemas.entries()].flatMap(([at, field]): Told[] =>
    held[at] === true && field.secret !== true ? [{ at, name: field.name, known: knownDefault(field) }] : [],
  );
  // Copies of one object share its layout; thousands of objects that grow field by field cost several times as much.
  const pattern = JSON.parse(JSON.stringify(Object.fromEntries(told.map(({ name }) => [name, ""])))) as Fields;
  return ({ place, printed, shown }) => {
    const fields: Record<string, string> = { ...pattern };
    for (const { at, name, known } of told) {
      const value = printed?.values[at] ?? shown?.values[at] ?? known;
      if (
        owned &&
        printed?.active === true &&
        printed.values[at] === undefined &&
        known !== undefined &&
        value !== known
      )
        doubtful.add(`${tableName}.${name}`);
      if (value === undefined) Reflect.deleteProperty(fields, name);
      else fields[name] = value;
    }
    const { table, index, parent, active } = place;
    return parent === undefined ? { table, index, fields, active } : { table, index, parent, fields, active };
  };
}

function knownDefault(field: FieldSchema): string | undefined {
  return field.default.confidence === "doc" || field.default.confidence === "seen" ? field.default.value : undefined;
}

function byPlace(one: Row, other: Row): number {
  return (one.parent ?? 0) - (other.parent ?? 0) || one.index - other.index;
}

function sameName(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one.toLowerCase() === other.toLowerCase();
}
