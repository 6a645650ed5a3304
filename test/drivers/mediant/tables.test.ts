import { describe, expect, it } from "vitest";
import type { TableName } from "../../../drivers/driver.ts";
import type { Dialect } from "../../../drivers/mediant/dialects.ts";
import { dialectOf, mediant70, mediant72, mediant74 } from "../../../drivers/mediant/dialects.ts";
import { limitsByModel } from "../../../drivers/mediant/limits.ts";
import { mediantTables } from "../../../drivers/mediant/tables.ts";
import { schemaOf } from "./samples.ts";

function codes(table: TableName, name: string): unknown {
  const grammar = schemaOf(table).fields.find((field) => field.name === name)?.grammar;
  return grammar?.kind === "enum" ? grammar.words : grammar;
}

describe("the tables of the Mediant family", () => {
  it.each<[TableName, string, Record<string, number>]>([
    ["proxy-set", "proxy-enable-keep-alive", { disable: 0, "using-options": 1, "using-register": 2 }],
    ["proxy-set", "proxy-load-balancing-method", { disable: 0, "round-robin": 1, "random-weights": 2 }],
    ["proxy-set", "is-proxy-hot-swap", { disable: 0, enable: 1 }],
    ["proxy-set", "proxy-redundancy-mode", { parking: 0, homing: 1 }],
    ["proxy-set", "classification-input", { "ip-port-transport": 1 }],
    ["proxy-set", "dns-resolve-method", { srv: 1 }],
    ["proxy-ip", "transport-type", { udp: 0, tcp: 1, tls: 2 }],
    ["ip-group", "type", { server: 0, user: 1, gateway: 2 }],
    ["ip-group", "topology-location", { down: 0, up: 1 }],
    ["ip-group", "sbc-operation-mode", { b2bua: 0, "call-stateful-proxy": 1 }],
    ["ip-group", "classify-by-proxy-set", { disable: 0, enable: 1 }],
    ["account", "application-type", { gw: 0, sbc: 2 }],
  ])("%s %s has the words of the reference", (table, name, words) => {
    expect(codes(table, name)).toEqual(words);
  });

  it("owns four tables and no other", () => {
    const owned = [...mediantTables.values()].filter((table) => table.owned).map((table) => table.name);
    expect(owned).toEqual(["proxy-set", "proxy-ip", "ip-group", "account"]);
  });

  it("writes tags first into an IP Group", () => {
    expect(schemaOf("ip-group").fields[0]?.name).toBe("tags");
  });

  it("marks what ends calls", () => {
    const ending = schemaOf("ip-group").fields.filter((field) => field.endsCalls === true);
    expect(ending.map((field) => field.name)).toEqual(["type", "srd-name"]);
    expect(schemaOf("ip-group").deleteEndsCalls).toBe(true);
    expect(schemaOf("proxy-set").deleteEndsCalls).toBeUndefined();
  });

  it("names every field and every column once in its table", () => {
    for (const table of mediantTables.values()) {
      expect(new Set(table.fields.map((field) => field.name)).size).toBe(table.fields.length);
      expect(new Set(table.fields.map((field) => field.column)).size).toBe(table.fields.length);
    }
  });

  it.each([
    ["7.40A.250.440", "mediant-7.4"],
    ["7.20A.258.119", "mediant-7.2"],
    ["7.00A.049.003", "mediant-7.0"],
    ["6.60A.100.010", undefined],
    ["unknown", undefined],
  ])("speaks to firmware %s in dialect %s", (firmware, name) => {
    expect(dialectOf(firmware)?.name).toBe(name);
  });

  it("knows which fields every load of a line has", () => {
    const lacks = (dialect: Dialect, table: TableName) =>
      schemaOf(table).fields.flatMap(({ name }) => (dialect.common.get(table)?.has(name) === true ? [] : [name]));
    const of2025 = ["TLSRemoteSubjectName", "PeerHostNameVerificationMode", "InCallRouteMode"];
    expect(lacks(mediant74, "proxy-set")).toEqual(of2025);
    expect(lacks(mediant72, "proxy-set")).toEqual(["accept-dhcp-proxy-list", ...of2025]);
    expect(lacks(mediant70, "proxy-set")).toEqual([
      "min-active-serv-lb",
      "success-detect-retries",
      "success-detect-int",
      "fail-detect-rtx",
      "accept-dhcp-proxy-list",
      ...of2025,
    ]);
    expect(lacks(mediant70, "proxy-ip")).toEqual(["priority", "weight"]);
    expect(lacks(mediant72, "proxy-ip")).toEqual([]);
    const of2023 = ["MeteringRemoteType", "DedicatedConnectionMode", "ReportMetering"];
    expect(lacks(mediant74, "ip-group")).toEqual(of2023);
    expect(lacks(mediant72, "ip-group")).toEqual([
      "internal-media-realm-name",
      "sbc-alt-route-reasons-set",
      "teams-local-media-optimization",
      "TeamsRegistrationMode",
      "TeamsDirectRoutingMode",
      "UserVoiceQualityReport",
      "ValidateSourceIP",
      ...of2023,
    ]);
    expect(lacks(mediant70, "ip-group")).toContain("tags");
    expect(lacks(mediant74, "account")).toEqual([]);
    expect(lacks(mediant72, "account")).toEqual(["account-name"]);
    expect(lacks(mediant70, "account")).toEqual([
      "account-name",
      "registrar-stickiness",
      "registrar-search-mode",
      "reg-by-served-ipg-status",
    ]);
  });

  it("writes to 7.2 and 7.4 only", () => {
    expect([mediant70, mediant72, mediant74].map(({ readOnly }) => readOnly === undefined)).toEqual([
      false,
      true,
      true,
    ]);
  });

  it("knows how many rows a model holds", () => {
    expect(limitsByModel.get("ve-4gb")).toEqual({ "proxy-set": 1_500, "proxy-ip": 10, "ip-group": 1_500 });
    expect(limitsByModel.get("mediant-500")?.["proxy-set"]).toBe(80);
  });
});
