import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Row } from "../../../drivers/driver.ts";
import { DriverError } from "../../../drivers/errors.ts";
import { mediant74 } from "../../../drivers/mediant/dialects.ts";
import { Disagreement, mergeConfiguration } from "../../../drivers/mediant/merge.ts";
import { anyRows, foreignRows, layouts, printIni, printRunning, sampleRow, sampleRows } from "./samples.ts";

const merge = (running: string, ini: string) => mergeConfiguration(running, ini, mediant74).config;
const set = (index: number, name: string, more: { active?: boolean } = {}) =>
  sampleRow("proxy-set", index, { "proxy-name": name }, more);

describe("one read out of two texts", () => {
  it("gives back what was printed, in every layout", () => {
    fc.assert(
      fc.property(
        anyRows,
        fc.constantFrom(...layouts),
        fc.boolean(),
        fc.boolean(),
        (rows, layout, long, onlyActive) => {
          const ini = printIni(rows, { long, onlyActive, lineEnd: layout.lineEnd });
          const read = merge(printRunning(rows, layout), ini);
          // What is only in the INI cannot be known of rows that the INI leaves out.
          const told = (row: Row) =>
            row.active || !onlyActive ? row : { ...row, fields: expect.any(Object) as unknown };
          expect(read.rows).toEqual(rows.map(told));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("fills in what the running configuration leaves out: from the INI, then from known defaults", () => {
    const running = printRunning([sampleRow("ip-group", 1, { name: "A", "sbc-operation-mode": "b2bua" })]);
    const ini = [
      "[ IPGroup ]",
      "FORMAT Index = Name, Type, SRDName, ClassifyByProxySet, SBCOperationMode;",
      'IPGroup 1 = "A", 1, "DefaultSRD", $$, 0;',
      "[ \\IPGroup ]",
    ].join("\n");
    const read = merge(running, ini);
    expect(read.rows).toEqual([
      {
        table: "ip-group",
        index: 1,
        fields: {
          name: "A",
          type: "user",
          "srd-name": "DefaultSRD",
          "classify-by-proxy-set": "enable",
          "sbc-operation-mode": "b2bua",
        },
        active: true,
      },
    ]);
    expect([...(read.columns.get("ip-group") ?? [])]).toEqual([
      "type",
      "name",
      "srd-name",
      "classify-by-proxy-set",
      "sbc-operation-mode",
    ]);
  });

  it("leaves out what neither text shows and no known default tells", () => {
    const running = printRunning([sampleRow("ip-group", 1, { name: "A" })]);
    const ini =
      '[ IPGroup ]\nFORMAT Index = Name, SRDName, Tags, BWProfile;\nIPGroup 1 = "A", $$, $$, $$;\n[ \\IPGroup ]\n';
    const [row] = merge(running, ini).rows;
    expect(row?.fields).toEqual(expect.objectContaining({ name: "A", "bandwidth-profile": "" }));
    expect(Object.keys(row?.fields ?? {})).not.toContain("srd-name");
    expect(Object.keys(row?.fields ?? {})).not.toContain("tags");
  });

  it.each<[string, Row[], Row[]]>([
    ["a row is only in the running configuration", [set(1, "A"), set(2, "B")], [set(1, "A")]],
    ["a row is only in the INI", [set(1, "A")], [set(1, "A"), set(2, "B")]],
    ["a row has two names", [set(1, "A")], [set(1, "B")]],
    [
      "an address is only in one",
      [set(1, "A"), sampleRow("proxy-ip", 0, { "proxy-address": "h" }, { parent: 1 })],
      [set(1, "A")],
    ],
    [
      "an Account is only in the INI",
      [],
      [sampleRow("account", 1, { "served-ip-group-name": "A", "serving-ip-group-name": "B" })],
    ],
  ])("is a disagreement when %s", (_what, running, ini) => {
    expect(() => merge(printRunning(running), printIni(ini))).toThrow(Disagreement);
    expect(() => merge(printRunning(running), printIni(ini))).toThrow(DriverError);
  });

  it("lets rows that are not activated be missing in the INI, with their children", () => {
    const rows = [
      set(1, "A", { active: false }),
      sampleRow("proxy-ip", 0, { "proxy-address": "h" }, { parent: 1, active: true }),
    ];
    expect(merge(printRunning(rows), printIni([])).rows.map((row) => row.active)).toEqual([false, true]);
  });

  it.each([
    ["says so", "\r\n;  *** TABLE Account *** \r\n; This table contains hidden elements.\r\n"],
    ["does not", ""],
  ])("lets the INI hide the Accounts where it %s", (_what, comment) => {
    const accounts = sampleRows.filter((row) => row.table === "account");
    const others = sampleRows.filter((row) => row.table !== "account");
    const read = merge(printRunning(sampleRows), printIni(others) + comment).rows.filter(
      (row) => row.table === "account",
    );
    expect(read).toMatchObject(accounts.map(({ index }) => ({ index, fields: { register: "reg" } })));
  });

  it("takes neighbours from either text", () => {
    const srd = sampleRow("srd", 0, { name: "DefaultSRD" });
    expect(merge(printRunning([]), printIni([srd])).rows).toEqual([srd]);
    expect(merge(printRunning([srd]), printIni([])).rows).toEqual([srd]);
  });

  it("collects who names Proxy Sets and IP Groups, from owned and foreign tables", () => {
    expect(foreignRows[0]).toBe("sbc routing ip2ip-routing 1");
    expect(merge(printRunning(sampleRows), printIni(sampleRows)).mentions).toEqual([
      { from: "ip-group 1", field: "proxy-set-name", table: "proxy-set", name: "PS_Teams" },
      { from: "sip-definition account 0", field: "served-ip-group-name", table: "ip-group", name: "IPG_Teams" },
      { from: "sip-definition account 0", field: "serving-ip-group-name", table: "ip-group", name: "IPG_Other" },
      { from: "sbc routing ip2ip-routing 1", field: "src-ip-group-name", table: "ip-group", name: "IPG_Old" },
      { from: "sbc routing ip2ip-routing 1", field: "dst-ip-group-name", table: "ip-group", name: "IPG_Teams" },
      { from: "test-call test-call-table 0", field: "ip-group-name", table: "ip-group", name: "IPG_Test" },
    ]);
  });

  it("gives equal fingerprints to equal configurations only", () => {
    const print = (running: string, ini: string) => merge(running, ini).fingerprint;
    const running = printRunning(sampleRows);
    const ini = printIni(sampleRows);
    const same = print(running, ini);
    expect(print(running.replace("Mediant VE SBC", "LAB-1"), `;Time: 12:01\r\n${ini}`)).toBe(same);
    expect(print(running.replace("idle-timeout 10", "idle-timeout 11"), ini)).not.toBe(same);
    expect(print(running, ini.replace("192.0.2.9", "192.0.2.8"))).not.toBe(same);
  });

  it("tells configurations apart whose lines end with CR alone", () => {
    const print = (running: string) => merge(running.replaceAll("\r\n", "\r"), printIni(sampleRows)).fingerprint;
    const running = printRunning(sampleRows);
    expect(print(running.replace("Mediant VE SBC", "LAB-1"))).toBe(print(running));
    expect(print(running.replace("idle-timeout 10", "idle-timeout 11"))).not.toBe(print(running));
  });

  it("is a protocol error or the same rows when the INI is cut at any byte", () => {
    const running = printRunning(sampleRows);
    const ini = printIni(sampleRows);
    const whole = merge(running, ini).rows.map(({ table, index }) => `${table} ${index}`);
    for (let length = 0; length < ini.length; length += 1) {
      try {
        const rows = merge(running, ini.slice(0, length)).rows;
        expect(rows.map(({ table, index }) => `${table} ${index}`)).toEqual(whole);
      } catch (error) {
        expect(error).toMatchObject({ name: "DriverError", code: "protocol" });
      }
    }
  });
});
