import type { Configuration, Piece } from "./configuration.ts";
import { cellOf, rowsOf, shapeOf } from "./configuration.ts";
import type { Identity } from "./device.ts";
import { cellsOf, joinLines, printCell, printFormat, printLine } from "./ini.ts";
import type { IniCell } from "./ini.ts";
import { isPrintable, readCell, writeCell } from "./ini-cells.ts";
import { describeHeader } from "./ini-header.ts";
import type { Shape } from "./shape.ts";
import type { Row } from "./table-rows.ts";
import { knownTables, tableNamed } from "./tables.ts";

/**
 * The INI file that the device shows. What came from a file and still stands is printed as it was there, byte for
 * byte; what is new, as the device's generation writes it.
 */
export function printIni(configuration: Configuration, identity: Identity): string {
  return joinLines(printIniLines(configuration, identity), configuration.layout.lineEnd);
}

/** The same as lines. */
export function printIniLines(configuration: Configuration, identity: Identity): string[] {
  const lines = describeHeader(configuration, identity);
  for (const piece of placeTables(configuration)) {
    if (piece.kind === "table") printTable(configuration, piece, lines);
    else lines.push(...piece.lines);
  }
  return lines;
}

/** The pieces of the loaded file, and those tables that have got rows since then, in the order of an export. */
function placeTables(configuration: Configuration): Piece[] {
  const pieces = [...configuration.layout.pieces];
  const placed = new Set(pieces.map((piece) => (piece.kind === "table" ? piece.title : "")));
  for (const { name } of knownTables) {
    if (placed.has(name)) continue;
    const rank = rankOf(configuration, name) ?? Infinity;
    const before = pieces.findLastIndex((piece) => (rankOf(configuration, piece.title) ?? Infinity) < rank);
    const first = pieces.findIndex((piece) => piece.kind !== "params");
    const place = before >= 0 ? before + 1 : first >= 0 ? first : pieces.length;
    pieces.splice(place, 0, { kind: "table", title: name, isEmpty: false });
  }
  return pieces;
}

function rankOf({ generation }: Configuration, title: string): number | undefined {
  const rank = generation.exportOrder.indexOf(title);
  return rank < 0 ? undefined : rank;
}

function printTable(configuration: Configuration, piece: Extract<Piece, { kind: "table" }>, lines: string[]): void {
  const { title } = piece;
  const table = tableNamed(title);
  const rows = rowsOf(configuration, table);
  // Only tables with content appear.
  if (rows.length === 0 && !piece.isEmpty) return;
  const shape = shapeOf(configuration, table);
  const columns = shape.columns.map((column) => column.name);
  const { style } = configuration.layout;
  const around = piece.lines ?? {
    before: [`[ ${title} ]`, "", printFormat({ title, columns, style })],
    after: ["", `[ \\${title} ]`, ""],
  };
  lines.push(...around.before);
  const exampleOf = addressesOf(shape, rows);
  for (const row of rows) {
    const { source } = row;
    if (source !== undefined) lines.push(...source.lead);
    lines.push(source?.cells === row.cells ? source.line : printRow(configuration, shape, row, exampleOf));
  }
  lines.push(...around.after);
}

type Example = (column: string) => string | undefined;

/** How the first loaded row of a table writes its IPv4 cells, if it has any. */
function addressesOf(shape: Shape, rows: readonly Row[]): Example {
  if (!shape.columns.some((column) => column.kind === "address")) return () => undefined;
  const loaded = rows.map((row) => loadedCells(shape, row)).find((cells) => cells !== undefined);
  return (name) => {
    const cell = loaded?.[shape.columns.findIndex((column) => column.name === name)];
    return cell === undefined ? undefined : printCell(cell);
  };
}

function loadedCells(shape: Shape, { index, source }: Row): IniCell[] | undefined {
  if (source === undefined) return undefined;
  const columns = shape.columns.map((column) => column.name);
  return cellsOf({ title: shape.table.name, columns }, { index, line: source.line });
}

const printed = new WeakMap<Row, { readonly shape: Shape; readonly line: string }>();

/** A row that is not as it was loaded. */
function printRow(configuration: Configuration, shape: Shape, row: Row, exampleOf: Example): string {
  const known = printed.get(row);
  if (known?.shape === shape) return known.line;
  const line = writeRow(configuration, shape, row, exampleOf);
  printed.set(row, { shape, line });
  return line;
}

/** Cells that are as they were loaded keep their looks. */
function writeRow(configuration: Configuration, shape: Shape, row: Row, exampleOf: Example): string {
  const loaded = loadedCells(shape, row);
  const cells = shape.columns.map((column, position) => {
    const value = cellOf(row, column);
    const cell = loaded?.[position];
    if (cell !== undefined && isPrintable(column, cell) && readCell(column, cell, true) === value) {
      return printCell(cell);
    }
    const written = writeCell(column, value, configuration.generation);
    const example = column.kind === "address" ? exampleOf(column.name) : undefined;
    if (example === undefined) return written;
    if (value !== "") return example.startsWith('"') ? `"${value}"` : value;
    return /^"?(?:0\.0\.0\.0)?"?$/.test(example) ? example : written;
  });
  return printLine(shape.table.name, row.index, cells);
}
