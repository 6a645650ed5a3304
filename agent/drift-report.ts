import type { DriftDeviceReport, DriftState } from "./reports.ts";
import type { JournalStore } from "./store/store.ts";

/** No evidence, or evidence that is too old, is never green. */
export function driftState(
  latest: { checkedAt: number; drifted: number } | undefined,
  now: number,
  maxAgeMs: number,
): DriftState {
  if (latest === undefined || now - latest.checkedAt > maxAgeMs) return "unknown";
  return latest.drifted > 0 ? "drifted" : "in-sync";
}

const nothing = { customers: 0, drifted: 0, kept: 0, afterRestart: false, restore: null, rows: [], unlisted: 0 };

/** The latest evidence on one device. `trouble`: what kept a check that was asked for from being made. */
export async function reportDrift(
  journal: Pick<JournalStore, "drift" | "driftSummaries">,
  device: string,
  now: number,
  maxAgeMs: number,
  trouble: string | null = null,
): Promise<DriftDeviceReport> {
  const found = await journal.drift(device);
  const due = (await journal.driftSummaries()).some((one) => one.device === device && one.due);
  const evidence = found?.evidence;
  return {
    device,
    state: driftState(found && { checkedAt: found.checkedAt, drifted: found.evidence.drifted }, now, maxAgeMs),
    checkedAt: found === undefined ? null : new Date(found.checkedAt).toISOString(),
    ageSeconds: found === undefined ? null : Math.max(0, (now - found.checkedAt) / 1_000),
    due,
    trouble,
    ...(evidence ?? nothing),
  };
}
