import type { DeviceConfig, Fields, Mention, Place, Row, TableName, TableSchema } from "../../drivers/driver.ts";
import { mediantTables } from "../../drivers/index.ts";

/** A read of a device with its rows at hand by name and by place. */
export interface Observed {
  config: DeviceConfig;
  /** Names are the key, and compare without case. */
  byName(table: TableName, name: string): Row | undefined;
  /** How many rows bear this name; more than one only where the device does not keep names unique. */
  countOf(table: TableName, name: string): number;
  byPlace(place: Place): Row | undefined;
  children(table: TableName, parent: number): readonly Row[];
  /** Who refers to the row of this name. */
  mentions(table: TableName, name: string): readonly Mention[];
}

export const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export function schemaOf(table: TableName): TableSchema {
  const schema = mediantTables.get(table);
  if (schema === undefined) throw new Error(`table '${table}' is not known`);
  return schema;
}

/** Whether changing the field ends the active calls of its row. */
export function endsCalls(table: TableName, field: string): boolean {
  return schemaOf(table).fields.some((known) => known.name === field && known.endsCalls === true);
}

/** The name of a row: its key fields joined by `/`; empty while it has none. */
export function nameOf(row: Pick<Row, "table" | "fields">): string {
  const values = schemaOf(row.table).key.map((key) => row.fields[key] ?? "");
  return values.every((value) => value === "") ? "" : values.join("/");
}

const nameKey = (table: TableName, name: string): string => `${table} ${name.toLowerCase()}`;
const placeKey = ({ table, index, parent }: Place): string => `${table} ${parent ?? ""}/${index}`;

function group<T>(items: readonly T[], keyOf: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === undefined) continue;
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [item]);
    else members.push(item);
  }
  return groups;
}

export const samePlace = (a: Place, b: Place): boolean => placeKey(a) === placeKey(b);

export function indexRows(config: DeviceConfig): Observed {
  const names = group(config.rows, (row) => (row.parent === undefined ? nameKey(row.table, nameOf(row)) : undefined));
  const places = new Map(config.rows.map((row) => [placeKey(row), row]));
  const families = group(config.rows, (row) => (row.parent === undefined ? undefined : `${row.table} ${row.parent}`));
  const mentions = group(config.mentions, (mention) => nameKey(mention.table, mention.name));
  return {
    config,
    byName: (table, name) => names.get(nameKey(table, name))?.[0],
    countOf: (table, name) => names.get(nameKey(table, name))?.length ?? 0,
    byPlace: (place) => places.get(placeKey(place)),
    children: (table, parent) => families.get(`${table} ${parent}`) ?? [],
    mentions: (table, name) => mentions.get(nameKey(table, name)) ?? [],
  };
}

/** Numbers are equal as numbers, names and references without case, and all else to the letter. */
export function equalValues(table: TableName, field: string, a: string, b: string): boolean {
  const schema = schemaOf(table);
  const kind = schema.fields.find((f) => f.name === field)?.grammar.kind;
  if (kind === "integer") return Number(a) === Number(b);
  return kind === "reference" || schema.key.includes(field) ? sameName(a, b) : a === b;
}

/** The wanted fields that the row does not show. */
export function differences(row: Row, wanted: Fields): string[] {
  return Object.entries(wanted)
    .filter(([field, value]) => {
      const shown = row.fields[field];
      return shown === undefined || !equalValues(row.table, field, shown, value);
    })
    .map(([field]) => field);
}

/** The named fields, where there are such. */
export function pick(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])));
}

/** For people: `ip-group 5 "SIPTest4"`, `proxy-ip 2/0`. */
export function describeRow(place: Place, name: string): string {
  const index = place.parent === undefined ? String(place.index) : `${place.parent}/${place.index}`;
  return `${place.table} ${index}${name === "" ? "" : ` "${name}"`}`;
}

/** How the driver names a row among the mentions. */
export function mentionerOf(row: Row): string {
  return `${schemaOf(row.table).cliPath} ${row.index}`;
}
