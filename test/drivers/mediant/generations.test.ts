import { describe, expect, it } from "vitest";
import type { DeviceConfig, Row, TableName } from "../../../drivers/driver.ts";
import { dialectOf, mediant70, mediant72, mediant74 } from "../../../drivers/mediant/dialects.ts";
import { Disagreement, mergeConfiguration } from "../../../drivers/mediant/merge.ts";
import type { Generation, IniCells, IniStyle } from "../generations.ts";
import { generations, iniHead, iniTable, late70, namedTable, of2019, of2020, of2025 } from "../generations.ts";
import { schemaOf } from "./samples.ts";

const odd = "a,b;c='d'>e \\f = [ g ]";

const proxySets: IniCells = [
  [0, { ProxyName: '"PS_Trunk"', IsProxyHotSwap: "2", GWIPv4SIPInterfaceName: '"SIF_WAN"' }],
  [
    1,
    {
      ProxyName: '"PS_Teams"',
      EnableProxyKeepAlive: "1",
      ProxyLoadBalancingMethod: "1",
      IsProxyHotSwap: "1",
      KeepAliveFailureResp: '"500,503"',
      SBCIPv4SIPInterfaceName: '"SIF_WAN"',
    },
  ],
  [
    4,
    { ProxyName: '"PS_Gap"', SBCIPv4SIPInterfaceName: '"SIF_WAN"', ProxyKeepAliveTime: "", TLSContextName: "default" },
  ],
];
const inactiveSet: IniCells = [[5, { ProxyName: '"PS_B"', EnableProxyKeepAlive: "1" }]];

const proxyIps: IniCells = [
  [
    0,
    { ProxySetId: '"1"', ProxyIpIndex: "1", IpAddress: '"sip.trunk.example:5061"', TransportType: "2", Priority: "1" },
  ],
  [3, { ProxySetId: '"0"', ProxyIpIndex: "1", IpAddress: '"192.0.2.11"', TransportType: "1" }],
  [4, { ProxySetId: '"0"', ProxyIpIndex: "0", IpAddress: "192.0.2.10", TransportType: "0" }],
  [9, { ProxySetId: '"4"', ProxyIpIndex: "7", IpAddress: '"gap.example"', Priority: "$$" }],
];

const ipGroups: IniCells = [
  [
    1,
    {
      Name: '"IPG_Teams"',
      ProxySetName: '"PS_Teams"',
      ClassifyByProxySet: "0",
      SBCOperationMode: "0",
      TopologyLocation: "1",
      Tags: '"Trunk=t-1;Country=Ireland;Country=Scotland"',
      MethodList: '"INVITE\\REGISTER"',
      MsgManUserDef1: `"${odd}"`,
      UsernameAsClient: '"u"',
      PasswordAsClient: '"$1$c2VjcmV0"',
      Password: '"$1$c2VjcmV0"',
    },
  ],
  [7, { Name: '"IPG_Trunk"', ProxySetName: '"PS_Trunk"', ContactName: "sbc.example", MediaRealm: "" }],
];

const accounts: IniCells = [
  [
    0,
    { ServedIPGroupName: '"IPG_Teams"', ServingIPGroupName: '"IPG_Trunk"', Register: "1", Password: '"$1$c2VjcmV0"' },
  ],
];

/** An export of the generation; `inactive` says whether it shows the row that is not activated. */
function printIni(generation: Generation, style: IniStyle, inactive: boolean): string {
  return [
    iniHead(generation, style),
    // A row that no driver reads, with blank and quoted addresses and more than 2,800 characters.
    namedTable(
      "IpProfile",
      ["ProfileName", "IpPreference", "Blank", ...Array.from({ length: 400 }, (_, at) => `Column${at}`)],
      [[1, ['"IPP_Trunk"', '"0.0.0.0"', "", ...Array.from({ length: 400 }, () => '"; ,"')]]],
      style,
    ),
    namedTable("SRD", ["Name"], [[0, ['"DefaultSRD"']]], style),
    namedTable("SIPInterface", ["InterfaceName", "SRDName"], [[0, ['"SIF_WAN"', '"DefaultSRD"']]], style),
    iniTable(generation, "ProxySet", [...proxySets, ...(inactive ? inactiveSet : [])], style),
    iniTable(generation, "IPGroup", ipGroups, style),
    iniTable(generation, "ProxyIp", proxyIps, style),
    iniTable(generation, "Account", accounts, style),
  ].join("");
}

const notActivated = [
  "   # The following line is not activated",
  "   proxy-set 5",
  '    proxy-name "PS_B"',
  "    proxy-enable-keep-alive using-options",
  "    no activate",
  "   exit",
];

const accountLines = [
  "   sip-definition account 0",
  '    served-ip-group-name "IPG_Teams"',
  '    serving-ip-group-name "IPG_Trunk"',
  "    password 736563726574 obscured",
  "    register reg",
  "    activate",
  "   exit",
];

/** As 7.2 and 7.4 print it. */
const newShape = [
  "   proxy-set 0",
  '    proxy-name "PS_Trunk"',
  "    is-proxy-hot-swap 2",
  '    gwipv4-sip-int-name "SIF_WAN"',
  "    activate",
  "    proxy-ip 0",
  '     proxy-address "192.0.2.10"',
  "     transport-type udp",
  "     activate",
  "    exit",
  "    proxy-ip 1",
  '     proxy-address "192.0.2.11"',
  "     transport-type tcp",
  "     activate",
  "    exit",
  "   exit",
  "   proxy-set 1",
  '    proxy-name "PS_Teams"',
  "    proxy-enable-keep-alive using-options",
  "    proxy-load-balancing-method round-robin",
  "    is-proxy-hot-swap enable",
  '    keepalive-fail-resp "500,503"',
  '    sbcipv4-sip-int-name "SIF_WAN"',
  "    activate",
  "    proxy-ip 1",
  '     proxy-address "sip.trunk.example:5061"',
  "     transport-type tls",
  "     priority 1",
  "     activate",
  "    exit",
  "   exit",
  "   proxy-set 4",
  '    proxy-name "PS_Gap"',
  '    tls-context-name "default"',
  '    sbcipv4-sip-int-name "SIF_WAN"',
  "    activate",
  "    proxy-ip 7",
  '     proxy-address "gap.example"',
  "     activate",
  "    exit",
  "   exit",
  ...notActivated,
  "   ip-group 1",
  '    name "IPG_Teams"',
  '    proxy-set-name "PS_Teams"',
  "    classify-by-proxy-set disable",
  '    authentication-method-list "INVITE\\REGISTER"',
  `    msg-man-user-defined-string1 "${odd}"`,
  "    sbc-operation-mode b2bua",
  "    topology-location up",
  '    tags "Trunk=t-1;Country=Ireland;Country=Scotland"',
  "    activate",
  "   exit",
  "   ip-group 7",
  '    name "IPG_Trunk"',
  '    proxy-set-name "PS_Trunk"',
  "    local-host-name sbc.example",
  "    activate",
  "   exit",
  ...accountLines,
];

/** As 7.0 prints it: addresses beside their sets, numbers in place of words, names and values further apart. */
const oldShape = [
  "   proxy-set 0",
  '    proxy-name   "PS_Trunk"',
  "    is-proxy-hot-swap 2",
  '    gwipv4-sip-int-name "SIF_WAN"',
  "    activate",
  "   exit",
  "   proxy-set 1",
  '    proxy-name   "PS_Teams"',
  "    proxy-enable-keep-alive uoptions",
  "    proxy-load-balancing-method 1",
  "    is-proxy-hot-swap 1",
  '    keepalive-fail-resp "500,503"',
  '    sbcipv4-sip-int-name "SIF_WAN"',
  "    activate",
  "   exit",
  "   proxy-set 4",
  '    proxy-name   "PS_Gap"',
  '    tls-context-name "default"',
  '    sbcipv4-sip-int-name "SIF_WAN"',
  "    activate",
  "   exit",
  ...notActivated,
  "   proxy-ip 1/1",
  '    proxy-address   "sip.trunk.example:5061"',
  "    transport-type 2",
  "    activate",
  "   exit",
  "   proxy-ip 0/1",
  '    proxy-address   "192.0.2.11"',
  "    transport-type 1",
  "    activate",
  "   exit",
  "   proxy-ip 0/0",
  '    proxy-address   "192.0.2.10"',
  "    transport-type 0",
  "    activate",
  "   exit",
  "   proxy-ip 4/7",
  '    proxy-address   "gap.example"',
  "    activate",
  "   exit",
  "   ip-group 1",
  '    name   "IPG_Teams"',
  '    proxy-set-name   "PS_Teams"',
  "    classify-by-proxy-set 0",
  '    authentication-method-list "INVITE\\REGISTER"',
  `    msg-man-user-defined-string1 "${odd}"`,
  "    sbc-operation-mode 0",
  "    activate",
  "   exit",
  "   ip-group 7",
  '    name   "IPG_Trunk"',
  '    proxy-set-name   "PS_Trunk"',
  "    local-host-name sbc.example",
  "    activate",
  "   exit",
  ...accountLines,
];

function printRunning(voip: readonly string[], lineEnd: string): string {
  return [
    "# Running Configuration Mediant VE SBC",
    "",
    "## IP NETWORK",
    "",
    "  configure network",
    "   tls 0",
    "    name default",
    "   exit",
    "  exit",
    "",
    "## SIGNALING & MEDIA",
    "",
    "  configure voip",
    ...voip,
    "  exit",
    "",
    "## ADMINISTRATION",
    "",
    "  configure system",
    "  exit",
    "",
    "## TROUBLESHOOT",
    "",
    "  configure troubleshoot",
    "  exit",
    "",
  ].join(lineEnd);
}

const shapeOf = ({ dialect }: Generation) => (dialect === "mediant-7.0" ? oldShape : newShape);

function rowOf(config: DeviceConfig, table: TableName, index: number, parent?: number): Row | undefined {
  return config.rows.find((row) => row.table === table && row.index === index && row.parent === parent);
}

const has = ({ lacks }: Generation, table: keyof Generation["lacks"], field: string) => !lacks[table].includes(field);

const cases = generations.flatMap((generation) =>
  [true, false].flatMap((longFormat) =>
    (["\r\n", "\n"] as const).flatMap((lineEnd) =>
      [true, false].map((inactive) => ({
        generation,
        style: { longFormat, lineEnd },
        inactive,
        name: `${generation.name}, ${longFormat ? "long" : "short"} FORMAT lines, ${lineEnd === "\n" ? "LF" : "CRLF"}, with inactive rows ${inactive ? "" : "not "}in the INI`,
      })),
    ),
  ),
);

describe("a device of every generation", () => {
  it("is written here with as many columns as real ones have", () => {
    const counts = (table: keyof Generation["columns"]) =>
      generations.map(({ columns }) => columns[table].split(", ").length);
    expect(counts("ProxySet")).toEqual([17, 17, 19, 19, 20, 20, 23]);
    expect(counts("IPGroup")).toEqual([38, 39, 45, 53, 60, 62, 63]);
    expect(counts("ProxyIp")).toEqual([4, 4, 6, 6, 6, 6, 6]);
    expect(counts("Account")).toEqual([9, 9, 14, 14, 17, 17, 17]);
  });

  it.each(cases)("is read whole: $name", ({ generation, style, inactive }) => {
    const dialect = dialectOf(generation.firmware) ?? mediant74;
    const running = printRunning(shapeOf(generation), style.lineEnd);
    const { config, lacking, oldShape } = mergeConfiguration(running, printIni(generation, style, inactive), dialect);

    expect(lacking).toEqual([]);
    expect(oldShape).toBe(generation.dialect === "mediant-7.0");
    for (const table of ["proxy-set", "proxy-ip", "ip-group", "account"] as const)
      expect([table, ...(config.columns.get(table) ?? [])]).toEqual([
        table,
        ...schemaOf(table)
          .fields.map(({ name }) => name)
          .filter((name) => has(generation, table, name)),
      ]);

    const owned = config.rows.filter((row) => schemaOf(row.table).owned);
    expect(owned.map(({ table, parent, index, active }) => [table, parent, index, active])).toEqual([
      ["proxy-set", undefined, 0, true],
      ["proxy-set", undefined, 1, true],
      ["proxy-set", undefined, 4, true],
      ["proxy-set", undefined, 5, false],
      ["proxy-ip", 0, 0, true],
      ["proxy-ip", 0, 1, true],
      ["proxy-ip", 1, 1, true],
      ["proxy-ip", 4, 7, true],
      ["ip-group", undefined, 1, true],
      ["ip-group", undefined, 7, true],
      ["account", undefined, 0, true],
    ]);
    expect(rowOf(config, "proxy-set", 0)?.fields).toMatchObject({
      "proxy-name": "PS_Trunk",
      "is-proxy-hot-swap": "2",
      "proxy-enable-keep-alive": "disable",
      "gwipv4-sip-int-name": "SIF_WAN",
      "sbcipv4-sip-int-name": "",
    });
    expect(rowOf(config, "proxy-set", 1)?.fields).toMatchObject({
      "proxy-enable-keep-alive": "using-options",
      "proxy-load-balancing-method": "round-robin",
      "is-proxy-hot-swap": "enable",
      "keepalive-fail-resp": "500,503",
      "proxy-redundancy-mode": "-1",
      "srd-name": "DefaultSRD",
      ...(has(generation, "proxy-set", "success-detect-int") ? { "success-detect-int": "10" } : {}),
    });
    expect(rowOf(config, "proxy-set", 4)?.fields).toMatchObject({
      "proxy-keep-alive-time": "60",
      "tls-context-name": "default",
    });
    const weighted = has(generation, "proxy-ip", "priority");
    expect(config.rows.filter((row) => row.table === "proxy-ip").map(({ fields }) => fields)).toEqual(
      [
        { "proxy-address": "192.0.2.10", "transport-type": "udp", priority: "0", weight: "0" },
        { "proxy-address": "192.0.2.11", "transport-type": "tcp", priority: "0", weight: "0" },
        { "proxy-address": "sip.trunk.example:5061", "transport-type": "tls", priority: "1", weight: "0" },
        { "proxy-address": "gap.example", "transport-type": "-1", priority: "0", weight: "0" },
      ].map(({ priority, weight, ...fields }) => (weighted ? { ...fields, priority, weight } : fields)),
    );
    const group = rowOf(config, "ip-group", 1)?.fields ?? {};
    expect(group).toMatchObject({
      name: "IPG_Teams",
      type: "server",
      "classify-by-proxy-set": "disable",
      "sbc-operation-mode": "b2bua",
      "authentication-method-list": "INVITE\\REGISTER",
      "msg-man-user-defined-string1": odd,
      "dtls-context": "default",
    });
    expect(group["tags"]).toBe(
      has(generation, "ip-group", "tags") ? "Trunk=t-1;Country=Ireland;Country=Scotland" : undefined,
    );
    expect(Object.keys(group).sort()).toEqual([...(config.columns.get("ip-group") ?? [])].sort());
    expect(rowOf(config, "ip-group", 7)?.fields).toMatchObject({
      "classify-by-proxy-set": "enable",
      "media-realm-name": "",
      "local-host-name": "sbc.example",
      "sbc-operation-mode": "-1",
    });
    expect(rowOf(config, "account", 0)?.fields).toMatchObject({ register: "reg", "application-type": "sbc" });
    expect(rowOf(config, "ip-profile", 1)?.fields).toEqual({ "profile-name": "IPP_Trunk" });
    expect(JSON.stringify(config)).not.toMatch(/c2VjcmV0|736563726574/);
    expect(config.mentions).toEqual([
      { from: "ip-group 1", field: "proxy-set-name", table: "proxy-set", name: "PS_Teams" },
      { from: "ip-group 7", field: "proxy-set-name", table: "proxy-set", name: "PS_Trunk" },
      { from: "sip-definition account 0", field: "served-ip-group-name", table: "ip-group", name: "IPG_Teams" },
      { from: "sip-definition account 0", field: "serving-ip-group-name", table: "ip-group", name: "IPG_Trunk" },
    ]);
  });

  it("is read the same in the shape of 7.0 and in that of 7.2", () => {
    const ini = printIni(of2019, { longFormat: true, lineEnd: "\n" }, true);
    const read = (voip: readonly string[]) => mergeConfiguration(printRunning(voip, "\n"), ini, mediant72);
    expect(read(oldShape).config.rows).toEqual(read(newShape).config.rows);
    expect([read(oldShape).oldShape, read(newShape).oldShape]).toEqual([true, false]);
  });

  it("is read by the name that a column had before", () => {
    const rows: IniCells = [[1, { Name: '"A"', TeamsMediaOptimization: "2" }]];
    const ini = iniTable(of2020, "IPGroup", rows, { longFormat: false, lineEnd: "\n" });
    const running = printRunning(["   ip-group 1", '    name "A"', "    activate", "   exit"], "\n");
    const { config } = mergeConfiguration(running, ini, mediant72);
    expect(rowOf(config, "ip-group", 1)?.fields["teams-local-media-optimization"]).toBe("2");
  });
});

describe("a table that the device does not show", () => {
  const style: IniStyle = { longFormat: false, lineEnd: "\n" };
  const columnsOf = (voip: readonly string[], ini: string, generation: Generation) =>
    mergeConfiguration(printRunning(voip, "\n"), ini, dialectOf(generation.firmware) ?? mediant74).config.columns;

  it.each([
    [late70, mediant70],
    [of2020, mediant72],
    [of2025, mediant74],
  ])("has the fields that every load of its line has: $name", (generation, dialect) => {
    const columns = columnsOf([], iniHead(generation, style), generation);
    for (const table of ["proxy-set", "proxy-ip", "ip-group", "account"] as const)
      expect(columns.get(table)).toEqual(dialect.common.get(table));
  });

  it("has the fields that it prints, too", () => {
    const lines = ["   sip-definition account 1", '    account-name "A"', "    activate", "   exit"];
    const columns = columnsOf(lines, iniHead(of2020, style), of2020);
    expect(columns.get("account")?.has("account-name")).toBe(true);
    expect(columnsOf([], iniHead(of2020, style), of2020).get("account")?.has("account-name")).toBe(false);
  });

  it("has the columns of its FORMAT line even where the line as a whole lacks them", () => {
    const ini = "[ ProxySet ]\nFORMAT Index = ProxyName, AcceptDHCPProxyList;\n[ \\ProxySet ]\n";
    expect([...(columnsOf([], ini, of2020).get("proxy-set") ?? [])]).toEqual(["proxy-name", "accept-dhcp-proxy-list"]);
  });
});

describe("rows below one that is not activated", () => {
  const style: IniStyle = { longFormat: false, lineEnd: "\n" };
  const address: IniCells = [[0, { ProxySetId: '"5"', ProxyIpIndex: "0", IpAddress: '"h.example"' }]];
  const ini = iniTable(of2025, "ProxySet", inactiveSet, style) + iniTable(of2025, "ProxyIp", address, style);

  it("may stand in the INI alone", () => {
    const { config } = mergeConfiguration(printRunning(notActivated, "\n"), ini, mediant74);
    expect(rowOf(config, "proxy-ip", 0, 5)?.fields["proxy-address"]).toBe("h.example");
  });

  it("may not where their parent is activated", () => {
    const active = notActivated.slice(1).map((line) => line.replace("no activate", "activate"));
    expect(() => mergeConfiguration(printRunning(active, "\n"), ini, mediant74)).toThrow(Disagreement);
  });
});
