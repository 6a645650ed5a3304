import { printValue } from "./cli-values.ts";
import type { Column, Table } from "./columns.ts";
import type { Configuration } from "./configuration.ts";
import { cellOf, childrenOf, indexInParent, onlySrd, rowsOf, shapeOf } from "./configuration.ts";
import type { Shape } from "./shape.ts";
import type { Row } from "./table-rows.ts";
import { childTables, knownTables } from "./tables.ts";

const sections = [
  { root: "network", title: "## IP NETWORK" },
  { root: "voip", title: "## SIGNALING & MEDIA" },
  { root: "system", title: "## ADMINISTRATION" },
  { root: "troubleshoot", title: "## TROUBLESHOOT" },
] as const;

export type Root = (typeof sections)[number]["root"];

/** The modes below `configure`. */
export const roots: readonly Root[] = sections.map((section) => section.root);

export interface PrintOptions {
  readonly name: string;
  /** Also the parameters that stand at their default. */
  readonly full?: boolean;
  /** Only this section. */
  readonly section?: Root;
}

const lineEnd = "\r\n";

/** What `show running-config` prints, CRLF behind each line. */
export function printRunningConfig(configuration: Configuration, options: PrintOptions): string {
  const chosen = sections.filter(({ root }) => options.section === undefined || root === options.section);
  const parts = [
    `# Running Configuration ${options.name}`,
    "",
    "",
    ...chosen.flatMap(({ root, title }) => [
      title,
      "",
      `  configure ${root}`,
      ...knownTables
        .filter((table) => table.root === root && table.parent === undefined)
        .flatMap((table) => printTable(configuration, table, options)),
      ...(root === "system" ? printCliSettings(configuration) : []),
      "  exit",
      "",
    ]),
    "",
    "",
  ];
  return parts.join(lineEnd) + lineEnd;
}

function printCliSettings({ cliSettings }: Configuration): string[] {
  const lines = Object.entries(cliSettings).map(([word, value]) => `    ${word} ${value}`);
  return lines.length === 0 ? [] : ["   cli-settings", ...lines, "    activate", "   exit"];
}

function printTable(configuration: Configuration, table: Table, options: { readonly full?: boolean }): string[] {
  const rows = [...rowsOf(configuration, table)].sort((one, two) => one.index - two.index);
  return rows.map((row) => printRow(configuration, table, row, options, 3));
}

/** One row with those inside it, indented by so many blanks; CRLF between the lines. */
export function printRow(
  configuration: Configuration,
  table: Table,
  row: Row,
  options: { readonly full?: boolean },
  indent: number,
): string {
  const inside = childTables(table).flatMap((child) =>
    childrenOf(configuration, child, row.index).map((one) => printRow(configuration, child, one, options, indent + 1)),
  );
  const margin = " ".repeat(indent);
  return [printOwnLines(configuration, table, row, options, margin), ...inside, `${margin}exit`].join(lineEnd);
}

interface OwnLines {
  readonly shape: Shape;
  readonly margin: string;
  readonly isSrdSilent: boolean;
  readonly text: string;
}

const printed = new WeakMap<Row, OwnLines>();

function printOwnLines(
  configuration: Configuration,
  table: Table,
  row: Row,
  { full = false }: { readonly full?: boolean },
  margin: string,
): string {
  const shape = shapeOf(configuration, table);
  // The name of the SRD goes without saying where the factory's is the only one.
  const isSrdSilent = onlySrd(configuration) === "DefaultSRD";
  const known = full ? undefined : printed.get(row);
  if (known?.shape === shape && known.margin === margin && known.isSrdSilent === isSrdSilent) return known.text;
  const index = table.parent === undefined ? row.index : indexInParent(table, row);
  const parameters = shape.parameters
    .filter((column) => full || isShown(row, column, isSrdSilent))
    .map((column) => `${margin} ${column.cli ?? ""} ${printCell(table, row, column)}`);
  const text = [
    ...(row.active ? [] : [`${margin}# The following line is not activated`]),
    `${margin}${table.cli.join(" ")} ${index}`,
    ...parameters,
    ...(table.activates || !row.active ? [`${margin} ${row.active ? "activate" : "no activate"}`] : []),
  ].join(lineEnd);
  if (!full) printed.set(row, { shape, margin, isSrdSilent, text });
  return text;
}

function isShown(row: Row, column: Column, isSrdSilent: boolean): boolean {
  const cell = cellOf(row, column);
  if (cell === column.default) return false;
  return !(isSrdSilent && column.name === "SRDName" && cell === "DefaultSRD");
}

function printCell(table: Table, row: Row, column: Column): string {
  const cell = cellOf(row, column);
  if (table.name === "TLSContexts" && row.index === 0 && cell === "default") return cell;
  return printValue(column, cell);
}
