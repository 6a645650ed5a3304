import type { Configuration } from "./configuration.ts";
import { cellOf, findRow, rowsOf, shapeOf } from "./configuration.ts";
import { knownTables } from "./tables.ts";

/** Whether any of these CLI parameters differs between two configurations; a row that is missing has its defaults. */
export function differsIn(one: Configuration, other: Configuration, parameters: readonly string[]): boolean {
  if (parameters.length === 0) return false;
  const settings = ["default-window-height", "idle-timeout"] as const;
  if (settings.some((word) => parameters.includes(word) && one.cliSettings[word] !== other.cliSettings[word])) {
    return true;
  }
  return knownTables.some((table) => {
    const columns = shapeOf(one, table).parameters.filter((column) => parameters.includes(column.cli ?? ""));
    if (columns.length === 0) return false;
    const indexes = new Set([one, other].flatMap((each) => rowsOf(each, table).map(({ index }) => index)));
    return [...indexes].some((index) => {
      const [before, after] = [findRow(one, table, index), findRow(other, table, index)];
      return columns.some((column) => {
        const cell = (row: typeof before): string => (row === undefined ? column.default : cellOf(row, column));
        return cell(before) !== cell(after);
      });
    });
  });
}
