import { describe, expect, it } from "vitest";
import { DriverError } from "../../../drivers/errors.ts";
import { mediant74 } from "../../../drivers/mediant/dialects.ts";
import { runningRows } from "../../../drivers/mediant/rows.ts";
import { mediantTables } from "../../../drivers/mediant/tables.ts";
import { layouts, printRunning, sampleRows, told, wideLayout } from "./samples.ts";

/** The rows of a text, table by table. */
const read = (text: string) => [...runningRows(text, mediantTables).rows.values()].flat();

function fault(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (error instanceof DriverError && error.code === "protocol") return error.message;
    throw error;
  }
  return "";
}

/** A whole running configuration around the lines of its voip block. */
function around(voip: readonly string[]): string {
  return printRunning([]).replace("  configure voip\r\n", ["  configure voip", ...voip, ""].join("\r\n"));
}

describe("reading a running configuration", () => {
  it.each(layouts)("takes %j", (layout) => {
    const rows = read(printRunning(sampleRows, layout));
    expect(rows.map((row) => [row.table, row.parent, row.index, row.active])).toEqual([
      ["proxy-set", undefined, 1, true],
      ["proxy-set", undefined, 4, false],
      ["proxy-ip", 1, 0, true],
      ["proxy-ip", 1, 3, true],
      ["ip-group", undefined, 1, true],
      ["account", undefined, 0, true],
      ["srd", undefined, 0, true],
      ["sip-interface", undefined, 0, true],
      ["realm", undefined, 0, true],
      ["tls-context", undefined, 0, true],
    ]);
    expect(told(rows[2])["proxy-address"]).toBe("sip.example:5061");
    expect(told(rows[4])["tags"]).toBe("Trunk=a;b");
  });

  it("takes the echo of the command before the header", () => {
    expect(read(`show running-config\r\n\r\n${printRunning(sampleRows)}`)).toHaveLength(sampleRows.length);
  });

  it("reads bare, quoted and empty values, codes as words, and words in any case", () => {
    const [row] = read(
      around([
        "   proxy-set 2",
        "    proxy-name   PS_Bare",
        '    tls-context-name ""',
        "    srd-name ''",
        "    is-proxy-hot-swap 1",
        "    proxy-load-balancing-method Random-Weights",
        "    proxy-redundancy-mode -1",
        "    is-proxy-hot-swap 2",
        "    later-parameter 7",
        "    activate",
        "   exit",
      ]),
    );
    expect(told(row)).toEqual({
      "proxy-name": "PS_Bare",
      "tls-context-name": "",
      "srd-name": "",
      "is-proxy-hot-swap": "2",
      "proxy-load-balancing-method": "random-weights",
      "proxy-redundancy-mode": "-1",
    });
  });

  it("reads Proxy Addresses in the shape of 7.0, and says that it met it", () => {
    const text = around(["   proxy-ip 4/0", '    proxy-address "192.0.2.1"', "    activate", "   exit"]);
    expect(read(text)).toMatchObject([{ table: "proxy-ip", parent: 4, index: 0 }]);
    expect(runningRows(text, mediantTables).oldShape).toBe(true);
    expect(runningRows(printRunning(sampleRows), mediantTables).oldShape).toBe(false);
  });

  it("reads the abbreviation that old firmware prints for a keep-alive by OPTIONS", () => {
    const lines = ["   proxy-set 1", "    proxy-enable-keep-alive uoptions", "    activate", "   exit"];
    expect(told(read(around(lines))[0])).toEqual({ "proxy-enable-keep-alive": "using-options" });
  });

  it("takes whole blocks for missing or not there, and says which it has", () => {
    const text = printRunning(sampleRows);
    const short = `${text.slice(0, text.indexOf("## ADMINISTRATION"))}\r\n`;
    expect([...runningRows(short, mediantTables).roots]).toEqual(["network", "voip"]);
    expect([...runningRows(text, mediantTables).roots]).toEqual(mediant74.usualRoots);
  });

  it("leaves secrets out", () => {
    const lines = ["   sip-definition account 1", "    password 00ff00ff obscured", "    activate", "   exit"];
    expect(told(read(around(lines))[0])).toEqual({});
  });

  it.each([
    ["the comment", ["   # The following line is not activated", "   ip-group 1", '    name "A"', "   exit"]],
    ["the row", ["   ip-group 1", '    name "A"', "    no activate", "   exit"]],
  ])("sees from %s alone that a row is not activated, and only that row", (_what, lines) => {
    const rows = read(around([...lines, "   ip-group 2", '    name "B"', "    activate", "   exit"]));
    expect(rows.map((row) => row.active)).toEqual([false, true]);
  });

  it("reads the alternative spelling of a parameter", () => {
    const lines = ["   ip-group 1", '    admission-profile "P"', "    activate", "   exit"];
    expect(told(read(around(lines))[0])).toEqual({ "cac-profile": "P" });
  });

  it("takes a row without parameters", () => {
    expect(read(around(["   ip-group 1", "   exit"]))).toMatchObject([{ table: "ip-group", index: 1 }]);
  });

  it.each([
    ["no header", printRunning(sampleRows).replace("# Running Configuration", "# Startup Configuration")],
    ["nothing at all", ""],
    ["an HTML page", "<html><body>log in</body></html>"],
    ["no voip block", printRunning(sampleRows).replace("configure voip", "configure data")],
    ["a line outside of the blocks", `${printRunning(sampleRows)}Mediant VE SBC# `],
    ["a missing exit", around(["   ip-group 1", '    name "A"', "    activate"])],
    ["an exit that stands too far left", around(["   ip-group 1", '    name "A"', "  exit"])],
    ["an exit too many", around(["   exit"])],
    ["a parameter that stands too far left", around(["   ip-group 1", '    name "A"', '   tags "x"', "   exit"])],
    ["an open quote in an owned row", around(["   ip-group 1", '    name "A', "    activate", "   exit"])],
    ["an owned row without index", around(["   ip-group", '    name "A"', "    activate", "   exit"])],
    ["a row twice", around(["   ip-group 1", "   exit", "   ip-group 1", "   exit"])],
  ])("is a protocol error with %s", (_what, text) => {
    expect(fault(text)).not.toBe("");
  });

  it("says that the header is missing", () => {
    expect(fault("<html>log in</html>")).toContain("header");
  });

  it("is a protocol error, or lacks a block, when it is cut at any byte before its last line", () => {
    for (const layout of layouts) {
      const text = printRunning(sampleRows, layout);
      const end = text.lastIndexOf("exit") + "exit".length;
      const whole = (length: number) =>
        fault(text.slice(0, length)) === "" &&
        runningRows(text.slice(0, length), mediantTables).roots.size === mediant74.usualRoots.length;
      expect(whole(end)).toBe(true);
      for (let length = 0; length < end; length += 1)
        if (whole(length)) expect.fail(`taken for whole when cut at byte ${length}`);
    }
  });

  it("never shows a line's content in its error", () => {
    const text = around(["   sip-definition account 1", '   password "hunter2"', "   exit", "   exit"]);
    expect(fault(text)).toMatch(/line \d+/);
    expect(fault(text)).not.toContain("hunter2");
  });

  it("takes long lines and many lines in linear time", () => {
    const row = ["   message message-manipulations 1", `    action-value "${'" '.repeat(500_000)}"`, "   exit"];
    const rows = Array.from({ length: 20_000 }, (_, at) => [
      `   ip-group ${at}`,
      `    name "${" ".repeat(50)}x"`,
      "   exit",
    ]).flat();
    expect(read(around([...row, ...rows]))).toHaveLength(20_000);
    expect(wideLayout.margin).toBe(2);
  }, 10_000);
});
