import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planRemoval, rowsOf, type Leaver, type RemovalOptions } from "../../agent/provisioning/removal.ts";
import type { Mention, Row } from "../../drivers/driver.ts";
import { intentOf, registering, subjectOf } from "./customers.ts";
import { applySteps, configOf, neighbours, row } from "./device-fixture.ts";

const made = [{ index: 5, name: "SIPTrunk" }];
const options: RemovalOptions = { withoutTags: false, made, others: rowsOf([]) };
const tenantOf = (name: string): string => subjectOf(name).tenantId;
const leaverOf = (name: string, more: Partial<Leaver> = {}): Leaver => ({
  customer: name,
  tenantId: tenantOf(name),
  rows: intentOf(subjectOf(name, registering)).rows,
  ...more,
});
const trunk = [
  row("proxy-set", 5, { "proxy-name": "SIPTrunk" }),
  row("proxy-ip", 0, { "proxy-address": "198.51.100.10" }, { parent: 5 }),
];
const group = (name: string, index: number, fields: Record<string, string> = {}): Row =>
  row("ip-group", index, { tags: `Trunk=${tenantOf(name)}`, name, "proxy-set-name": "SIPTrunk", ...fields });
const account = (name: string, index: number, by = name): Row =>
  row("account", index, { "served-ip-group-name": by, "serving-ip-group-name": name });
const routing = (name: string): Mention => ({
  from: "sbc routing ip2ip-routing 7",
  field: "dst-ip-group-name",
  table: "ip-group",
  name,
});
const ours = [...neighbours, ...trunk, group("A", 6), account("A", 2)];

function stepsOf(rows: readonly Row[], more: Partial<RemovalOptions> = {}, leavers = [leaverOf("A")]): string[] {
  const { steps } = planRemoval(configOf(rows), leavers, { ...options, ...more });
  return steps.map(({ step }) => `${step.kind} ${step.table} ${step.index}`);
}

describe("the removal of a customer", () => {
  it("deletes its Account, its IP Group, then the Proxy Set that was made here, and says what ends calls", () => {
    const { steps, blocked } = planRemoval(configOf(ours), [leaverOf("A")], options);
    expect(steps.map(({ step, endsCalls }) => [step.kind, step.table, step.index, endsCalls])).toEqual([
      ["delete", "account", 2, false],
      ["delete", "ip-group", 6, true],
      ["delete", "proxy-set", 5, false],
    ]);
    expect(steps[1]?.before).toMatchObject({ name: "A", "proxy-set-name": "SIPTrunk" });
    expect(blocked.size).toBe(0);
  });

  it("is done when its rows are gone, also those that somebody else deleted", () => {
    expect(stepsOf(neighbours)).toEqual([]);
    expect(stepsOf([...neighbours, group("A", 6)])).toEqual(["delete ip-group 6"]);
  });

  it.each<[string, readonly Row[], Partial<RemovalOptions>, string]>([
    ["was there before", ours, { made: [] }, "not made here"],
    ["stands at another index than the one made here", ours, { made: [{ index: 9, name: "SIPTrunk" }] }, "not made"],
    ["bears another name than the one made here", ours, { made: [{ index: 5, name: "Other" }] }, "not made here"],
    ["is named by a row of others", [...ours, group("B", 7)], {}, "ip-group 7 (proxy-set-name)"],
    ["is needed by another customer", ours, { others: rowsOf([intentOf(subjectOf("B"))]) }, "another customer needs"],
    ["shares its name", [...ours, row("proxy-set", 8, { "proxy-name": "siptrunk" })], {}, "more than one"],
  ])("leaves a Proxy Set that %s, and says so", (_, rows, more, note) => {
    const { steps, notes } = planRemoval(configOf(rows), [leaverOf("A")], { ...options, ...more });
    expect(steps.map(({ step }) => step.table)).toEqual(["account", "ip-group"]);
    expect(notes.get("A")).toEqual([expect.stringContaining(note)]);
  });

  it.each<[string, readonly Row[], string]>([
    [
      "carries another tenant's tag",
      [group("A", 6, { tags: "Trunk=other" }), account("A", 2)],
      "another tenant (other)",
    ],
    ["carries no tag", [group("A", 6, { tags: "" }), account("A", 2)], `set its tags to Trunk=${tenantOf("A")}`],
    ["stands twice", [group("A", 6), group("A", 7)], "stands 2 times"],
    ["has an Account that stands twice", [group("A", 6), account("A", 2), account("A", 3)], "stands 2 times"],
  ])("touches nothing when its IP Group %s, and says what to do", (_, rows, reason) => {
    const { steps, blocked } = planRemoval(configOf([...neighbours, ...trunk, ...rows]), [leaverOf("A")], options);
    expect(steps).toEqual([]);
    expect(blocked.get("A")).toContain(reason);
  });

  it("goes by the link alone on firmware without tags, but for rows whose name another customer has now", () => {
    const untagged = [...neighbours, group("A", 6, { tags: "" })];
    expect(stepsOf(untagged, { withoutTags: true })).toEqual(["delete ip-group 6"]);
    const others = rowsOf([intentOf(subjectOf("A", { tenantId: tenantOf("B") }))]);
    expect(stepsOf(untagged, { withoutTags: true, others })).toEqual([]);
  });

  it("is held up by references from rows that stay, each of which is named", () => {
    const config = configOf([...ours, account("A", 3, "Foreign")], [routing("A")]);
    const { steps, blocked } = planRemoval(config, [leaverOf("A")], options);
    expect(steps).toEqual([]);
    expect(blocked.get("A")).toContain("sbc routing ip2ip-routing 7 (dst-ip-group-name)");
    expect(blocked.get("A")).toContain("sip-definition account 3 (serving-ip-group-name)");
  });

  it("is not held up by rows of customers that leave too, unless these are held up themselves", () => {
    const rows = [...ours, group("B", 7), account("A", 3, "B")];
    const b = leaverOf("B", { rows: [...intentOf(subjectOf("B")).rows, { ...accountRow, name: "B/A" }] });
    expect(stepsOf(rows, {}, [leaverOf("A"), b])).toHaveLength(5);
    const { steps, blocked } = planRemoval(configOf(rows, [routing("B")]), [leaverOf("A"), b], options);
    expect(steps).toEqual([]);
    expect([...blocked.keys()]).toEqual(["B", "A"]);
  });

  it("deletes exactly the rows of the leavers, whoever else is there, and then has nothing to delete", () => {
    const customer = fc.record({
      leaves: fc.boolean(),
      registers: fc.boolean(),
      set: fc.constantFrom("SIPTrunk", "Foreign"),
    });
    const world = fc.record({ customers: fc.array(customer, { maxLength: 6 }), made: fc.boolean() });
    fc.assert(
      fc.property(world, ({ customers, made: isMade }) => {
        const names = customers.map((_, i) => `C${i}`);
        const rowsOfCustomer = (i: number): Row[] => {
          const { registers = false, set = "" } = customers[i] ?? {};
          const name = names[i] ?? "";
          const own = [group(name, 10 + i, { "proxy-set-name": set })];
          return registers ? [...own, account(name, 10 + i)] : own;
        };
        const kept = names.flatMap((_, i) => (customers[i]?.leaves === true ? [] : rowsOfCustomer(i)));
        const gone = names.flatMap((_, i) => (customers[i]?.leaves === true ? rowsOfCustomer(i) : []));
        const config = configOf([...neighbours, ...trunk, ...kept, ...gone]);
        const leavers = names.flatMap((name, i) => {
          const { leaves = false, set = "" } = customers[i] ?? {};
          const intent = intentOf(subjectOf(name, { ...registering, proxySet: set }), {
            proxySet: (proxySet) => ({ name: proxySet, srd: "DefaultSRD" }),
          });
          return leaves ? [{ customer: name, tenantId: tenantOf(name), rows: intent.rows }] : [];
        });
        const all = { ...options, made: isMade ? made : [] };
        const { steps, blocked } = planRemoval(config, leavers, all);
        const after = applySteps(
          config,
          steps.map(({ step }) => step),
        );
        const joined = customers.some(({ leaves, set }) => leaves && set === "SIPTrunk");
        const used = customers.some(({ leaves, set }) => !leaves && set === "SIPTrunk");
        expect(blocked.size).toBe(0);
        expect(after.rows).toEqual([...neighbours, ...(isMade && joined && !used ? [] : trunk), ...kept]);
        expect(planRemoval(after, leavers, all).steps).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});

const accountRow: Leaver["rows"][number] = {
  table: "account",
  name: "",
  fields: {},
  secretFields: {},
  role: "own",
  children: [],
};
