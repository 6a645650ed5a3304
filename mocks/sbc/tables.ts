import { accountTable, ipGroupTable, proxyIpTable, proxySetTable } from "./owned-tables.ts";
import { neighbourTables } from "./neighbour-tables.ts";
import type { Column, Table } from "./columns.ts";

/** Every table this mock understands, in the order in which `configure voip` prints them. */
export const knownTables: readonly Table[] = [
  ...neighbourTables.before,
  proxySetTable,
  proxyIpTable,
  ipGroupTable,
  ...neighbourTables.after,
  // Where `account` prints is unknown; this mock puts it in front of `sip-definition settings`.
  accountTable,
];

const byName = new Map(
  knownTables.flatMap((table) => [table.name, table.name.toLowerCase()].map((name) => [name, table] as const)),
);

/** The table of that INI name in any case, or undefined for one that is only carried along verbatim. */
export function findTable(name: string): Table | undefined {
  return byName.get(name) ?? byName.get(name.toLowerCase());
}

/** The table of that INI name; throws when it is not one of `knownTables`. */
export function tableNamed(name: string): Table {
  const table = findTable(name);
  if (table === undefined) throw new Error(`no table ${name} in the schema of the mock`);
  return table;
}

/** The column of that INI name in any case, on whatever generation. */
export function findColumn(table: Table, name: string): Column | undefined {
  return table.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
}

const children = new Map(
  knownTables.map((table) => [table, knownTables.filter((child) => child.parent?.table === table.name)]),
);

/** The tables whose rows live inside rows of the given one. */
export function childTables(table: Table): readonly Table[] {
  return children.get(table) ?? [];
}
