import type { FieldSchema, Place, TableName, TableSchema } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { parameterAliases } from "./dialects.ts";
import type { Block } from "./parse.ts";
import type { IniFile } from "./parse-ini.ts";

/** A row as one of the two texts shows it. */
export interface FoundRow extends Place {
  /** Only what the text shows; enum codes already turned into words, secrets left out. */
  fields: ReadonlyMap<string, string>;
  active: boolean;
}

/** Names a place for messages and as a key, for example `proxy-set 1 proxy-ip 0`. */
export function placeKey(place: Place): string {
  return place.parent === undefined ? `${place.table} ${place.index}` : `${place.table} ${place.parent}/${place.index}`;
}

/** Rows of known tables in a running configuration. Throws DriverError `protocol` for a row without index or shown twice. */
export function runningRows(
  roots: ReadonlyMap<string, readonly Block[]>,
  tables: ReadonlyMap<TableName, TableSchema>,
): FoundRow[] {
  const byPath = new Map([...tables.values()].map((table) => [table.cliPath, table]));
  const rows: FoundRow[] = [];
  const taken = new Set<string>();
  const add = (block: Block, schema: TableSchema, place: Place) => {
    if (taken.has(placeKey(place))) throw notUnderstood(`${placeKey(place)} stands in it twice`);
    taken.add(placeKey(place));
    rows.push({ ...place, fields: readParameters(block, schema), active: block.active });
  };
  const readRow = (block: Block) => {
    const schema = byPath.get(block.path);
    if (schema === undefined) return;
    if (schema.parent !== undefined) {
      add(block, schema, { table: schema.name, ...oldChildPlace(block) });
      return;
    }
    const index = rowIndex(block);
    add(block, schema, { table: schema.name, index });
    for (const child of block.children) {
      const childSchema = byPath.get(child.path);
      if (childSchema?.parent === schema.name)
        add(child, childSchema, { table: childSchema.name, index: rowIndex(child), parent: index });
    }
  };
  for (const block of roots.get("voip") ?? []) readRow(block);
  for (const block of roots.get("network") ?? []) if (byPath.get(block.path)?.name === "tls-context") readRow(block);
  return rows;
}

/** Rows of one table in an INI file. Throws DriverError `protocol` for a child row that names no parent. */
export function iniRows(ini: IniFile, schema: TableSchema): FoundRow[] {
  const table = ini.tables.get(schema.iniName.toLowerCase());
  if (table === undefined) return [];
  const at = new Map(table.columns.map((column, position) => [column.toLowerCase(), position]));
  const cell = (cells: readonly (string | undefined)[], column: string) => cells[at.get(column.toLowerCase()) ?? -1];
  return [...table.rows].map(([index, cells]) => {
    const fields = new Map<string, string>();
    for (const field of schema.fields) {
      const value = cell(cells, field.column);
      if (value !== undefined && field.secret !== true) fields.set(field.name, spelt(field, value));
    }
    if (schema.parent === undefined) return { table: schema.name, index, fields, active: true };
    const parent = wholeNumber(cell(cells, "ProxySetId"));
    const childIndex = wholeNumber(cell(cells, "ProxyIpIndex"));
    if (parent === undefined || childIndex === undefined)
      throw notUnderstood(`${table.name} ${index} of the INI file names no Proxy Set or no index in it`);
    return { table: schema.name, index: childIndex, parent, fields, active: true };
  });
}

/** `proxy-ip 4/0` directly under `configure voip`, as 7.0 and early 7.2 print it. */
function oldChildPlace(block: Block): { index: number; parent: number } {
  const [parent, index] = (block.index ?? "").split("/").map(wholeNumber);
  if (parent === undefined || index === undefined) throw notUnderstood(`"${block.path}" has no parent`);
  return { parent, index };
}

function rowIndex(block: Block): number {
  const index = wholeNumber(block.index);
  if (index === undefined) throw notUnderstood(`a row of "${block.path}" has no index`);
  return index;
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function readParameters(block: Block, schema: TableSchema): Map<string, string> {
  const fields = new Map<string, string>();
  for (const { name, value } of block.parameters) {
    const spelling = parameterAliases.get(`${schema.name}/${name}`) ?? name;
    const field = schema.fields.find((known) => known.name === spelling);
    if (field === undefined || field.secret === true || value === undefined) continue;
    if (value.startsWith('"')) throw notUnderstood(`${name} of ${block.header} has an open quote`);
    fields.set(field.name, spelt(field, value));
  }
  return fields;
}

/** Enum codes and words in any case become the schema's words; codes without a word stay as they are. */
function spelt(field: FieldSchema, value: string): string {
  if (field.grammar.kind !== "enum") return value;
  const lower = value.toLowerCase();
  for (const [word, code] of Object.entries(field.grammar.words)) {
    if (word === lower || String(code) === value) return word;
  }
  return value;
}

function notUnderstood(reason: string): DriverError {
  return new DriverError("protocol", `the configuration is not understood: ${reason}`);
}
