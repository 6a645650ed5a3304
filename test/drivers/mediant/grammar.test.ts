import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FieldSchema, TableName } from "../../../drivers/driver.ts";
import { mediantTables, refusal } from "../../../drivers/index.ts";
import { schemaOf } from "./samples.ts";

const owned = [...mediantTables.values()].filter((table) => table.owned);
const allFields = owned.flatMap((table) => table.fields.map((field) => ({ table: table.name, field })));

function field(table: TableName, name: string): FieldSchema {
  const found = schemaOf(table).fields.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no field ${name}`);
  return found;
}

describe("what fields take", () => {
  it.each<[TableName, string, string]>([
    ["ip-group", "name", "Contoso (Köln)".replace("ö", "oe")],
    ["ip-group", "name", "x".repeat(40)],
    ["ip-group", "name", "what?"],
    ["ip-group", "tags", ""],
    ["ip-group", "tags", "Trunk=3f2504e0-4f89-11d3-9a0c-0305e82c3301"],
    ["ip-group", "tags", "Country=Ireland;Country=Scotland;c;d;e"],
    ["ip-group", "classify-by-proxy-set", "disable"],
    ["ip-group", "media-realm-name", ""],
    ["ip-group", "inbound-mesg-manipulation-set", "-1"],
    ["proxy-set", "proxy-name", "PS_Teams"],
    ["proxy-set", "keepalive-fail-resp", "500,503,486"],
    ["proxy-set", "proxy-keep-alive-time", "2000000"],
    ["proxy-ip", "proxy-address", "sip.pstnhub.microsoft.com:5061"],
    ["proxy-ip", "proxy-address", "192.0.2.1"],
    ["proxy-ip", "proxy-address", "192.0.2.1:65535"],
    ["proxy-ip", "proxy-address", "registrar"],
    ["account", "password", "pa ss?word$1$"],
    ["account", "register", "gin"],
  ])("%s %s takes %j", (table, name, value) => {
    expect(refusal(field(table, name), value)).toBeUndefined();
  });

  it.each<[TableName, string, string]>([
    ["ip-group", "name", ""],
    ["ip-group", "name", "x".repeat(41)],
    ["ip-group", "name", "a/b"],
    ["ip-group", "name", " a"],
    ["ip-group", "name", "a "],
    ["ip-group", "name", "Köln"],
    ["ip-group", "name", 'a"b'],
    ["ip-group", "name", "a\\b"],
    ["ip-group", "name", "a\nb"],
    ["ip-group", "name", "a\r"],
    ["ip-group", "name", "a\n"],
    ["ip-group", "name", "a\0b"],
    ["ip-group", "name", "a\x1b[A"],
    ["ip-group", "name", "a\tb"],
    ["ip-group", "name", "a\x7f"],
    ["ip-group", "name", "any"],
    ["ip-group", "name", "None"],
    ["ip-group", "tags", "a;b;c;d;e;f"],
    ["ip-group", "tags", "a;"],
    ["ip-group", "tags", ";a"],
    ["ip-group", "tags", "a=b=c"],
    ["ip-group", "tags", "=b"],
    ["ip-group", "tags", "x".repeat(71)],
    ["ip-group", "classify-by-proxy-set", "Disable"],
    ["ip-group", "classify-by-proxy-set", "constructor"],
    ["ip-group", "registration-mode", "0"],
    ["ip-group", "inbound-mesg-manipulation-set", "-2"],
    ["proxy-set", "proxy-keep-alive-time", "4"],
    ["proxy-set", "proxy-keep-alive-time", "060"],
    ["proxy-set", "proxy-keep-alive-time", "6e1"],
    ["proxy-set", "proxy-keep-alive-time", "60 "],
    ["proxy-set", "keepalive-fail-resp", "200"],
    ["proxy-set", "keepalive-fail-resp", "500,503,486,408"],
    ["proxy-set", "proxy-redundancy-mode", "-1"],
    ["proxy-ip", "proxy-address", ""],
    ["proxy-ip", "proxy-address", "300.1.1.1"],
    ["proxy-ip", "proxy-address", "192.0.2.1:0"],
    ["proxy-ip", "proxy-address", "192.0.2.1:65536"],
    ["proxy-ip", "proxy-address", "a..b"],
    ["proxy-ip", "proxy-address", "-a.example"],
    ["proxy-ip", "proxy-address", "a.example."],
    ["proxy-ip", "proxy-address", "[::1]"],
    ["proxy-ip", "proxy-address", "a b"],
    ["account", "password", ""],
    ["account", "password", "$1$gQ=="],
    ["account", "password", "x".repeat(51)],
  ])("%s %s refuses %j", (table, name, value) => {
    expect(refusal(field(table, name), value)).toContain(name);
  });

  it("never takes a control character, a quote, a backslash or anything beyond ASCII", () => {
    const text = fc.oneof(fc.string({ unit: "binary", maxLength: 80 }), fc.string({ unit: "grapheme-ascii" }));
    fc.assert(
      fc.property(fc.constantFrom(...allFields), text, ({ field: one }, value) => {
        if (refusal(one, value) === undefined) expect(value).toMatch(/^[ !#-[\]-~]*$/);
      }),
      { numRuns: 3_000 },
    );
  });

  it("never repeats the value in its reason", () => {
    expect(refusal(field("account", "password"), "hunter2\n")).not.toContain("hunter2");
  });
});
