import type { FieldSchema, Mention, Place, TableName, TableSchema } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { columnAliases, parameterAliases, valueAliases } from "./dialects.ts";
import { collectMentions } from "./mentions.ts";
import type { Block } from "./parse.ts";
import { parseRunningConfiguration } from "./parse.ts";
import type { CellReader, IniFile, WantedTable } from "./parse-ini.ts";

/** A row as one of the two texts shows it. */
export interface FoundRow extends Place {
  /**
   * One for each field of the table's schema; `undefined` where the text does not show it, and for secrets. Enum codes
   * are already turned into words.
   */
  values: readonly (string | undefined)[];
  active: boolean;
}

/** What a running configuration holds. */
export interface RunningRows {
  /** By table, in the order of the text. */
  rows: ReadonlyMap<TableName, readonly FoundRow[]>;
  /** What tables that are not known name. */
  mentions: readonly Mention[];
  /** The `configure` blocks that it has. */
  roots: ReadonlySet<string>;
  /** Whether Proxy Addresses stand beside their Proxy Sets, as 7.0 and early 7.2 print them. */
  oldShape: boolean;
}

/** Indexes have at most so many digits, */
const indexDigits = 7;
/** and are so many apart when they stand in different parents. */
const parentDistance = 10 ** indexDigits;

/** A number for the place of a row in its table: equal for equal places. */
export function position({ index, parent }: Omit<Place, "table">): number {
  return parent === undefined ? index : parent * parentDistance + index;
}

/** A place, for messages. */
export function describePlace({ table, index, parent }: Place): string {
  return parent === undefined ? `${table} ${index}` : `${table} ${parent}/${index}`;
}

/**
 * Reads the rows of known tables out of a running configuration. Throws DriverError `protocol` where the text is not
 * complete, and for a row without index or shown twice.
 */
export function runningRows(text: string, tables: ReadonlyMap<TableName, TableSchema>): RunningRows {
  const readers = new Map([...tables.values()].map((table) => [table.cliPath, parameterReader(table)]));
  const mentions: Mention[] = [];
  let oldShape = false;
  const readRow = (block: Block, reader: ParameterReader): void => {
    if (reader.schema.parent !== undefined) {
      oldShape = true;
      reader.add(block, oldChildPlace(block));
      return;
    }
    const index = rowIndex(block);
    reader.add(block, { index });
    for (const child of block.children) {
      const inside = readers.get(child.path);
      if (inside?.schema.parent === reader.schema.name) inside.add(child, { index: rowIndex(child), parent: index });
      else if (inside === undefined) collectMentions(child, `${block.header} `, mentions);
    }
  };
  const roots = parseRunningConfiguration(text, (root, block) => {
    const reader = readers.get(block.path);
    if (reader === undefined) collectMentions(block, "", mentions);
    else if (root === (reader.schema.name === "tls-context" ? "network" : "voip")) readRow(block, reader);
  });
  const rows = new Map([...readers.values()].map(({ schema, rows: found }) => [schema.name, found]));
  return { rows, mentions, roots, oldShape };
}

/** What is read of a table in an INI file: a slot for each field, then those for the place of a child row. */
export function wantedColumns(schema: TableSchema): WantedTable {
  const columns = new Map(schema.fields.map((field, slot) => [field.column.toLowerCase(), slot]));
  for (const [alias, column] of columnAliases) {
    const [table, former] = alias.split("/");
    const slot = columns.get(column);
    if (table === schema.name && former !== undefined && slot !== undefined) columns.set(former, slot);
  }
  const readers = schema.fields.map((field) => cellReader(schema, field));
  if (schema.parent === undefined) return { columns, readers };
  columns.set("proxysetid", readers.length).set("proxyipindex", readers.length + 1);
  return { columns, readers: [...readers, asItStands, asItStands] };
}

const asItStands: CellReader = (cell) => cell;

function cellReader(schema: TableSchema, field: FieldSchema): CellReader {
  if (field.secret === true) return () => undefined;
  if (field.grammar.kind === "text" || field.grammar.kind === "reference") return asItStands;
  const known = spellings(schema, field);
  // A blank in place of a number says as little as $$ does.
  return (cell) => (cell === "" ? undefined : (known?.get(cell.toLowerCase()) ?? cell));
}

/**
 * Rows of one table in an INI file. Throws DriverError `protocol` for a child row that names no parent, or the place of
 * another one.
 */
export function iniRows(ini: IniFile, schema: TableSchema): FoundRow[] {
  const table = ini.tables.get(schema.iniName.toLowerCase());
  if (table === undefined) return [];
  const parentSlot = schema.fields.length;
  const taken = new Set<number>();
  const rows: FoundRow[] = [];
  for (const [number, values] of table.rows) {
    const place =
      schema.parent === undefined ? { index: number } : childPlace(values[parentSlot], values[parentSlot + 1]);
    if (taken.size === taken.add(position(place)).size)
      throw notUnderstood(`two rows of ${table.name} of the INI file have one place`);
    rows.push({ table: schema.name, ...place, values, active: true });
  }
  return rows;
}

function childPlace(setId: string | undefined, addressIndex: string | undefined): { index: number; parent: number } {
  const parent = wholeNumber(setId);
  const index = wholeNumber(addressIndex);
  if (parent === undefined || index === undefined)
    throw notUnderstood("a Proxy Address of the INI file names no Proxy Set or no index in it");
  return { index, parent };
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
  return text !== undefined && text.length <= indexDigits && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The word for every code and spelling of an enum, in lower case; `undefined` for fields that are none. */
type Spellings = ReadonlyMap<string, string> | undefined;

/** Reads the rows of one table. */
interface ParameterReader {
  schema: TableSchema;
  rows: readonly FoundRow[];
  add(block: Block, place: Omit<Place, "table">): void;
}

function parameterReader(schema: TableSchema): ParameterReader {
  const table = schema.name;
  const rows: FoundRow[] = [];
  const taken = new Set<number>();
  const fields = new Map<string, { at: number; spellings: Spellings }>();
  for (const [at, field] of schema.fields.entries())
    if (field.secret !== true) fields.set(field.name, { at, spellings: spellings(schema, field) });
  for (const [alias, name] of parameterAliases) {
    const [of, parameter] = alias.split("/");
    const field = fields.get(name);
    if (of === table && parameter !== undefined && field !== undefined) fields.set(parameter, field);
  }

  function valuesOf(block: Block): (string | undefined)[] {
    const values = new Array<string | undefined>(schema.fields.length).fill(undefined);
    for (const { name, value } of block.parameters) {
      const field = fields.get(name);
      if (field === undefined || value === undefined) continue;
      if (value.startsWith('"')) throw notUnderstood(`${name} of ${block.header} has an open quote`);
      values[field.at] = field.spellings?.get(value.toLowerCase()) ?? value;
    }
    return values;
  }

  return {
    schema,
    rows,
    add(block, place) {
      if (taken.has(position(place))) throw notUnderstood(`${describePlace({ table, ...place })} stands in it twice`);
      taken.add(position(place));
      rows.push({ table, ...place, values: valuesOf(block), active: block.active });
    },
  };
}

/** Codes without a word are not among them: they stay as they are. */
function spellings(schema: TableSchema, field: FieldSchema): Spellings {
  if (field.grammar.kind !== "enum") return undefined;
  const known = new Map<string, string>();
  for (const [word, code] of Object.entries(field.grammar.words)) known.set(word, word).set(String(code), word);
  for (const [alias, word] of valueAliases) {
    const [table, name, spelling] = alias.split("/");
    if (table === schema.name && name === field.name && spelling !== undefined) known.set(spelling, word);
  }
  return known;
}

function notUnderstood(reason: string): DriverError {
  return new DriverError("protocol", `the configuration is not understood: ${reason}`);
}
