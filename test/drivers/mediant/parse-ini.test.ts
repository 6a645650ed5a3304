import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TableName } from "../../../drivers/driver.ts";
import { DriverError } from "../../../drivers/errors.ts";
import { parseIni } from "../../../drivers/mediant/parse-ini.ts";
import { iniRows, wantedColumns } from "../../../drivers/mediant/rows.ts";
import { printIni, sampleRows, schemaOf, told } from "./samples.ts";

const wanted = new Map(
  (["proxy-set", "proxy-ip", "ip-group", "account"] as const).map((table) => [
    schemaOf(table).iniName.toLowerCase(),
    wantedColumns(schemaOf(table)),
  ]),
);

const read = (text: string, table: TableName) => iniRows(parseIni(text, wanted), schemaOf(table));

function fault(text: string): string {
  try {
    parseIni(text, wanted);
  } catch (error) {
    if (error instanceof DriverError && error.code === "protocol") return error.message;
    throw error;
  }
  return "";
}

const proxySets = (...lines: string[]) => ["[ ProxySet ]", ...lines, "[ \\ProxySet ]", ""].join("\r\n");

describe("reading an INI file", () => {
  it.each([
    { long: false, lineEnd: "\r\n" },
    { long: true, lineEnd: "\n" },
    { long: false, lineEnd: "\r" },
  ] as const)("takes rows by column name: %j", (style) => {
    const ini = parseIni(printIni(sampleRows, { ...style, onlyActive: true }), wanted);
    const [group] = iniRows(ini, schemaOf("ip-group"));
    expect(told(group)).toMatchObject({ tags: "Trunk=a;b", type: "server" });
    expect(iniRows(ini, schemaOf("proxy-ip")).map((row) => [row.parent, row.index])).toEqual([
      [1, 0],
      [1, 3],
    ]);
    expect([...ini.hidden]).toEqual(["dsptemplates"]);
  });

  it("takes a subset of the columns in another order, any case, $$ and bare text", () => {
    const text = proxySets("format INDEX = isproxyhotswap,PROXYNAME , SRDName;", "proxyset 7 = 1, Bare Name ,$$ ;");
    expect(told(read(text, "proxy-set")[0])).toEqual({ "is-proxy-hot-swap": "enable", "proxy-name": "Bare Name" });
  });

  it("takes hand-made titles without blanks, and commas and semicolons in quotes", () => {
    const text = '[ProxySet]\nFORMAT Index = ProxyName;\nProxySet 0 = "a, b; c=d";\n[\\ProxySet]\n';
    expect(told(read(text, "proxy-set")[0])).toEqual({ "proxy-name": "a, b; c=d" });
  });

  it("takes semicolons in bare cells for what they are", () => {
    const text = "[ IPGroup ]\nFORMAT Index = Tags, Name;\nIPGroup 0 = a=1;b, N;\nIPGroup 1 = c, x;y;\n[ \\IPGroup ]\n";
    expect(read(text, "ip-group").map(told)).toEqual([
      { tags: "a=1;b", name: "N" },
      { tags: "c", name: "x;y" },
    ]);
  });

  it("leaves secrets out", () => {
    const text = '[ Account ]\nFORMAT Index = HostName, Password;\nAccount 0 = "h", "$1$gQ==";\n[ \\Account ]\n';
    expect(told(read(text, "account")[0])).toEqual({ "host-name": "h" });
  });

  it("keeps codes that have no word, and takes blanks in place of numbers for unset", () => {
    const text = proxySets(
      "FORMAT Index = IsProxyHotSwap, ProxyRedundancyMode, ProxyKeepAliveTime;",
      "ProxySet 0 = 2, -1, ;",
    );
    expect(told(read(text, "proxy-set")[0])).toEqual({ "is-proxy-hot-swap": "2", "proxy-redundancy-mode": "-1" });
  });

  it.each([
    ["quoted", '"192.0.2.11"', "192.0.2.11"],
    ["bare", "192.0.2.11", "192.0.2.11"],
    ["unset", "0.0.0.0", "0.0.0.0"],
    ["blank", "", ""],
  ])("takes a %s address and a Proxy Set named by its index in quotes", (_what, cell, value) => {
    const text = `[ ProxyIp ]\nFORMAT Index = ProxySetId, IpAddress, ProxyIpIndex;\nProxyIp 7 = "4", ${cell}, 2;\n[ \\ProxyIp ]\n`;
    expect(read(text, "proxy-ip")).toMatchObject([{ parent: 4, index: 2 }]);
    expect(told(read(text, "proxy-ip")[0])).toEqual({ "proxy-address": value });
  });

  it("passes over comments, single parameters in and out of their groups, and tables that it was not asked for", () => {
    const text = [
      "EnableSyslog = 1",
      "[SIP Params]",
      "SIPGatewayName = 'a=1;[ x ]'",
      ";Password is hidden but has non-default value",
      "[WEB Params]",
      "[ProxySet]",
      "FORMAT Index = ProxyName;",
      "; a comment",
      'ProxySet 3 = "A";',
      "[ \\ProxySet ]",
      "Later = 2",
      "[ MessageManipulations ]",
      'odd " line, without end',
      "[ \\MessageManipulations ]",
    ].join("\r\n");
    expect(read(text, "proxy-set").map(told)).toEqual([{ "proxy-name": "A" }]);
  });

  it("takes rows and FORMAT lines of any length", () => {
    const columns = Array.from({ length: 2_000 }, (_, at) => `Column${at}`);
    const cells = columns.map((_, at) => (at % 2 === 0 ? String(at) : `"${"x".repeat(40)};,"`));
    const text = proxySets(
      `FORMAT Index = ${columns.join(", ")}, ProxyName;`,
      `ProxySet 0 = ${cells.join(", ")}, "last";`,
    );
    expect(told(read(text, "proxy-set")[0])).toEqual({ "proxy-name": "last" });
  });

  it("gives back any text in any column order, quoted or bare, whatever the style", () => {
    const character = fc.constantFrom(...Array.from("abZ09 ;,'\\=>$[]%#-_.:/äß"));
    const columns = ["Tags", "Name", "ContactName", "SIPGroupName", "Later1", "Later2"];
    const fields = { Tags: "tags", Name: "name", ContactName: "local-host-name", SIPGroupName: "sip-group-name" };
    fc.assert(
      fc.property(
        fc.shuffledSubarray(columns, { minLength: 1 }),
        fc.array(fc.string({ unit: character, maxLength: 60 }), { minLength: 6, maxLength: 6 }),
        fc.constantFrom("\r\n", "\n", "\r"),
        fc.constantFrom("", "IPGroup_", "ipgroup_"),
        fc.boolean(),
        (order, texts, lineEnd, prefix, quoted) => {
          const cellOf = (text: string) => (quoted ? text : text.replaceAll(/[,$]/g, ".").trim());
          const cells = order.map((_, at) => cellOf(texts[at] ?? ""));
          const shown = cells.map((cell) => (quoted ? `"${cell}"` : cell));
          const text = [
            "[ IPGroup ]",
            `FORMAT ${prefix}Index = ${order.map((column) => prefix + column).join(", ")};`,
            `IPGroup 12 = ${shown.join(", ")};`,
            "[ \\IPGroup ]",
          ].join(lineEnd);
          const expected = Object.fromEntries(
            Object.entries(fields).flatMap(([column, field]) => {
              const at = order.indexOf(column);
              return at === -1 ? [] : [[field, cells[at]]];
            }),
          );
          expect(read(text, "ip-group").map(told)).toEqual([expected]);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ["a table that is not closed", '[ ProxySet ]\nFORMAT Index = ProxyName;\nProxySet 0 = "a";\n'],
    ["another table that is not closed", "[ AudioCoders ]\nFORMAT Index = Name;\n[ ProxySet ]\n"],
    ["a closing line of another table", "[ ProxySet ]\nFORMAT Index = ProxyName;\n[ \\IPGroup ]\n"],
    ["a title that is cut", "[ ProxySe"],
    ["a row that is cut", proxySets("FORMAT Index = ProxyName, SRDName;", 'ProxySet 0 = "a", "b')],
    ["a row without its semicolon", proxySets("FORMAT Index = ProxyName;", 'ProxySet 0 = "a"')],
    ["too few cells", proxySets("FORMAT Index = ProxyName, SRDName;", 'ProxySet 0 = "a";')],
    ["too many cells", proxySets("FORMAT Index = ProxyName;", 'ProxySet 0 = "a", 1;')],
    ["no FORMAT line", proxySets('ProxySet 0 = "a";')],
    ["an empty table without FORMAT", proxySets()],
    ["a row of another table", proxySets("FORMAT Index = ProxyName;", 'IPGroup 0 = "a";')],
    ["a row without index", proxySets("FORMAT Index = ProxyName;", 'ProxySet x = "a";')],
    ["an index twice", proxySets("FORMAT Index = ProxyName;", 'ProxySet 0 = "a";', 'ProxySet 0 = "b";')],
    ["a table twice", proxySets("FORMAT Index = ProxyName;") + proxySets("FORMAT Index = ProxyName;")],
    ["two FORMAT lines", proxySets("FORMAT Index = ProxyName;", "FORMAT Index = SRDName;", 'ProxySet 0 = "a";')],
    ["a column twice", proxySets("FORMAT Index = ProxyName, SRDName, PROXYNAME;", 'ProxySet 0 = "a", "b", "c";')],
    ["a quote inside of a cell", proxySets("FORMAT Index = ProxyName, SRDName;", 'ProxySet 0 = "a" b", "c";')],
    ["text after a quoted cell", proxySets("FORMAT Index = ProxyName, SRDName;", 'ProxySet 0 = "a"b;')],
    ["a quote inside of a bare cell", proxySets("FORMAT Index = ProxyName, SRDName;", 'ProxySet 0 = a"b, c";')],
    ["a line that is neither", proxySets("FORMAT Index = ProxyName;", "hello")],
  ])("is a protocol error with %s", (_what, text) => {
    expect(fault(text)).not.toBe("");
  });

  it("is a protocol error for a Proxy Address that names no Proxy Set", () => {
    const text = '[ ProxyIp ]\nFORMAT Index = ProxyIpIndex, IpAddress;\nProxyIp 0 = 0, "h";\n[ \\ProxyIp ]\n';
    expect(() => read(text, "proxy-ip")).toThrow("names no Proxy Set");
  });

  it("is a protocol error for two Proxy Addresses at one place", () => {
    const rows = 'ProxyIp 0 = "1", 0, "h";\nProxyIp 5 = "1", 0, "i";';
    const text = `[ ProxyIp ]\nFORMAT Index = ProxySetId, ProxyIpIndex, IpAddress;\n${rows}\n[ \\ProxyIp ]\n`;
    expect(() => read(text, "proxy-ip")).toThrow("one place");
  });

  it("never shows a cell in its error", () => {
    expect(fault(proxySets("FORMAT Index = ProxyName;", 'ProxySet 0 = "hunter2", 2;'))).not.toContain("hunter2");
  });
});
