import type { DeviceSettings } from "../settings/config.ts";
import type { Log } from "../log.ts";
import type { DriftCheck } from "../provisioning/drift-check.ts";
import { isRestorable, type Drift } from "../provisioning/drift.ts";
import { decideOutcome } from "../provisioning/outcome.ts";
import type { ReadBack } from "../provisioning/read-back.ts";
import type { RunResult } from "../provisioning/run.ts";
import type { ConversionSource } from "../source/source.ts";
import type { DriftEvidence } from "../store/model.ts";
import type { JournalStore } from "../store/journal-store.ts";
import { followRun, gatherEvidence } from "./evidence.ts";

export interface DriftCheckDependencies {
  device: DeviceSettings;
  journal: Pick<JournalStore, "keepDrift" | "updateDrift" | "drift" | "driftSummaries">;
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
  /** Keeps what a re-sync saw of all linked customers; `compared` are their short names. */
  note(drift: Drift, compared: readonly string[]): Promise<void>;
  /** Brings the evidence up to date with what a run saw of single customers. Where there is none, none is made. */
  follow(seen: () => ReadBack): Promise<void>;
  /** A check is due, as after a restart of the device. */
  isDue(): Promise<boolean>;
  /** A check is due, or customers are linked and there is no evidence that is of use. */
  isWanted(): Promise<boolean>;
}

type Restored = DriftEvidence["restore"];

export function createDriftChecks(dependencies: DriftCheckDependencies): DriftChecks {
  const { device, journal, source, check, maxAgeMs, log, now } = dependencies;
  const { name } = device;

  const summary = async () => (await journal.driftSummaries({ device: name }))[0];

  async function keep(found: DriftCheck, restore: Restored, isDueStill: boolean): Promise<void> {
    const { compared, drifted, kept, rows } = found;
    const afterRestart = (await summary())?.due === true;
    await journal.keepDrift(name, gatherEvidence(found, compared, { afterRestart, restore }), isDueStill);
    const customers = compared.length;
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
      const { plan, drift = found, shortNames } = ended.report;
      const reason =
        plan.conflicts.length === 0
          ? null
          : plan.conflicts.map(({ customer, message }) => `${customer}: ${message}`).join("; ");
      await keep(
        { ...drift, compared: [...shortNames.values()] },
        { result: reason === null ? "done" : "failed", rows: plan.changes.length, reason },
        false,
      );
    },
    note: (drift, compared) => keep({ ...drift, compared }, null, false),
    async follow(seen) {
      const known = await journal.drift(name);
      const followed = known && followRun(known.evidence, seen());
      if (followed === undefined) return;
      await journal.updateDrift(name, followed);
      const { drifted, kept, rows, unlisted } = followed;
      log.info("drift brought up to date", { device: name, drifted, rows: rows.length + unlisted, kept });
    },
    isDue: async () => (await summary())?.due === true,
    async isWanted() {
      const known = await summary();
      if (known?.due === true) return true;
      if (known?.latest !== undefined && now() - known.latest.checkedAt <= maxAgeMs) return false;
      return (await source.countLinks()).some((one) => one.device === name && one.linked > 0);
    },
  };
}
