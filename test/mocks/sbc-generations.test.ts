import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCli } from "../../mocks/sbc/cli.ts";
import type { Column } from "../../mocks/sbc/columns.ts";
import { cellOf, rowsOf, shapeOf } from "../../mocks/sbc/configuration.ts";
import type { Configuration } from "../../mocks/sbc/configuration.ts";
import { chooseGeneration, generationOf, generations } from "../../mocks/sbc/generations.ts";
import type { Generation } from "../../mocks/sbc/generations.ts";
import { joinLines, printFormat, printLine } from "../../mocks/sbc/ini.ts";
import { writeCell } from "../../mocks/sbc/ini-cells.ts";
import { loadIni } from "../../mocks/sbc/load-ini.ts";
import type { MockSbc, MockSbcOptions } from "../../mocks/sbc/mock-sbc.ts";
import { printIni } from "../../mocks/sbc/print-ini.ts";
import { createSettings } from "../../mocks/sbc/settings.ts";
import { findColumn, knownTables, tableNamed } from "../../mocks/sbc/tables.ts";
import {
  customerLines,
  deviceFiles,
  rest,
  rowAt,
  runningConfig,
  script,
  startDevice,
  state,
  upload,
} from "./device.ts";

const identity = {
  name: "Mediant 1000",
  serialNumber: "271828182845904",
  firmware: "7.20A.258.119",
  model: "se",
  macAddress: "00005e005301",
  ipAddress: "192.0.2.30",
  highAvailability: false,
};

const rules = { settings: createSettings(), model: "ve-32gb" };

type Cells = Readonly<Record<string, string>>;
type Rows = readonly (readonly [index: number, cells: Cells])[];

interface Way {
  readonly generation: Generation;
  readonly style: "long" | "short";
  readonly lineEnd: string;
}

const ways: Way[] = generations.flatMap((generation) =>
  (["long", "short"] as const).flatMap((style) => ["\r\n", "\n"].map((lineEnd) => ({ generation, style, lineEnd }))),
);

/** A table as the devices of a generation export it; cells that are not given have their default. */
function block({ generation, style }: Way, name: string, rows: Rows): string[] {
  const columns = generation.columns[name] ?? [];
  const print = (cells: Cells) =>
    columns.map((column) => {
      const schema = columnOf(name, column);
      return writeCell(schema, cells[column] ?? schema.default, generation);
    });
  return [
    `[ ${name} ]`,
    "",
    printFormat({ title: name, columns, style }),
    ...rows.map(([index, cells]) => printLine(name, index, print(cells))),
    "",
    `[ \\${name} ]`,
    "",
  ];
}

function columnOf(table: string, name: string): Column {
  const column = findColumn(tableNamed(table), name);
  if (column === undefined) throw new Error(`no column ${name} in ${table}`);
  return column;
}

const head = (firmware: string): string[] => [
  ";**************",
  ";** Ini File **",
  ";**************",
  "",
  ";Board: Mediant 1000",
  ";HW Board Type: 47  FK Board Type: 71",
  ";Serial Number: 271828182845904",
  ";Slot Number: 1",
  `;Software Version: ${firmware}`,
  ";Board IP Address: 192.0.2.30 ",
  ";;;Key features:;Board Type: Mediant 1000 ;Control Protocols: SIP SBC=60 ;Default features:;Coders: G711 G726;",
  "",
  "[SYSTEM Params]",
  "",
  "SyslogServerIP = 198.51.100.5",
  ";VpFileLastUpdateTime is hidden but has non-default value",
  "",
  "[WEB Params]",
  "",
  "HTTPSCipherString = 'RC4:EXP;!NULL'",
  "",
];

const strange = "a=1;b=2, 'x' \\ > y";
const longList = Array.from({ length: 200 }, (_, position) => `UnheardOfColumn${position}`);

/** An export with factory rows, gaps, disorder, a dangling reference, texts of all kinds, and what nobody knows. */
function exportOf(way: Way): string {
  const { style, generation } = way;
  const prefix = style === "long" ? "IpProfile_" : "";
  const has = (table: string, column: string) => generation.columns[table]?.includes(column) === true;
  const priority = has("ProxyIp", "Priority") ? { Priority: "1", Weight: "1" } : {};
  const tags = has("IPGroup", "Tags") ? { Tags: "Country=Ireland;Country=Scotland" } : {};
  const lines = [
    ...head(`${generation.since.slice(0, 5)}.049.003`),
    "[ InterfaceTable ]",
    "",
    `FORMAT ${style === "long" ? "InterfaceTable_" : ""}Index = IPAddress, Gateway, InterfaceName;`,
    'InterfaceTable 0 = 192.0.2.30, , "eth1";',
    "",
    "[ \\InterfaceTable ]",
    "",
    ...block(way, "TLSContexts", [[0, { Name: "default" }]]),
    "[ IpProfile ]",
    "",
    `FORMAT ${prefix}Index = ${["ProfileName", ...longList].map((name) => prefix + name).join(", ")};`,
    `IpProfile 1 = "IPP_Trunk", ${longList.map((_, position) => (position % 3 === 0 ? `"${strange}"` : "-1")).join(", ")};`,
    "",
    "[ \\IpProfile ]",
    "",
    // An odd port spacing, as some devices have it.
    ...block(way, "CpMediaRealm", [
      [0, { MediaRealmName: "MR_WAN", PortRangeStart: "7000", MediaSessionLeg: "125", PortRangeEnd: "7624" }],
    ]),
    ...block(way, "SBCRoutingPolicy", [[0, { Name: "Default_SBCRoutingPolicy" }]]),
    ...block(way, "SRD", [[0, { Name: "DefaultSRD", SBCRoutingPolicyName: "Default_SBCRoutingPolicy" }]]),
    ...block(way, "SIPInterface", [[0, { InterfaceName: "SIF_WAN", SRDName: "DefaultSRD", MediaRealm: "MR_WAN" }]]),
    ...block(way, "ProxySet", [
      [0, { ProxyName: "ProxySet_0", SRDName: "DefaultSRD", SBCIPv4SIPInterfaceName: "SIF_WAN" }],
      [3, { ProxyName: "PS_A", IsProxyHotSwap: "2", SRDName: "DefaultSRD", SBCIPv4SIPInterfaceName: "SIF_WAN" }],
      [4, { ProxyName: "PS_Old", SRDName: "DefaultSRD", SBCIPv4SIPInterfaceName: "SIF_Gone" }],
    ]),
    ...block(way, "IPGroup", [
      [0, { Name: "Default_IPG", ProxySetName: "ProxySet_0", SRDName: "DefaultSRD" }],
      [2, { Name: "IPG_A", ProxySetName: "PS_A", SRDName: "DefaultSRD", MsgManUserDef1: strange, ...tags }],
      [9, { Name: "IPG_Old", ProxySetName: "PS_Old", SRDName: "DefaultSRD", SIPGroupName: "x".repeat(2_900) }],
    ]),
    ...block(way, "ProxyIp", [
      [7, { ProxySetId: "3", ProxyIpIndex: "4", IpAddress: "192.0.2.7", ...priority }],
      [1, { ProxySetId: "3", ProxyIpIndex: "1", IpAddress: "sip.example:5061", TransportType: "2" }],
      [3, { ProxySetId: "0", ProxyIpIndex: "0", IpAddress: "192.0.2.9:5060" }],
    ]),
    ...block(way, "Account", [
      [0, { ServingIPGroupName: "IPG_A", Username: "u@x", Password: "$1$AAECAwQ=" }],
      [5, { ServingIPGroupName: "IPG_A" }],
    ]),
    "[ MaliciousSignatureDB ]",
    "",
    "FORMAT Index = Name,Pattern;",
    `MaliciousSignatureDB 0 =  "${strange}",   "Header.User-Agent.content prefix 'a;b'";`,
    "",
    "[ \\MaliciousSignatureDB ]",
    "",
    ";  *** TABLE DspTemplates *** ",
    "; This table contains hidden elements and will not be exposed.",
    "; This table exists on board and will be saved during restarts.",
    "",
  ];
  return joinLines(lines, way.lineEnd);
}

/** All rows with all their columns. */
function describeTables(configuration: Configuration): Record<string, unknown> {
  return Object.fromEntries(
    knownTables.map((table) => [
      table.name,
      rowsOf(configuration, table).map((row) => [
        row.index,
        row.active,
        shapeOf(configuration, table).columns.map((column) => [column.name, cellOf(row, column)]),
      ]),
    ]),
  );
}

async function iniOf(mock: MockSbc): Promise<string> {
  return (await rest(mock, "files/ini")).text;
}

/** Starts from a file as it stands; its header says who the device is. */
function startFrom(ini: string, more: MockSbcOptions = {}): Promise<MockSbc> {
  return startDevice({ ini, model: "ve-32gb", http: true, ...more });
}

/** Lines that are new in the second text; fails when any line of the first is gone, changed or elsewhere. */
function addedLines(before: string, after: string): string[] {
  const wanted = before.split(/(?<=\n)/);
  const added: string[] = [];
  for (const line of after.split(/(?<=\n)/)) {
    if (line === wanted[0]) wanted.shift();
    else added.push(line);
  }
  expect(wanted).toEqual([]);
  return added;
}

const conversion = (proxySet: number, ipGroup: number): string[] => [
  "configure voip",
  ` proxy-set ${proxySet}`,
  '  proxy-name "PS_New"',
  '  srd-name "DefaultSRD"',
  '  sbcipv4-sip-int-name "SIF_WAN"',
  "  activate",
  "  proxy-ip 0",
  '   proxy-address "192.0.2.50:5060"',
  "   transport-type udp",
  "   activate",
  "  exit",
  "  proxy-ip 1",
  '   proxy-address "192.0.2.51:5060"',
  "   activate",
  "  exit",
  " exit",
  ` ip-group ${ipGroup}`,
  '  name "acme-c"',
  '  proxy-set-name "PS_New"',
  '  srd-name "DefaultSRD"',
  '  media-realm-name "MR_WAN"',
  '  ip-profile-name "IPP_Trunk"',
  "  activate",
  " exit",
  " sip-definition account 3",
  '  served-ip-group-name "acme-c"',
  '  serving-ip-group-name "acme-c"',
  '  user-name "acme"',
  "  register reg",
  "  activate",
  " exit",
  "exit",
];

describe.each(ways)("an export of $generation.label, $style FORMAT, lines ending in $lineEnd", (way) => {
  const text = exportOf(way);

  it("comes out byte for byte as it went in", async () => {
    const mock = await startFrom(text);
    expect(mock.ignored).toEqual([]);
    expect(await iniOf(mock)).toBe(text);
  });

  it("is loaded as what was printed", async () => {
    const mock = await startFrom(text);
    const { running } = mock.device;
    expect(running.generation.label).toBe(way.generation.label);
    const again = loadIni(await iniOf(mock), rules).configuration;
    expect(describeTables(again)).toEqual(describeTables(running));
  });

  it("changes in the rows of a conversion alone, which are written like the others", async () => {
    const mock = await startFrom(text);
    expect((await script(mock, conversion(1, 5))).json()).toMatchObject({ status: "success" });
    const after = await iniOf(mock);
    const added = addedLines(text, after);
    const { generation, lineEnd } = way;
    const line = (name: string, index: number, cells: Cells): string =>
      (block(way, name, [[index, cells]])[3] ?? "") + lineEnd;
    expect(added).toEqual([
      line("ProxySet", 1, { ProxyName: "PS_New", SRDName: "DefaultSRD", SBCIPv4SIPInterfaceName: "SIF_WAN" }),
      line("IPGroup", 5, {
        Name: "acme-c",
        ProxySetName: "PS_New",
        SRDName: "DefaultSRD",
        MediaRealm: "MR_WAN",
        ProfileName: "IPP_Trunk",
      }),
      line("ProxyIp", 0, { ProxySetId: "1", ProxyIpIndex: "0", IpAddress: "192.0.2.50:5060", TransportType: "0" }),
      line("ProxyIp", 2, { ProxySetId: "1", ProxyIpIndex: "1", IpAddress: "192.0.2.51:5060" }),
      line("Account", 3, {
        ServedIPGroupName: "acme-c",
        ServingIPGroupName: "acme-c",
        Username: "acme",
        Register: "1",
      }),
    ]);
    const indexes = (name: string) => [...after.matchAll(new RegExp(`^${name} (\\d+) =`, "gm"))].map((one) => one[1]);
    expect(indexes("ProxySet")).toEqual(["0", "1", "3", "4"]);
    expect(indexes("ProxyIp")).toEqual(["7", "1", "3", "0", "2"]);
    const password = generation.label.startsWith("7.4") ? '"acme", "",' : '"acme", "$1$gQ==",';
    expect(added.at(-1)).toContain(password);
    const again = loadIni(after, rules).configuration;
    expect(describeTables(again)).toEqual(describeTables(mock.device.running));
  });

  it("prints rows whose references do not exist as not activated", async () => {
    const mock = await startFrom(text);
    expect((await rowAt(mock, "ProxySet", 4))?.active).toBe(false);
    expect((await rowAt(mock, "IPGroup", 9))?.active).toBe(false);
    expect(await runningConfig(mock)).toContain(
      [
        "   # The following line is not activated",
        "   proxy-set 4",
        '    proxy-name "PS_Old"',
        '    sbcipv4-sip-int-name "SIF_Gone"',
        "    no activate",
        "   exit",
      ].join("\r\n"),
    );
  });
});

/** Texts that a cell may hold: no quotes and no control characters. */
const texts = fc
  .oneof(fc.string(), fc.constantFrom("a;b", "x, y", "l'été", "\\", "a=b>c", "$$", " blank ", "0.0.0.0", ""))
  .filter((text) => !/["\p{Cc}\p{Zl}\p{Zp}]/u.test(text));

function cellsFor(column: Column): fc.Arbitrary<string> {
  switch (column.kind) {
    case "integer":
    case "enum":
      return fc.integer({ min: -2_147_483_647, max: 2_147_483_647 }).map(String);
    case "secret":
      return fc.base64String().map((text) => (text === "" ? "" : `$1$${text}`));
    case "address":
      return fc.oneof(fc.constant(""), fc.ipV4());
    case "string":
    case "reference":
    case "raw":
      return texts;
  }
}

describe("rows of any generation", () => {
  const any = fc
    .constantFrom(...ways)
    .chain((way) =>
      fc
        .constantFrom(...knownTables.filter((table) => table.parent === undefined && table.name !== "CpMediaRealm"))
        .chain((table) =>
          fc
            .uniqueArray(
              fc.tuple(
                fc.nat(1_499),
                fc.record(
                  Object.fromEntries(
                    (way.generation.columns[table.name] ?? []).map((name) => [
                      name,
                      cellsFor(columnOf(table.name, name)),
                    ]),
                  ),
                ),
              ),
              { selector: ([index]) => index, minLength: 1, maxLength: 4 },
            )
            .map((rows) => ({ way, table: table.name, rows })),
        ),
    );

  it("come out as they went in, whatever they hold and in whatever order", () => {
    fc.assert(
      fc.property(any, ({ way, table, rows }) => {
        // The SRD that a device fills in stands in the rows that may lack it.
        const filled = rows.map(([index, cells]): [number, Cells] => [
          index,
          cells["SRDName"] === "" ? { ...cells, SRDName: "x" } : cells,
        ]);
        const lines = block(way, table, filled);
        const text = joinLines([...head("7.20A.258.119"), ...lines], way.lineEnd);
        const wide = { settings: createSettings({ limits: { [table]: 1_500 } }), model: "se" };
        const { configuration } = loadIni(text, wide);
        const printed = joinLines(lines, way.lineEnd);
        const whole = printIni(configuration, identity);
        expect(whole).toContain(printed);
        expect(printIni(loadIni(whole, wide).configuration, identity)).toBe(whole);
      }),
      { numRuns: 300 },
    );
  });
});

describe("the generation of a device", () => {
  it.each([
    ["6.80A.227.005", "7.00A"],
    ["7.00A.015.001", "7.00A"],
    ["7.00A.049.003", "7.00A.049"],
    ["7.20A.202.112", "7.20A 2019"],
    ["7.20A.258.119", "7.20A 2020-09"],
    ["7.40A.100.838", "7.40A 2022-11"],
    ["7.40A.250.440", "7.40A 2023-01"],
    ["7.40A.600.203", "7.40A 2025"],
  ])("of firmware %s is %s", (firmware, label) => {
    expect(generationOf(firmware).label).toBe(label);
    const mock = startDevice({ ini: "", firmware });
    return expect(mock.then(({ device }) => device.running.generation.label)).resolves.toBe(label);
  });

  it.each([
    ["ProxySet", 17, ["7.00A", "7.00A.049"]],
    ["ProxySet", 19, ["7.20A 2019", "7.20A 2020-09"]],
    ["ProxySet", 20, ["7.40A 2022-11", "7.40A 2023-01"]],
    ["ProxySet", 23, ["7.40A 2025"]],
    ["ProxyIp", 4, ["7.00A", "7.00A.049"]],
    ["ProxyIp", 6, ["7.20A 2019", "7.20A 2020-09", "7.40A 2022-11", "7.40A 2023-01", "7.40A 2025"]],
    ["IPGroup", 38, ["7.00A"]],
    ["IPGroup", 39, ["7.00A.049"]],
    ["IPGroup", 45, ["7.20A 2019"]],
    ["IPGroup", 53, ["7.20A 2020-09"]],
    ["IPGroup", 60, ["7.40A 2022-11"]],
    ["IPGroup", 62, ["7.40A 2023-01"]],
    ["IPGroup", 63, ["7.40A 2025"]],
    ["Account", 9, ["7.00A", "7.00A.049"]],
    ["Account", 14, ["7.20A 2019", "7.20A 2020-09"]],
    ["Account", 17, ["7.40A 2022-11", "7.40A 2023-01", "7.40A 2025"]],
  ])("gives %s %i columns in %j, all described", (table, count, labels) => {
    const having = generations.filter((one) => one.columns[table]?.length === count);
    expect(having.map((one) => one.label)).toEqual(labels);
    for (const one of having) {
      const names = one.columns[table] ?? [];
      expect(new Set(names).size).toBe(count);
      expect(names.filter((name) => findColumn(tableNamed(table), name) === undefined)).toEqual([]);
    }
  });

  it("follows from FORMAT, whatever the version says, and from the version where FORMAT fits several", () => {
    const of = (label: string) => generations.find((one) => one.label === label)?.columns ?? {};
    const choose = (label: string, table: string, firmware?: string) =>
      chooseGeneration([{ table, columns: of(label)[table] ?? [] }], firmware).label;
    for (const { label } of generations) expect(choose(label, "IPGroup", "7.00A.001.001")).toBe(label);
    expect(choose("7.20A 2019", "ProxySet", "7.20A.202.112")).toBe("7.20A 2019");
    expect(choose("7.20A 2019", "ProxySet", "7.20A.260.001")).toBe("7.20A 2020-09");
    expect(choose("7.20A 2019", "ProxySet", "7.40A.250.001")).toBe("7.20A 2020-09");
    expect(chooseGeneration([{ table: "IPGroup", columns: ["Name", "Tags"] }], "7.00A.049.003").label).not.toContain(
      "7.00A",
    );
    expect(chooseGeneration([{ table: "IPGroup", columns: ["name"] }], "7.00A.049.003").label).toBe("7.00A.049");
  });

  it.each(generations)(
    "lets the CLI of $label know the parameters whose columns it has, and no others",
    async (generation) => {
      const mock = await startDevice({ ini: "", firmware: generation.since });
      const cli = createCli(mock.device, { notes: false });
      cli.execute("configure voip");
      for (const [table, line] of [
        ["IPGroup", "ip-group 1"],
        ["ProxySet", "proxy-set 1"],
        ["Account", "sip-definition account 1"],
      ] as const) {
        cli.execute(line);
        for (const column of tableNamed(table).columns) {
          if (column.cli === null) continue;
          const isThere = generation.columns[table]?.includes(column.name) === true;
          // A parameter that is known asks for its value.
          const expected = isThere ? "Incomplete command" : "Invalid command";
          expect([column.cli, cli.execute(column.cli).output]).toEqual([column.cli, [expected]]);
          expect(cli.execute(`no ${column.cli}`).refused).toBe(!isThere);
        }
        cli.execute("no activate");
        cli.execute("exit");
      }
      const full = cli.execute("do show running-config full").output.join("\n");
      expect(full.includes(" tags ")).toBe(!generation.label.startsWith("7.00A"));
      expect(full.includes(" account-name ")).toBe(generation.label.startsWith("7.40A"));
      expect(Object.keys((await rowAt(mock, "IPGroup", 1))?.fields ?? {})).toEqual(generation.columns["IPGroup"]);
    },
  );

  it.each(generations)("decides what the CLI of $label takes besides words", async (generation) => {
    const isOld = !generation.label.startsWith("7.40A");
    const mock = await startDevice({ ini: "", firmware: generation.since });
    const cli = createCli(mock.device, { notes: false });
    const refused = (...lines: string[]) => lines.map((line) => cli.execute(line).refused).at(-1);
    refused("configure voip", "sip-interface 0", 'interface-name "SIF"', "exit", "proxy-set 4", 'proxy-name   "X"');
    refused('sbcipv4-sip-int-name "SIF"', 'keepalive-fail-resp "500,503"');
    expect(refused("is-proxy-hot-swap 1")).toBe(!isOld);
    expect(refused("proxy-enable-keep-alive uoptions")).toBe(!isOld);
    expect(refused("is-proxy-hot-swap 3")).toBe(true);
    expect(refused("is-proxy-hot-swap enable")).toBe(false);
    expect(refused("proxy-enable-keep-alive using-options")).toBe(false);
    refused("activate", "exit");
    expect(refused("proxy-ip 4/0")).toBe(!isOld);
    if (isOld) expect(refused('proxy-address "192.0.2.9"', "activate", "exit")).toBe(false);
    expect(refused("proxy-ip 0")).toBe(true);
    expect(refused("proxy-ip 9/0")).toBe(true);
    const printed = cli.execute("do show running-config").output.join("\n");
    expect(printed).toContain("    proxy-enable-keep-alive using-options\n    is-proxy-hot-swap enable\n");
    expect(printed.includes('    proxy-ip 0\n     proxy-address "192.0.2.9"\n')).toBe(isOld);
  });

  it.each([
    ["7.00A", "long", ", , , 2560,"],
    ["7.20A.258", "short", ", , , 2560,"],
    ["7.40A", "short", ", 0.0.0.0, 0.0.0.0, 2560,"],
    ["7.40A.600", "short", ', "0.0.0.0", "0.0.0.0", 2560,'],
  ])("writes what %s has made itself in %s FORMAT, unset addresses as %j", async (firmware, style, unset) => {
    const mock = await startDevice({ ini: "", firmware });
    const text = await iniOf(mock);
    expect(text).toContain(unset);
    expect(text).toContain(style === "long" ? "FORMAT SRD_Index = SRD_Name," : "FORMAT Index = Name,");
  });

  it("stays when a file of another one is uploaded, which loses what this one has no column for", async () => {
    const mock = await startFrom(deviceFiles["7.20A"]);
    const before = await iniOf(mock);
    expect((await upload(mock, "files/ini", deviceFiles["7.40A"])).status).toBe(200);
    const text = await iniOf(mock);
    expect(mock.device.running.generation.label).toBe("7.20A 2020-09");
    const format = /^FORMAT Index = Type, Name.*$/m;
    expect(format.exec(text)?.[0]).toBe(format.exec(before)?.[0]);
    expect((await rowAt(mock, "IPGroup", 4))?.fields).toMatchObject({ Name: "IPG_Fabrikam", Username: "" });
    expect((await upload(mock, "files/ini", deviceFiles["7.20A"])).status).toBe(200);
    expect(await iniOf(mock)).toBe(before);
  });

  it("stays when the whole configuration is replaced by CLI text", async () => {
    const mock = await startFrom(deviceFiles["7.00A"]);
    await upload(mock, "files/cliScript", 'configure voip\r\n sip-interface 0\r\n  interface-name "S"\r\n  exit\r\n');
    const text = await iniOf(mock);
    expect(text).toContain(";Software Version: 7.00A.049.003\n");
    expect(text).toContain("FORMAT SIPInterface_Index = SIPInterface_InterfaceName,");
    expect(text).not.toContain("\r");
    expect(
      (await upload(mock, "files/cliScript/incremental", "configure voip\r\n ip-group 1\r\n  tags a")).json(),
    ).toMatchObject({ status: "failed" });
  });
});

describe("a file that somebody has written", () => {
  const part = (table: string, format: string, ...rows: string[]) =>
    [`[${table}]`, `FORMAT ${format};`, ...rows.map((row) => `${table} ${row};`), `[\\${table}]`].join("\n");

  it("shows a device with all columns of its generation", async () => {
    const hand = [
      ";Software Version: 7.20A.258.119",
      part(
        "CpMediaRealm",
        "Index = MediaRealmName, IPv4IF, PortRangeStart, MediaSessionLeg",
        "0 = CpMediaRealm_0, eth2:1, 6000, 14883",
      ),
      part("SIPInterface", "Index = NetworkInterface, InterfaceName", '0 = eth2:1, "SIF"'),
      part("ProxySet", "index=sbcipv4sipinterfacename,PROXYNAME,ProxyKeepAliveTime", "2=SIF,PS,$$"),
      part("ProxyIp", "Index = ProxySetId, ProxyIpIndex, IpAddress, TransportType", "1 = 2, 0, 192.0.2.1, 1"),
    ].join("\n");
    const mock = await startFrom(`${hand}\n`);
    expect(mock.device.running.generation.label).toBe("7.20A 2020-09");
    const text = await iniOf(mock);
    expect(text).toContain('CpMediaRealm 0 = "CpMediaRealm_0", "eth2:1", "", 6000, 14883, 65531, 0, "", "", 0;');
    expect(text).toContain(
      'ProxySet 2 = "PS", 0, 60, 0, 0, "DefaultSRD", 0, "", -1, -1, "", "", "SIF", "", "", 1, 1, 10, -1;',
    );
    expect(text).toContain('ProxyIp 1 = "2", 0, "192.0.2.1", 1, 0, 0;');
    expect(await runningConfig(mock)).toContain('   proxy-set 2\r\n    proxy-name "PS"\r\n');
  });

  it("is taken as an incremental one too, and changes nothing but its rows", async () => {
    const mock = await startFrom(deviceFiles["7.00A"]);
    const file = part(
      "ProxySet",
      "Index = ProxyName, Unheard, SBCIPv4SIPInterfaceName, ProxyKeepAliveTime",
      "2 = PS_Part, 7, SIF_WAN, $$",
    );
    expect((await upload(mock, "files/ini/incremental", `${file}\n`)).status).toBe(200);
    expect(addedLines(deviceFiles["7.00A"], await iniOf(mock))).toEqual([
      'ProxySet 2 = "PS_Part", 0, 60, 0, 0, "DefaultSRD", 0, "", -1, -1, "", "", "SIF_WAN", "", "", "", "";\n',
    ]);
  });

  it("shows no secret that stands in it in clear", async () => {
    const [way] = ways;
    if (way === undefined) throw new Error("there are no generations");
    const account = block(way, "Account", [[0, { ServingIPGroupName: "", Password: "sesame" }]]);
    const mock = await startFrom(joinLines([...head("7.00A.049.003"), ...account], "\n"));
    expect(await iniOf(mock)).not.toContain("sesame");
    expect(await iniOf(mock)).toMatch(/^Account 0 = .*"\$1\$/m);
  });

  it("keeps the looks of cells that an edit did not touch", async () => {
    const row = 'SRD 0 = "DefaultSRD",0 , -1, 1, 0, 0, , Default_SBCRoutingPolicy, "";';
    const format =
      "Name, BlockUnRegUsers, MaxNumOfRegUsers, EnableUnAuthenticatedRegistrations, SharingPolicy, UsedByRoutingServer, SBCOperationMode, SBCRoutingPolicyName, Extra";
    const text = joinLines(
      [...head("7.40A.250.001"), "[ SRD ]", `FORMAT Index = ${format};`, row, "[ \\SRD ]", ""],
      "\n",
    );
    const mock = await startFrom(text);
    expect(await iniOf(mock)).toContain(`\n${row}\n`);
    await script(mock, ["configure voip", "srd 0", 'name "Other"', "activate"]);
    expect(await iniOf(mock)).toContain('\nSRD 0 = "Other", 0, -1, 1, 0, 0, , Default_SBCRoutingPolicy, "";\n');
  });
});

describe.each(Object.entries(deviceFiles))("the device file of %s", (release, ini) => {
  const inactive = { "7.40A": ["IP2IPRouting 9"], "7.20A": ["ProxySet 6"], "7.00A": ["IPGroup 6"] }[release];

  it("is printed as it stands and loaded as it was printed", async () => {
    const mock = await startFrom(ini);
    expect(mock.ignored).toEqual([]);
    expect(await iniOf(mock)).toBe(ini);
    expect(mock.device.identity.firmware.startsWith(release)).toBe(true);
  });

  it("has the rows that a conversion names, and those that are not activated", async () => {
    const mock = await startFrom(ini);
    const { running } = await state(mock);
    const names = (table: string, column: string) => running[table]?.map((row) => row.fields[column]);
    expect(names("SRD", "Name")).toEqual(["DefaultSRD"]);
    expect(names("SIPInterface", "InterfaceName")).toContain("SIF_WAN");
    expect(names("CpMediaRealm", "MediaRealmName")).toContain("MR_WAN");
    expect(names("IpProfile", "ProfileName")).toContain("IPP_Trunk");
    expect(names("ProxySet", "ProxyName")).toContain("Teams-OC");
    const unhappy = Object.entries(running).flatMap(([table, rows]) =>
      rows.filter((row) => !row.active).map((row) => `${table} ${row.index}`),
    );
    expect(unhappy).toEqual(inactive);
  });

  it("takes a conversion as lines of its own", async () => {
    const mock = await startFrom(ini);
    const lines = release === "7.00A" ? customerLines.filter((line) => !line.includes("tags")) : customerLines;
    const named = lines.map((line) => line.replace("SIPTrunk", "PS_New").replace("proxy-set 4", "proxy-set 8"));
    expect((await script(mock, named)).json()).toMatchObject({ status: "success" });
    const added = addedLines(ini, await iniOf(mock));
    expect(added.map((line) => line.split(" = ")[0])).toEqual([
      "ProxySet 8",
      "IPGroup 5",
      `ProxyIp ${{ "7.40A": 3, "7.20A": 3, "7.00A": 2 }[release]}`,
    ]);
  });

  it("comes back from flash as it was", async () => {
    const mock = await startFrom(ini);
    await script(mock, [...customerLines.slice(0, 1), "proxy-set 9", 'proxy-name "PS_9"', "exit"]);
    mock.device.reboot(false);
    expect(await iniOf(mock)).toBe(ini);
  });
});
