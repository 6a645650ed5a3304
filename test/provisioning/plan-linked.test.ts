import { describe, expect, it } from "vitest";
import type { DeviceConfig, Fields, Row, TableName } from "../../drivers/driver.ts";
import type { PlannedIntent, PlanOptions } from "../../agent/provisioning/needs.ts";
import { planDevice, type Plan } from "../../agent/provisioning/plan.ts";
import { conversionOf, device, linkedOf, options, registering, subjectOf } from "./customers.ts";
import { applySteps, configOf, description, neighbours, row } from "./device-fixture.ts";

const subject = subjectOf("Acme", registering);
const acme = linkedOf(subject);
const guid = acme.intent.customerGuid;
const converged = applied(configOf(neighbours), [conversionOf(subject)]);

function plan(config: DeviceConfig, intents: readonly PlannedIntent[], more: Partial<PlanOptions> = {}): Plan {
  return planDevice(config, description, intents, [], { ...options, ...more });
}

function applied(config: DeviceConfig, intents: readonly PlannedIntent[]): DeviceConfig {
  return applySteps(
    config,
    plan(config, intents).steps.map(({ step }) => step),
  );
}

function changed(table: TableName, fields: Fields, rest: Partial<Row> = {}): DeviceConfig {
  const wanted = (r: Row): boolean => r.table === table && r === converged.rows.findLast((row) => row.table === table);
  return configOf(converged.rows.map((r) => (wanted(r) ? { ...r, ...rest, fields: { ...r.fields, ...fields } } : r)));
}

const without = (table: TableName): DeviceConfig => configOf(converged.rows.filter((r) => r.table !== table));

describe("drift of a linked customer", () => {
  it("is led back field by field, and what it held is kept for an undo", () => {
    const drifted = changed("ip-group", { "media-realm-name": "MR_OLD", "sip-group-name": "other" });
    expect(plan(drifted, [acme]).steps).toMatchObject([
      {
        step: { kind: "update", set: { "media-realm-name": "MR_WAN", "sip-group-name": "reg.example.net" } },
        before: { "media-realm-name": "MR_OLD", "sip-group-name": "other" },
        endsCalls: false,
      },
    ]);
  });

  it("in fields that the intent does not name is left alone", () => {
    expect(plan(changed("ip-group", { "qoe-profile": "theirs" }), [acme]).steps).toEqual([]);
  });

  it("that is a row which another tenant's tag claims is a conflict", () => {
    const made = plan(changed("ip-group", { tags: "Trunk=else" }), [acme]);
    expect(made.conflicts.get(guid)).toContain("another tenant");
  });

  it("that is a row which is not active is written whole", () => {
    const made = plan(changed("ip-group", {}, { active: false }), [acme]);
    expect(made.steps[0]?.step).toMatchObject({ kind: "update", set: { name: "Acme", "proxy-set-name": "SIPTrunk" } });
  });
});

describe("a step that ends calls", () => {
  const elsewhere = changed("ip-group", { "srd-name": "SRD_2" });

  it("needs consent", () => {
    const made = plan(elsewhere, [acme]);
    expect(made.steps).toEqual([]);
    expect(made.conflicts.get(guid)).toContain("--end-calls");
  });

  it("of a customer that is changed needs the change's own consent, and that of the run does not count", () => {
    const without = plan(elsewhere, [{ ...acme, changing: { endCalls: false } }], { endCalls: true });
    expect(without.steps).toEqual([]);
    expect(without.conflicts.get(guid)).toContain("--end-calls");
    const consented = plan(elsewhere, [{ ...acme, changing: { endCalls: true } }]);
    expect(consented.steps).toMatchObject([{ endsCalls: true }]);
  });

  it("is marked once there is consent", () => {
    expect(plan(elsewhere, [acme], { endCalls: true }).steps).toMatchObject([{ endsCalls: true }]);
  });
});

describe("a secret", () => {
  it("that was written is not written again", () => {
    expect(plan(converged, [acme]).steps).toEqual([]);
  });

  it("that has changed is written, and its old value is nowhere", () => {
    const { steps } = plan(converged, [{ ...acme, secretsWritten: new Set() }]);
    expect(steps).toMatchObject([{ step: { kind: "update", set: { password: "s3cret-One" } }, before: {} }]);
  });

  it("that is not kept is said to be missing when it has to be written again", () => {
    const made = plan(converged, [{ ...acme, secrets: {}, secretsWritten: new Set() }]);
    expect(made.conflicts.get(guid)).toContain("secret missing: CarrierUserPassword");
  });

  it.each([
    ["is gone", without("account")],
    ["is not active", changed("account", {}, { active: false })],
  ])("that is not kept is said to be missing when its row %s", (_, config) => {
    const made = plan(config, [{ ...acme, secrets: {} }]);
    expect(made.conflicts.get(guid) ?? "").toContain("secret missing: CarrierUserPassword");
  });

  it("that is not kept is no matter while nothing has to be written", () => {
    expect(plan(converged, [{ ...acme, secrets: {} }])).toMatchObject({ steps: [], conflicts: new Map() });
  });
});

describe("an Account that was not made here", () => {
  const conversion = conversionOf(subject);

  it("is adopted with the IP Group that it serves, and its password is said to be unknown", () => {
    const made = plan(converged, [conversion]);
    expect(made.steps).toEqual([]);
    expect(made.warnings.get(guid)?.at(-1)).toContain("its password could not be compared");
  });

  it("is a conflict when it differs", () => {
    const made = plan(changed("account", { "user-name": "else" }), [conversion]);
    expect(made.conflicts.get(guid)).toContain("differs in user-name");
  });
});

describe("a Proxy Set that differs from its carrier", () => {
  const drifted = configOf(
    converged.rows.map((r) =>
      r.fields["proxy-name"] === "SIPTrunk" ? { ...r, fields: { ...r.fields, "srd-name": "SRD_2" } } : r,
    ),
  );
  const bolt = linkedOf(subjectOf("Bolt"));
  const shared = applied(drifted, [conversionOf(subjectOf("Bolt"))]);
  const enforcing = (...linked: string[]): Partial<PlanOptions> => ({
    carrierPolicy: "enforce",
    linkedRows: new Set(linked.map((name) => `ip-group ${name}`)),
  });

  it("is reported and left as it is by default", () => {
    const made = plan(drifted, [acme]);
    expect(made.steps).toEqual([]);
    expect(made.warnings.get(guid)).toEqual([
      "Proxy Set 'SIPTrunk' differs from its carrier in srd-name and was left as it is",
    ]);
  });

  it.each([
    ["fewer", converged.rows.filter((r) => r.fields["proxy-address"] !== "198.51.100.11")],
    ["more", [...converged.rows, row("proxy-ip", 9, { "proxy-address": "192.0.2.9" }, { parent: 4 })]],
  ])("in its addresses, for it has %s, is reported", (_, rows) => {
    expect(plan(configOf(rows), [acme]).warnings.get(guid)?.[0]).toContain("differs from its carrier in addresses");
  });

  it("is rewritten once, for all of them, when policy says so and all its users are ours", () => {
    const { steps } = plan(shared, [acme, bolt], enforcing("acme", "bolt"));
    expect(steps).toMatchObject([
      {
        step: { kind: "update", table: "proxy-set", set: { "srd-name": "DefaultSRD" } },
        customers: [guid, bolt.intent.customerGuid],
      },
    ]);
  });

  it("is left alone when somebody else uses it, and they are named", () => {
    const made = plan(shared, [acme], enforcing("acme"));
    expect(made.steps).toEqual([]);
    expect(made.warnings.get(guid)?.[0]).toContain("was left as it is: ip-group 6 use it too");
  });

  it("has its users looked up once, however many customers share it", () => {
    const linked = Array.from({ length: 20 }, (_, i) => subjectOf(`Cust${i}`));
    const full = applied(
      drifted,
      linked.map((one) => conversionOf(one)),
    );
    let looks = 0;
    const mentions = full.mentions.map(({ from, ...mention }) => ({
      ...mention,
      get from() {
        looks += 1;
        return from;
      },
    }));
    const intents = linked.map((one) => linkedOf(one));
    plan({ ...full, mentions }, intents, enforcing("acme", ...linked.map(({ shortName }) => shortName.toLowerCase())));
    expect(looks).toBeLessThan(3 * mentions.length);
  });

  it("is rewritten by a re-sync of one customer too, when the others are linked", () => {
    const { steps } = plan(shared, [acme], enforcing("acme", "bolt"));
    expect(steps).toMatchObject([{ step: { kind: "update", table: "proxy-set" }, customers: [guid] }]);
  });

  it("is left alone when a row of another table uses it", () => {
    const mention = { from: "sbc routing ip2ip-routing 1", field: "x", table: "proxy-set", name: "siptrunk" } as const;
    const made = plan(configOf(drifted.rows, [mention]), [acme], enforcing("acme"));
    expect(made.warnings.get(guid)?.[0]).toContain("sbc routing ip2ip-routing 1 use it too");
  });

  it("in addresses as well is reported where only its fields can be rewritten", () => {
    const both = configOf(drifted.rows.filter((r) => r.fields["proxy-address"] !== "198.51.100.11"));
    const made = plan(both, [acme], enforcing("acme"));
    expect(made.steps).toMatchObject([{ step: { kind: "update", set: { "srd-name": "DefaultSRD" } } }]);
    expect(made.warnings.get(guid)?.[0]).toContain("differs from its carrier in addresses and was left");
  });
});

describe("a device without tags", () => {
  const context = { device: { ...device, withoutTags: true } };
  const untagged = conversionOf(subject, { linked: true, secretsWritten: new Set(["CarrierUserPassword"]) }, context);

  it("is written without them", () => {
    const made = plan(configOf(neighbours), [{ ...untagged, linked: false }], { withoutTags: true });
    expect(made.steps.filter(({ step }) => step.kind === "create" && "tags" in step.fields)).toEqual([]);
  });

  it("keeps what a link says is ours", () => {
    expect(plan(converged, [untagged], { withoutTags: true })).toMatchObject({ steps: [], conflicts: new Map() });
  });
});
