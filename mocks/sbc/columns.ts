/**
 * What a cell holds and how it is written: strings and references in quotes, numbers and words bare, IPv4 addresses as
 * the generation does it. A raw cell is kept with its quotes, as it stood in the file.
 */
export type ColumnKind = "string" | "integer" | "enum" | "reference" | "secret" | "address" | "raw";

/** One column of a table. Cells are held as text: numbers in decimal, enums by their INI number. */
export interface Column {
  readonly name: string;
  /** Name of the parameter in the CLI; null where nobody knows it, and then the CLI cannot reach the column. */
  readonly cli: string | null;
  readonly kind: ColumnKind;
  readonly default: string;
  /** INI number to CLI word. */
  readonly words?: Readonly<Record<string, string>>;
  /** Further words, to their INI number, that old generations took and never printed. */
  readonly oldWords?: Readonly<Record<string, string>>;
  readonly min?: number;
  readonly max?: number;
  readonly maxLength?: number;
  /** A text that a value must not hold. */
  readonly forbidden?: string;
  /** Table whose rows a value names. */
  readonly refers?: string;
  /** Values of a reference that name no row ("Any"). */
  readonly special?: readonly string[];
  /** A row without it cannot be activated. */
  readonly mandatory?: boolean;
  /** A further grammar; returns false for a value that the device refuses. */
  readonly accepts?: (value: string) => boolean;
  /** Other CLI names that are understood but never printed. */
  readonly aliases?: readonly string[];
}

/** One configuration table, by its INI and its CLI face. */
export interface Table {
  readonly name: string;
  readonly root: "network" | "voip";
  /** Words that lead to a row below `configure <root>`, or below the parent's row. */
  readonly cli: readonly string[];
  /** All that any generation has, in no particular order: which of them a device has, its `Shape` says. */
  readonly columns: readonly Column[];
  /** Column by which other rows refer to this one; unique without regard to case. */
  readonly nameColumn?: string;
  /** A row that lives inside another: `ProxyIp` names its Proxy Set by index. */
  readonly parent?: { readonly table: string; readonly column: string; readonly indexColumn: string };
  /** Most of its columns are not described here: a file brings its own. */
  readonly isPartlyKnown?: boolean;
  /** False for blocks that know no `activate` (`tls N`). */
  readonly activates: boolean;
}

type Extra = Partial<Omit<Column, "name" | "cli" | "kind" | "default">>;

/** A free text. */
export function text(name: string, cli: string | null, extra: Extra & { default?: string } = {}): Column {
  return { name, cli, kind: "string", default: "", ...extra };
}

/** A whole number with an inclusive range. */
export function integer(name: string, cli: string | null, value: number, min: number, max: number): Column {
  return { name, cli, kind: "integer", default: String(value), min, max };
}

/** A number that the CLI shows as a word. */
export function words(
  name: string,
  cli: string | null,
  value: number,
  known: Readonly<Record<string, string>>,
  extra: Extra = {},
): Column {
  return { name, cli, kind: "enum", default: String(value), words: known, ...extra };
}

/** Off or on. */
export function onOff(name: string, cli: string | null, value: 0 | 1 = 0): Column {
  return words(name, cli, value, { "0": "disable", "1": "enable" });
}

/** The name of a row of another table. */
export function reference(
  name: string,
  cli: string | null,
  refers: string,
  extra: Extra & { default?: string } = {},
): Column {
  return { name, cli, kind: "reference", default: "", refers, ...extra };
}

/** An IPv4 address; unset is the empty text, however a file writes it. */
export function address(name: string, cli: string | null): Column {
  return { name, cli, kind: "address", default: "" };
}

/** A column that nobody has described; `value` is the cell of a new row, quotes included. */
export function raw(name: string, value: string): Column {
  return { name, cli: null, kind: "raw", default: value };
}

/** A secret: obscured in every print. */
export function secret(name: string, cli: string | null, maxLength: number): Column {
  return { name, cli, kind: "secret", default: "", maxLength };
}
