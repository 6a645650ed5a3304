import type { Column, Table } from "./columns.ts";
import type { Configuration, Row, VerbatimBlock } from "./configuration.ts";
import { cellOf, copyConfiguration, createFactoryConfiguration, putRow, rowsOf } from "./configuration.ts";
import type { Identity } from "./device.ts";
import type { IniCell, IniTable } from "./ini.ts";
import { parseIni, parseTable, printIniDocument, printTable } from "./ini.ts";
import { limitOf } from "./limits.ts";
import { completeRow, refuseRow, refuseValue } from "./row-rules.ts";
import { obscureCell } from "./secrets.ts";
import type { Settings } from "./settings.ts";
import { exportOrder, findColumn, findTable, knownTables, tableNamed } from "./tables.ts";

/** What was loaded, and the lines that the device passed over without a word. */
export interface LoadedIni {
  readonly configuration: Configuration;
  readonly ignored: readonly string[];
}

interface LoadRules {
  readonly settings: Settings;
  readonly model: string;
}

/**
 * A configuration from a full INI file; what the file leaves out stands as it leaves the factory. A value that the
 * device would not take becomes the default of its column, and is reported as ignored. Throws IniError.
 */
export function loadIni(text: string, rules: LoadRules): LoadedIni {
  const document = parseIni(text);
  const configuration = createFactoryConfiguration();
  const ignored: string[] = [];
  const verbatim: VerbatimBlock[] = [];
  configuration.header = document.header;
  for (const block of document.blocks) {
    const table = block.kind === "table" ? findTable(block.title) : undefined;
    if (table === undefined) {
      verbatim.push(block);
      continue;
    }
    const parsed = parseTable(block);
    rememberFormat(configuration, table, parsed);
    configuration.tables[table.name] = [];
    for (const row of parsed.rows) {
      const cells = readRow(table, parsed, row, {}, ignored);
      putWithinLimit(configuration, table, { index: row.index, active: true, cells }, rules, ignored);
    }
  }
  configuration.verbatim = verbatim;
  settle(configuration, rules.settings);
  return { configuration, ignored };
}

/**
 * The configuration with an incremental INI over it. Rows that the file leaves out are kept and columns that it leaves
 * out fall to their default, both by setting. Unknown tables and parameters are ignored. Throws IniError, and then
 * nothing was changed.
 */
export function mergeIni(configuration: Configuration, text: string, rules: LoadRules): LoadedIni {
  const merged = copyConfiguration(configuration);
  const ignored: string[] = [];
  for (const block of parseIni(text).blocks) {
    const table = block.kind === "table" ? findTable(block.title) : undefined;
    if (block.kind === "params") {
      merged.verbatim = mergeParameters(merged.verbatim, block.lines, ignored);
    } else if (table === undefined) {
      ignored.push(`[ ${block.title} ]`);
    } else {
      mergeTable(merged, table, parseTable(block), rules, ignored);
    }
  }
  settle(merged, rules.settings);
  return { configuration: merged, ignored };
}

function mergeTable(
  configuration: Configuration,
  table: Table,
  parsed: IniTable,
  rules: LoadRules,
  ignored: string[],
): void {
  const before = rowsOf(configuration, table);
  if (rules.settings.incrementalBlock === "replace") configuration.tables[table.name] = [];
  for (const row of parsed.rows) {
    const old = before.find((other) => other.index === row.index);
    const kept = rules.settings.incrementalRow === "merge" ? (old?.cells ?? {}) : {};
    const cells = readRow(table, parsed, row, kept, ignored);
    putWithinLimit(configuration, table, { index: row.index, active: true, cells }, rules, ignored);
  }
}

function mergeParameters(
  blocks: readonly VerbatimBlock[],
  lines: readonly string[],
  ignored: string[],
): readonly VerbatimBlock[] {
  let merged = blocks;
  for (const line of lines) {
    const name = parameterName(line);
    if (name === undefined) continue;
    const isKnown = merged.some((block) => block.kind === "params" && block.lines.some(isParameter(name)));
    if (!isKnown) ignored.push(line);
    merged = merged.map((block) =>
      block.kind === "params"
        ? { ...block, lines: block.lines.map((old) => (isParameter(name)(old) ? line : old)) }
        : block,
    );
  }
  return merged;
}

function parameterName(line: string): string | undefined {
  return /^\s*([^;=\s][^=]*?)\s*=/.exec(line)?.[1]?.toLowerCase();
}

const isParameter = (name: string) => (line: string) => parameterName(line) === name;

function rememberFormat(configuration: Configuration, table: Table, parsed: IniTable): void {
  const names = parsed.columns.map((name) => findColumn(table, name)?.name ?? name);
  if (names.every((name) => findColumn(table, name) !== undefined)) return;
  const missing = table.columns.map((column) => column.name).filter((name) => !names.includes(name));
  configuration.formats = { ...configuration.formats, [table.name]: [...names, ...missing] };
}

function readRow(
  table: Table,
  parsed: IniTable,
  row: { readonly index: number; readonly cells: readonly IniCell[] },
  kept: Readonly<Record<string, string>>,
  ignored: string[],
): Record<string, string> {
  const cells: Record<string, string> = { ...kept };
  parsed.columns.forEach((name, position) => {
    const cell = row.cells[position];
    if (cell === undefined) return;
    const column = findColumn(table, name);
    if (column === undefined) {
      cells[name] = cell.quoted ? `"${cell.text}"` : cell.text;
      return;
    }
    const value = readCell(column, cell);
    if (value === undefined) ignored.push(`${table.name} ${row.index} ${column.name} = ${cell.text}`);
    cells[column.name] = value ?? column.default;
  });
  return cells;
}

function readCell(column: Column, cell: IniCell): string | undefined {
  if (!cell.quoted && cell.text === "$$") return column.default;
  if (column.kind === "secret") return obscureCell(cell.text);
  const isNumber = column.kind === "integer" || column.kind === "enum";
  if (isNumber && cell.text === "") return column.default;
  return refuseValue(column, cell.text) === undefined ? cell.text : undefined;
}

function putWithinLimit(
  configuration: Configuration,
  table: Table,
  row: Row,
  rules: LoadRules,
  ignored: string[],
): void {
  const isChild = table.parent !== undefined;
  const index = isChild ? Number(row.cells[table.parent.indexColumn] ?? 0) : row.index;
  if (index < limitOf(table, rules.model, rules.settings)) putRow(configuration, table, row);
  else ignored.push(`${table.name} ${row.index}`);
}

/** Completes all rows and finds out which of them are active, in the order in which they refer to each other. */
function settle(configuration: Configuration, settings: Settings): void {
  const dependent = ["IpProfile", "SBCRoutingPolicy", "SRD", "TLSContexts", "CpMediaRealm", "SIPInterface"];
  const first = dependent.map(tableNamed);
  for (const table of [...first, ...knownTables.filter((other) => !first.includes(other))]) {
    for (const row of rowsOf(configuration, table)) {
      const completed = completeRow(configuration, table, row, settings);
      const active = refuseRow(configuration, table, completed, settings) === undefined;
      if (active !== row.active || JSON.stringify(completed.cells) !== JSON.stringify(row.cells)) {
        putRow(configuration, table, { ...completed, active });
      }
    }
  }
}

/** The INI file that the device shows: its own columns, the order of an export, CRLF. */
export function printIni(configuration: Configuration, identity: Identity): string {
  const params = configuration.verbatim.filter((block) => block.kind === "params");
  const carried = configuration.verbatim.filter((block) => block.kind !== "params");
  const own = knownTables.flatMap((table) => {
    const rows = rowsOf(configuration, table);
    if (rows.length === 0) return [];
    return [
      { kind: "table" as const, title: table.name, lines: printTable(describeTable(configuration, table, rows)) },
    ];
  });
  const tables = [...own, ...carried].sort((one, two) => rank(one.title) - rank(two.title));
  return printIniDocument({
    header: describeHeader(configuration, identity),
    blocks: [...params, ...tables],
  });
}

function rank(title: string): number {
  const position = exportOrder.findIndex((name) => name.toLowerCase() === title.toLowerCase());
  return position < 0 ? exportOrder.length : position;
}

function describeTable(configuration: Configuration, table: Table, rows: readonly Row[]): IniTable {
  const columns = configuration.formats[table.name] ?? table.columns.map((column) => column.name);
  return {
    title: table.name,
    style: "short",
    columns,
    rows: rows.map((row) => ({
      index: row.index,
      cells: columns.map((name): IniCell => {
        const column = findColumn(table, name);
        // A column that the schema does not know is kept as it was written.
        if (column === undefined) return { text: row.cells[name] ?? "$$", quoted: false };
        return { text: cellOf(row, column), quoted: column.kind !== "integer" && column.kind !== "enum" };
      }),
    })),
  };
}

function describeHeader(configuration: Configuration, identity: Identity): string[] {
  const loaded = configuration.header.length > 0 ? configuration.header : headerTemplate;
  return loaded.map((line) =>
    line
      .replace(/^;Board: .*/, `;Board: ${identity.name}`)
      .replace(/^;Serial Number: .*/, `;Serial Number: ${identity.serialNumber}`)
      .replace(/^;Software Version: .*/, `;Software Version: ${identity.firmware}`)
      .replace(/^;Board IP Address: .*/, `;Board IP Address: ${identity.ipAddress}`),
  );
}

const headerTemplate: readonly string[] = [
  ";**************",
  ";** Ini File **",
  ";**************",
  ";Board: ",
  ";Board Type: 73",
  ";Serial Number: ",
  ";Slot Number: 1",
  ";Software Version: ",
  ";DSP Software Version: SOFTDSP => 0.00",
  ";Board IP Address: ",
  ";Ram size: 4096M   Flash size: 0M",
  ";Num of DSP Cores: 0  Num DSP Channels: 0",
];

/** The block that heads the INI file, as `show system version` prints it. */
export function describeVersion(configuration: Configuration, identity: Identity): string[] {
  return describeHeader(configuration, identity).filter((line) => !line.startsWith(";*"));
}

/** A field of the header of a loaded file, such as `Serial Number`. */
export function headerField(configuration: Configuration, name: string): string | undefined {
  const start = `;${name}: `;
  return configuration.header
    .find((line) => line.startsWith(start))
    ?.slice(start.length)
    .trim();
}
