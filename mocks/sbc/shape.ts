import type { Column, Table } from "./columns.ts";
import { raw } from "./columns.ts";
import type { Generation } from "./generations.ts";
import { isWhole, releaseOf } from "./generations.ts";
import { findColumn } from "./tables.ts";

/** One table as a device has it: the columns of its generation, in FORMAT order. */
export interface Shape {
  readonly table: Table;
  readonly columns: readonly Column[];
  /** The column of that INI name in any case. */
  find(name: string): Column | undefined;
  /** The column of that CLI parameter. */
  parameter(word: string): Column | undefined;
  /** Columns that name rows of other tables. */
  readonly references: readonly Column[];
  /** Columns that a row must hold to be active. */
  readonly mandatory: readonly Column[];
  readonly hasSrd: boolean;
  /** Columns that the CLI reaches. */
  readonly parameters: readonly Column[];
}

/** The shape of a table with the named columns; one that nobody has described takes `rawDefault` in new rows. */
export function createShape(table: Table, names: readonly string[], rawDefault: (name: string) => string): Shape {
  const columns = names.map((name) => findColumn(table, name) ?? raw(name, rawDefault(name)));
  const byName = new Map(columns.map((column) => [column.name.toLowerCase(), column]));
  const byWord = new Map(
    columns.flatMap((column) => [column.cli ?? [], column.aliases ?? []].flat().map((word) => [word, column] as const)),
  );
  return {
    table,
    columns,
    find: (name) => byName.get(name.toLowerCase()),
    parameter: (word) => byWord.get(word),
    references: columns.filter((column) => column.refers !== undefined),
    mandatory: columns.filter((column) => column.mandatory === true || column.name === "SRDName"),
    hasSrd: byName.has("srdname"),
    parameters: columns.filter((column) => column.cli !== null),
  };
}

/** The shape of a table that no file has shown. */
export function shapeOfGeneration(table: Table, generation: Generation): Shape {
  return createShape(table, generation.columns[table.name] ?? table.columns.map((column) => column.name), () => '""');
}

/**
 * The columns of a device whose file has that FORMAT. An export shows exactly the columns of its device; a hand-made
 * file (`isExport` false) may name a few of them, and then the generation has the others.
 */
export function columnsShownBy(
  table: Table,
  format: readonly string[],
  generation: Generation,
  isExport: boolean,
): readonly string[] {
  const isStrange = format.some((name) => findColumn(table, name) === undefined);
  const isWholeHere = isWhole({ table: table.name, columns: format }, releaseOf(generation));
  return isExport || isStrange || isWholeHere ? format : (generation.columns[table.name] ?? format);
}
