import { DriverError } from "../errors.ts";

/** One table of an INI file. */
interface IniTable {
  name: string;
  /** Column names without the table's prefix, in the file's order. */
  columns: readonly string[];
  /** By index. A cell that stands for the default (`$$`) is undefined. */
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
  wanted: boolean;
  columns: readonly string[] | undefined;
  rows: Map<number, readonly (string | undefined)[]>;
  line: number;
}

/**
 * Reads an INI file: long and short FORMAT lines, quoted cells that hold `;`, `$$`.
 * `wanted` names the tables whose rows matter, in any case. Throws DriverError `protocol` where a table is not closed
 * or a wanted row does not fit its FORMAT line.
 */
export function parseIni(text: string, wanted: ReadonlySet<string>): IniFile {
  const lowerWanted = new Set([...wanted].map((name) => name.toLowerCase()));
  const tables = new Map<string, IniTable>();
  const hidden = new Set<string>();
  let open: OpenTable | undefined;
  for (const [at, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "") continue;
    if (line.startsWith(";")) {
      const secretTable = /^;\s*\*\*\* TABLE (\S+) \*\*\*/i.exec(line)?.[1];
      if (secretTable !== undefined) hidden.add(secretTable.toLowerCase());
      continue;
    }
    if (line.startsWith("[")) {
      const section = sectionName(line, at + 1);
      if (section.closes) {
        if (open?.name.toLowerCase() !== section.name.toLowerCase())
          throw incomplete(`line ${at + 1} closes a table that is not open`);
        keep(open, tables);
        open = undefined;
      } else {
        requireClosed(open);
        const isGroup = /(?:^|\s)params$/i.test(section.name);
        open = isGroup ? undefined : openTable(section.name, lowerWanted, at + 1);
      }
    } else if (open?.wanted === true) readTableLine(open, line, at + 1);
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

function openTable(name: string, wanted: ReadonlySet<string>, line: number): OpenTable {
  return { name, wanted: wanted.has(name.toLowerCase()), columns: undefined, rows: new Map(), line };
}

function requireClosed(open: OpenTable | undefined): void {
  if (open !== undefined) throw incomplete(`the table of line ${open.line} is not closed`);
}

function keep(open: OpenTable, tables: Map<string, IniTable>): void {
  const key = open.name.toLowerCase();
  if (!open.wanted) return;
  if (tables.has(key)) throw incomplete(`table ${open.name} stands in it twice`);
  if (open.columns === undefined) throw incomplete(`table ${open.name} has no FORMAT line`);
  tables.set(key, { name: open.name, columns: open.columns, rows: open.rows });
}

function readTableLine(table: OpenTable, line: string, number: number): void {
  const equals = line.indexOf("=");
  if (equals === -1) throw incomplete(`line ${number} is neither a FORMAT line nor a row`);
  const head = line.slice(0, equals).trim().toLowerCase();
  const space = head.search(/\s/);
  const first = space === -1 ? head : head.slice(0, space);
  const rest = space === -1 ? "" : head.slice(space).trim();
  const cells = splitCells(line, equals + 1, number);
  if (first === "format") {
    const prefix = `${table.name.toLowerCase()}_`;
    table.columns = cells.map((cell) =>
      cell?.toLowerCase().startsWith(prefix) === true ? cell.slice(prefix.length) : (cell ?? ""),
    );
    return;
  }
  if (first !== table.name.toLowerCase() || !/^\d{1,9}$/.test(rest))
    throw incomplete(`line ${number} is not a row of ${table.name}`);
  const index = Number(rest);
  if (table.rows.has(index)) throw incomplete(`${table.name} ${index} stands in it twice`);
  if (cells.length !== table.columns?.length)
    throw incomplete(`${table.name} ${index} has ${cells.length} cells, its FORMAT line ${table.columns?.length ?? 0}`);
  table.rows.set(index, cells);
}

/** Splits `a, "b;c", $$;` after the equals sign. */
function splitCells(line: string, start: number, number: number): (string | undefined)[] {
  const cells: (string | undefined)[] = [];
  let at = start;
  for (;;) {
    while (line[at] === " " || line[at] === "\t") at += 1;
    let cell: string | undefined;
    if (line[at] === '"') {
      const close = line.indexOf('"', at + 1);
      if (close === -1) throw incomplete(`line ${number} is cut`);
      cell = line.slice(at + 1, close);
      at = close + 1;
      while (line[at] === " " || line[at] === "\t") at += 1;
    } else {
      const begin = at;
      while (at < line.length && line[at] !== "," && line[at] !== ";") at += 1;
      const bare = line.slice(begin, at).trim();
      cell = bare === "$$" ? undefined : bare;
    }
    cells.push(cell);
    if (line[at] === ";") return cells;
    if (line[at] !== ",") throw incomplete(`line ${number} is cut`);
    at += 1;
  }
}

function incomplete(reason: string): DriverError {
  return new DriverError("protocol", `the INI file is not complete: ${reason}`);
}
