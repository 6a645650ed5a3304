import { describe, expect, it } from "vitest";
import { driftState } from "../../agent/drift/drift-report.ts";
import { reportHealth } from "../../agent/operations/health.ts";
import type { Lane } from "../../agent/lanes/lane.ts";
import { createMetrics } from "../../agent/metrics.ts";
import type { HealthReport } from "../../agent/reports.ts";
import type { DriftSummary } from "../../agent/store/journal-store.ts";
import { deviceSettings } from "../provisioning/settings.ts";

const now = Date.parse("2026-03-01T12:00:00Z");
const hour = 3_600_000;
const maxAgeMs = 26 * hour;
const device = deviceSettings.name;

const checked = (hoursAgo: number, drifted = 0, more: Partial<DriftSummary> = {}): DriftSummary => ({
  device,
  latest: { checkedAt: now - hoursAgo * hour, updatedAt: undefined, drifted, afterRestart: false },
  due: false,
  ...more,
});

async function healthWith(summaries: DriftSummary[], linked = 3): Promise<HealthReport> {
  const state = { state: "idle", breaker: "closed", nextTryAt: null, lastSuccessAt: null, lastError: null } as const;
  const lane: Pick<Lane, "device" | "state"> = { device: deviceSettings, state: () => state };
  return reportHealth({
    lanes: new Map([[device, lane]]),
    taken: new Map(),
    source: { queues: async () => [], countLinks: async () => (linked === 0 ? [] : [{ device, linked }]) },
    journal: {
      deviceModes: async () => [],
      unsavedSince: async () => [],
      loginFailures: async () => [],
      driftSummaries: async () => summaries,
    },
    amendments: undefined,
    driftMaxAgeMs: maxAgeMs,
    portal: undefined,
    version: "1",
    startedAt: now,
    now: () => now,
  });
}

describe("evidence on drift", () => {
  it.each<[string, DriftSummary["latest"], string, boolean?]>([
    ["unknown when there is none", undefined, "unknown"],
    ["in sync when nothing was found", checked(1).latest, "in-sync"],
    ["drifted when something was", checked(1, 2).latest, "drifted"],
    ["good up to its greatest age", checked(26).latest, "in-sync"],
    ["unknown when it is older, whatever it found", checked(26.01, 2).latest, "unknown"],
    ["unknown when the device started anew since", checked(1).latest, "unknown", true],
    ["drifted when what it found was not put right yet", checked(1, 2).latest, "drifted", true],
  ])("is %s", (_, latest, expected, due = false) => {
    expect(driftState(latest, due, now, maxAgeMs)).toBe(expected);
  });
});

describe("health", () => {
  it.each<[string, DriftSummary[], string]>([
    ["customers of whom nobody knows", [], "sbc1: drift is not known, it was never checked"],
    ["evidence that is too old", [checked(30)], "sbc1: drift is not known, it was last checked at 2026-02-28T06:00:00"],
    ["customers that have drifted", [checked(1, 2)], "sbc1: 2 customer(s) differ from their intent;"],
    [
      "what was found after a restart of the device",
      [checked(1, 2, { latest: { checkedAt: now, updatedAt: undefined, drifted: 2, afterRestart: true } })],
      "2 customer(s) differ from their intent, found after the device started anew",
    ],
    ["a check that is due", [checked(1, 0, { due: true })], "sbc1: a drift check is due"],
  ])("is degraded by %s", async (_, summaries, remark) => {
    const health = await healthWith(summaries);
    expect(health).toMatchObject({ status: "degraded", remarks: [expect.stringContaining(remark) as string] });
  });

  it("is well with fresh evidence, or without a customer that could have drifted", async () => {
    expect(await healthWith([checked(25)])).toMatchObject({ status: "ok", devices: [{ drift: { drifted: 0 } }] });
    expect(await healthWith([], 0)).toMatchObject({ status: "ok", devices: [{ drift: null }] });
  });
});

describe("metrics", () => {
  it("never show as in sync what is not known", async () => {
    const metrics = createMetrics();
    const page = async (...summaries: DriftSummary[]) => (await metrics.render(await healthWith(summaries))).body;
    expect(await page(checked(1, 2))).toMatch(
      /sbc_agent_drifted_customers\{device="sbc1"\} 2\n[\s\S]*sbc_agent_drift_unknown\{device="sbc1"\} 0\n/,
    );
    const stale = await page(checked(30, 0, { due: true }));
    expect(stale).not.toContain('sbc_agent_drifted_customers{device="sbc1"}');
    expect(stale).toContain('sbc_agent_drift_unknown{device="sbc1"} 1');
    expect(stale).toContain('sbc_agent_drift_check_due{device="sbc1"} 1');
    expect(stale).toMatch(/sbc_agent_drift_evidence_age_seconds\{device="sbc1"\} \d+/);
    expect(await page(checked(1, 0, { due: true }))).not.toContain('sbc_agent_drifted_customers{device="sbc1"}');
    expect(await page()).toContain('sbc_agent_drift_unknown{device="sbc1"} 1');
  });
});
