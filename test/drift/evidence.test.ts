import { describe, expect, it } from "vitest";
import { createDriftChecks } from "../../agent/drift/drift-checks.ts";
import { followRun, gatherEvidence } from "../../agent/drift/evidence.ts";
import type { Drift } from "../../agent/provisioning/drift.ts";
import type { ReadBack } from "../../agent/provisioning/read-back.ts";
import type { CheckedRow, DriftEvidence, ListedRow } from "../../agent/store/model.ts";
import { deviceSettings } from "../provisioning/settings.ts";

const circumstances = { afterRestart: false, restore: null };
const finding = { kind: "field", field: "tags", wanted: "a", found: "", policy: "report" } as const;
const own = (customer: string): ListedRow => ({
  row: `ip-group "${customer}"`,
  customers: [customer],
  findings: [finding],
});
const shared = (...customers: string[]): ListedRow => ({
  row: "proxy-set 2",
  customers,
  findings: [finding],
  shared: "x",
});
const accepted = (row: CheckedRow, kept = 1) => ({ ...row, kept });

function found(rows: ListedRow[], more: Partial<Drift> = {}): Drift {
  const drifted = new Set(rows.flatMap(({ customers }) => customers)).size;
  return { rows, drifted, kept: 0, accepted: [], shared: ["x"], ...more };
}

const none = found([]);
const all = ["Acme", "Bolt", "Corp"];
const of = (drift: Drift): DriftEvidence => gatherEvidence(drift, all, circumstances);
const seen = (compared: string[], drift = none, gone: string[] = []): ReadBack => ({ compared, drift, gone });

describe("evidence", () => {
  it.each<[string, DriftEvidence, ReadBack, object]>([
    [
      "loses the findings of a customer that was put right",
      of(found([own("Acme"), own("Bolt")])),
      seen(["Acme"]),
      { customers: 3, drifted: 1, rows: [own("Bolt")] },
    ],
    [
      "loses a customer that is gone, with its findings and what was accepted of it",
      of(found([own("Acme")], { accepted: [accepted({ row: "ip-group 5", customers: ["Acme"] }, 2)] })),
      seen([], none, ["Acme"]),
      { customers: 2, drifted: 0, kept: 0, rows: [] },
    ],
    [
      "shows what is found of a customer now in place of what was",
      of(found([own("Acme"), own("Bolt")])),
      seen(["Acme"], found([{ ...own("Acme"), row: "account 1" }])),
      { drifted: 2, rows: [own("Bolt"), { row: "account 1" }] },
    ],
    [
      "keeps a shared row for those of whom nothing new is known",
      of(found([shared("Acme", "Bolt")])),
      seen(["Acme"], found([], { shared: ["another way"] })),
      { drifted: 1, rows: [shared("Bolt")] },
    ],
    [
      "loses a shared row for everybody when a run saw it as they all want it",
      of(found([shared("Acme", "Bolt"), own("Bolt")])),
      seen(["Acme"]),
      { drifted: 1, rows: [own("Bolt")] },
    ],
    [
      "lets one more join a shared row that differs, though it was linked since",
      of(found([shared("Acme")])),
      seen(["Dale"], found([shared("Dale")])),
      { customers: 4, drifted: 2, rows: [shared("Acme", "Dale")] },
    ],
    [
      "counts what is accepted of a shared row while one is left that needs it",
      of(found([], { accepted: [accepted({ row: "proxy-set 2", customers: ["Acme", "Bolt"], shared: "x" })] })),
      seen([], found([], { shared: [] }), ["Acme"]),
      { customers: 2, kept: 1 },
    ],
    [
      "compares whoever has the name of one that is gone",
      of(found([own("Acme"), own("Bolt")])),
      seen(["Acme"], none, ["Acme"]),
      { customers: 3, drifted: 1 },
    ],
  ])("%s", (_, evidence, run, expected) => {
    expect(followRun(evidence, run)).toMatchObject({ ...circumstances, ...expected });
  });

  it("of more rows than are listed counts all of them, also when customers leave", () => {
    const names = Array.from({ length: 620 }, (_, i) => `Cust${i}`);
    const evidence = gatherEvidence(found(names.map(own)), names, circumstances);
    expect(evidence).toMatchObject({ customers: 620, drifted: 620, unlisted: 120 });
    expect(evidence.rows).toHaveLength(500);
    const followed = followRun(evidence, seen(["Cust0", "Cust619"], none, ["Cust1", "Cust618"]));
    expect(followed).toMatchObject({ customers: 618, drifted: 616, unlisted: 118 });
    expect(followed?.rows).toHaveLength(498);
  });

  it.each<[string, DriftEvidence, ReadBack]>([
    ["of customers that were as they should be", of(found([own("Bolt")])), seen(["Acme"])],
    [
      "that shows the same as before",
      of(found([own("Acme"), shared("Acme", "Bolt")])),
      seen(["Acme"], found([own("Acme"), shared("Acme")])),
    ],
    ["of which nothing is known", of(found([own("Bolt")])), seen([], none, ["Dale"])],
  ])("stays as it is after a run %s", (_, evidence, run) => {
    expect(followRun(evidence, run)).toBeUndefined();
  });

  it("of a version that did not keep who stands behind its counts stays until the next check", () => {
    const evidence = of(found([own("Acme")]));
    delete evidence.tally;
    expect(followRun(evidence, seen(["Acme"]))).toBeUndefined();
  });
});

it("drift checks make no evidence of what single runs show, and look at nothing where there is none", async () => {
  const unwanted = (): never => {
    throw new Error("not asked for");
  };
  const { follow } = createDriftChecks({
    device: deviceSettings,
    journal: { keepDrift: unwanted, updateDrift: unwanted, drift: async () => undefined, driftSummaries: unwanted },
    source: { countLinks: unwanted },
    check: unwanted,
    maxAgeMs: 1,
    log: { error: unwanted, warn: unwanted, info: unwanted, debug: unwanted, close: unwanted },
    now: unwanted,
  });
  await follow(unwanted);
});
