import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createCli } from "../../mocks/sbc/cli.ts";
import type { Cli } from "../../mocks/sbc/cli.ts";
import type { MockSbc, MockSbcOptions } from "../../mocks/sbc/mock-sbc.ts";
import { control, customerLines, rowAt, startDevice, state } from "./device.ts";

const note = "Note: Changes to this parameter will take effect when applying the 'activate' or 'exit' command";

async function startCli(options: MockSbcOptions = {}): Promise<{ mock: MockSbc; cli: Cli }> {
  const mock = await startDevice(options);
  return { mock, cli: createCli(mock.device, { notes: true }) };
}

function run(cli: Cli, ...lines: string[]) {
  const answers = lines.map((line) => cli.execute(line));
  return { refused: answers.some((answer) => answer.refused), last: answers.at(-1)?.output.join("\n") };
}

const openProxySet = ["configure voip", "proxy-set 4", 'proxy-name "PS_X"', 'sbcipv4-sip-int-name "SIF_WAN"'];
const openIpGroup = ["configure voip", "ip-group 7"];

describe("modes", () => {
  it("shows the way down in the prompt and leaves one level at each exit", async () => {
    const { cli } = await startCli();
    const prompts = [
      ...customerLines.slice(0, 2),
      'sbcipv4-sip-int-name "SIF_WAN"',
      'proxy-name "P"',
      "activate",
      "proxy-ip 0",
      'proxy-address "192.0.2.1"',
      "exit",
      "exit",
      "exit",
    ].map((line) => {
      cli.execute(line);
      return cli.prompt.replace("Mediant VE SBC", "");
    });
    expect([...new Set(prompts)]).toEqual(["(config-voip)# ", "(proxy-set-4)# ", "(proxy-ip-4/0)# ", "# "]);
  });

  it("closes the session at an exit from the top and takes nothing more", async () => {
    const { cli } = await startCli();
    expect(cli.execute("exit").closed).toBe(true);
    expect(cli.execute("configure voip").refused).toBe(true);
  });

  it.each([["conf v"], ["configure voip"], ["  configure   voip  "]])("enters voip by %j", async (line) => {
    const { cli } = await startCli();
    cli.execute(line);
    expect(cli.mode).toBe("config-voip");
  });

  it("takes unique beginnings of every word of a path and refuses ambiguous ones", async () => {
    const { cli } = await startCli();
    cli.execute("conf voip");
    expect(cli.execute("sip 0").refused).toBe(true);
    expect(cli.execute("sip-d acc 3").refused).toBe(false);
    expect(cli.mode).toBe("account-3");
  });

  it("refuses a sibling table inside an open row", async () => {
    const { cli } = await startCli();
    expect(run(cli, ...openProxySet, "ip-group 9").refused).toBe(true);
    expect(cli.mode).toBe("proxy-set-4");
  });
});

describe("rows", () => {
  it("answers a parameter with the note and activate with Done", async () => {
    const { cli } = await startCli();
    expect(run(cli, ...openProxySet).last).toBe(note);
    expect(run(cli, "activate").last).toBe("Done");
  });

  it("keeps parameters back until activate", async () => {
    const { mock, cli } = await startCli();
    run(cli, ...openProxySet);
    expect(await rowAt(mock, "ProxySet", 4)).toBeUndefined();
    run(cli, "activate");
    expect(await rowAt(mock, "ProxySet", 4)).toMatchObject({ active: true, fields: { ProxyName: "PS_X" } });
  });

  it("activates a row at exit, without a word", async () => {
    const { mock, cli } = await startCli();
    expect(run(cli, ...openProxySet, "exit")).toEqual({ refused: false, last: "" });
    expect((await rowAt(mock, "ProxySet", 4))?.active).toBe(true);
  });

  it("gives a new address of a Proxy Set the lowest free row index", async () => {
    const { mock, cli } = await startCli();
    run(cli, ...openProxySet, "activate", "proxy-ip 0", 'proxy-address "192.0.2.1:5060"', "activate");
    expect((await rowAt(mock, "ProxyIp", 3))?.fields).toMatchObject({
      ProxySetId: "4",
      ProxyIpIndex: "0",
      IpAddress: "192.0.2.1:5060",
    });
  });

  it("leaves a Proxy Set without SIP Interface inactive", async () => {
    const { mock, cli } = await startCli();
    expect(run(cli, "configure voip", "proxy-set 4", 'proxy-name "PS_X"', "activate").refused).toBe(true);
    expect(await rowAt(mock, "ProxySet", 4)).toMatchObject({ active: false, fields: { ProxyName: "PS_X" } });
  });

  it("leaves an existing Proxy Set inactive, and its IP Group with it, once its SIP Interface is gone", async () => {
    const { mock, cli } = await startCli();
    run(cli, "configure voip", "proxy-set 3", "no sbcipv4-sip-int-name", "exit");
    expect((await rowAt(mock, "ProxySet", 3))?.active).toBe(false);
    expect((await rowAt(mock, "IPGroup", 4))?.active).toBe(false);
    run(cli, "proxy-set 3", 'sbcipv4-sip-int-name "SIF_WAN"', "activate");
    expect((await rowAt(mock, "IPGroup", 4))?.active).toBe(true);
  });

  it("keeps a row inactive after no activate, and through exit", async () => {
    const { mock, cli } = await startCli();
    run(cli, ...openProxySet, "no activate", "exit");
    expect((await rowAt(mock, "ProxySet", 4))?.active).toBe(false);
  });

  it("refuses an address inside a Proxy Set that is not there yet", async () => {
    const { cli } = await startCli();
    expect(run(cli, ...openProxySet, "proxy-ip 0").refused).toBe(true);
  });

  it.each([
    ["inactive", { active: false }],
    ["activate", { active: true }],
    ["drop", undefined],
  ] as const)("treats a row that is still open at the end as %s", async (unfinishedRow, expected) => {
    const { mock, cli } = await startCli({ settings: { unfinishedRow } });
    run(cli, ...openProxySet);
    cli.end();
    const row = await rowAt(mock, "ProxySet", 4);
    if (expected === undefined) expect(row).toBeUndefined();
    else expect(row).toMatchObject(expected);
  });

  it("lets the names in other rows follow a new name", async () => {
    const { mock, cli } = await startCli();
    run(cli, "configure voip", "proxy-set 3", 'proxy-name "PS_New"', "activate");
    expect((await rowAt(mock, "IPGroup", 4))?.fields["ProxySetName"]).toBe("PS_New");
  });

  it("computes the end of a port range", async () => {
    const { mock, cli } = await startCli();
    run(cli, "configure voip", "realm 3", 'name "MR_X"', "udp-port-range-start 7000", "session-leg 125", "activate");
    expect((await rowAt(mock, "CpMediaRealm", 3))?.fields["PortRangeEnd"]).toBe("7499");
  });
});

describe("values", () => {
  it.each([
    ["a name of 41 characters", `name "${"n".repeat(41)}"`],
    ["a slash in a name", 'name "a/b"'],
    ["a name that differs only in case", 'name "TEAMS-OC"'],
    ["a Proxy Set that does not exist", 'proxy-set-name "Nowhere"'],
    ["tags of 71 characters", `tags "Trunk=${"t".repeat(65)}"`],
    ["six tags", 'tags "a;b;c;d;e;f"'],
    ["a word that is not in the list", "type switch"],
    ["the number of a word", "topology-location 1"],
    ["a number out of range", "re-routing-mode 3"],
    ["a text for a number", "re-routing-mode many"],
    ["two values", "name one two"],
    ["no value", "name"],
    ["an open quote", 'name "acme'],
    ["a quote inside a value", 'name a"b'],
    ["a bare question mark", "name who?"],
    ["a column that the CLI cannot reach", "SBCPSAPMode 1"],
  ])("refuses %s", async (_what, line) => {
    const { cli } = await startCli();
    run(cli, ...openIpGroup);
    expect(cli.execute(line).refused).toBe(true);
  });

  it.each([
    ["40 characters of a name", `name "${"n".repeat(40)}"`, "Name", "n".repeat(40)],
    ["five tags with repeated names", 'tags "C=a;C=b;x;y;z"', "Tags", "C=a;C=b;x;y;z"],
    ["a word by its beginning", "topology-location u", "TopologyLocation", "1"],
    ["a number in quotes", 'inbound-mesg-manipulation-set "4"', "InboundManSet", "4"],
    ["an empty text", 'dtls-context ""', "DTLSContext", ""],
    ["a question mark in quotes", 'contact-user "who?"', "ContactUser", "who?"],
    ["a reference in the spelling of its row", 'proxy-set-name "teams-oc"', "ProxySetName", "Teams-OC"],
  ])("takes %s", async (_what, line, column, value) => {
    const { mock, cli } = await startCli();
    expect(run(cli, ...openIpGroup, line).refused).toBe(false);
    run(cli, "exit");
    expect((await rowAt(mock, "IPGroup", 7))?.fields[column]).toBe(value);
  });

  it.each([
    ["192.0.2.1", true],
    ["sip.example.com:5061", true],
    ["192.0.2.1:70000", false],
    ["two words", false],
    ["", false],
  ])("takes the address %j: %s", async (address, isTaken) => {
    const { cli } = await startCli();
    run(cli, "configure voip", "proxy-set 3", "proxy-ip 5");
    expect(run(cli, `proxy-address "${address}"`, "activate").refused).toBe(!isTaken);
  });

  it("wants priority and weight both or neither", async () => {
    const { cli } = await startCli();
    run(cli, "configure voip", "proxy-set 3", "proxy-ip 5", "proxy-address 192.0.2.1", "priority 1");
    expect(cli.execute("activate").refused).toBe(true);
    expect(run(cli, "weight 1", "activate").refused).toBe(false);
  });

  it("resets a parameter by no", async () => {
    const { mock, cli } = await startCli();
    run(cli, "configure voip", "ip-group 4", "no tags", "activate");
    expect((await rowAt(mock, "IPGroup", 4))?.fields["Tags"]).toBe("");
  });

  it("lets only one IP Group of a Proxy Set carry its keep-alive", async () => {
    const { cli } = await startCli();
    const lines = [...openIpGroup, 'name "x"', 'proxy-set-name "Teams-OC"', "proxy-keepalive-use-ipg enable"];
    expect(run(cli, ...lines, "activate").refused).toBe(true);
    expect(run(cli, "no proxy-keepalive-use-ipg", "activate").refused).toBe(false);
  });

  it("takes at most ten accounts of one served IP Group", async () => {
    const { cli } = await startCli();
    const account = (index: number) => [
      `sip-definition account ${index}`,
      "served-ip-group-name IPG_Fabrikam",
      "serving-ip-group-name IPG_Fabrikam",
      "exit",
    ];
    cli.execute("configure voip");
    for (let index = 1; index < 10; index += 1) expect(run(cli, ...account(index)).refused).toBe(false);
    expect(run(cli, ...account(10)).refused).toBe(true);
  });

  it("wants a Proxy Set, its SIP Interface and its IP Groups in one SRD", async () => {
    const { mock, cli } = await startCli();
    run(cli, "configure voip", "srd 1", 'name "SRD_1"', "exit");
    const strange = ["proxy-set 5", 'proxy-name "P"', "srd-name SRD_1", "sbcipv4-sip-int-name SIF_WAN", "activate"];
    expect(run(cli, ...strange, "exit").refused).toBe(true);
    run(cli, "sip-interface 2", "interface-name SIF_1", "srd-name SRD_1", "exit");
    expect(run(cli, "proxy-set 5", "sbcipv4-sip-int-name SIF_1", "activate", "exit").refused).toBe(false);
    expect(run(cli, "ip-group 5", "name G", "proxy-set-name P", "srd-name DefaultSRD", "activate").refused).toBe(true);
    expect(run(cli, "srd-name SRD_1", "activate").refused).toBe(false);
    expect((await rowAt(mock, "IPGroup", 5))?.active).toBe(true);
  });

  it("wants the SRD to be named where there are two", async () => {
    const { cli } = await startCli();
    run(cli, "configure voip", "srd 1", 'name "SRD_1"', "exit", "ip-group 5", "name G");
    expect(cli.execute("activate").refused).toBe(true);
  });

  it("keeps a name that is taken, inactive, when the setting says so", async () => {
    const { mock, cli } = await startCli({ settings: { duplicateName: "inactive" } });
    expect(run(cli, ...openIpGroup, 'name "teams-oc"').refused).toBe(false);
    expect(cli.execute("activate").refused).toBe(true);
    expect(await rowAt(mock, "IPGroup", 7)).toMatchObject({ active: false, fields: { Name: "teams-oc" } });
  });

  it("marks an IP Group whose Proxy Set is missing inactive when the setting says so", async () => {
    const { mock, cli } = await startCli({ settings: { references: "inactive" } });
    expect(run(cli, ...openIpGroup, 'name "x"', 'proxy-set-name "Later"').refused).toBe(false);
    expect(cli.execute("activate").refused).toBe(true);
    expect((await rowAt(mock, "IPGroup", 7))?.active).toBe(false);
  });
});

describe("limits", () => {
  it.each([
    ["ve-2gb", 79, 80],
    ["ve-3.5gb", 999, 1000],
    ["ve-32gb", 4999, 5000],
  ])("of %s end a table at index %i", async (model, last, beyond) => {
    const { cli } = await startCli({ model });
    cli.execute("configure voip");
    expect(cli.execute(`proxy-set ${beyond}`).refused).toBe(true);
    expect(cli.execute(`proxy-set ${last}`).refused).toBe(false);
  });

  it("end a Proxy Set at ten addresses, or as set", async () => {
    const { mock, cli } = await startCli();
    run(cli, "configure voip", "proxy-set 3");
    expect(cli.execute("proxy-ip 10").refused).toBe(true);
    await control(mock, "PUT", "/settings", { limits: { ProxyIp: 2 } });
    expect(cli.execute("proxy-ip 2").refused).toBe(true);
  });
});

describe("deleting", () => {
  it("takes the addresses along with their Proxy Set", async () => {
    const { mock, cli } = await startCli();
    run(cli, ...customerLines, "configure voip", "no ip-group 5");
    expect(cli.execute("no proxy-set 4").refused).toBe(false);
    const { running } = await state(mock);
    expect(running["ProxyIp"]?.filter((row) => row.fields["ProxySetId"] === "4")).toEqual([]);
    expect(running["ProxyIp"]).toHaveLength(5);
  });

  it("takes one address out of a Proxy Set", async () => {
    const { mock, cli } = await startCli();
    expect(run(cli, "configure voip", "proxy-set 3", "no proxy-ip 1").refused).toBe(false);
    expect(await rowAt(mock, "ProxyIp", 0)).toBeUndefined();
  });

  it("is refused while another row names the row, and for a row that is not there", async () => {
    const { mock, cli } = await startCli();
    cli.execute("configure voip");
    expect(cli.execute("no proxy-set 3").refused).toBe(true);
    expect(cli.execute("no ip-group 4").refused).toBe(true);
    expect(cli.execute("no ip-group 99").refused).toBe(true);
    expect(await rowAt(mock, "ProxySet", 3)).toBeDefined();
  });

  it("empties the names in other rows when the setting says so", async () => {
    const { mock, cli } = await startCli({ settings: { deleteReferenced: "clear" } });
    expect(run(cli, "configure voip", "no sip-interface 0").refused).toBe(false);
    expect(await rowAt(mock, "ProxySet", 3)).toMatchObject({ active: false, fields: { SBCIPv4SIPInterfaceName: "" } });
  });

  it("of a media realm lets its users go", async () => {
    const { mock, cli } = await startCli();
    expect(run(cli, "configure voip", "no realm 0").refused).toBe(false);
    expect((await rowAt(mock, "IPGroup", 4))?.fields["MediaRealm"]).toBe("");
  });
});

describe("show and write", () => {
  it("saves at write", async () => {
    const { mock, cli } = await startCli();
    run(cli, ...customerLines);
    expect((await state(mock)).saveNeeded).toBe(true);
    expect(run(cli, "wr").last).toBe("Writing configuration...done");
    expect((await state(mock)).saveNeeded).toBe(false);
  });

  it("does not call a row changed when it is stored as it was", async () => {
    const { mock, cli } = await startCli();
    run(cli, "configure voip", "ip-group 4", 'name "IPG_Fabrikam"', "activate", "exit");
    expect((await state(mock)).saveNeeded).toBe(false);
  });

  it("filters what show prints", async () => {
    const { cli } = await startCli();
    expect(run(cli, "show system version | grep Serial").last).toBe(";Serial Number: 214365870912345");
  });

  it("prints the state of Proxy Sets with their addresses", async () => {
    const { cli } = await startCli();
    const lines = cli.execute("show voip proxy sets status").output;
    expect(lines).toContain("  1  Teams-OC  Load Balancing  Enabled  ONLINE");
    expect(lines).toContain("  0  ProxySet_0  Homing  Disabled  NOT RESOLVED");
  });

  it("prints one section of the running configuration", async () => {
    const { cli } = await startCli();
    const text = run(cli, "show run voip").last;
    expect(text).toContain("# Running Configuration Mediant VE SBC");
    expect(text).not.toContain("configure network");
  });

  it("adds defaults in full", async () => {
    const { cli } = await startCli();
    expect(run(cli, "show running-config full").last).toContain("    proxy-keep-alive-time 60");
    expect(run(cli, "show running-config").last).not.toContain("proxy-keep-alive-time");
  });

  it("shows only behind do inside a mode", async () => {
    const { cli } = await startCli();
    cli.execute("configure voip");
    expect(cli.execute("show system version").refused).toBe(true);
    expect(cli.execute("do show system version").refused).toBe(false);
  });
});

describe("unknown commands", () => {
  it("are refused and recorded, whatever they are", async () => {
    const { mock } = await startCli();
    const known = /^\s*(c|d|e|s|w|#|$)/;
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1 }).filter((line) => !/[\r\n]/.test(line) && !known.test(line)),
        async (line) => {
          await control(mock, "POST", "/edit", { lines: [line] });
          const lines = mock.device.recorder.received().lines;
          expect(lines.at(-1)).toMatchObject({ source: "edit", line: line.trim(), result: "refused" });
        },
      ),
      { numRuns: 40 },
    );
    expect((await state(mock)).saveNeeded).toBe(false);
  });

  it.each([["copy cli-script from x"], ["reload now"], ["configure data"], ["show nothing"], ["voip"], ["shutdown"]])(
    "include %j",
    async (line) => {
      const { cli } = await startCli();
      expect(cli.execute(line).refused).toBe(true);
    },
  );
});
