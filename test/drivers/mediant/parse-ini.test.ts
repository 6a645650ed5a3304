import { describe, expect, it } from "vitest";
import { DriverError } from "../../../drivers/errors.ts";
import { parseIni } from "../../../drivers/mediant/parse-ini.ts";
import { iniRows } from "../../../drivers/mediant/rows.ts";
import { printIni, sampleRows, schemaOf } from "./samples.ts";

const wanted = new Set(["ProxySet", "ProxyIp", "IPGroup", "Account"]);

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
  ] as const)("takes rows by column name: %j", (style) => {
    const ini = parseIni(printIni(sampleRows, { ...style, onlyActive: true }), wanted);
    const [group] = iniRows(ini, schemaOf("ip-group"));
    expect(group?.fields.get("tags")).toBe("Trunk=a;b");
    expect(group?.fields.get("type")).toBe("server");
    expect(iniRows(ini, schemaOf("proxy-ip")).map((row) => [row.parent, row.index])).toEqual([
      [1, 0],
      [1, 3],
    ]);
    expect([...ini.hidden]).toEqual(["dsptemplates"]);
  });

  it("takes a subset of the columns in another order, any case, $$ and bare text", () => {
    const text = proxySets("format INDEX = isproxyhotswap,PROXYNAME , SRDName;", "proxyset 7 = 1, Bare Name ,$$ ;");
    const [row] = iniRows(parseIni(text, wanted), schemaOf("proxy-set"));
    expect(Object.fromEntries(row?.fields ?? [])).toEqual({ "is-proxy-hot-swap": "enable", "proxy-name": "Bare Name" });
  });

  it("takes hand-made titles without blanks, and commas and semicolons in quotes", () => {
    const text = '[ProxySet]\nFORMAT Index = ProxyName;\nProxySet 0 = "a, b; c=d";\n[\\ProxySet]\n';
    expect(iniRows(parseIni(text, wanted), schemaOf("proxy-set"))[0]?.fields.get("proxy-name")).toBe("a, b; c=d");
  });

  it("leaves secrets out", () => {
    const text = '[ Account ]\nFORMAT Index = HostName, Password;\nAccount 0 = "h", "$1$gQ==";\n[ \\Account ]\n';
    const [row] = iniRows(parseIni(text, wanted), schemaOf("account"));
    expect(Object.fromEntries(row?.fields ?? [])).toEqual({ "host-name": "h" });
  });

  it("keeps codes that have no word", () => {
    const text = proxySets("FORMAT Index = IsProxyHotSwap, ProxyRedundancyMode;", "ProxySet 0 = 2, -1;");
    const [row] = iniRows(parseIni(text, wanted), schemaOf("proxy-set"));
    expect(Object.fromEntries(row?.fields ?? [])).toEqual({ "is-proxy-hot-swap": "2", "proxy-redundancy-mode": "-1" });
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
    ["a line that is neither", proxySets("FORMAT Index = ProxyName;", "hello")],
  ])("is a protocol error with %s", (_what, text) => {
    expect(fault(text)).not.toBe("");
  });

  it("is a protocol error for a Proxy Address that names no Proxy Set", () => {
    const text = '[ ProxyIp ]\nFORMAT Index = ProxyIpIndex, IpAddress;\nProxyIp 0 = 0, "h";\n[ \\ProxyIp ]\n';
    expect(() => iniRows(parseIni(text, wanted), schemaOf("proxy-ip"))).toThrow("names no Proxy Set");
  });

  it("never shows a cell in its error", () => {
    expect(fault(proxySets("FORMAT Index = ProxyName;", 'ProxySet 0 = "hunter2", 2;'))).not.toContain("hunter2");
  });
});
