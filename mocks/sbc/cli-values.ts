import type { Token } from "./cli-line.ts";
import { pickWord } from "./cli-line.ts";
import type { Column } from "./columns.ts";
import { obscure, printObscured, readObscured } from "./secrets.ts";

/** The cell that the words behind a parameter name mean, for the older CLI too; undefined when they mean none. */
export function readValue(column: Column, tokens: readonly Token[], isOldCli: boolean): string | undefined {
  const [value, mark, ...more] = tokens;
  if (value === undefined || more.length > 0) return undefined;
  if (column.kind === "secret" && mark?.text === "obscured" && !mark.quoted) return readObscured(value.text);
  if (mark !== undefined) return undefined;
  // A bare question mark asks for help; a value that holds one must stand in quotes.
  if (!value.quoted && value.text.includes("?")) return undefined;
  switch (column.kind) {
    case "enum":
      return readWord(column, value, isOldCli);
    case "integer":
      return /^-?\d+$/.test(value.text) ? String(Number(value.text)) : undefined;
    case "secret":
      return column.maxLength !== undefined && value.text.length > column.maxLength ? undefined : obscure(value.text);
    case "string":
    case "reference":
    case "address":
    case "raw":
      return value.text;
  }
}

/** A word, its unique beginning, or what the older CLI took besides: the INI number itself, and words of its own. */
function readWord(column: Column, value: Token, isOldCli: boolean): string | undefined {
  const words = column.words ?? {};
  if (isOldCli && words[value.text] !== undefined) return value.text;
  if (isOldCli && column.oldWords?.[value.text] !== undefined) return column.oldWords[value.text];
  const word = pickWord({ text: value.text, quoted: false }, Object.values(words));
  return Object.keys(words).find((number) => words[number] === word);
}

/** A cell as the running configuration prints it behind the parameter name. */
export function printValue(column: Column, cell: string): string {
  switch (column.kind) {
    case "enum":
      return column.words?.[cell] ?? cell;
    case "integer":
    case "address":
    case "raw":
      return cell;
    case "secret":
      return cell === "" ? '""' : `${printObscured(cell)} obscured`;
    case "string":
    case "reference":
      return `"${cell}"`;
  }
}
