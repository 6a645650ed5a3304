import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Step, TableName } from "../../../drivers/driver.ts";
import { DriverError } from "../../../drivers/errors.ts";
import { render } from "../../../drivers/mediant/render.ts";
import { mediantTables } from "../../../drivers/mediant/tables.ts";
import { schemaOf } from "./samples.ts";

const allColumns: ReadonlyMap<TableName, ReadonlySet<string>> = new Map(
  [...mediantTables].map(([name, table]) => [name, new Set(table.fields.map((field) => field.name))]),
);
const writable = { tables: mediantTables, limits: {}, columns: allColumns, firmware: "7.40A.500.786" };
const create = (table: TableName, index: number, fields: Record<string, string>, parent?: number): Step =>
  parent === undefined ? { kind: "create", table, index, fields } : { kind: "create", table, index, fields, parent };

function refused(steps: readonly Step[], limits = {}, columns = allColumns): string {
  try {
    render(steps, { ...writable, limits, columns }, "show");
  } catch (error) {
    if (error instanceof DriverError && error.code === "unsupported") return error.message;
    throw error;
  }
  return "";
}

/** What a device would understand: every parameter with the row that it stands in. Knows nothing of the renderer. */
function understood(lines: readonly string[]): { row: string; name: string; value: string }[] {
  const rows: string[] = [];
  const parameters: { row: string; name: string; value: string }[] = [];
  for (const line of lines) {
    const words = line.trimStart();
    if (words === "exit") rows.pop();
    else if (/^(?:configure voip|proxy-set \d+|proxy-ip \d+|ip-group \d+|sip-definition account \d+)$/.test(words))
      rows.push(words);
    else if (words !== "activate" && !words.startsWith("no ")) {
      const [, name = "", quoted, bare] = /^(\S+) (?:"([^"]*)"|(\S+))$/.exec(words) ?? [];
      parameters.push({ row: rows.slice(1).join(" "), name, value: quoted ?? bare ?? "" });
    }
  }
  expect(rows).toEqual([]);
  return parameters;
}

describe("rendering", () => {
  it("writes a new Proxy Set with its addresses inside, and tags first into a new IP Group", () => {
    const steps = [
      create("proxy-set", 3, { "sbcipv4-sip-int-name": "SIF", "proxy-name": "PS", "is-proxy-hot-swap": "enable" }),
      create("ip-group", 4, { name: "IPG", "proxy-set-name": "PS", tags: "Trunk=x" }),
      create("proxy-ip", 0, { "proxy-address": "a.example:5061", "transport-type": "tls" }, 3),
      create("proxy-ip", 1, { "proxy-address": "192.0.2.1" }, 3),
    ];
    expect(render(steps, writable, "show")).toEqual([
      "configure voip",
      " proxy-set 3",
      '  proxy-name "PS"',
      "  is-proxy-hot-swap enable",
      '  sbcipv4-sip-int-name "SIF"',
      "  activate",
      "  proxy-ip 0",
      '   proxy-address "a.example:5061"',
      "   transport-type tls",
      "   activate",
      "  exit",
      "  proxy-ip 1",
      '   proxy-address "192.0.2.1"',
      "   activate",
      "  exit",
      " exit",
      " ip-group 4",
      '  tags "Trunk=x"',
      '  name "IPG"',
      '  proxy-set-name "PS"',
      "  activate",
      " exit",
      "exit",
    ]);
  });

  it("sends only the changed fields of an update, and opens an existing parent once for its children", () => {
    const steps: Step[] = [
      { kind: "update", table: "ip-group", index: 2, name: "IPG", set: { tags: "" } },
      { kind: "delete", table: "proxy-ip", index: 1, parent: 7, name: "" },
      create("proxy-ip", 2, { "proxy-address": "b.example" }, 7),
      { kind: "update", table: "proxy-ip", index: 0, parent: 8, name: "", set: { priority: "1", weight: "2" } },
      { kind: "delete", table: "account", index: 5, name: "A" },
      { kind: "delete", table: "proxy-set", index: 9, name: "PS" },
    ];
    expect(render(steps, writable, "show")).toEqual([
      "configure voip",
      " ip-group 2",
      '  tags ""',
      "  activate",
      " exit",
      " proxy-set 7",
      "  no proxy-ip 1",
      "  proxy-ip 2",
      '   proxy-address "b.example"',
      "   activate",
      "  exit",
      " exit",
      " proxy-set 8",
      "  proxy-ip 0",
      "   priority 1",
      "   weight 2",
      "   activate",
      "  exit",
      " exit",
      " no sip-definition account 5",
      " no proxy-set 9",
      "exit",
    ]);
  });

  it("renders nothing for steps that change nothing", () => {
    expect(render([], writable, "show")).toEqual([]);
    expect(render([{ kind: "update", table: "ip-group", index: 1, name: "A", set: {} }], writable, "show")).toEqual([]);
  });

  it("masks secrets in what is printed", () => {
    const steps = [
      create("account", 1, { "served-ip-group-name": "A", "serving-ip-group-name": "B", password: "p?w" }),
    ];
    expect(render(steps, writable, "show")).toContain('  password "p?w"');
    expect(render(steps, writable, "mask")).toContain("  password ********");
    expect(render(steps, writable, "mask").join()).not.toContain("p?w");
  });

  it("moves addresses into their new Proxy Set even where an older one of that index is deleted first", () => {
    const lines = render(
      [
        { kind: "delete", table: "proxy-set", index: 3, name: "Old" },
        create("proxy-set", 3, { "proxy-name": "New" }),
        create("proxy-ip", 0, { "proxy-address": "h" }, 3),
      ],
      writable,
      "show",
    );
    expect(lines.slice(1, 3)).toEqual([" no proxy-set 3", " proxy-set 3"]);
    expect(lines.indexOf("  proxy-ip 0")).toBeGreaterThan(lines.indexOf(" proxy-set 3"));
  });

  it.each<[string, Step, string]>([
    ["a table it does not own", create("srd", 1, { name: "X" }), "srd is not a table that may be written"],
    [
      "deleting from a table it does not own",
      { kind: "delete", table: "sip-interface", index: 1, name: "S" },
      "may be",
    ],
    ["a field it does not know", create("ip-group", 1, { name: "A", "no-such": "1" }), "no field"],
    ["a field of the object prototype", create("ip-group", 1, { name: "A", constructor: "1" }), "no field"],
    [
      "a field without a CLI name",
      create("proxy-set", 1, { "proxy-name": "A", TLSRemoteSubjectName: "x" }),
      "CLI name",
    ],
    ["a field whose words nobody knows", create("ip-group", 1, { name: "A", "registration-mode": "1" }), "words"],
    ["a value that the grammar refuses", create("ip-group", 1, { name: "A\nexit" }), "name takes"],
    ["a new row without its name", create("ip-group", 1, { tags: "a" }), "needs name"],
    ["a child without its parent", create("proxy-ip", 1, { "proxy-address": "h" }), "parent is missing"],
    ["a parent where there is none", create("ip-group", 1, { name: "A" }, 2), "no parent"],
    ["a negative index", create("ip-group", -1, { name: "A" }), "whole number"],
    ["a broken index", create("ip-group", 1.5, { name: "A" }), "whole number"],
    ["a broken parent", create("proxy-ip", 1, { "proxy-address": "h" }, Number.NaN), "whole number"],
  ])("refuses %s", (_what, step, reason) => {
    expect(refused([step])).toContain(reason);
  });

  it("refuses rows beyond the model's table", () => {
    expect(refused([create("ip-group", 80, { name: "A" })], { "ip-group": 80 })).toContain("80 rows");
    expect(refused([create("ip-group", 79, { name: "A" })], { "ip-group": 80 })).toBe("");
    expect(refused([create("proxy-ip", 10, { "proxy-address": "h" }, 1)], { "proxy-ip": 10 })).toContain("10 rows");
  });

  it("refuses fields that this device was seen not to have", () => {
    const columns = new Map([["ip-group", new Set(["name"])]] as const);
    const reason = refused([create("ip-group", 1, { name: "A", tags: "x" })], {}, columns);
    expect(reason).toContain("create ip-group 1: this device shows no field tags in ip-group");
    expect(reason).toContain("update the firmware (it is 7.40A.500.786)");
    expect(refused([{ kind: "update", table: "ip-group", index: 1, name: "A", set: { tags: "x" } }], {}, columns)).toBe(
      reason.replace("create", "update"),
    );
    expect(refused([create("ip-group", 1, { name: "A" })], {}, columns)).toBe("");
    expect(refused([create("proxy-set", 1, { "proxy-name": "A" })], {}, columns)).toContain("shows no field");
  });

  it("refuses to create one row twice", () => {
    expect(refused([create("ip-group", 1, { name: "A" }), create("ip-group", 1, { name: "B" })])).toContain(
      "two steps",
    );
  });

  it("puts any string into exactly one field of one row, or refuses it", () => {
    const fields = (["proxy-set", "proxy-ip", "ip-group", "account"] as const).flatMap((table) =>
      schemaOf(table).fields.map((field) => ({ table, field: field.name })),
    );
    const keys: Partial<Record<TableName, Record<string, string>>> = {
      "proxy-set": { "proxy-name": "Key" },
      "ip-group": { name: "Key" },
      account: { "served-ip-group-name": "Key", "serving-ip-group-name": "Key" },
    };
    const nasty = fc.constantFrom(
      "exit",
      "no activate",
      '"',
      "\r\n",
      "\n",
      "?",
      "\\",
      " ",
      "\t",
      "\0",
      "\x1b",
      ";",
      "#",
    );
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.string({ unit: "grapheme-ascii", maxLength: 60 }),
      fc.string({ unit: nasty, maxLength: 8 }),
      fc.constantFrom("enable", "disable", "tls", "1", "a=b;c", "500,503", "h:5060"),
    );
    let rendered = 0;
    fc.assert(
      fc.property(fc.constantFrom(...fields), text, ({ table, field }, value) => {
        const wanted = { ...keys[table], [field]: value };
        const steps = [create(table, 5, wanted, table === "proxy-ip" ? 2 : undefined)];
        if (refused(steps) !== "") return;
        rendered += 1;
        const seen = understood(render(steps, writable, "show"));
        const row = table === "proxy-ip" ? "proxy-set 2 proxy-ip 5" : `${schemaOf(table).cliPath} 5`;
        expect(seen.filter((one) => one.name === field)).toEqual([{ row, name: field, value }]);
        expect(seen).toHaveLength(Object.keys(wanted).length);
      }),
      { numRuns: 4_000 },
    );
    expect(rendered).toBeGreaterThan(200);
  });
});
