import { describe, expect, it } from "vitest";
import type { CustomerResult } from "../../agent/provisioning/apply.ts";
import type { PlannedIntent } from "../../agent/provisioning/needs.ts";
import { planDevice } from "../../agent/provisioning/plan.ts";
import { compareAll, readBack } from "../../agent/provisioning/read-back.ts";
import type { RunRequest, Work } from "../../agent/provisioning/work.ts";
import { conversionOf, linkedOf, options, registering, subjectOf } from "./customers.ts";
import { applySteps, configOf, description, neighbours } from "./device-fixture.ts";
import { deviceSettings } from "./settings.ts";

const context = { device: deviceSettings, settings: { carrierPolicy: "report" } } as const;
const acme: PlannedIntent = { ...linkedOf(subjectOf("Acme", registering)), secretsWritten: new Set() };
const bolt = linkedOf(subjectOf("Bolt"));
const empty = configOf(neighbours);
const conversions = [acme, bolt].map(({ intent, secrets }) => ({ ...conversionOf(subjectOf("x")), intent, secrets }));
const steps = planDevice(empty, description, conversions, [], options).steps.map(({ step }) => step);
const converged = applySteps(empty, steps);

const workOf = (intents: readonly PlannedIntent[], amendments: object = {}): Work =>
  ({ intents, amendments: new Map(Object.entries(amendments)) }) as unknown as Work;
const done: CustomerResult = { kind: "converged", changed: true, warnings: [] };
const failed: CustomerResult = { kind: "failed", message: "refused", onDevice: true };
const guidOf = ({ intent }: PlannedIntent): string => intent.customerGuid;

describe("what a run read back", () => {
  it("is said of customers that it led to their intents, and of no others", () => {
    const results = new Map<string, CustomerResult>([
      [guidOf(acme), done],
      [guidOf(bolt), failed],
    ]);
    expect(readBack(context, workOf([acme, bolt]), empty, results)).toMatchObject({
      compared: ["Acme"],
      drift: { drifted: 1 },
      gone: [],
    });
  });

  it("tells of removals that are done, but not of one whose rows are another customer's by now", () => {
    const removal = { kind: "removal", superseded: false };
    const amendments = {
      a: { ...removal, customerGuid: "a", shortName: "Gone" },
      b: { ...removal, customerGuid: "b", shortName: "Standing" },
      c: { ...removal, customerGuid: "c", shortName: "Begun" },
      d: { ...removal, customerGuid: "d", shortName: "Owed", superseded: true },
      e: { kind: "change", superseded: false, customerGuid: "e", shortName: "Changed" },
    };
    const results = new Map<string, CustomerResult>([
      ["a", done],
      ["b", failed],
      ["d", done],
      ["e", done],
    ]);
    expect(readBack(context, workOf([], amendments), empty, results).gone).toEqual(["Gone"]);
  });

  it("takes secrets for what they should be where the run wrote them, and not where it only restores", () => {
    const request: RunRequest = { kind: "resync", dryRun: false, endCalls: false, rerender: false };
    const results = new Map<string, CustomerResult>([[guidOf(acme), done]]);
    const drifted = (more: Partial<RunRequest>, of = results) =>
      compareAll(context, { ...request, ...more }, workOf([acme]), converged, of)?.drifted;
    expect([drifted({}), drifted({}, new Map()), drifted({ restoring: true })]).toEqual([0, 1, 1]);
    expect([drifted({ customer: guidOf(acme) }), drifted({ rerender: true })]).toEqual([undefined, undefined]);
  });
});
