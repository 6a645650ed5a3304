import fc from "fast-check";
import type { FieldSchema, Row, TableName, TableSchema } from "../../../drivers/driver.ts";
import type { FoundRow } from "../../../drivers/mediant/rows.ts";
import { mediantTables } from "../../../drivers/mediant/tables.ts";

/** How a running configuration is laid out. */
export interface Layout {
  /** Blanks before `configure`. */
  margin: number;
  /** Blanks from `configure` to its rows. */
  rowIndent: number;
  lineEnd: "\r\n" | "\n";
  /** Names and values of one row, further apart in old firmware. */
  gap: string;
}

export const wideLayout: Layout = { margin: 2, rowIndent: 1, lineEnd: "\r\n", gap: " " };
export const layouts: readonly Layout[] = [
  wideLayout,
  { margin: 0, rowIndent: 1, lineEnd: "\n", gap: " " },
  { margin: 0, rowIndent: 4, lineEnd: "\r\n", gap: "   " },
];

/** Lines of other tables, one indent less than a row. */
export const foreignRows: readonly string[] = [
  "sbc routing ip2ip-routing 1",
  ' route-name "In"',
  ' src-ip-group-name "IPG_Old"',
  ' dst-ip-group-name "IPG_Teams"',
  " activate",
  "exit",
  "sbc routing alt-route-reasons-set 0",
  ' name "reasons; \\"odd\\""',
  " activate",
  " alt-route-reasons-rules 0",
  "  rel-cause-code 503-service-unavail",
  "  activate",
  " exit",
  "exit",
];

/** Prints rows as devices do: parameters at a known default are left out, children stand in their parent. */
export function printRunning(rows: readonly Row[], layout: Layout = wideLayout): string {
  const top = rows.filter((row) => row.parent === undefined);
  const voip = top.filter((row) => row.table !== "tls-context").flatMap((row) => rowLines(row, rows, layout));
  const network = top.filter((row) => row.table === "tls-context").flatMap((row) => rowLines(row, rows, layout));
  return [
    "# Running Configuration Mediant VE SBC",
    "",
    "",
    ...root("## IP NETWORK", "network", [
      ...network,
      "dns srv2ip 0",
      ' domain-name "teams.example"',
      " activate",
      "exit",
    ]),
    ...root("## SIGNALING & MEDIA", "voip", [...voip, ...foreignRows]),
    ...root("## ADMINISTRATION", "system", ["cli-settings", " idle-timeout 10", " activate", "exit"]),
    ...root("## TROUBLESHOOT", "troubleshoot", [
      "test-call test-call-table 0",
      ' ip-group-name "IPG_Test"',
      " activate",
      "exit",
    ]),
    "",
    "",
  ].join(layout.lineEnd);

  function root(title: string, name: string, lines: readonly string[]): string[] {
    const margin = " ".repeat(layout.margin);
    return [
      title,
      "",
      `${margin}configure ${name}`,
      ...lines.map((line) => margin + " ".repeat(layout.rowIndent) + line),
      `${margin}exit`,
      "",
    ];
  }
}

function rowLines(row: Row, all: readonly Row[], layout: Layout): string[] {
  const schema = schemaOf(row.table);
  const parameters = schema.fields.flatMap((field) => {
    const value = row.fields[field.name];
    if (value === undefined || field.nameConfidence === "unknown" || value === knownDefault(field)) return [];
    const isText = field.grammar.kind === "text" || field.grammar.kind === "reference";
    return [` ${field.name}${layout.gap}${isText ? `"${value}"` : value}`];
  });
  const children = all
    .filter((child) => child.parent === row.index && schemaOf(child.table).parent === row.table)
    .flatMap((child) => rowLines(child, [], layout).map((line) => ` ${line}`));
  return [
    ...(row.active ? [] : ["# The following line is not activated"]),
    `${schema.cliPath} ${row.index}`,
    ...parameters,
    row.active ? " activate" : " no activate",
    ...children,
    "exit",
  ];
}

export interface IniStyle {
  long: boolean;
  lineEnd: "\r\n" | "\n" | "\r";
  /** Rows that are not activated are left out, too. */
  onlyActive: boolean;
}

const shortStyle: IniStyle = { long: false, lineEnd: "\r\n", onlyActive: true };

/** Prints rows as an INI export does, every column of every row. */
export function printIni(rows: readonly Row[], style: IniStyle = shortStyle): string {
  const blocks = [...mediantTables.values()].flatMap((schema) => {
    const held = rows.filter((row) => row.table === schema.name && (row.active || !style.onlyActive));
    return held.length === 0 ? [] : iniTable(schema, held, style.long);
  });
  return [
    ";**************",
    ";** Ini File **",
    ";**************",
    "",
    ";Software Version: 7.40A.250.440",
    "",
    "[SYSTEM Params]",
    "SyslogServerIP = 192.0.2.9",
    "LogoFileName = 'logo; 1.png'",
    "",
    ";  *** TABLE DspTemplates *** ",
    "; This table contains hidden elements and will not be exposed.",
    "",
    "[ AudioCoders ]",
    "FORMAT Index = Name, pTime;",
    'AudioCoders 0 = "x;y", 1, 2;',
    "[ \\AudioCoders ]",
    "",
    ...blocks,
    "",
  ].join(style.lineEnd);
}

function iniTable(schema: TableSchema, rows: readonly Row[], long: boolean): string[] {
  const child = schema.parent !== undefined;
  const prefix = long ? `${schema.iniName}_` : "";
  const columns = [
    ...(child ? ["ProxySetId", "ProxyIpIndex"] : []),
    ...schema.fields.map((field) => field.column),
    "LaterColumn",
  ];
  return [
    `[ ${schema.iniName} ]`,
    "",
    `FORMAT ${prefix}Index = ${columns.map((column) => prefix + column).join(", ")};`,
    ...rows.map((row, at) => {
      const place = child ? [`"${row.parent ?? 0}"`, String(row.index)] : [];
      const cells = schema.fields.map((field) => cell(field, row.fields[field.name]));
      return `${schema.iniName} ${child ? at : row.index} = ${[...place, ...cells, '"later;"'].join(", ")};`;
    }),
    "",
    `[ \\${schema.iniName} ]`,
    "",
  ];
}

function cell(field: FieldSchema, value: string | undefined): string {
  if (field.secret === true) return '"$1$gQ=="';
  if (value === undefined) return "$$";
  const { grammar } = field;
  if (grammar.kind === "enum") return String(grammar.words[value] ?? value);
  return grammar.kind === "integer" ? value : `"${value}"`;
}

function knownDefault(field: FieldSchema): string | undefined {
  return field.default.confidence === "doc" || field.default.confidence === "seen" ? field.default.value : undefined;
}

export function schemaOf(table: TableName): TableSchema {
  const schema = mediantTables.get(table);
  if (schema === undefined) throw new Error(`no table ${table}`);
  return schema;
}

/** What a text shows of a row, by field name. */
export function told(row: FoundRow | undefined): Record<string, string> {
  const fields = row === undefined ? [] : schemaOf(row.table).fields;
  return Object.fromEntries(
    fields.flatMap((field, at) => {
      const value = row?.values[at];
      return value === undefined ? [] : [[field.name, value] as const];
    }),
  );
}

/** A row with the values given and known defaults for the rest; mandatory names and the rest stay absent. */
export function sampleRow(
  table: TableName,
  index: number,
  given: Readonly<Record<string, string>>,
  more: { parent?: number; active?: boolean } = {},
): Row {
  const defaults = schemaOf(table).fields.flatMap((field) => {
    const value = field.secret === true ? undefined : knownDefault(field);
    return value === undefined ? [] : [[field.name, value] as const];
  });
  const place = more.parent === undefined ? { table, index } : { table, index, parent: more.parent };
  return { ...place, fields: { ...Object.fromEntries(defaults), ...given }, active: more.active ?? true };
}

export const sampleRows: readonly Row[] = [
  sampleRow("proxy-set", 1, {
    "proxy-name": "PS_Teams",
    "proxy-enable-keep-alive": "using-options",
    "sbcipv4-sip-int-name": "SIF_Teams",
  }),
  sampleRow("proxy-set", 4, { "proxy-name": "PS_B" }, { active: false }),
  sampleRow("proxy-ip", 0, { "proxy-address": "sip.example:5061", "transport-type": "tls" }, { parent: 1 }),
  sampleRow("proxy-ip", 3, { "proxy-address": "192.0.2.7" }, { parent: 1 }),
  sampleRow("ip-group", 1, {
    tags: "Trunk=a;b",
    name: "IPG_Teams",
    "proxy-set-name": "PS_Teams",
    "classify-by-proxy-set": "disable",
  }),
  sampleRow("account", 0, {
    "served-ip-group-name": "IPG_Teams",
    "serving-ip-group-name": "IPG_Other",
    register: "reg",
  }),
  sampleRow("srd", 0, { name: "DefaultSRD" }),
  sampleRow("sip-interface", 0, { "interface-name": "SIF_Teams", "srd-name": "DefaultSRD" }),
  sampleRow("realm", 0, { name: "MR" }),
  sampleRow("tls-context", 0, { name: "default" }),
];

const safeCharacter = fc.constantFrom(...Array.from("abcXYZ019 -_.,:=?'#!$%&()*+<>@[]^{|}~"));
const safeText = (max: number) =>
  fc.string({ unit: safeCharacter, maxLength: max }).map((value) => value.trim().replace(/^\$/, "x"));
const name = fc
  .string({ unit: fc.constantFrom(...Array.from("abcXYZ019-_. ;'")), minLength: 1, maxLength: 40 })
  .map((value) => {
    const trimmed = value.trim();
    return trimmed === "" ? "n" : trimmed;
  });

/** Values that a field's grammar takes. */
export function valueOf(table: TableName, field: FieldSchema): fc.Arbitrary<string> {
  const { grammar } = field;
  if (schemaOf(table).key.includes(field.name)) return name;
  if (field.name === "tags") return fc.constantFrom("", "a", "Trunk=x", "a=1;a=2;b", "a;b;c;d;e");
  if (field.name === "proxy-address") return fc.constantFrom("a.example", "a.example:5061", "192.0.2.1", "h:1");
  if (field.name === "keepalive-fail-resp") return fc.constantFrom("", "500", "500,503");
  switch (grammar.kind) {
    case "integer":
      return fc.integer({ min: grammar.min, max: grammar.max }).map(String);
    case "enum":
      return Object.keys(grammar.words).length === 0
        ? fc.constant("0")
        : fc.constantFrom(...Object.keys(grammar.words));
    case "reference":
      return fc.oneof(fc.constant(""), name);
    case "text":
      return safeText(grammar.maxLength);
  }
}

function rowOf(table: TableName): fc.Arbitrary<Omit<Row, "index">> {
  const fields = schemaOf(table).fields.filter((field) => field.secret !== true);
  return fc.tuple(fc.boolean(), ...fields.map((field) => valueOf(table, field))).map(([active, ...values]) => ({
    table,
    fields: Object.fromEntries(fields.map((field, at) => [field.name, values[at] ?? ""])),
    active,
  }));
}

function tableOf(table: TableName): fc.Arbitrary<Row[]> {
  return fc
    .uniqueArray(fc.tuple(fc.nat({ max: 5_000 }), rowOf(table)), { maxLength: 4, selector: ([index]) => index })
    .map((rows) => rows.map(([index, row]) => ({ ...row, index })).sort((one, other) => one.index - other.index));
}

/** Whole configurations, in the order in which a read reports their rows. */
export const anyRows: fc.Arbitrary<Row[]> = fc
  .tuple(tableOf("proxy-set"), tableOf("ip-group"), tableOf("account"), tableOf("srd"), fc.array(rowOf("proxy-ip")))
  .map(([sets, groups, accounts, srds, addresses]) => [
    ...sets,
    ...sets.flatMap((set) =>
      addresses.slice(0, 3).map((row, index) => ({ ...row, index, parent: set.index, active: set.active })),
    ),
    ...groups,
    ...accounts,
    ...srds.map((row) => ({ ...row, active: true })),
  ]);
