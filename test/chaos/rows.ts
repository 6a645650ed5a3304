import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { cellOf, rowsOf as allRowsOf, shapeOf } from "../../mocks/sbc/configuration.ts";
import { knownTables } from "../../mocks/sbc/tables.ts";

/** A row of the mock device by its INI columns. */
export interface TableRow {
  table: string;
  index: number;
  active: boolean;
  fields: Record<string, string>;
}

/** Read in one go: nothing can happen on the device meanwhile. */
export function rowsOf(mock: MockSbc, which: "running" | "startup", table: string): TableRow[] {
  const configuration = mock.device[which];
  const known = knownTables.find(({ name }) => name === table);
  if (known === undefined) throw new Error(`the mock has no table ${table}`);
  const { columns } = shapeOf(configuration, known);
  return allRowsOf(configuration, known).map((row) => ({
    table,
    index: row.index,
    active: row.active,
    fields: Object.fromEntries(columns.map((column) => [column.name, cellOf(row, column)])),
  }));
}

export const tableNames: readonly string[] = knownTables.map(({ name }) => name);
