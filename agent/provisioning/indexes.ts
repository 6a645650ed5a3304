import type { DeviceConfig, DeviceDescription, Place, TableName } from "../../drivers/driver.ts";

export interface Indexes {
  /** One index for each table named, or undefined, and nothing taken, when one of them is full. */
  take(tables: readonly TableName[]): number[] | undefined;
}

/**
 * A new row takes the highest used index + 1: a low index can steal classification, and other writers take the next
 * free one. Gaps are used only when the table's end is reached, index 0 never, and never one that `reserved` names.
 */
export function allocateIndexes(
  observed: DeviceConfig,
  limits: DeviceDescription["limits"],
  reserved: readonly Place[],
): Indexes {
  const used = new Map<TableName, Set<number>>();
  const highest = new Map<TableName, number>();
  const take = (table: TableName, index: number): void => {
    const indexes = used.get(table) ?? new Set<number>();
    used.set(table, indexes.add(index));
    highest.set(table, Math.max(highest.get(table) ?? 0, index));
  };
  for (const row of [...observed.rows, ...reserved]) if (row.parent === undefined) take(row.table, row.index);

  const next = (table: TableName): number | undefined => {
    const limit = limits[table] ?? Number.POSITIVE_INFINITY;
    const above = (highest.get(table) ?? 0) + 1;
    if (above < limit) return above;
    for (let gap = 1; gap < limit; gap += 1) if (used.get(table)?.has(gap) !== true) return gap;
    return undefined;
  };

  return {
    take(tables) {
      const taken: { table: TableName; index: number; highest: number | undefined }[] = [];
      for (const table of tables) {
        const index = next(table);
        if (index === undefined) {
          for (const back of taken.reverse()) {
            used.get(back.table)?.delete(back.index);
            highest.set(back.table, back.highest ?? 0);
          }
          return undefined;
        }
        taken.push({ table, index, highest: highest.get(table) });
        take(table, index);
      }
      return taken.map(({ index }) => index);
    },
  };
}
