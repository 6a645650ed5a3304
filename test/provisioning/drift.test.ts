import { describe, expect, it } from "vitest";
import type { DeviceConfig, Fields, Row, TableName } from "../../drivers/driver.ts";
import type { DeviceDrift } from "../../agent/settings/drift-policy.ts";
import { findDrift, isRestorable } from "../../agent/provisioning/drift.ts";
import { leaveByPolicy } from "../../agent/provisioning/left-alone.ts";
import type { PlannedIntent, PlanOptions } from "../../agent/provisioning/needs.ts";
import { planDevice } from "../../agent/provisioning/plan.ts";
import { conversionOf, linkedOf, options, registering, subjectOf } from "./customers.ts";
import { applySteps, configOf, description, neighbours, row } from "./device-fixture.ts";

const acme = linkedOf(subjectOf("Acme", registering));
const bolt = linkedOf(subjectOf("Bolt"));
const both = [acme, bolt];
const report: DeviceDrift = { fields: {} };
const restore: DeviceDrift = { policy: "restore", fields: {}, rows: "restore" };

function stepsOf(config: DeviceConfig, intents: readonly PlannedIntent[], more: Partial<PlanOptions> = {}) {
  return planDevice(config, description, intents, [], { ...options, ...more }).steps.map(({ step }) => step);
}

const conversions = both.map(({ intent, secrets }) => ({ ...conversionOf(subjectOf("x")), intent, secrets }));
const empty = configOf(neighbours);
const converged = applySteps(empty, stepsOf(empty, conversions));

const isOf = (table: TableName, name: string) => (r: Row) =>
  r.table === table && Object.values(r.fields).includes(name);
function edited(wanted: (row: Row) => boolean, fields: Fields, rest: Partial<Row> = {}): DeviceConfig {
  return configOf(converged.rows.map((r) => (wanted(r) ? { ...r, ...rest, fields: { ...r.fields, ...fields } } : r)));
}
const without = (wanted: (row: Row) => boolean): DeviceConfig => configOf(converged.rows.filter((r) => !wanted(r)));
const group = isOf("ip-group", "Acme");
const shared = isOf("proxy-set", "SIPTrunk");

function drift(
  config: DeviceConfig,
  policies = report,
  intents = both,
  carrierPolicy: "report" | "enforce" = "report",
) {
  return findDrift(config, intents, policies, carrierPolicy);
}

describe("drift", () => {
  it("is none of a device that holds what its customers need", () => {
    expect(drift(converged)).toEqual({
      rows: [],
      drifted: 0,
      kept: 0,
      accepted: [],
      shared: expect.any(Array) as string[],
    });
  });

  it("is told by customer, row and field, with what is wanted and what is found", () => {
    const config = edited(group, { "media-realm-name": "MR_OLD", "sip-group-name": "", "qoe-profile": "theirs" });
    expect(drift(config)).toMatchObject({
      drifted: 1,
      rows: [
        {
          row: 'ip-group 5 "Acme"',
          customers: ["Acme"],
          findings: [
            { kind: "field", field: "sip-group-name", wanted: "reg.example.net", found: "", policy: "report" },
            { kind: "field", field: "media-realm-name", wanted: "MR_WAN", found: "MR_OLD", policy: "report" },
          ],
        },
      ],
    });
  });

  it.each<[string, DeviceConfig, object]>([
    ["a row that is missing", without(group), { row: 'ip-group "Acme"', findings: [{ kind: "row-missing" }] }],
    ["a row that is not active", edited(group, {}, { active: false }), { findings: [{ kind: "row-inactive" }] }],
    [
      "a row that stands twice",
      configOf([...converged.rows, row("ip-group", 9, { name: "ACME" })]),
      { findings: [{ kind: "row-twice" }] },
    ],
    [
      "a row that another tenant's tag claims",
      edited(group, { tags: "Trunk=else", "sip-group-name": "x" }),
      { findings: [{ kind: "foreign-tag", found: "else" }] },
    ],
    [
      "a tag that was taken away",
      edited(group, { tags: "" }),
      { findings: [{ kind: "field", field: "tags", found: "" }] },
    ],
    ["an Account that is missing", without((r) => r.table === "account"), { findings: [{ kind: "row-missing" }] }],
  ])("is %s", (_, config, expected) => {
    expect(drift(config).rows).toMatchObject([{ customers: ["Acme"], ...expected }]);
  });

  it("of a Proxy Set is told once, for all customers that share it, with its addresses", () => {
    const other = (r: Row) => r.table === "proxy-ip" && r.fields["proxy-address"] === "198.51.100.11";
    const found = drift(edited(other, { "proxy-address": "203.0.113.66" }));
    expect(found).toMatchObject({
      drifted: 2,
      rows: [
        {
          customers: ["Acme", "Bolt"],
          findings: [
            { kind: "address-missing", wanted: "198.51.100.11", found: null },
            { kind: "address-foreign", wanted: null, found: "203.0.113.66" },
          ],
        },
      ],
    });
    expect(drift(without(shared)).rows).toMatchObject([
      { customers: ["Acme", "Bolt"], findings: [{ kind: "row-missing" }] },
    ]);
    expect(drift(edited(shared, {}, { active: false })).rows).toMatchObject([{ findings: [{ kind: "row-inactive" }] }]);
  });

  it("never shows a secret, neither one that is not known to be written", () => {
    const found = drift(converged, report, [{ ...acme, secretsWritten: new Set() }]);
    expect(found.rows).toMatchObject([{ findings: [{ field: "password", wanted: "********", found: null }] }]);
    expect(JSON.stringify(found)).not.toContain(registering.secrets.CarrierUserPassword);
  });
});

describe("what policy keeps", () => {
  it("is no drift, and is counted", () => {
    const config = edited(group, { "media-realm-name": "MR_OLD", "sip-group-name": "other" });
    const found = drift(config, { fields: { "ip-group.media-realm-name": "keep" } });
    expect(found).toMatchObject({ drifted: 1, kept: 1, rows: [{ findings: [{ field: "sip-group-name" }] }] });
    expect(drift(config, { policy: "keep", fields: {} })).toMatchObject({
      rows: [],
      drifted: 0,
      kept: 2,
      accepted: [{ row: 'ip-group 5 "Acme"', customers: ["Acme"], kept: 2 }],
    });
    expect(drift(without(group), { fields: {}, rows: "keep" })).toMatchObject({ rows: [], drifted: 0, kept: 1 });
  });

  it("is never the tag of another tenant", () => {
    expect(drift(edited(group, { tags: "Trunk=else" }), { policy: "keep", fields: {}, rows: "keep" }).drifted).toBe(1);
  });

  it("is not overwritten by a re-sync, which still writes what else differs", () => {
    const left = leaveByPolicy({ fields: { "ip-group.media-realm-name": "keep" } }, false);
    const config = edited(group, { "media-realm-name": "MR_WAN2", "sip-group-name": "other" });
    expect(stepsOf(config, both, { left })).toMatchObject([{ set: { "sip-group-name": "reg.example.net" } }]);
    expect(stepsOf(edited(group, { "media-realm-name": "MR_WAN2" }), both, { left })).toEqual([]);
    const keeping = leaveByPolicy({ fields: {}, rows: "keep" }, false);
    expect(stepsOf(without(group), both, { left: keeping })).toEqual([]);
  });

  it("does not concern a conversion, which makes its rows as its blueprint says", () => {
    const left = leaveByPolicy({ policy: "keep", fields: {}, rows: "keep" }, false);
    expect(stepsOf(empty, conversions, { left })).toEqual(stepsOf(empty, conversions));
  });

  it("is written all the same when its row has to be made anew", () => {
    const left = leaveByPolicy({ fields: { "ip-group.media-realm-name": "keep" } }, false);
    expect(stepsOf(without(group), both, { left })).toMatchObject([
      { kind: "create", fields: { "media-realm-name": "MR_WAN" } },
    ]);
  });
});

describe("a run that restores", () => {
  const restoring = (policies: DeviceDrift) => ({ left: leaveByPolicy(policies, true) });

  it("writes the fields that are to be restored, and no others", () => {
    const policies: DeviceDrift = { fields: { "ip-group.tags": "restore" } };
    const config = edited(group, { tags: "", "sip-group-name": "other" });
    expect(isRestorable(drift(config, policies))).toBe(true);
    expect(stepsOf(config, both, restoring(policies))).toEqual([
      { kind: "update", table: "ip-group", index: 5, name: "Acme", set: { tags: `Trunk=${acme.intent.tenantId}` } },
    ]);
    expect(isRestorable(drift(config))).toBe(false);
    expect(stepsOf(config, both, restoring(report))).toEqual([]);
  });

  it("makes missing rows again where rows are to be restored, and leaves them where they are not", () => {
    expect(stepsOf(without(group), both, restoring({ fields: {}, rows: "restore" }))).toMatchObject([
      { kind: "create", table: "ip-group", fields: { name: "Acme" } },
    ]);
    expect(stepsOf(without(group), both, restoring({ policy: "restore", fields: {} }))).toEqual([]);
    expect(stepsOf(without(shared), both, restoring({ policy: "restore", fields: {} }))).toEqual([]);
  });

  it("never changes what ends calls", () => {
    const config = edited(group, { "srd-name": "Other", "sip-group-name": "other" });
    expect(drift(config, restore).rows[0]?.findings.map(({ field, policy }) => [field, policy])).toEqual([
      ["sip-group-name", "restore"],
      ["srd-name", "report"],
    ]);
    expect(stepsOf(config, both, restoring(restore))).toMatchObject([
      { kind: "update", set: { "sip-group-name": "reg.example.net" } },
    ]);
    expect(stepsOf(edited(group, { "srd-name": "Other" }), both, restoring(restore))).toEqual([]);
  });

  it("writes no secret again", () => {
    const unproven = { ...acme, secretsWritten: new Set<string>() };
    expect(isRestorable(drift(converged, restore, [unproven]))).toBe(false);
    expect(stepsOf(converged, [unproven], restoring(restore))).toEqual([]);
  });

  it("rewrites a shared Proxy Set only where the carrier is enforced", () => {
    const config = edited(shared, { "srd-name": "Other" });
    const policies: DeviceDrift = { policy: "restore", fields: {} };
    expect(isRestorable(drift(config, policies))).toBe(false);
    expect(isRestorable(drift(config, policies, both, "enforce"))).toBe(true);
  });
});
