import type { Column } from "./columns.ts";
import type { Generation } from "./generations.ts";
import type { IniCell } from "./ini.ts";
import { printCell } from "./ini.ts";
import { refuseValue } from "./row-rules.ts";
import { isObscured, obscureCell } from "./secrets.ts";

const emptySecrets = ["", "$1$gQ=="];
const unsetAddresses = ["", "0.0.0.0"];

/**
 * What a cell of an INI file means, and undefined for a value that the device would not take. What a device has
 * exported is taken as it stands: lists of words and ranges are not known well enough to doubt it.
 */
export function readCell(column: Column, cell: IniCell, isExported: boolean): string | undefined {
  if (column.kind === "raw") return printCell(cell);
  if (isDefaultMark(cell)) return column.default;
  if (column.kind === "secret") return emptySecrets.includes(cell.text) ? "" : obscureCell(cell.text);
  if (column.kind === "address") return unsetAddresses.includes(cell.text) ? "" : cell.text;
  const isNumber = column.kind === "integer" || column.kind === "enum";
  if (isNumber && cell.text === "") return column.default;
  const isTaken = isExported && (!isNumber || /^-?\d{1,10}$/.test(cell.text));
  return isTaken || refuseValue(column, cell.text) === undefined ? cell.text : undefined;
}

/** Whether a device could have written the cell like that: no `$$`, and no secret that can be read. */
export function isPrintable(column: Column, cell: IniCell): boolean {
  if (isDefaultMark(cell)) return column.kind === "raw";
  return column.kind !== "secret" || cell.text === "" || isObscured(cell.text);
}

function isDefaultMark(cell: IniCell): boolean {
  return !cell.quoted && cell.text === "$$";
}

/** A cell as the devices of a generation write it. */
export function writeCell(column: Column, value: string, generation: Generation): string {
  switch (column.kind) {
    case "raw":
    case "integer":
    case "enum":
      return value;
    case "address":
      if (value === "") return generation.unsetAddress;
      return generation.unsetAddress.startsWith('"') ? `"${value}"` : value;
    case "secret":
      return `"${value === "" ? generation.emptySecret : value}"`;
    case "string":
    case "reference":
      return `"${value}"`;
  }
}
