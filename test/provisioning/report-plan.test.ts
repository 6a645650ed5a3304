import { describe, expect, it } from "vitest";
import type { Step } from "../../drivers/driver.ts";
import { withNameless } from "../../agent/provisioning/nameless.ts";
import { planDevice } from "../../agent/provisioning/plan.ts";
import type { PlannedIntent } from "../../agent/provisioning/needs.ts";
import { reportPlan } from "../../agent/provisioning/report-plan.ts";
import { reportResync } from "../../agent/provisioning/report-resync.ts";
import type { RunReport } from "../../agent/provisioning/run.ts";
import { conversionOf, linkedOf, options, registering, subjectOf } from "./customers.ts";
import { applySteps, configOf, description, neighbours, row } from "./device-fixture.ts";
import { fakeDevice } from "./fake-device.ts";

const subject = subjectOf("Acme", registering);
const guid = subject.customerGuid;
const empty = configOf(neighbours);
const { driver } = fakeDevice(neighbours);

/** A dry run's report; what it asked to be rendered is kept. */
function dryRun(config: typeof empty, intents: readonly PlannedIntent[], more: Partial<RunReport> = {}) {
  const rendered: (readonly Step[])[] = [];
  const rendering = {
    render(steps: readonly Step[]) {
      rendered.push(steps);
      return driver.render(steps);
    },
  };
  const plan = planDevice(config, description, intents, [], options);
  const shortNames = new Map(intents.map(({ intent }) => [intent.customerGuid, intent.shortName]));
  const report: RunReport = {
    runId: null,
    device: "sbc1",
    plan: reportPlan("sbc1", plan, rendering, shortNames),
    conflicting: new Set(plan.conflicts.keys()),
    results: new Map(),
    taskIds: new Map(),
    asked: new Map(),
    shortNames,
    customers: intents.length,
    owed: 0,
    writes: 0,
    saves: 0,
    ...more,
  };
  return { report, rendered };
}

const after = applySteps(
  empty,
  planDevice(empty, description, [conversionOf(subject)], [], options).steps.map(({ step }) => step),
);
const drifted = configOf(
  after.rows.map((r) => (r.fields["name"] === "Acme" ? { ...r, fields: { ...r.fields, "sip-group-name": "old" } } : r)),
);

describe("a plan for people", () => {
  it("says each change, field by field, and for whom", () => {
    const { changes } = dryRun(drifted, [linkedOf(subject)]).report.plan;
    expect(changes).toEqual([
      {
        action: "update",
        row: 'ip-group 5 "Acme"',
        fields: [{ field: "sip-group-name", before: "old", after: "reg.example.net" }],
        customers: ["Acme"],
        endsCalls: false,
      },
    ]);
  });

  it("names new rows and their children, with nothing before", () => {
    const { changes } = dryRun(empty, [conversionOf(subject)]).report.plan;
    expect(changes.map((change) => change.row).slice(0, 2)).toEqual([
      'proxy-set 4 "SIPTrunk"',
      'proxy-ip 4/0 "198.51.100.10"',
    ]);
    expect(changes.flatMap(({ fields }) => fields.map(({ before }) => before)).every((before) => before === null)).toBe(
      true,
    );
  });

  it.each([
    ["new rows", empty, conversionOf(subject)],
    ["a changed password", after, linkedOf(subject, { secretsWritten: new Set() })],
  ])("shows the secrets of %s as ******** and nowhere else", (_, config, intent) => {
    const report = dryRun(config, [intent]).report.plan;
    expect(JSON.stringify(report)).not.toContain(registering.secrets.CarrierUserPassword);
    const shown = report.changes.flatMap(({ fields }) => fields).filter(({ field }) => field === "password");
    expect(shown).toEqual([{ field: "password", before: null, after: "********" }]);
  });

  it("has no lines when there is nothing to do", () => {
    expect(dryRun(after, [linkedOf(subject)]).report.plan).toMatchObject({ changes: [], lines: [], reverse: [] });
  });

  it("says conflicts and warnings by the customer's name", () => {
    const config = configOf([...neighbours, row("ip-group", 7, { name: "Acme" })]);
    expect(dryRun(config, [conversionOf(subject)]).report.plan.conflicts).toMatchObject([{ customer: "Acme" }]);
    const adopted = dryRun(after, [conversionOf(subject)]).report.plan;
    expect(adopted.warnings[0]).toMatch(/^Acme: ip-group 5 'Acme' was already on the device/);
  });
});

describe("the reverse lines", () => {
  it.each([
    ["new rows", empty, [conversionOf(subject), conversionOf(subjectOf("Bolt"))]],
    ["changes", drifted, [linkedOf(subject)]],
    ["both", drifted, [linkedOf(subject), conversionOf(subjectOf("Bolt", { proxySet: "Backup" }))]],
  ])("take back %s", (_, config, intents) => {
    const { rendered } = dryRun(config, intents);
    const [forward = [], reverse = []] = rendered;
    expect(forward).not.toEqual([]);
    expect(applySteps(applySteps(config, forward), reverse).rows).toEqual(config.rows);
  });

  it("leave out a row without a name, which no line can make, and keep those of all else", () => {
    const left = row("ip-group", 9, { "proxy-set-name": "Foreign" }, { active: false });
    const change = { table: "ip-group", index: 9, name: "Gone", before: {}, customers: [guid] } as const;
    const recorded = { creates: [], changes: [{ ...change, sent: { "proxy-set-name": ["Foreign"] } }] };
    const config = configOf([...drifted.rows, left]);
    const plan = withNameless(planDevice(config, description, [linkedOf(subject)], [], options), config, recorded);
    const { lines, reverse } = reportPlan("sbc1", plan, driver, new Map());
    expect(lines).toContain("no ip-group 9");
    expect(reverse).toEqual([
      ...dryRun(drifted, [linkedOf(subject)]).report.plan.reverse,
      "! ip-group 9 has no name and is not made again",
    ]);
  });

  it("delete Accounts before IP Groups before Proxy Sets", () => {
    const { reverse } = dryRun(empty, [conversionOf(subject)]).report.plan;
    expect(reverse).toEqual(["no account 1", "no ip-group 5", "no proxy-set 4"]);
  });
});

describe("the result of a re-sync", () => {
  const failed = { kind: "failed", message: "it was refused: x", onDevice: true } as const;
  it.each([
    ["in-sync", after, {}],
    ["pending", drifted, {}],
    ["changed", drifted, { writes: 1, saves: 1 }],
    ["failed", after, { results: new Map([[guid, failed]]) }],
  ] as const)("is '%s'", (result, config, more) => {
    expect(reportResync(dryRun(config, [linkedOf(subject)], more).report).result).toBe(result);
  });

  it("says a conflict once, though it is in the plan and in the results", () => {
    const config = configOf([...neighbours, row("ip-group", 7, { name: "Acme", tags: "Trunk=else" })]);
    const { report } = dryRun(config, [linkedOf(subject)], { results: new Map([[guid, failed]]) });
    expect(reportResync(report).conflicts.length).toBe(1);
  });
});
