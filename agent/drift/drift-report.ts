import type { DeviceReport, DriftDeviceReport, DriftState } from "../reports.ts";
import type { DriftEvidence } from "../store/model.ts";
import type { JournalStore } from "../store/journal-store.ts";

export const isStale = (checkedAt: number, now: number, maxAgeMs: number): boolean => now - checkedAt > maxAgeMs;

/** No evidence is never green, nor is one that is too old, or from before the device started anew (`due`). */
export function driftState(
  latest: { checkedAt: number; drifted: number } | undefined,
  due: boolean,
  now: number,
  maxAgeMs: number,
): DriftState {
  const stale = latest !== undefined && isStale(latest.checkedAt, now, maxAgeMs);
  return shownDriftState({ drift: latest === undefined ? null : { drifted: latest.drifted, stale }, driftDue: due });
}

/** The same, of a device as `/health` shows it. */
export function shownDriftState({
  drift,
  driftDue,
}: {
  drift: Pick<NonNullable<DeviceReport["drift"]>, "drifted" | "stale"> | null;
  driftDue: boolean;
}): DriftState {
  if (drift === null || drift.stale) return "unknown";
  if (drift.drifted > 0) return "drifted";
  return driftDue ? "unknown" : "in-sync";
}

const nothing: DriftEvidence = {
  customers: 0,
  drifted: 0,
  kept: 0,
  afterRestart: false,
  restore: null,
  rows: [],
  unlisted: 0,
};

/** The latest evidence on one device. `trouble`: what kept a check that was asked for from being made. */
export async function reportDrift(
  journal: Pick<JournalStore, "drift" | "driftSummaries">,
  device: string,
  now: number,
  maxAgeMs: number,
  trouble: string | null = null,
): Promise<DriftDeviceReport> {
  const found = await journal.drift(device);
  const [summary] = await journal.driftSummaries({ device });
  const due = summary?.due === true;
  const { customers, drifted, kept, afterRestart, restore, rows, unlisted } = found?.evidence ?? nothing;
  return {
    device,
    state: driftState(found && { checkedAt: found.checkedAt, drifted: found.evidence.drifted }, due, now, maxAgeMs),
    checkedAt: found === undefined ? null : new Date(found.checkedAt).toISOString(),
    ageSeconds: found === undefined ? null : Math.max(0, (now - found.checkedAt) / 1_000),
    updatedAt: found?.updatedAt === undefined ? null : new Date(found.updatedAt).toISOString(),
    due,
    trouble,
    customers,
    drifted,
    kept,
    afterRestart,
    restore,
    rows,
    unlisted,
  };
}
