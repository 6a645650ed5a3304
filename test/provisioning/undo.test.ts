import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeviceConfig, Row } from "../../drivers/driver.ts";
import { planDevice, type Plan } from "../../agent/provisioning/plan.ts";
import { planUndo, showsTraces, type Undo, type Written } from "../../agent/provisioning/undo.ts";
import { indexRows } from "../../agent/provisioning/observed.ts";
import type { RecordedChange, RecordedCreate } from "../../agent/store/model.ts";
import { conversionOf, linkedOf, options, registering, subjectOf } from "./customers.ts";
import { applySteps, configOf, description, isSecret, namesIn, neighbours, row } from "./device-fixture.ts";

const before = configOf(neighbours);
const acme = conversionOf(subjectOf("Acme", registering));
const bolt = conversionOf(subjectOf("Bolt"));
const guid = acme.intent.customerGuid;
const boltGuid = bolt.intent.customerGuid;

/** What a session records of a plan before it is sent. */
function recordOf({ steps }: Plan): Written {
  const creates = steps.flatMap(({ step, name, customers }): RecordedCreate[] => {
    if (step.kind !== "create") return [];
    const { table, index, parent } = step;
    const fields = Object.fromEntries(Object.entries(step.fields).filter(([field]) => !isSecret(table, field)));
    return [{ table, index, ...(parent === undefined ? {} : { parent }), name, fields, absentIn: "read", customers }];
  });
  const changes = steps.flatMap(({ step, name, before, customers }) =>
    step.kind === "update" ? [{ table: step.table, index: step.index, name, before, customers }] : [],
  );
  return { creates, changes };
}

const planned = planDevice(before, description, [acme, bolt], [], options);
const written = recordOf(planned);
const after = applySteps(
  before,
  planned.steps.map(({ step }) => step),
);

const undo = (config: DeviceConfig, failing: readonly string[], of: Written = written): Undo =>
  planUndo(config, of, new Set(failing));
const shown = ({ steps }: Undo): string[] =>
  steps.map(({ step, name }) => `${step.kind} ${step.table} ${step.index} ${name}`);
const undone = (config: DeviceConfig, made: Undo): DeviceConfig =>
  applySteps(
    config,
    made.steps.map(({ step }) => step),
  );
const edited = (config: DeviceConfig, change: (r: Row) => Row): DeviceConfig => configOf(config.rows.map(change));

describe("undoing a conversion", () => {
  it("deletes Account, IP Group and Proxy Set in this order", () => {
    expect(shown(undo(after, [guid, boltGuid]))).toEqual([
      "delete account 1 Acme/Acme",
      "delete ip-group 5 Acme",
      "delete ip-group 6 Bolt",
      "delete proxy-set 4 SIPTrunk",
    ]);
  });

  it("marks the deletions that end calls", () => {
    const ending = undo(after, [guid]).steps.filter(({ endsCalls }) => endsCalls);
    expect(ending.map(({ step }) => step.table)).toEqual(["ip-group"]);
  });

  it("leaves the Proxy Set while another customer of the batch needs it", () => {
    const withoutBolt = configOf(after.rows.filter((r) => r.fields["name"] !== "Bolt"));
    expect(shown(undo(withoutBolt, [guid]))).toEqual(["delete account 1 Acme/Acme", "delete ip-group 5 Acme"]);
  });

  it("leaves the Proxy Set while a foreign row names it", () => {
    const foreign = row("ip-group", 9, { name: "Theirs", "proxy-set-name": "siptrunk" });
    const made = undo(configOf([...after.rows, foreign]), [guid, boltGuid]);
    expect(shown(made)).not.toContain("delete proxy-set 4 SIPTrunk");
    expect(made.blocked).toEqual([]);
  });

  it("is blocked while a foreign row names the IP Group, and says which", () => {
    const mention = {
      from: "sbc classification 3",
      field: "src-ip-group-name",
      table: "ip-group",
      name: "acme",
    } as const;
    const made = undo(configOf(after.rows, [mention]), [guid]);
    expect(made.blocked).toEqual(['ip-group 5 "Acme" is referred to by sbc classification 3']);
    expect(shown(made)).not.toContain("delete ip-group 5 Acme");
  });

  it.each([
    ["of another name", { name: "Theirs" }, true],
    ["without a name that is active", { name: "" }, true],
  ])("leaves a row %s that stands at a recorded index", (_, fields, active) => {
    const config = edited(after, (r) => (r.fields["name"] === "Acme" ? { ...r, active, fields } : r));
    expect(shown(undo(config, [guid])).filter((line) => line.includes("ip-group"))).toEqual([]);
  });

  it("leaves a row of the recorded name that stands at another index", () => {
    const config = edited(after, (r) => (r.fields["name"] === "Acme" ? { ...r, index: 44 } : r));
    expect(shown(undo(config, [guid])).filter((line) => line.includes("ip-group"))).toEqual([]);
  });

  it("deletes a row that was begun and never named", () => {
    const tags = `Trunk=${acme.intent.tenantId}`;
    const config = configOf([...neighbours, row("ip-group", 5, { tags }, { active: false })]);
    expect(shown(undo(config, [guid]))).toEqual(["delete ip-group 5 "]);
  });

  it("deletes an Account that was begun and only half named", () => {
    const half = row("account", 1, { "served-ip-group-name": "Acme" }, { active: false });
    const config = configOf([...after.rows.filter((r) => r.table !== "account"), half]);
    expect(shown(undo(config, [guid]))[0]).toContain("delete account 1");
  });

  it("leaves a row without a name that somebody else is just filling in", () => {
    const theirs = row("ip-group", 5, { tags: "Trunk=theirs", "sip-group-name": "theirs" }, { active: false });
    expect(shown(undo(configOf([...neighbours, theirs]), [guid]))).toEqual([]);
  });

  it("deletes a row once, however many records name it", () => {
    const twice = { ...written, creates: [...written.creates, ...written.creates] };
    expect(shown(undo(after, [guid], twice))).toEqual(["delete account 1 Acme/Acme", "delete ip-group 5 Acme"]);
  });

  it("is nothing where nothing of it stands on the device", () => {
    expect(undo(before, [guid, boltGuid])).toEqual({ steps: [], blocked: [] });
  });
});

describe("undoing a change", () => {
  const rows = (value: string) => [...neighbours, row("ip-group", 5, { name: "Acme", "sip-group-name": value })];
  const change = (value: string) =>
    ({ table: "ip-group", index: 5, name: "Acme", before: { "sip-group-name": value }, customers: [guid] }) as const;

  it("restores the values from before", () => {
    const made = undo(configOf(rows("new")), [guid], { creates: [], changes: [change("old")] });
    expect(made.steps).toMatchObject([
      { step: { kind: "update", set: { "sip-group-name": "old" } }, before: { "sip-group-name": "new" } },
    ]);
  });

  it("is nothing where they stand there still", () => {
    expect(undo(configOf(rows("old")), [guid], { creates: [], changes: [change("old")] }).steps).toEqual([]);
  });

  it("leaves a row that bears another name now", () => {
    const config = configOf([row("ip-group", 5, { name: "Theirs", "sip-group-name": "new" })]);
    expect(undo(config, [guid], { creates: [], changes: [change("old")] }).steps).toEqual([]);
  });

  it("restores what stood there before the first of several changes", () => {
    const of = { creates: [], changes: [change("first"), change("second")] };
    const restored = undone(configOf(rows("third")), undo(configOf(rows("third")), [guid], of));
    expect(restored.rows.find((r) => r.fields["name"] === "Acme")?.fields["sip-group-name"]).toBe("first");
  });

  it("leaves the addresses of a Proxy Set: they go with it", () => {
    const finished: RecordedChange = {
      table: "proxy-ip",
      index: 1,
      parent: 4,
      name: "",
      before: { priority: "9" },
      customers: [guid],
    };
    const changes = [finished];
    expect(undo(after, [guid], { creates: [], changes })).toEqual({ steps: [], blocked: [] });
    expect(showsTraces(indexRows(after), { creates: [], changes }, guid)).toBe(false);
  });

  it("of a row that is deleted as well does not bring it back", () => {
    const create = {
      table: "ip-group",
      index: 5,
      name: "Acme",
      fields: { name: "Acme" },
      absentIn: "",
      customers: [guid],
    } as const;
    const made = undo(configOf(rows("new")), [guid], { creates: [create], changes: [change("old")] });
    expect(made.steps.map(({ step }) => step.kind)).toEqual(["delete"]);
  });
});

describe("a conversion shows traces", () => {
  const traces = (config: DeviceConfig, of: Written = written): boolean => showsTraces(indexRows(config), of, guid);
  it.each([
    ["when a row of it stands there", after, true],
    ["when nothing of it stands there", before, false],
    ["when a row without a name stands at its place", configOf([row("ip-group", 5, {}, { active: false })]), true],
    ["when a Proxy Set lacks addresses", configOf([row("proxy-set", 4, { "proxy-name": "SIPTrunk" })]), true],
    [
      "when an address of a Proxy Set is not active",
      configOf(
        after.rows
          .filter((r) => r.table === "proxy-set" || r.table === "proxy-ip")
          .map((r) => (r.parent === 4 && r.index === 1 ? { ...r, active: false } : r)),
      ),
      true,
    ],
    [
      "when the Proxy Set alone is there, and whole",
      configOf(after.rows.filter((r) => r.table === "proxy-set" || r.table === "proxy-ip")),
      false,
    ],
    ["when only others have rows", configOf(after.rows.filter((r) => r.fields["name"] === "Bolt")), false],
  ])("%s", (_, config, expected) => {
    expect(traces(config)).toBe(expected);
  });
});

it("a whole Proxy Set is no trace, though its addresses were recorded by two scripts", () => {
  const whole = configOf(after.rows.filter((r) => r.table === "proxy-set" || r.table === "proxy-ip"));
  const twice = { ...written, creates: [...written.creates, ...written.creates] };
  expect(showsTraces(indexRows(whole), twice, guid)).toBe(false);
});

it("what a plan did, its undo takes back to the letter", () => {
  const names = fc.uniqueArray(fc.constantFrom("A", "B", "C", "D"), { minLength: 1, maxLength: 4 });
  const subject = fc.record({ proxySet: fc.constantFrom("SIPTrunk", "Backup"), registers: fc.boolean() });
  const drift = fc.constantFrom("", "theirs");
  fc.assert(
    fc.property(names, fc.array(subject, { minLength: 4, maxLength: 4 }), drift, (used, facts, value) => {
      const subjects = used.map((name, i) =>
        subjectOf(name, { proxySet: facts[i]?.proxySet ?? "", ...(facts[i]?.registers === true ? registering : {}) }),
      );
      const linked = linkedOf(subjectOf("Linked", { proxySet: "Teams-OC" }));
      const start = edited(
        applySteps(
          before,
          planDevice(before, description, [linked], [], options).steps.map(({ step }) => step),
        ),
        (r) => (r.fields["name"] === "Linked" ? { ...r, fields: { ...r.fields, "media-realm-name": value } } : r),
      );
      const intents = [...subjects.map((s) => conversionOf(s)), linked];
      const plan = planDevice(start, description, intents, [], options);
      const there = applySteps(
        start,
        plan.steps.map(({ step }) => step),
      );
      const back = undone(there, planUndo(there, recordOf(plan), new Set(intents.map((p) => p.intent.customerGuid))));
      expect(namesIn(there, "ip-group")).toEqual(expect.arrayContaining(used));
      expect(back.rows).toEqual(start.rows);
    }),
  );
});
