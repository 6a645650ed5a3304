import type { MadeProxySet } from "./amendment.ts";
import type {
  AuditEntry,
  DriftEvidence,
  KeptEvidence,
  Lease,
  RecordedChange,
  RecordedCreate,
  RunRecord,
} from "./model.ts";
import type { Upkeep } from "./upkeep.ts";

export interface DeviceMode {
  device: string;
  paused: { reason: string; by: string; since: number } | undefined;
}

export interface DriftSummary {
  device: string;
  latest: { checkedAt: number; updatedAt: number | undefined; drifted: number; afterRestart: boolean } | undefined;
  /** A check is due, as after a restart of the device. */
  due: boolean;
}

/** What an agent owns. */
export interface JournalStore {
  /**
   * Written before a script leaves: the record, and `sent` on its conversions. Resolves with the record's id. Throws
   * LeaseLost.
   */
  recordWrite(
    lease: Lease,
    record: {
      runId: string;
      serialNumber: string;
      taskIds: readonly string[];
      creates: readonly RecordedCreate[];
      changes: readonly RecordedChange[];
    },
  ): Promise<string>;
  /**
   * Takes a record back whose script certainly never left: nothing of it may hold on to indexes or deadlines. Resolves
   * with the tasks that no other record names. Throws LeaseLost.
   */
  withdrawWrite(lease: Lease, recordId: string): Promise<string[]>;
  /**
   * All unresolved records of the lease's device, also abandoned ones, are saved: the device confirmed a save begun
   * after the last write. `made` stand there now, `gone` do not any more. Throws LeaseLost.
   */
  recordSaved(lease: Lease, sets?: { made: readonly MadeProxySet[]; gone: readonly MadeProxySet[] }): Promise<void>;
  /** Proxy Sets that this agent made on a device, and that it may remove when nobody needs them. */
  madeProxySets(device: string): Promise<MadeProxySet[]>;
  /** Devices with records that are not saved, and when the oldest of each was written. */
  unsavedSince(): Promise<{ device: string; since: number }[]>;

  /**
   * Counts a log-in before it is tried. Refused (and not counted) when `limit` attempts with this credential have
   * failed or never ended. Those that never ended, because their process was killed, are forgotten after `unendedMs`:
   * `retryAfterMs` where that will be enough. `failures` are those before this attempt.
   */
  beginLogin(
    device: string,
    credentialHash: string,
    bounds: { limit: number; unendedMs: number },
  ): Promise<{ allowed: boolean; failures: number; retryAfterMs?: number }>;
  /** `accepted` clears the count, `undecided` (the device was not reached) takes the attempt back, `refused` lets it stand. */
  endLogin(device: string, credentialHash: string, result: "accepted" | "refused" | "undecided"): Promise<void>;
  /** An operator's word that the account works again. */
  clearLogins(device: string): Promise<void>;
  /** Devices whose last used credential has failures, or attempts that never ended: those of the last minute may yet. */
  loginFailures(): Promise<{ device: string; failures: number }[]>;

  /** Durable until resumed, and audited in the same transaction, as is its end. A repetition keeps `since`. */
  pauseDevice(device: string, reason: string, by: string): Promise<void>;
  resumeDevice(device: string, reason: string, by: string): Promise<void>;
  /** The paused devices. */
  deviceModes(): Promise<DeviceMode[]>;

  /**
   * What a status showed of the device's life; undefined for what it did not tell. `restarted`: its up-time went back
   * since an earlier status. `replaced`: its serial number is another one. Both make a check due.
   */
  noteLife(
    device: string,
    life: { serialNumber: string | undefined; upTime: number | undefined },
  ): Promise<"same" | "restarted" | "replaced">;
  /** A drift check is due until one succeeded. */
  demandCheck(device: string): Promise<void>;
  /** The latest evidence, in place of the one before; the check that was due is done, unless it is `stillDue`. */
  keepDrift(device: string, evidence: DriftEvidence, stillDue: boolean): Promise<void>;
  /** What runs have shown since the check, in place of its evidence: when that was made, and what is due, stay. */
  updateDrift(device: string, evidence: DriftEvidence): Promise<void>;
  drift(device: string): Promise<KeptEvidence | undefined>;
  /** Devices that were checked, or of which a status was noted; for health, which must not load the evidence. */
  driftSummaries(filter: { device?: string }): Promise<DriftSummary[]>;

  /** Append-only. */
  audit(entry: Omit<AuditEntry, "at">): Promise<void>;
  /** Newest first. */
  auditTrail(filter: { device?: string; taskId?: string; limit: number }): Promise<AuditEntry[]>;
}

/** What an agent owns whose portal is elsewhere: leases and tasks are known from what the portal said. */
export interface DetachedJournal extends JournalStore, Upkeep {
  /** Drawn when the journal was made, and never again. */
  id(): Promise<string>;
  /** Tasks that records of the device name and that are not known to be reported. */
  unreported(device: string): Promise<string[]>;
  /**
   * A lease that the portal granted. Records of an earlier one become `abandoned`; tasks that are not among `openTasks`
   * are reported. Resolves with the unresolved records, oldest first.
   */
  noteLease(lease: Lease, openTasks: readonly string[]): Promise<RunRecord[]>;
  /** The portal renewed it. Throws LeaseLost when a later one was noted. */
  noteRenewal(lease: Lease): Promise<void>;
  noteRelease(lease: Lease): Promise<void>;
  noteReported(device: string, taskIds: readonly string[]): Promise<void>;
  /** The unresolved records of a device, oldest first. */
  unresolved(device: string): Promise<RunRecord[]>;
}
