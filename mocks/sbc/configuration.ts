import type { Column, Table } from "./columns.ts";
import { findTable, knownTables, tableNamed } from "./tables.ts";

/**
 * One row. `cells` holds every column of its table by INI name, unquoted; secrets obscured; extra columns raw.
 * Rows are never changed in place, so that a copy of a configuration can share them.
 */
export interface Row {
  readonly index: number;
  readonly active: boolean;
  /** Inactive because somebody said `no activate`, or left it unfinished; mending a reference does not activate it. */
  readonly held?: boolean;
  readonly cells: Readonly<Record<string, string>>;
}

/** A part of an INI file that the mock carries along without understanding it. */
export interface VerbatimBlock {
  readonly kind: "table" | "params" | "comment";
  readonly title: string;
  readonly lines: readonly string[];
}

/** Certificate store of one TLS context, PEM. The private key never leaves. */
export interface TlsFiles {
  readonly certificate: string;
  readonly privateKey: string;
  readonly trustedRoot: string;
}

/** A whole configuration. What it holds is replaced, never changed in place; copy it with `copyConfiguration`. */
export interface Configuration {
  /** Comment lines in front of everything, without line ends. */
  header: readonly string[];
  /** Rows by INI table name, sorted by index. */
  tables: Record<string, readonly Row[]>;
  /** FORMAT order by table, where the loaded file has columns that the schema does not know. */
  formats: Readonly<Record<string, readonly string[]>>;
  verbatim: readonly VerbatimBlock[];
  /** By TLS context index. */
  tls: Readonly<Record<string, TlsFiles>>;
}

/** A copy that later changes of either do not reach. */
export function copyConfiguration(configuration: Configuration): Configuration {
  return { ...configuration, tables: { ...configuration.tables } };
}

/** A configuration as it leaves the factory: default SRD, routing policy and TLS context, nothing else. */
export function createFactoryConfiguration(): Configuration {
  const configuration: Configuration = { header: [], tables: {}, formats: {}, verbatim: [], tls: {} };
  putRow(configuration, tableNamed("TLSContexts"), { index: 0, active: true, cells: { Name: "default" } });
  putRow(configuration, tableNamed("SBCRoutingPolicy"), {
    index: 0,
    active: true,
    cells: { Name: "Default_SBCRoutingPolicy" },
  });
  putRow(configuration, tableNamed("SRD"), {
    index: 0,
    active: true,
    cells: { Name: "DefaultSRD", SBCRoutingPolicyName: "Default_SBCRoutingPolicy" },
  });
  return configuration;
}

/** The rows of a table, by index. */
export function rowsOf(configuration: Configuration, table: Table): readonly Row[] {
  return configuration.tables[table.name] ?? [];
}

/** A cell of a row; the default of the column where the row does not carry it. */
export function cellOf(row: Row, column: Column): string {
  return row.cells[column.name] ?? column.default;
}

/** Stores a row in place of the one with its index, with every column of its table filled in. */
export function putRow(configuration: Configuration, table: Table, row: Row): void {
  const cells: Record<string, string> = {};
  for (const column of table.columns) cells[column.name] = cellOf(row, column);
  for (const name of configuration.formats[table.name] ?? []) cells[name] = row.cells[name] ?? cells[name] ?? "$$";
  const rows = [...rowsOf(configuration, table)];
  const place = rows.findIndex((other) => other.index >= row.index);
  const isThere = rows[place]?.index === row.index;
  rows.splice(place < 0 ? rows.length : place, isThere ? 1 : 0, { ...row, cells });
  configuration.tables[table.name] = rows;
}

/** Takes a row out. */
export function removeRow(configuration: Configuration, table: Table, index: number): void {
  configuration.tables[table.name] = rowsOf(configuration, table).filter((row) => row.index !== index);
}

/** Stores a row with one cell changed. */
export function putCell(configuration: Configuration, table: Table, row: Row, column: string, value: string): void {
  putRow(configuration, table, { ...row, cells: { ...row.cells, [column]: value } });
}

/** The row of that index, or undefined. */
export function findRow(configuration: Configuration, table: Table, index: number): Row | undefined {
  return rowsOf(configuration, table).find((row) => row.index === index);
}

/** The row of that name, without regard to case, or undefined. */
export function findNamed(configuration: Configuration, table: Table, name: string): Row | undefined {
  const { nameColumn } = table;
  if (nameColumn === undefined || name === "") return undefined;
  return rowsOf(configuration, table).find((row) => isSameName(row.cells[nameColumn] ?? "", name));
}

/** Names compare without regard to case. */
export function isSameName(one: string, two: string): boolean {
  return one.length === two.length && one.toLowerCase() === two.toLowerCase();
}

/** The rows inside a parent row, in the order of their index in it. */
export function childrenOf(configuration: Configuration, child: Table, parentIndex: number): Row[] {
  const { parent } = child;
  if (parent === undefined) return [];
  return rowsOf(configuration, child)
    .filter((row) => Number(row.cells[parent.column]) === parentIndex)
    .sort((one, two) => Number(one.cells[parent.indexColumn]) - Number(two.cells[parent.indexColumn]));
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
    other.columns
      .filter((column) => column.refers !== undefined && findTable(column.refers) === table)
      .flatMap((column) =>
        rowsOf(configuration, other)
          .filter((row) => isSameName(cellOf(row, column), name))
          .map((row) => ({ table: other, row, column })),
      ),
  );
}
