import { describe, expect, it } from "vitest";
import type { DeviceConfig, Fields, Row } from "../../drivers/driver.ts";
import type { PlannedIntent, PlanOptions } from "../../agent/provisioning/needs.ts";
import { planDevice, type Plan } from "../../agent/provisioning/plan.ts";
import type { RecordedCreate } from "../../agent/store/model.ts";
import { carrier, conversionOf, linkedOf, options, registering, subjectOf } from "./customers.ts";
import { allColumns, applySteps, configOf, description, neighbours, row } from "./device-fixture.ts";

const empty = configOf(neighbours);
const acme = conversionOf(subjectOf("Acme"));
const bolt = conversionOf(subjectOf("Bolt"));
const guid = acme.intent.customerGuid;

function plan(
  config: DeviceConfig,
  intents: readonly PlannedIntent[],
  more: Partial<PlanOptions> = {},
  recorded: readonly RecordedCreate[] = [],
): Plan {
  return planDevice(config, description, intents, recorded, { ...options, ...more });
}

function after(config: DeviceConfig, intents: readonly PlannedIntent[]): DeviceConfig {
  return applySteps(
    config,
    plan(config, intents).steps.map(({ step }) => step),
  );
}

const shown = ({ steps }: Plan): string[] =>
  steps.map(({ step, name }) => `${step.kind} ${step.table} ${step.index} ${name}`);
const conflict = (made: Plan, of = guid): string => made.conflicts.get(of) ?? "";

/** The device once Acme stands on it, with its IP Group changed. */
function withGroup(fields: Fields, rest: Partial<Row> = {}): DeviceConfig {
  const { rows } = after(empty, [acme]);
  const isGroup = (r: Row): boolean => r.table === "ip-group" && r.fields["name"] === "Acme";
  return configOf(rows.map((r) => (isGroup(r) ? { ...r, ...rest, fields: { ...r.fields, ...fields } } : r)));
}

describe("what is missing", () => {
  it("is created above the highest index in use, the Proxy Set first, its addresses with it", () => {
    expect(shown(plan(empty, [acme]))).toEqual([
      "create proxy-set 4 SIPTrunk",
      "create proxy-ip 0 198.51.100.10",
      "create proxy-ip 1 198.51.100.11",
      "create ip-group 5 Acme",
    ]);
  });

  it("is sent in the order Proxy Sets, IP Groups, Accounts over all customers", () => {
    const second = conversionOf(subjectOf("Bolt", { ...registering, proxySet: "Backup" }));
    const first = conversionOf(subjectOf("Acme", registering));
    const tables = plan(empty, [first, second]).steps.map(({ step }) => step.table);
    const sets = ["proxy-set", "proxy-ip", "proxy-ip", "proxy-set", "proxy-ip"];
    expect(tables).toEqual([...sets, "ip-group", "ip-group", "account", "account"]);
  });

  it("shares one new Proxy Set, recorded for each customer that needs it", () => {
    const { steps } = plan(empty, [acme, bolt]);
    const sets = steps.filter(({ step }) => step.table === "proxy-set");
    expect(sets.map(({ customers }) => customers)).toEqual([[guid, bolt.intent.customerGuid]]);
  });

  it("takes the secret along", () => {
    const planned = conversionOf(subjectOf("Acme", registering));
    const account = plan(empty, [planned]).steps.at(-1)?.step;
    expect(account).toMatchObject({ kind: "create", fields: { password: "s3cret-One" } });
  });

  it("takes no index that an unresolved record names", () => {
    const recorded = [
      { table: "ip-group" as const, index: 9, name: "Else", fields: {}, absentIn: "", customers: ["else"] },
    ];
    expect(shown(plan(empty, [acme], {}, recorded)).at(-1)).toBe("create ip-group 10 Acme");
  });

  it("is nothing once the rows stand there", () => {
    expect(plan(after(empty, [acme, bolt]), [linkedOf(subjectOf("Acme")), linkedOf(subjectOf("Bolt"))]).steps).toEqual(
      [],
    );
  });

  it("never takes index 0 when the customer is named like a Proxy Set that is new too", () => {
    const twin = conversionOf(subjectOf("siptrunk"));
    const groups = plan(empty, [acme, twin]).steps.filter(({ step }) => step.table === "ip-group");
    expect(groups.map(({ step }) => step.index)).toEqual([5, 6]);
  });

  it("is a conflict when two customers would have one name", () => {
    const twin = conversionOf(subjectOf("ACME", { tenantId: "other", customerGuid: "other" }));
    const made = plan(empty, [acme, twin]);
    expect([...made.conflicts.keys()]).toEqual(["other"]);
  });
});

describe("a conflict", () => {
  it("concerns its customer alone", () => {
    const config = configOf([...neighbours, row("ip-group", 7, { name: "Acme", tags: "Trunk=else" })]);
    const made = plan(config, [acme, bolt]);
    expect([...made.conflicts.keys()]).toEqual([guid]);
    expect(shown(made).at(-1)).toBe("create ip-group 8 Bolt");
  });

  it("of a full table leaves those before it their rows", () => {
    const limits = { ...description.limits, "ip-group": 7 };
    const full = configOf([...neighbours, ...[1, 2, 3].map((i) => row("ip-group", i, { name: `G${i}` }))]);
    const customers = ["A", "B", "C"].map((name) => conversionOf(subjectOf(name)));
    const made = planDevice(full, { ...description, limits }, customers, [], options);
    expect(shown(made).slice(-2)).toEqual(["create ip-group 5 A", "create ip-group 6 B"]);
    expect(conflict(made, customers[2]?.intent.customerGuid)).toContain("a table of the device is full");
  });

  it.each([
    ["realm", "realm 'MR_WAN', which ip-group 'Acme' refers to in media-realm-name, is not on the device"],
    ["ip-profile", "ip-profile 'IPP_Trunk', which ip-group 'Acme' refers to in ip-profile-name, is not on the device"],
    ["sip-interface", "sip-interface 'SIF_WAN', which proxy-set 'SIPTrunk' refers to in sbcipv4-sip-int-name"],
    ["srd", "srd 'DefaultSRD', which proxy-set 'SIPTrunk' refers to in srd-name"],
  ])("names the %s that is missing", (table, message) => {
    expect(conflict(plan(configOf(neighbours.filter((r) => r.table !== table)), [acme]))).toContain(message);
  });

  it("names the field that the firmware does not have", () => {
    const columns = new Map(allColumns).set("ip-group", new Set(["name", "proxy-set-name", "srd-name"]));
    const message = conflict(plan({ ...empty, columns }, [acme]));
    expect(message).toContain("mediant-7.4) has no field tags, media-realm-name");
  });

  it("names a Proxy Set that is not active", () => {
    const config = configOf([...neighbours, row("proxy-set", 8, { "proxy-name": "SIPTrunk" }, { active: false })]);
    expect(conflict(plan(config, [acme]))).toContain("Proxy Set 'SIPTrunk' (index 8) is on the device but not active");
  });

  it("names a Proxy Set that is gone and that no carrier defines", () => {
    const rendered = conversionOf(
      subjectOf("Acme"),
      {},
      { carriers: [], proxySet: (name) => ({ name, srd: "DefaultSRD" }) },
    );
    expect(conflict(plan(empty, [rendered]))).toContain("is neither on the device nor among the carriers");
  });

  it("names a carrier that has more addresses than a Proxy Set of the device holds", () => {
    const addresses = Array.from({ length: 11 }, (_, i) => `192.0.2.${i + 1}`);
    const planned = conversionOf(subjectOf("Acme"), {}, { carriers: [carrier("SIPTrunk", ...addresses)] });
    expect(conflict(plan(empty, [planned]))).not.toBe("");
  });
});

describe("an address that a new Proxy Set would share", () => {
  const taken = configOf([...neighbours, row("proxy-ip", 1, { "proxy-address": "198.51.100.11" }, { parent: 3 })]);

  it("is a conflict that names who has it", () => {
    expect(conflict(plan(taken, [acme]))).toContain("would share address 198.51.100.11 with 'Foreign'");
  });

  it("is allowed by the carrier's setting", () => {
    expect(plan(taken, [acme], { sharedAddressAllowed: (name) => name === "SIPTrunk" }).conflicts.size).toBe(0);
  });

  it("is a conflict also between two Proxy Sets of one batch", () => {
    const carriers = [carrier("SIPTrunk", "192.0.2.1"), carrier("Backup", "192.0.2.1")];
    const first = conversionOf(subjectOf("Acme"), {}, { carriers });
    const second = conversionOf(subjectOf("Bolt", { proxySet: "Backup" }), {}, { carriers });
    expect([...plan(empty, [first, second]).conflicts.keys()]).toEqual([second.intent.customerGuid]);
  });

  it("is a conflict also where one of them spells out the default port", () => {
    const config = configOf([
      ...neighbours,
      row("proxy-ip", 1, { "proxy-address": "198.51.100.11:5060" }, { parent: 3 }),
    ]);
    expect(conflict(plan(config, [acme]))).toContain("would share address");
  });
});

describe("a row of the customer's name that was not made here", () => {
  it("is adopted with a warning when it carries the tenant's tag and equals the intent", () => {
    const made = plan(after(empty, [acme]), [acme]);
    expect(made.steps).toEqual([]);
    expect(made.warnings.get(guid)?.[0]).toContain("was adopted");
  });

  it.each([
    ["it differs", withGroup({ "media-realm-name": "MR_OLD" }), {}, "differs in media-realm-name"],
    ["it is not active", withGroup({}, { active: false }), {}, "was not made here"],
    ["it carries no tag", withGroup({ tags: "" }), {}, "was not made here"],
    ["it carries another tenant's tag", withGroup({ tags: "Trunk=else" }), {}, "the tag of another tenant (else)"],
    ["it carries another tenant's tag among others", withGroup({ tags: "a;Trunk=else;b" }), {}, "(else)"],
    ["the firmware has no tags", withGroup({}), { withoutTags: true }, "was not made here"],
  ])("is a conflict when %s", (_, config, more, message) => {
    const made = plan(config, [acme], more);
    expect(made.steps).toEqual([]);
    expect(conflict(made)).toContain(message);
  });

  it("is found without regard to case", () => {
    expect(conflict(plan(withGroup({ name: "ACME", tags: "" }), [acme]))).toContain("'ACME' is on the device");
  });

  it("is ours after all when an unresolved record names it for this customer", () => {
    const recorded = [
      { table: "ip-group" as const, index: 5, name: "acme", fields: {}, absentIn: "", customers: [guid] },
    ];
    const made = plan(withGroup({ "media-realm-name": "" }), [acme], {}, recorded);
    expect(made.steps[0]?.step).toMatchObject({ kind: "update", set: { "media-realm-name": "MR_WAN" } });
  });

  it.each([
    ["another index", { index: 6 }],
    ["another customer", { customers: ["else"] }],
    ["another name", { name: "Else" }],
  ])("is not ours by a record of %s", (_, more) => {
    const recorded = [
      { table: "ip-group" as const, index: 5, name: "Acme", fields: {}, absentIn: "", customers: [guid], ...more },
    ];
    expect(conflict(plan(withGroup({ tags: "" }), [acme], {}, recorded))).toContain("was not made here");
  });
});

describe("a Proxy Set that a script of ours began", () => {
  const { steps } = plan(empty, [acme]);
  const recorded = steps.flatMap(({ step, name, customers }): RecordedCreate[] =>
    step.kind === "create" ? [{ ...step, name, absentIn: "", customers }] : [],
  );
  /** The Proxy Set, whole, its first address, and a second that was begun only. */
  const begun = (fields: Fields, active = false): DeviceConfig =>
    configOf([
      ...applySteps(
        empty,
        steps.slice(0, 2).map(({ step }) => step),
      ).rows,
      row("proxy-ip", 1, { priority: "0", ...fields }, { parent: 4, active }),
    ]);

  it.each([
    ["has no address yet", {}],
    ["has its address", { "proxy-address": "198.51.100.11" }],
    ["lacks its activation alone", { "proxy-address": "198.51.100.11", "transport-type": "udp" }],
    ["is active and lacks its transport", { "proxy-address": "198.51.100.11", "transport-type": "-1" }, true],
  ])("gets its address finished where it stands when that %s", (_, fields, active = false) => {
    const made = plan(begun(fields, active), [acme], {}, recorded);
    expect(shown(made)).toEqual(["update proxy-ip 1 198.51.100.11", "create ip-group 6 Acme"]);
    const done = applySteps(
      begun(fields, active),
      made.steps.map(({ step }) => step),
    );
    expect(plan(done, [linkedOf(subjectOf("Acme"))], {}, recorded).steps).toEqual([]);
  });

  it.each([
    ["that holds what we did not send", 1, { "proxy-address": "203.0.113.1" }],
    ["at a place that no record names", 7, {}],
  ])("gets another address beside one %s", (_, index, fields) => {
    const theirs = configOf(begun(fields).rows.map((r) => (r.parent === 4 && !r.active ? { ...r, index } : r)));
    const made = plan(theirs, [acme], {}, recorded);
    expect(shown(made)).toEqual([`create proxy-ip ${index + 1} 198.51.100.11`, "create ip-group 6 Acme"]);
  });
});

describe("names that differ by case alone", () => {
  it("are one name for an IP Group that is ours", () => {
    expect(plan(withGroup({ name: "ACME" }), [linkedOf(subjectOf("Acme"))]).conflicts.size).toBe(0);
  });

  it("are one name for a Proxy Set", () => {
    const config = configOf([
      ...neighbours,
      row("proxy-set", 8, { "proxy-name": "SIPTRUNK", "srd-name": "DefaultSRD" }),
    ]);
    expect(shown(plan(config, [acme]))).toEqual(["create ip-group 5 Acme"]);
  });
});
