import fc from "fast-check";
import { expect, it } from "vitest";
import type { DeviceConfig, Row } from "../../drivers/driver.ts";
import { nameOf } from "../../agent/provisioning/observed.ts";
import type { PlannedIntent } from "../../agent/provisioning/needs.ts";
import { planDevice } from "../../agent/provisioning/plan.ts";
import { conversionOf, linkedOf, options, registering, subjectOf } from "./customers.ts";
import { applySteps, configOf, description, neighbours, row } from "./device-fixture.ts";

/** Names that meet each other often, also those of carriers. */
const names = ["A", "b", "C", "SIPTrunk", "Backup"];
const customer = fc.record({
  proxySet: fc.constantFrom("SIPTrunk", "Backup", "siptrunk"),
  registers: fc.boolean(),
});
const customers = fc
  .array(customer, { maxLength: names.length })
  .map((list) =>
    list.map((c, i) => subjectOf(names[i] ?? "", { proxySet: c.proxySet, ...(c.registers ? registering : {}) })),
  );

/** Rows of others, in tables with gaps, with and without names that customers want. */
const foreign = fc
  .uniqueArray(
    fc.record({ index: fc.integer({ min: 0, max: 79 }), name: fc.constantFrom("F1", "F2", "F3", "F4", "a", "B") }),
    { selector: ({ index }) => index, maxLength: 4 },
  )
  .chain((groups) => fc.constant(groups.filter((g, i) => groups.findIndex((h) => h.name === g.name) === i)))
  .map((groups): Row[] =>
    groups
      .filter(({ index }) => index !== 4)
      .map(({ index, name }) => row("ip-group", index, { name, "srd-name": "DefaultSRD", tags: "Trunk=else" })),
  );

const planFor = (config: DeviceConfig, intents: readonly PlannedIntent[]) =>
  planDevice(config, description, intents, [], options);

/** The state after the plan, and who is in it. */
function world(others: readonly Row[], subjects: readonly ReturnType<typeof subjectOf>[]) {
  const before = configOf([...neighbours, ...others]);
  const intents = subjects.map((subject) => conversionOf(subject));
  const plan = planFor(before, intents);
  const steps = plan.steps.map(({ step }) => step);
  return { before, plan, steps, after: applySteps(before, steps) };
}

it("a plan that was applied leaves nothing to plan", () => {
  fc.assert(
    fc.property(foreign, customers, (others, subjects) => {
      const { plan, after } = world(others, subjects);
      const made = subjects.filter((s) => !plan.conflicts.has(s.customerGuid)).map((s) => linkedOf(s));
      expect(planFor(after, made)).toEqual({ steps: [], conflicts: new Map(), warnings: new Map() });
    }),
  );
});

it("a plan touches no row that is not in an intent", () => {
  fc.assert(
    fc.property(foreign, customers, (others, subjects) => {
      const { before, steps, after } = world(others, subjects);
      for (const r of before.rows) expect(after.rows).toContainEqual(r);
      expect(steps.filter(({ kind }) => kind !== "create")).toEqual([]);
    }),
  );
});

it("a plan gives each new row a name and an index of its own, and never index 0", () => {
  fc.assert(
    fc.property(foreign, customers, (others, subjects) => {
      const { steps, after } = world(others, subjects);
      const rows = after.rows.filter((r) => r.parent === undefined);
      expect(new Set(rows.map((r) => `${r.table} ${r.index}`)).size).toBe(rows.length);
      expect(new Set(rows.map((r) => `${r.table} ${nameOf(r).toLowerCase()}`)).size).toBe(rows.length);
      expect(steps.filter((s) => s.index === 0 && s.parent === undefined)).toEqual([]);
    }),
  );
});
