import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cellOf, rowsOf, shapeOf } from "../../mocks/sbc/configuration.ts";
import type { Configuration } from "../../mocks/sbc/configuration.ts";
import type { IniCell } from "../../mocks/sbc/ini.ts";
import {
  IniError,
  cellsOf,
  joinLines,
  parseIni,
  parseTable,
  printCell,
  printFormat,
  printLine,
} from "../../mocks/sbc/ini.ts";
import { loadIni } from "../../mocks/sbc/load-ini.ts";
import { printIni } from "../../mocks/sbc/print-ini.ts";
import { obscure } from "../../mocks/sbc/secrets.ts";
import { createSettings } from "../../mocks/sbc/settings.ts";
import { tableNamed } from "../../mocks/sbc/tables.ts";
import { demoIni } from "./device.ts";

const rules = { settings: createSettings(), model: "ve-4gb" };
const identity = {
  name: "Mediant VE SBC",
  serialNumber: "214365870912345",
  firmware: "7.40A.250.440",
  model: "ve-4gb",
  macAddress: "00005e005301",
  ipAddress: "192.0.2.10",
  highAvailability: false,
};

function load(text: string) {
  return loadIni(text, rules);
}

function reprint(text: string): string {
  return printIni(load(text).configuration, identity);
}

/** Rows of a table with all their columns. */
function tableOf(configuration: Configuration, name: string) {
  const table = tableNamed(name);
  return rowsOf(configuration, table).map((row) => ({
    index: row.index,
    active: row.active,
    cells: Object.fromEntries(
      shapeOf(configuration, table).columns.map((column) => [column.name, cellOf(row, column)]),
    ),
  }));
}

interface WrittenTable {
  title: string;
  columns: readonly string[];
  style: "short" | "long";
  rows: readonly { index: number; cells: readonly IniCell[] }[];
}

function write(table: WrittenTable): string[] {
  const rows = table.rows.map(({ index, cells }) => printLine(table.title, index, cells.map(printCell)));
  return [`[ ${table.title} ]`, "", printFormat(table), ...rows, "", `[ \\${table.title} ]`];
}

function read(title: string, lines: readonly string[]): WrittenTable {
  const parsed = parseTable({ title, lines });
  const rows = parsed.rows.map((row) => ({ index: row.index, cells: cellsOf(parsed, row) }));
  return { title: parsed.title, columns: parsed.columns, style: parsed.style, rows };
}

const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,12}$/).filter((text) => text.toLowerCase() !== "format");
const quotedCell = fc
  .string({ unit: "grapheme" })
  // Everything but a quote and control characters, line separators of Unicode included.
  .filter((text) => !/["\p{Cc}]/u.test(text))
  .map((text) => ({ text, quoted: true }));
const bareCell = fc
  .oneof(fc.constant(""), fc.constant("$$"), fc.integer().map(String), fc.ipV4())
  .map((text) => ({ text, quoted: false }));

const tables: fc.Arbitrary<WrittenTable> = fc
  .record({
    title: word,
    columns: fc.uniqueArray(word, { minLength: 1, maxLength: 6 }),
    style: fc.constantFrom("short" as const, "long" as const),
  })
  .chain(({ title, columns, style }) =>
    fc
      .uniqueArray(
        fc.record({
          index: fc.nat(),
          cells: fc.array(fc.oneof(quotedCell, bareCell), { minLength: columns.length, maxLength: columns.length }),
        }),
        { selector: (row) => row.index, maxLength: 5 },
      )
      .map((rows) => ({ title, columns, style, rows })),
  );

describe("an INI text", () => {
  it("gives back every table that was printed", () => {
    fc.assert(
      fc.property(tables, (table) => {
        expect(read(table.title, write(table))).toEqual(table);
      }),
    );
  });

  it("keeps a line separator of Unicode inside a cell", () => {
    const cells = [{ text: "a\u2028b\u2029", quoted: true }];
    const table = { title: "SRD", columns: ["Name"], style: "short" as const, rows: [{ index: 0, cells }] };
    expect(read("SRD", write(table))).toEqual(table);
  });

  it.each(["\r\n", "\n", "\r"])("loses no line of any document with line ends %j", (lineEnd) => {
    fc.assert(
      fc.property(fc.array(tables, { maxLength: 4 }), (some) => {
        const lines = [
          ...[";Board: X", ""],
          ...["[SIP Params]", "", "A = 1", ";B is hidden but has non-default value", ""],
          ...some.flatMap((table) => [...write(table), ""]),
          ...[";  *** TABLE Secret *** ", "; not exposed.", ""],
        ];
        const document = parseIni(joinLines(lines, lineEnd));
        expect(document.blocks.flatMap((block) => block.lines)).toEqual(lines);
        expect(document.lineEnd).toBe(lineEnd);
        const kinds = document.blocks.map((block) => block.kind);
        expect(kinds).toEqual(["header", "params", ...some.map(() => "table"), "comment"]);
      }),
    );
  });

  it.each([
    ["bare title and lower case", '[SRD]\nformat index = name;\nsrd 1 = "a";\n[\\srd]\n'],
    ["long style", '[ SRD ]\r\nFORMAT SRD_Index = SRD_Name;\r\nSRD 1 = "a";\r\n[ \\SRD ]\r\n'],
    ["CR alone", '[ SRD ]\rFORMAT Index = Name;\rSRD 1="a" ;\r[ \\SRD ]\r'],
    [
      "comments between",
      '[ SRD ]\n; a note\nFORMAT Index = Name;\n; another\nSRD 1 = "a"; behind\n[ \\SRD ]\n'.replace(" behind", ""),
    ],
  ])("is read with %s", (_what, text) => {
    const { configuration } = load(text);
    expect(tableOf(configuration, "SRD")).toMatchObject([{ index: 1, active: true, cells: { Name: "a" } }]);
  });

  it.each([
    ["FORMAT twice", "[ SRD ]\nFORMAT Index = Name;\nFORMAT Index = Name;\n[ \\SRD ]"],
    ["a row before FORMAT", '[ SRD ]\nSRD 0 = "a";\n[ \\SRD ]'],
    ["a row of another table", '[ SRD ]\nFORMAT Index = Name;\nIPGroup 0 = "a";\n[ \\SRD ]'],
    ["an open quote", '[ SRD ]\nFORMAT Index = Name;\nSRD 0 = "a;\n[ \\SRD ]'],
    ["no semicolon", '[ SRD ]\nFORMAT Index = Name;\nSRD 0 = "a"\n[ \\SRD ]'],
    ["a stray end", "[ \\SRD ]"],
    ["a table twice", "[ SRD ]\nFORMAT Index = Name;\n[ \\SRD ]\n[ srd ]\nFORMAT Index = Name;\n[ \\srd ]"],
    ["a row with too few cells", '[ SRD ]\nFORMAT Index = Name, SharingPolicy;\nSRD 0 = "a";\n[ \\SRD ]'],
  ])("is refused for %s", (_what, text) => {
    expect(() => load(text)).toThrow(IniError);
  });
});

describe("a device file", () => {
  it("is wholly understood: no value passed over, and no row inactive but the one that names a removed IP Group", () => {
    const { configuration, ignored } = load(demoIni);
    expect(ignored).toEqual([]);
    const inactive = Object.entries(configuration.tables).flatMap(([table, rows]) =>
      rows.list.filter((row) => !row.active).map((row) => `${table} ${row.index}`),
    );
    expect(inactive).toEqual(["IP2IPRouting 9"]);
  });

  it("puts IPGroup between ProxySet and ProxyIp", () => {
    const order = [...reprint(demoIni).matchAll(/^\[ (\w+) \]\r$/gm)].map((match) => match[1]);
    expect(order.slice(order.indexOf("ProxySet"), order.indexOf("ProxySet") + 3)).toEqual([
      "ProxySet",
      "IPGroup",
      "ProxyIp",
    ]);
  });

  it("carries unknown tables, columns and parameters along as they stand", () => {
    const kept = [
      "[Strange Params]\r\n\r\nWhatIsThis = 'x;y'\r\n",
      '[ MaliciousSignatureDB ]\r\n\r\nFORMAT Index = Name,Pattern;\r\nMaliciousSignatureDB 0 =   "a", "b \'c\'";\r\n\r\n[ \\MaliciousSignatureDB ]\r\n',
    ];
    const profile = 'FORMAT Index = Colour, ProfileName, Depth;\r\nIpProfile 3 = "deep;red", "P", 7;\r\n';
    const text = reprint(`${kept.join("")}[ IpProfile ]\r\n${profile}[ \\IpProfile ]\r\n`);
    for (const part of [...kept, profile]) expect(text).toContain(part);
  });

  it("fills columns that FORMAT leaves out, in any order, and $$, with defaults", () => {
    const { configuration } = load(
      '[ ProxySet ]\nFORMAT Index = ProxyKeepAliveTime, ProxyName;\nProxySet 2 = $$, "a;b=c, d";\n[ \\ProxySet ]\n',
    );
    expect(tableOf(configuration, "ProxySet")[0]?.cells).toMatchObject({
      ProxyName: "a;b=c, d",
      ProxyKeepAliveTime: "60",
      SuccessDetectionInterval: "10",
      SRDName: "DefaultSRD",
    });
  });

  it("makes a Proxy Set without SIP Interface, and who names it, inactive", () => {
    const text =
      '[ ProxySet ]\nFORMAT Index = ProxyName;\nProxySet 1 = "P";\n[ \\ProxySet ]\n' +
      '[ IPGroup ]\nFORMAT Index = Name, ProxySetName;\nIPGroup 1 = "I", "P";\n[ \\IPGroup ]\n';
    const { configuration } = load(text);
    const first = ["ProxySet", "IPGroup"].map((name) => tableOf(configuration, name)[0]?.active);
    expect(first).toEqual([false, false]);
  });

  it("leaves out rows beyond the table", () => {
    const { configuration, ignored } = load(
      '[ ProxySet ]\nFORMAT Index = ProxyName;\nProxySet 1500 = "P";\n[ \\ProxySet ]\n',
    );
    expect(tableOf(configuration, "ProxySet")).toEqual([]);
    expect(ignored).toEqual(["ProxySet 1500"]);
  });

  it("shows secrets obscured, and takes them in either form", () => {
    const account = (password: string) =>
      `[ Account ]\r\nFORMAT Index = ServingIPGroupName, Password;\r\nAccount 0 = "", "${password}";\r\n[ \\Account ]\r\n`;
    const printed = reprint(account("open sesame"));
    expect(printed).not.toContain("sesame");
    expect(printed).toContain(`"${obscure("open sesame")}"`);
    expect(reprint(account(obscure("open sesame")))).toBe(printed);
    expect(reprint(account(""))).toContain('"", -1, "", "", "", "", ""');
  });
});
