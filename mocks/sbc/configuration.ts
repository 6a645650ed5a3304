import type { Column, Table } from "./columns.ts";
import type { Generation } from "./generations.ts";
import { newestGeneration } from "./generations.ts";
import type { Shape } from "./shape.ts";
import { shapeOfGeneration } from "./shape.ts";
import type { Row } from "./table-rows.ts";
import { TableRows } from "./table-rows.ts";
import { findTable, knownTables, tableNamed } from "./tables.ts";

/** A part of an INI file: lines that the mock carries along without understanding them, or the place of a table. */
export type Piece =
  | { readonly kind: "params" | "other"; readonly title: string; readonly lines: readonly string[] }
  | {
      readonly kind: "table";
      /** Name of the known table. */
      readonly title: string;
      /** The lines around its rows; undefined to print them anew. */
      readonly lines?: { readonly before: readonly string[]; readonly after: readonly string[] };
      /** The block held no row from the beginning. */
      readonly isEmpty: boolean;
    };

/** How the file of a device looks, apart from its rows. */
export interface Layout {
  /** Comment lines in front of everything, without line ends. */
  readonly header: readonly string[];
  readonly pieces: readonly Piece[];
  readonly lineEnd: string;
  readonly style: "long" | "short";
}

/** Certificate store of one TLS context, PEM. The private key never leaves. */
export interface TlsFiles {
  readonly certificate: string;
  readonly privateKey: string;
  readonly trustedRoot: string;
}

/** What stands in `configure system` > `cli-settings`, apart from defaults: rows (0: no pager) and minutes. */
export interface CliSettings {
  readonly "default-window-height"?: number;
  readonly "idle-timeout"?: number;
}

/** A whole configuration. What it holds is replaced, never changed in place; copy it with `copyConfiguration`. */
export interface Configuration {
  readonly generation: Generation;
  /** By INI table name: the columns that this device has. */
  readonly shapes: Readonly<Record<string, Shape>>;
  layout: Layout;
  /** By INI table name; a table without rows need not be there. */
  tables: Record<string, TableRows>;
  /** By TLS context index. */
  tls: Readonly<Record<string, TlsFiles>>;
  cliSettings: CliSettings;
}

/** A copy that later changes of either do not reach. */
export function copyConfiguration(configuration: Configuration): Configuration {
  const { tables } = configuration;
  const copies = Object.entries(tables).map(([name, rows]) => [name, rows.copy()] as const);
  return { ...configuration, tables: Object.fromEntries(copies) };
}

/** A configuration without a row, of a device that has these tables in these shapes; the others by its generation. */
export function createConfiguration(
  generation: Generation,
  shapes: Readonly<Record<string, Shape>> = {},
  layout: Layout = { header: [], pieces: [], lineEnd: "\r\n", style: generation.style },
): Configuration {
  const all = knownTables.map((table) => [table.name, shapes[table.name] ?? shapeOfGeneration(table, generation)]);
  const every = Object.fromEntries(all) as Record<string, Shape>;
  return { generation, shapes: every, layout, tables: {}, tls: {}, cliSettings: {} };
}

/** Puts in what stands in a device that leaves the factory: default SRD, routing policy and TLS context. */
export function putFactoryRows(configuration: Configuration): void {
  const policy = "Default_SBCRoutingPolicy";
  const put = (name: string, cells: Readonly<Record<string, string>>): void =>
    putRow(configuration, tableNamed(name), { index: 0, active: true, cells });
  put("TLSContexts", { Name: "default" });
  put("SBCRoutingPolicy", { Name: policy });
  put("SRD", { Name: "DefaultSRD", SBCRoutingPolicyName: policy });
}

/** A configuration as it leaves the factory. */
export function createFactoryConfiguration(generation: Generation = newestGeneration): Configuration {
  const configuration = createConfiguration(generation);
  putFactoryRows(configuration);
  return configuration;
}

/** The same device as it leaves the factory; certificates, header and the ways of its INI file stay. */
export function emptyConfiguration({ generation, shapes, layout, tls }: Configuration): Configuration {
  const emptied = { ...createConfiguration(generation, shapes, { ...layout, pieces: [] }), tls };
  putFactoryRows(emptied);
  return emptied;
}

/** The same rows as a device of another generation has them: cells of columns that it has not are gone. */
export function convertConfiguration(from: Configuration, generation: Generation): Configuration {
  const pieces = from.layout.pieces.map((piece): Piece => {
    return piece.kind === "table" ? { kind: "table", title: piece.title, isEmpty: piece.isEmpty } : piece;
  });
  const layout = { ...from.layout, pieces, style: generation.style };
  const { tls, cliSettings } = from;
  const converted = { ...createConfiguration(generation, {}, layout), tls, cliSettings };
  for (const table of knownTables) {
    const shape = shapeOf(converted, table);
    for (const row of rowsOf(from, table)) {
      const kept = Object.entries(row.cells).filter(([name]) => shape.find(name) !== undefined);
      // Without its place in the loaded file, whose columns were others.
      const { index, active, held = false } = row;
      putRow(converted, table, { index, active, held, cells: Object.fromEntries(kept) });
    }
  }
  return converted;
}

/** The columns of a table on this device. */
export function shapeOf(configuration: Configuration, table: Table): Shape {
  return configuration.shapes[table.name] ?? shapeOfGeneration(table, configuration.generation);
}

function tableOf(configuration: Configuration, table: Table): TableRows {
  return (configuration.tables[table.name] ??= createRows(configuration, table, []));
}

function createRows(configuration: Configuration, table: Table, rows: readonly Row[]): TableRows {
  const shape = shapeOf(configuration, table);
  return new TableRows(rows, (column) => shape.find(column)?.default ?? "");
}

/** The rows of a table, in the order in which they stand. */
export function rowsOf(configuration: Configuration, table: Table): readonly Row[] {
  return tableOf(configuration, table).list;
}

/** A cell of a row; the default of the column where the row does not carry it. */
export function cellOf(row: Row, column: Column): string {
  return row.cells[column.name] ?? column.default;
}

/** Stores a row in place of the one with its index. */
export function putRow(configuration: Configuration, table: Table, row: Row): void {
  tableOf(configuration, table).put(row);
}

/** Puts these rows in place of all of a table, in that order. */
export function replaceRows(configuration: Configuration, table: Table, rows: readonly Row[]): void {
  configuration.tables[table.name] = createRows(configuration, table, rows);
}

/** Takes a row out. */
export function removeRow(configuration: Configuration, table: Table, index: number): void {
  tableOf(configuration, table).remove(index);
}

/** Stores a row with one cell changed, of a column that the table has. */
export function putCell(configuration: Configuration, table: Table, row: Row, column: string, value: string): void {
  putRow(configuration, table, { ...row, cells: { ...row.cells, [column]: value } });
}

/** The row of that index, or undefined. */
export function findRow(configuration: Configuration, table: Table, index: number): Row | undefined {
  return tableOf(configuration, table).get(index);
}

/** The lowest index without a row. */
export function lowestFreeIndex(configuration: Configuration, table: Table): number {
  return tableOf(configuration, table).lowestFreeIndex;
}

/** The rows that hold this text in that column, without regard to case, by index. */
export function rowsHolding(configuration: Configuration, table: Table, column: string, text: string): Row[] {
  return tableOf(configuration, table).holding(column, text);
}

/** Whether a row other than the one of that index holds this text in that column, without regard to case. */
export function isHeldElsewhere(
  configuration: Configuration,
  table: Table,
  column: string,
  text: string,
  index: number,
): boolean {
  return tableOf(configuration, table).isHeldElsewhere(column, text, index);
}

/** The row of that name, without regard to case, or undefined. */
export function findNamed(configuration: Configuration, table: Table, name: string): Row | undefined {
  const { nameColumn } = table;
  if (nameColumn === undefined || name === "") return undefined;
  return tableOf(configuration, table).firstHolding(nameColumn, name);
}

/** The rows inside a parent row, in the order of their index in it. */
export function childrenOf(configuration: Configuration, child: Table, parentIndex: number): Row[] {
  const { parent } = child;
  if (parent === undefined) return [];
  const inside = rowsHolding(configuration, child, parent.column, String(parentIndex));
  if (inside.length < 2) return inside;
  return inside.sort((one, two) => indexInParent(child, one) - indexInParent(child, two));
}

/** The index that a row has inside its parent row. */
export function indexInParent({ parent }: Table, row: Row): number {
  return Number(row.cells[parent?.indexColumn ?? ""] ?? 0);
}

/** The only SRD of a device that has just one, by name. */
export function onlySrd(configuration: Configuration): string | undefined {
  const rows = rowsOf(configuration, tableNamed("SRD"));
  return rows.length === 1 ? rows[0]?.cells["Name"] : undefined;
}

/** Every place where rows name a row of the given table. */
export function referencesTo(
  configuration: Configuration,
  table: Table,
  name: string,
): { table: Table; row: Row; column: Column }[] {
  if (name === "") return [];
  return knownTables.flatMap((other) =>
    shapeOf(configuration, other)
      .references.filter((column) => findTable(column.refers ?? "") === table)
      .flatMap((column) =>
        rowsHolding(configuration, other, column.name, name).map((row) => ({ table: other, row, column })),
      ),
  );
}
