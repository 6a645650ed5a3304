import type { DeviceSettings } from "../settings/config.ts";
import type { Log } from "../log.ts";
import type { DriftCheck } from "../provisioning/drift-check.ts";
import { isRestorable, type Drift } from "../provisioning/drift.ts";
import { decideOutcome } from "../provisioning/outcome.ts";
import type { RunResult } from "../provisioning/run.ts";
import type { ConversionSource } from "../source/source.ts";
import type { DriftEvidence } from "../store/model.ts";
import type { JournalStore } from "../store/journal-store.ts";

export interface DriftCheckDependencies {
  device: DeviceSettings;
  journal: Pick<JournalStore, "keepDrift" | "driftSummaries">;
  source: Pick<ConversionSource, "countLinks">;
  /** Reads the device and compares; writes nothing. */
  check(signal: AbortSignal): Promise<DriftCheck>;
  /** After this time evidence says nothing any more. */
  maxAgeMs: number;
  log: Log;
  now(): number;
}

/** The drift checks of one device. Whoever calls them has the device's turn. */
export interface DriftChecks {
  /**
   * Compares all linked customers, keeps the evidence, and puts right by `restore` what policy says; without `restore`
   * nothing is written. Throws what kept it from reading or restoring; a check that was due is then still due.
   */
  check(restore: (() => Promise<RunResult>) | undefined, signal: AbortSignal): Promise<void>;
  /** Keeps what a re-sync saw of all linked customers. */
  note(drift: Drift, customers: number): Promise<void>;
  /** A check is due, as after a restart of the device. */
  isDue(): Promise<boolean>;
  /** A check is due, or customers are linked and there is no evidence that is of use. */
  isWanted(): Promise<boolean>;
}

/** Rows that evidence lists: more than anybody reads, and no burden for the store. */
const mostRows = 500;

type Restored = DriftEvidence["restore"];

export function createDriftChecks(dependencies: DriftCheckDependencies): DriftChecks {
  const { device, journal, source, check, maxAgeMs, log, now } = dependencies;
  const { name } = device;

  const summary = async () => (await journal.driftSummaries()).find((one) => one.device === name);

  async function keep(found: DriftCheck, restore: Restored, isDueStill: boolean): Promise<void> {
    const { customers, drifted, kept, rows } = found;
    const afterRestart = (await summary())?.due === true;
    const listed = rows.slice(0, mostRows);
    const unlisted = rows.length - listed.length;
    await journal.keepDrift(
      name,
      { customers, drifted, kept, afterRestart, restore, rows: listed, unlisted },
      isDueStill,
    );
    const missing = rows.filter(({ findings }) => findings.some(({ kind }) => kind === "row-missing")).length;
    const words = { device: name, customers, drifted, rows: rows.length, missing, kept, afterRestart };
    if (drifted > 0) log.warn("drift found", words);
    else log.info("drift checked", words);
    if (restore !== null) log.info("drift restored", { device: name, ...restore });
  }

  return {
    async check(restore, signal) {
      const found = await check(signal);
      if (restore === undefined || !isRestorable(found)) return keep(found, null, false);
      let ended: RunResult;
      try {
        ended = await restore();
      } catch (error) {
        const { kind, message } = decideOutcome(error);
        const isLater = kind !== "human";
        await keep(found, { result: isLater ? "put-off" : "failed", rows: 0, reason: message }, isLater);
        throw error;
      }
      if (ended.kind !== "done") {
        await keep(found, { result: "put-off", rows: 0, reason: "another run holds the device" }, true);
        return;
      }
      const { plan, drift = found, customers } = ended.report;
      const reason =
        plan.conflicts.length === 0
          ? null
          : plan.conflicts.map(({ customer, message }) => `${customer}: ${message}`).join("; ");
      await keep(
        { ...drift, customers },
        { result: reason === null ? "done" : "failed", rows: plan.changes.length, reason },
        false,
      );
    },
    note: (drift, customers) => keep({ ...drift, customers }, null, false),
    isDue: async () => (await summary())?.due === true,
    async isWanted() {
      const known = await summary();
      if (known?.due === true) return true;
      if (known?.latest !== undefined && now() - known.latest.checkedAt <= maxAgeMs) return false;
      return (await source.countLinks()).some((one) => one.device === name && one.linked > 0);
    },
  };
}
