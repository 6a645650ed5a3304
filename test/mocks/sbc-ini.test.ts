import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IniError, parseIni, parseTable, printIniDocument, printTable } from "../../mocks/sbc/ini.ts";
import type { IniDocument, IniTable } from "../../mocks/sbc/ini.ts";
import { loadIni, printIni } from "../../mocks/sbc/ini-configuration.ts";
import { obscure } from "../../mocks/sbc/secrets.ts";
import { createSettings } from "../../mocks/sbc/settings.ts";
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

const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,12}$/).filter((text) => text.toLowerCase() !== "format");
const quotedCell = fc
  .string({ unit: "grapheme" })
  // Everything but a quote and control characters, line separators of Unicode included.
  .filter((text) => !/["\p{Cc}]/u.test(text))
  .map((text) => ({ text, quoted: true }));
const bareCell = fc
  .oneof(fc.constant(""), fc.constant("$$"), fc.integer().map(String), fc.ipV4())
  .map((text) => ({ text, quoted: false }));

const tables: fc.Arbitrary<IniTable> = fc
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
        expect(parseTable({ title: table.title, lines: printTable(table) })).toEqual(table);
      }),
    );
  });

  it("keeps a line separator of Unicode inside a cell", () => {
    const cells = [{ text: "a\u2028b\u2029", quoted: true }];
    const table: IniTable = { title: "SRD", columns: ["Name"], style: "short", rows: [{ index: 0, cells }] };
    expect(parseTable({ title: "SRD", lines: printTable(table) })).toEqual(table);
  });

  it("gives back every document that was printed", () => {
    fc.assert(
      fc.property(fc.array(tables, { maxLength: 4 }), (some) => {
        const document: IniDocument = {
          header: [";Board: X"],
          blocks: [
            { kind: "params", title: "SIP Params", lines: ["A = 1", ";B is hidden but has non-default value"] },
            ...some.map((table) => ({ kind: "table" as const, title: table.title, lines: printTable(table) })),
            { kind: "comment", title: "Secret", lines: [";  *** TABLE Secret *** ", "; not exposed."] },
          ],
        };
        expect(parseIni(printIniDocument(document))).toEqual(document);
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
    expect(configuration.tables["SRD"]).toMatchObject([{ index: 1, active: true, cells: { Name: "a" } }]);
  });

  it.each([
    ["FORMAT twice", "[ SRD ]\nFORMAT Index = Name;\nFORMAT Index = Name;\n[ \\SRD ]"],
    ["a row before FORMAT", '[ SRD ]\nSRD 0 = "a";\n[ \\SRD ]'],
    ["a row of another table", '[ SRD ]\nFORMAT Index = Name;\nIPGroup 0 = "a";\n[ \\SRD ]'],
    ["an open quote", '[ SRD ]\nFORMAT Index = Name;\nSRD 0 = "a;\n[ \\SRD ]'],
    ["no semicolon", '[ SRD ]\nFORMAT Index = Name;\nSRD 0 = "a"\n[ \\SRD ]'],
    ["a stray end", "[ \\SRD ]"],
  ])("is refused for %s", (_what, text) => {
    expect(() => load(text)).toThrow(IniError);
  });
});

describe("a device file", () => {
  it("is printed as it was loaded", () => {
    expect(reprint(demoIni)).toBe(demoIni);
  });

  it("is loaded as it was printed", () => {
    const { configuration } = load(demoIni);
    expect(load(printIni(configuration, identity)).configuration).toEqual(configuration);
  });

  it("is wholly understood: no row inactive, no value passed over", () => {
    const { configuration, ignored } = load(demoIni);
    expect(ignored).toEqual([]);
    const inactive = Object.entries(configuration.tables).flatMap(([table, rows]) =>
      rows.filter((row) => !row.active).map((row) => `${table} ${row.index}`),
    );
    expect(inactive).toEqual([]);
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
    for (const part of kept) expect(text).toContain(part);
    expect(text).toMatch(/FORMAT Index = Colour, ProfileName, Depth, SigIPDiffServ/);
    expect(text).toContain('IpProfile 3 = "deep;red", "P", 7, 24');
  });

  it("fills columns that FORMAT leaves out, in any order, and $$, with defaults", () => {
    const { configuration } = load(
      '[ ProxySet ]\nFORMAT Index = ProxyKeepAliveTime, ProxyName;\nProxySet 2 = $$, "a;b=c, d";\n[ \\ProxySet ]\n',
    );
    expect(configuration.tables["ProxySet"]?.[0]?.cells).toMatchObject({
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
    const { tables } = load(text).configuration;
    expect([tables["ProxySet"]?.[0]?.active, tables["IPGroup"]?.[0]?.active]).toEqual([false, false]);
  });

  it("leaves out rows beyond the table", () => {
    const { configuration, ignored } = load(
      '[ ProxySet ]\nFORMAT Index = ProxyName;\nProxySet 1500 = "P";\n[ \\ProxySet ]\n',
    );
    expect(configuration.tables["ProxySet"]).toEqual([]);
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
