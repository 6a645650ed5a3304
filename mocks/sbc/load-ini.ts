import type { Table } from "./columns.ts";
import type { Configuration, Layout, Piece } from "./configuration.ts";
import {
  copyConfiguration,
  createConfiguration,
  findRow,
  putFactoryRows,
  putRow,
  replaceRows,
  rowsOf,
  shapeOf,
} from "./configuration.ts";
import type { Format, Generation } from "./generations.ts";
import { chooseGeneration } from "./generations.ts";
import type { IniBlock, IniRow, IniTable } from "./ini.ts";
import { IniError, cellsOf, parseIni, parseTable, printCell } from "./ini.ts";
import { isPrintable, readCell } from "./ini-cells.ts";
import { fieldOf, isExportHeader } from "./ini-header.ts";
import { limitOf } from "./limits.ts";
import { completeRow, refuseRow } from "./row-rules.ts";
import type { Settings } from "./settings.ts";
import type { Shape } from "./shape.ts";
import { columnsShownBy, createShape } from "./shape.ts";
import type { Cells, Row, RowSource } from "./table-rows.ts";
import { findTable, knownTables, tableNamed } from "./tables.ts";

/** What was loaded, and the lines that the device passed over without a word. */
export interface LoadedIni {
  readonly configuration: Configuration;
  readonly ignored: readonly string[];
}

export interface LoadRules {
  readonly settings: Settings;
  readonly model: string;
  /** Of the device, for a file that does not say it. */
  readonly firmware?: string | undefined;
}

interface KnownBlock {
  readonly table: Table;
  readonly parsed: IniTable;
}

/**
 * A configuration from a full INI file; what the file leaves out stands as it leaves the factory. The file also shows
 * what device it came from: its generation, its columns and the looks of its own exports. With `device` that is known,
 * and what that device has no column for is passed over. Throws IniError.
 */
export function loadIni(text: string, rules: LoadRules, device?: Configuration): LoadedIni {
  const { blocks, lineEnd } = parseIni(text);
  const header = blocks.find((block) => block.kind === "header")?.lines ?? [];
  const known = readKnownBlocks(blocks);
  const all = [...known.values()];
  const generation = device?.generation ?? chooseGeneration(all.map(describeFormat), firmwareOf(header, rules));
  const shapes = Object.fromEntries(
    all.map(({ table, parsed }) => [table.name, chooseShape(table, parsed, generation, header, device)]),
  );
  const configuration = createConfiguration(
    generation,
    device === undefined ? shapes : { ...device.shapes, ...shapes },
    {
      header: device === undefined || device.layout.header.length === 0 ? header : device.layout.header,
      pieces: blocks.flatMap((block) => describePiece(block, known, shapes, device?.layout.style)),
      lineEnd: device?.layout.lineEnd ?? lineEnd,
      style: device?.layout.style ?? all[0]?.parsed.style ?? generation.style,
    },
  );
  const ignored: string[] = [];
  putFactoryRows(configuration);
  for (const { table, parsed } of all) loadTable(configuration, table, parsed, rules, ignored);
  settle(configuration, rules.settings);
  return { configuration, ignored };
}

function firmwareOf(header: readonly string[], rules: LoadRules): string | undefined {
  return fieldOf(header, "Software Version") ?? rules.firmware;
}

function readKnownBlocks(blocks: readonly IniBlock[]): Map<IniBlock, KnownBlock> {
  const known = new Map<IniBlock, KnownBlock>();
  const seen = new Set<Table>();
  for (const block of blocks) {
    const table = block.kind === "table" ? findTable(block.title) : undefined;
    if (table === undefined) continue;
    if (seen.has(table)) throw new IniError(`table ${table.name} stands twice`);
    seen.add(table);
    known.set(block, { table, parsed: parseTable(block) });
  }
  return known;
}

function describeFormat({ table, parsed }: KnownBlock): Format {
  return { table: table.name, columns: parsed.columns };
}

function chooseShape(
  table: Table,
  parsed: IniTable,
  generation: Generation,
  header: readonly string[],
  device: Configuration | undefined,
): Shape {
  const own = device === undefined ? undefined : shapeOf(device, table);
  // Nobody can list all columns of an IP Profile: until a file has shown some, each upload may.
  const isOpen = table.isPartlyKnown === true && own?.columns.every((column) => column.kind !== "raw") === true;
  if (own !== undefined && !isOpen) return own;
  const names = columnsShownBy(table, parsed.columns, generation, isExportHeader(header));
  return createShape(table, names, (name) => mostCommonCell(parsed, name));
}

/** What a new row holds in a column that nobody has described: what most rows hold. */
function mostCommonCell(parsed: IniTable, name: string): string {
  const position = parsed.columns.indexOf(name);
  const counts = new Map<string, number>();
  for (const row of parsed.rows) {
    const cell = cellsOf(parsed, row)[position];
    if (cell !== undefined) counts.set(printCell(cell), (counts.get(printCell(cell)) ?? 0) + 1);
  }
  return [...counts].sort((one, two) => two[1] - one[1])[0]?.[0] ?? '""';
}

function hasFormatOf(parsed: IniTable, shape: Shape): boolean {
  return (
    parsed.columns.length === shape.columns.length &&
    parsed.columns.every((name, position) => shape.find(name) === shape.columns[position])
  );
}

function describePiece(
  block: IniBlock,
  known: ReadonlyMap<IniBlock, KnownBlock>,
  shapes: Readonly<Record<string, Shape>>,
  style: Layout["style"] | undefined,
): Piece[] {
  if (block.kind === "header") return [];
  const found = known.get(block);
  if (found === undefined) {
    return [{ kind: block.kind === "params" ? "params" : "other", title: block.title, lines: block.lines }];
  }
  const { table, parsed } = found;
  const shape = shapes[table.name];
  const isOwn = shape !== undefined && hasFormatOf(parsed, shape) && (style ?? parsed.style) === parsed.style;
  const lines = isOwn ? { lines: { before: parsed.before, after: parsed.after } } : {};
  return [{ kind: "table", title: table.name, ...lines, isEmpty: parsed.rows.length === 0 }];
}

function loadTable(
  configuration: Configuration,
  table: Table,
  parsed: IniTable,
  rules: LoadRules,
  ignored: string[],
): void {
  const shape = shapeOf(configuration, table);
  const isOwn = hasFormatOf(parsed, shape);
  const read = createRowReader(shape, parsed, true);
  const rows = parsed.rows.flatMap((row): Row[] => {
    const { cells, isExact } = read(row, {}, ignored);
    const loaded = { index: row.index, active: true, cells };
    if (!isWithinLimit(table, loaded, rules)) {
      ignored.push(`${table.name} ${row.index}`);
      return [];
    }
    if (!isOwn) return [loaded];
    const source: RowSource = { lead: row.lead, line: row.line, cells: isExact ? cells : {} };
    return [{ ...loaded, source }];
  });
  replaceRows(configuration, table, rows);
}

/**
 * The configuration with an incremental INI over it. Rows that the file leaves out are kept and columns that it leaves
 * out fall to their default, both by setting. Unknown tables, columns and parameters are ignored. Throws IniError, and
 * then nothing was changed.
 */
export function mergeIni(configuration: Configuration, text: string, rules: LoadRules): LoadedIni {
  const merged = copyConfiguration(configuration);
  const ignored: string[] = [];
  for (const block of parseIni(text).blocks) {
    const table = block.kind === "table" ? findTable(block.title) : undefined;
    if (block.kind === "params") {
      merged.layout = { ...merged.layout, pieces: mergeParameters(merged.layout.pieces, block.lines, ignored) };
    } else if (table !== undefined) {
      mergeTable(merged, table, parseTable(block), rules, ignored);
    } else if (block.kind === "table") {
      ignored.push(`[ ${block.title} ]`);
    }
  }
  settle(merged, rules.settings);
  return { configuration: merged, ignored };
}

function mergeTable(
  configuration: Configuration,
  table: Table,
  parsed: IniTable,
  rules: LoadRules,
  ignored: string[],
): void {
  const read = createRowReader(shapeOf(configuration, table), parsed, false);
  const before = new Map(parsed.rows.map(({ index }) => [index, findRow(configuration, table, index)]));
  const rows = parsed.rows.map((row) => {
    const old = before.get(row.index);
    const kept = rules.settings.incrementalRow === "merge" ? (old?.cells ?? {}) : {};
    const { cells } = read(row, kept, ignored);
    const source = old?.source === undefined ? {} : { source: old.source };
    return completeRow(configuration, table, { index: row.index, active: true, cells, ...source }, rules.settings);
  });
  if (rules.settings.incrementalBlock === "replace") replaceRows(configuration, table, []);
  for (const row of rows) {
    if (isWithinLimit(table, row, rules)) putRow(configuration, table, row);
    else ignored.push(`${table.name} ${row.index}`);
  }
}

function mergeParameters(pieces: readonly Piece[], lines: readonly string[], ignored: string[]): readonly Piece[] {
  let merged = pieces;
  for (const line of lines) {
    const name = parameterName(line);
    if (name === undefined) continue;
    const isSame = (old: string): boolean => parameterName(old) === name;
    if (!merged.some((piece) => piece.kind === "params" && piece.lines.some(isSame))) ignored.push(line);
    merged = merged.map((piece) =>
      piece.kind === "params" ? { ...piece, lines: piece.lines.map((old) => (isSame(old) ? line : old)) } : piece,
    );
  }
  return merged;
}

function parameterName(line: string): string | undefined {
  return /^\s*([^;=\s][^=]*?)\s*=/.exec(line)?.[1]?.toLowerCase();
}

type RowReader = (
  row: IniRow,
  kept: Cells,
  ignored: string[],
) => {
  readonly cells: Cells;
  /** A device could have written the line. */
  readonly isExact: boolean;
};

/** Reads rows of a table over what is kept of them; columns that the device does not have are passed over. */
function createRowReader(shape: Shape, parsed: IniTable, isExported: boolean): RowReader {
  const columns = parsed.columns.map((name) => shape.find(name));
  return (row, kept, ignored) => {
    const cells: Record<string, string> = { ...kept };
    let isExact = true;
    for (const [position, cell] of cellsOf(parsed, row).entries()) {
      const column = columns[position];
      if (column === undefined) continue;
      const value = readCell(column, cell, isExported);
      if (value === undefined) ignored.push(`${shape.table.name} ${row.index} ${column.name} = ${cell.text}`);
      if (value === undefined || !isPrintable(column, cell)) isExact = false;
      const isSaid = value !== undefined && value !== column.default;
      if (isSaid || column.name in kept) cells[column.name] = value ?? column.default;
    }
    return { cells, isExact };
  };
}

function isWithinLimit(table: Table, row: Row, rules: LoadRules): boolean {
  const index = table.parent === undefined ? row.index : Number(row.cells[table.parent.indexColumn] ?? 0);
  return index < limitOf(table, rules.model, rules.settings);
}

/** Completes all rows and finds out which of them are active, in the order in which they refer to each other. */
function settle(configuration: Configuration, settings: Settings): void {
  const dependent = ["IpProfile", "SBCRoutingPolicy", "SRD", "TLSContexts", "CpMediaRealm", "SIPInterface"];
  const first = dependent.map(tableNamed);
  for (const table of [...first, ...knownTables.filter((other) => !first.includes(other))]) {
    for (const row of rowsOf(configuration, table)) {
      const completed = completeRow(configuration, table, row, settings);
      const active = row.held !== true && refuseRow(configuration, table, completed, settings) === undefined;
      if (active !== row.active || completed !== row) putRow(configuration, table, { ...completed, active });
    }
  }
}
