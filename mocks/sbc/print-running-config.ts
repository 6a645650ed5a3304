import { printValue } from "./cli-values.ts";
import type { Column, Table } from "./columns.ts";
import type { Configuration, Row } from "./configuration.ts";
import { cellOf, childrenOf, onlySrd, rowsOf } from "./configuration.ts";
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

/** `show running-config` as lines without line ends. */
export function printRunningConfig(configuration: Configuration, options: PrintOptions): string[] {
  const chosen = sections.filter(({ root }) => options.section === undefined || root === options.section);
  return [
    `# Running Configuration ${options.name}`,
    "",
    "",
    ...chosen.flatMap(({ root, title }) => [
      title,
      "",
      `  configure ${root}`,
      ...knownTables
        .filter((table) => table.root === root && table.parent === undefined)
        .flatMap((table) =>
          rowsOf(configuration, table).flatMap((row) => printRow(configuration, table, row, options, 3, row.index)),
        ),
      "  exit",
      "",
    ]),
    "",
    "",
  ];
}

/** One row with those inside it, indented by so many blanks. */
export function printRow(
  configuration: Configuration,
  table: Table,
  row: Row,
  options: { readonly full?: boolean },
  indent: number,
  shownIndex: number,
): string[] {
  const margin = " ".repeat(indent);
  const parameters = table.columns
    .filter((column) => column.cli !== null && (options.full === true || isShown(configuration, row, column)))
    .map((column) => `${margin} ${column.cli ?? ""} ${printCell(table, row, column)}`);
  return [
    ...(row.active ? [] : [`${margin}# The following line is not activated`]),
    `${margin}${table.cli.join(" ")} ${shownIndex}`,
    ...parameters,
    ...(table.activates || !row.active ? [`${margin} ${row.active ? "activate" : "no activate"}`] : []),
    ...childTables(table).flatMap((child) =>
      childrenOf(configuration, child, row.index).flatMap((inside) =>
        printRow(
          configuration,
          child,
          inside,
          options,
          indent + 1,
          Number(inside.cells[child.parent?.indexColumn ?? ""]),
        ),
      ),
    ),
    `${margin}exit`,
  ];
}

function isShown(configuration: Configuration, row: Row, column: Column): boolean {
  const cell = cellOf(row, column);
  // The name of the SRD goes without saying where the factory's is the only one.
  if (column.name === "SRDName" && onlySrd(configuration) === "DefaultSRD" && cell === "DefaultSRD") return false;
  return cell !== column.default;
}

function printCell(table: Table, row: Row, column: Column): string {
  const cell = cellOf(row, column);
  if (table.name === "TLSContexts" && row.index === 0 && cell === "default") return cell;
  return printValue(column, cell);
}
