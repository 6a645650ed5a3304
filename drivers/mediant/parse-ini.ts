import { DriverError } from "../errors.ts";
import { linesOf } from "./lines.ts";

/** Turns a cell into what is kept of it. */
export type CellReader = (cell: string) => string | undefined;

/** Which columns of a table matter. */
export interface WantedTable {
  /** The slot of each column, by lower-case name. Names that share a slot mean the same. */
  columns: ReadonlyMap<string, number>;
  /** One for each slot. */
  readers: readonly CellReader[];
}

/** One table of an INI file. */
interface IniTable {
  name: string;
  /** The slots whose column the FORMAT line names. */
  slots: ReadonlySet<number>;
  /** By index: a value for each slot, `undefined` without such a column, and where the cell is `$$`: the default. */
  rows: ReadonlyMap<number, readonly (string | undefined)[]>;
}

export interface IniFile {
  /** By lower-case name. Tables that were not asked for are checked for their closing line only. */
  tables: ReadonlyMap<string, IniTable>;
  /** Lower-case names of tables that the device holds but does not show. */
  hidden: ReadonlySet<string>;
}

interface OpenTable {
  name: string;
  lowerName: string;
  wanted: WantedTable | undefined;
  /** For each column of the FORMAT line its slot, -1 without one; `undefined` before that line. */
  format: readonly number[] | undefined;
  rows: Map<number, readonly (string | undefined)[]>;
  line: number;
}

/**
 * Reads an INI file: long and short FORMAT lines, lines that end with CRLF, LF or CR, quoted and bare cells, `$$`.
 * `wanted` names the tables whose rows matter, in lower case. Throws DriverError `protocol` where a table is not closed
 * or a wanted row does not fit its FORMAT line.
 */
export function parseIni(text: string, wanted: ReadonlyMap<string, WantedTable>): IniFile {
  const tables = new Map<string, IniTable>();
  const hidden = new Set<string>();
  let open: OpenTable | undefined;
  let number = 0;
  for (const raw of linesOf(text)) {
    number += 1;
    const line = raw.trim();
    if (line === "") continue;
    if (line.startsWith(";")) {
      const secretTable = /^;\s*\*\*\* TABLE (\S+) \*\*\*/i.exec(line)?.[1];
      if (secretTable !== undefined) hidden.add(secretTable.toLowerCase());
    } else if (line.startsWith("[")) {
      const section = sectionName(line, number);
      if (section.closes) {
        if (open?.lowerName !== section.name.toLowerCase())
          throw incomplete(`line ${number} closes a table that is not open`);
        keep(open, tables);
        open = undefined;
      } else {
        requireClosed(open);
        const isGroup = /(?:^|\s)params$/i.test(section.name);
        open = isGroup ? undefined : openTable(section.name, wanted, number);
      }
    } else if (open?.wanted !== undefined) readTableLine(open, open.wanted, line, number);
  }
  requireClosed(open);
  return { tables, hidden };
}

function sectionName(line: string, number: number): { name: string; closes: boolean } {
  if (!line.endsWith("]")) throw incomplete(`line ${number} is cut`);
  const inside = line.slice(1, -1).trim();
  const closes = inside.startsWith("\\");
  return { name: (closes ? inside.slice(1) : inside).trim(), closes };
}

function openTable(name: string, wanted: ReadonlyMap<string, WantedTable>, line: number): OpenTable {
  const lowerName = name.toLowerCase();
  return { name, lowerName, wanted: wanted.get(lowerName), format: undefined, rows: new Map(), line };
}

function requireClosed(open: OpenTable | undefined): void {
  if (open !== undefined) throw incomplete(`the table of line ${open.line} is not closed`);
}

function keep(open: OpenTable, tables: Map<string, IniTable>): void {
  if (open.wanted === undefined) return;
  if (tables.has(open.lowerName)) throw incomplete(`table ${open.name} stands in it twice`);
  if (open.format === undefined) throw incomplete(`table ${open.name} has no FORMAT line`);
  const slots = new Set(open.format.filter((slot) => slot !== -1));
  tables.set(open.lowerName, { name: open.name, slots, rows: open.rows });
}

function readTableLine(table: OpenTable, wanted: WantedTable, line: string, number: number): void {
  const equals = line.indexOf("=");
  if (equals === -1) throw incomplete(`line ${number} is neither a FORMAT line nor a row`);
  const head = line.slice(0, equals).trim();
  const space = head.search(/\s/);
  const first = (space === -1 ? head : head.slice(0, space)).toLowerCase();
  const rest = space === -1 ? "" : head.slice(space).trim();
  if (first === "format") {
    if (table.format !== undefined) throw incomplete(`line ${number} is a second FORMAT line of ${table.name}`);
    table.format = readFormat(table, wanted, line, equals + 1, number);
    return;
  }
  if (first !== table.lowerName || !/^\d{1,9}$/.test(rest))
    throw incomplete(`line ${number} is not a row of ${table.name}`);
  const index = Number(rest);
  if (table.rows.has(index)) throw incomplete(`${table.name} ${index} stands in it twice`);
  const { format } = table;
  if (format === undefined) throw incomplete(`${table.name} ${index} stands before its FORMAT line`);
  const { readers } = wanted;
  const values = new Array<string | undefined>(readers.length).fill(undefined);
  const count = splitCells(line, equals + 1, number, (at, from, to) => {
    const slot = format[at] ?? -1;
    if (slot !== -1) values[slot] = readers[slot]?.(line.slice(from, to));
  });
  if (count !== format.length)
    throw incomplete(`${table.name} ${index} has ${count} cells, its FORMAT line ${format.length}`);
  table.rows.set(index, values);
}

/** The slots of the columns that a FORMAT line names, with or without the table's name before each. */
function readFormat(table: OpenTable, wanted: WantedTable, line: string, start: number, number: number): number[] {
  const prefix = `${table.lowerName}_`;
  const columns: string[] = [];
  splitCells(line, start, number, (_at, from, to) => {
    const column = line.slice(from, to).toLowerCase();
    columns.push(column.startsWith(prefix) ? column.slice(prefix.length) : column);
  });
  const slots = columns.map((column) => wanted.columns.get(column) ?? -1);
  const named = slots.filter((slot) => slot !== -1);
  if (new Set(named).size < named.length) throw incomplete(`line ${number} names a column twice`);
  return slots;
}

/**
 * Finds the cells of `a, "b;c", $$;` after the equals sign, all but those that are `$$`, and says how many there are.
 * The semicolon that ends the row ends the line; others belong to their cell, as some clients leave quotes out.
 */
function splitCells(
  line: string,
  start: number,
  number: number,
  take: (at: number, from: number, to: number) => void,
): number {
  const end = line.length - 1;
  if (line[end] !== ";") throw incomplete(`line ${number} is cut`);
  let at = start;
  for (let count = 0; ; count += 1) {
    at = afterBlanks(line, at);
    if (line[at] === '"') {
      const close = line.indexOf('"', at + 1);
      if (close === -1) throw incomplete(`line ${number} is cut`);
      take(count, at + 1, close);
      at = afterBlanks(line, close + 1);
      if (at === end) return count + 1;
      if (line[at] !== ",") throw incomplete(`line ${number} has a quote inside of a cell`);
    } else {
      const comma = line.indexOf(",", at);
      const stop = beforeBlanks(line, at, comma === -1 ? end : comma);
      if (stop - at > 1 && line.slice(at, stop).includes('"'))
        throw incomplete(`line ${number} has a quote inside of a cell`);
      if (!(stop - at === 2 && line.startsWith("$$", at))) take(count, at, stop);
      if (comma === -1) return count + 1;
      at = comma;
    }
    at += 1;
  }
}

function beforeBlanks(line: string, start: number, end: number): number {
  let at = end;
  while (at > start && (line[at - 1] === " " || line[at - 1] === "\t")) at -= 1;
  return at;
}

function afterBlanks(line: string, from: number): number {
  let at = from;
  while (line[at] === " " || line[at] === "\t") at += 1;
  return at;
}

function incomplete(reason: string): DriverError {
  return new DriverError("protocol", `the INI file is not complete: ${reason}`);
}
