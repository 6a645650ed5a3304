import type { Fields } from "../../drivers/driver.ts";
import type { AdoptionStore } from "./adoption.ts";
import type { AmendmentCompletion, AmendmentStore, ClaimedAmendment, MadeProxySet } from "./amendment.ts";
import type {
  AnnouncedDevice,
  Announcement,
  AuditEntry,
  ClaimedConversion,
  Conversion,
  Customer,
  DriftEvidence,
  ExecutionMessage,
  KeptEvidence,
  Lead,
  Lease,
  Link,
  LinkWithSecrets,
  RecordedChange,
  RecordedCreate,
  RunRecord,
  Task,
} from "./model.ts";

export interface NewConversion {
  tenantId: string;
  variant: Conversion["variant"];
  shortName: string;
  fullName: string;
  gateway: string | null;
  proxySet: string | null;
  variables: Fields;
  /** Secret variables in clear; the store keeps them sealed only. */
  secrets: Fields;
  device: string | null;
}

/** What the store knows at the moment of judging, read in the same transaction. */
export interface Facts {
  lead: Lead | undefined;
  /** The customer that the tenant already is. */
  customer: Customer | undefined;
  /** The oldest conversion of the tenant that has not ended and was accepted before this one. */
  older: { taskId: string } | undefined;
  /** The task that removes the customer that the tenant still is. */
  leaving: { taskId: string } | undefined;
  /** Who holds the short name on the device: a conversion that has not ended, or a customer. */
  nameHolder: { shortName: string; tenantId: string } | undefined;
  /** No device is known for the gateway, and an agent may yet announce it. */
  gatewayAwaited: boolean;
}

export type Verdict =
  | { kind: "failed"; details: string[]; messages: ExecutionMessage[] }
  | { kind: "already-converted"; messages: ExecutionMessage[] }
  | { kind: "wait"; message: ExecutionMessage }
  | { kind: "unplaced"; message: ExecutionMessage }
  | { kind: "device"; message: ExecutionMessage }
  | { kind: "site" };

/** The business rules, pure. Called when a conversion is accepted and again when its turn in the tenant's queue comes. */
export type Judge = (conversion: NewConversion, facts: Facts) => Verdict;

export type ClaimResult =
  | { kind: "claimed"; claim: Claim }
  /** Another holder has it, or had it so lately that its last write may still arrive. */
  | { kind: "held"; retryAfterMs: number };

export interface Claim {
  lease: Lease;
  /** Oldest first. Empty when nothing waits. */
  conversions: ClaimedConversion[];
  /** The oldest open one of each customer, and all that are owed, oldest first. None for a re-sync. */
  amendments: ClaimedAmendment[];
  /**
   * All links of the device but those that are being removed; empty where `links: false` spared reading them and no
   * amendment wants them.
   */
  links: LinkWithSecrets[];
  /**
   * Records whose save was never confirmed, or whose conversions are still open, oldest first: what an earlier run may
   * have left behind.
   */
  unresolved: RunRecord[];
}

/** What a claim would give, without the right to write. */
export interface Peek extends Omit<Claim, "lease"> {
  /** Of secrets only the names are told, and something else stands in place of their values. */
  secretsStruckOut?: true;
}

/** What became of one conversion on its device. */
export type Completion =
  | { kind: "linked"; taskId: string; link: Omit<Link, "linkedAt">; messages: ExecutionMessage[] }
  | { kind: "failed"; taskId: string; details: string[]; messages: ExecutionMessage[] }
  | AmendmentCompletion;

export type StoreEvent =
  | { kind: "ready"; device: string }
  | { kind: "site" }
  | { kind: "ended"; taskId: string; device: string | null; details: readonly string[] }
  /** The task of a change or a removal ended; the device is the last of its devices. */
  | { kind: "amended"; taskId: string; device: string | null; result: "changed" | "removed" | "failed" };

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

export interface Queue {
  device: string;
  /** Conversions and amendments. */
  waiting: number;
  /** How many of these are amendments. */
  amendments: number;
  /** Removals of customers that were given up without their device. */
  owed: number;
  oldestAcceptedAt: number;
  /** Grows with every arrival. */
  arrived: number;
}

/** A conversion, a change or a removal whose task failed. */
export interface FailedTask {
  taskId: string;
  shortName: string;
  tenantId: string;
  /** The first of several; null where it failed before a device was known. */
  device: string | null;
  gateway: string | null;
  messages: ExecutionMessage[];
  endedAt: number;
}

/** Thrown when a lease is no longer the holder's: stop, write nothing more. */
export class LeaseLost extends Error {
  override readonly name = "LeaseLost";
}

/** Thrown when a call does not fit what is stored, so that repeating it is of no use. Nothing of it happened. */
export class Contradiction extends Error {
  override readonly name = "Contradiction";
}

/**
 * What the portal owns. Every method is one unit of work: it is durable when it resolves, or nothing of it happened.
 * Time is the store's own. Ids of tasks are `wst_<uuid>`, those of amendments
 * `tsk_<number>`.
 */
export interface PortalStore extends AmendmentStore, AdoptionStore {
  /** Stores conversion and task in one transaction, judged in it. Drawn ids are new at every call. */
  accept(conversion: NewConversion): Promise<{ taskId: string; verdict: Verdict["kind"] }>;
  task(id: string): Promise<Task | undefined>;
  conversion(taskId: string): Promise<Conversion | undefined>;
  /** With its secrets in clear, for a plan of it. Nothing is claimed. */
  conversionWithSecrets(taskId: string): Promise<ClaimedConversion | undefined>;
  /** The oldest conversion that has not ended, of a tenant or with a short name; else the latest that ended. */
  conversionOf(whose: { tenantId: string } | { shortName: string }): Promise<Conversion | undefined>;
  /** Tasks that failed at or after `since`, latest first. */
  failedTasks(since: number, limit: number): Promise<FailedTask[]>;
  /** What `accept` would say of it now. Stores nothing. */
  judge(conversion: NewConversion): Promise<Verdict>;
  /** Appends a progress message to tasks that have not ended; a repetition of a task's last message is dropped. */
  noteProgress(taskIds: readonly string[], message: ExecutionMessage): Promise<void>;

  /** Ordered by creation, one page. */
  leads(filter: { tenantId?: string; skip: number; take: number }): Promise<Lead[]>;
  /** Refuses a tenant that has a lead (`tenant`), or a company name in use (`company`). */
  createLead(lead: {
    tenantId: string;
    companyName: string;
    /** Default `Active`. */
    status?: string;
    /** Default true: false is for leads that the customer consented to. */
    consentless?: boolean;
  }): Promise<{ created: Lead } | { taken: "tenant" | "company" }>;
  /** Deletes an unconverted consentless lead; what was accepted for it goes on. */
  deleteLead(tenantId: string): Promise<"deleted" | "unknown" | "consented" | "converted">;

  customers(): Promise<Customer[]>;
  customer(guid: string): Promise<Customer | undefined>;
  links(filter: { device?: string; customerGuid?: string }): Promise<Link[]>;
  /** How many customers are linked to each device that has any; for health, which must not load the links. */
  countLinks(): Promise<{ device: string; linked: number }[]>;

  /**
   * Claims a device for writing. Takes up to `max` ready conversions with it (0 for a re-sync). Records of an earlier
   * lease become `abandoned` in the same transaction. A lease can be taken over `graceMs` after it expired; by its own
   * holder at once, as a holder has one run on a device at a time. `amendments: false` leaves them to another holder.
   */
  claimDevice(
    device: string,
    claim: { holder: string; durationMs: number; graceMs: number; max: number; links?: boolean; amendments?: boolean },
  ): Promise<ClaimResult>;
  /** What a claim would give now: ready conversions that no live lease has. For dry runs and plans: nothing changes. */
  peekDevice(device: string, peek?: { links?: boolean }): Promise<Peek>;
  /** Who holds the device now, and until when at the latest, grace included. */
  leaseHolder(device: string): Promise<{ holder: string; until: number } | undefined>;
  /** Starts the lease's duration anew. Throws LeaseLost. */
  renewLease(lease: Lease): Promise<void>;
  /** Gives the device back; conversions that were not completed are ready again. No error when already lost. */
  releaseLease(lease: Lease): Promise<void>;
  /**
   * Frees the leases of processes that had this store's data folder before; those of agents elsewhere stand. Only for
   * whoever holds the exclusive lock on the folder.
   */
  releaseOwnLeases(): Promise<void>;
  /** Whether a script that contains them has left: until one has, a conversion may end by its deadline. Throws LeaseLost. */
  markSent(lease: Lease, taskIds: readonly string[], sent: boolean): Promise<void>;
  /** Those of the tasks whose conversions wait for this device still, or whose amendments do, debts included. */
  openTasks(device: string, taskIds: readonly string[]): Promise<string[]>;

  /**
   * Ends conversions: link, customer, the lead's customer GUID and the task's next state in one transaction; the
   * tenant's next conversion is judged in it too. A linked conversion goes on in state `site`; the time of linking is
   * the store's. Throws LeaseLost. A completion that is already stored is ignored; another one for the same conversion,
   * or one that was not handed out under this lease, throws, and nothing of the call happens. A removal frees the name,
   * the link and, with the last of its links, the customer and its lead; the tenant's next conversion is judged. A
   * change replaces the link, and its secret variables join the kept ones. A task on several devices ends with the last
   * of them, as failed if it failed on one. What was withdrawn meanwhile, with a customer that was given up, is ignored.
   */
  complete(lease: Lease, completions: readonly Completion[]): Promise<void>;
  /**
   * Replaces the intents and secret hashes of links, and what else a re-render or a change gave them; whose link it is
   * stays. `secrets`, where given, replace the kept ones. A customer that was given up meanwhile is left out. Throws
   * LeaseLost.
   */
  updateLinks(lease: Lease, links: readonly (Link & { secrets?: Fields })[]): Promise<void>;

  /** Conversions in state `site`, oldest first. */
  sites(max: number): Promise<Conversion[]>;
  /**
   * Ends the task as converted; `messages` are appended to those of the device step. For variant `tenant` this makes
   * the customer too. Ignored when the task ended so already: its first result stays.
   */
  completeSite(taskId: string, messages: ExecutionMessage[]): Promise<void>;

  /**
   * What an agent elsewhere serves from now on; deadlines stand still or go on as it says, and conversions that waited
   * for one of its gateways are judged. Refused as a whole, with the reason, where another identity announced one of
   * its devices or gateways lately. Leases of a fresh agent are freed.
   */
  announce(announcement: Announcement): Promise<{ kind: "heard" } | { kind: "refused"; reason: string }>;
  /** Latest word of every device that agents elsewhere announced. */
  announcedDevices(): Promise<AnnouncedDevice[]>;
  /** Gateways that conversions wait for and that nobody announces. */
  missingGateways(): Promise<{ gateway: string; waiting: number; oldestAcceptedAt: number }[]>;

  /**
   * Ends ready conversions whose deadline passed, of which no line was ever sent, that no live lease holds, and whose
   * device does not stand still; as `CompletedFailed`, details `["Failed"]`. Judges again those that waited in vain for
   * somebody to announce their gateway. Resolves with the task ids of those that ended.
   */
  endOverdue(messages: (conversion: Conversion) => ExecutionMessage[]): Promise<string[]>;
  /** Stops or restarts the deadlines of a device's conversions; the time of standstill is added to them. Idempotent. */
  setStandstill(device: string, standing: boolean): Promise<void>;

  /** Ready conversions by device, those that a lease holds included. */
  queues(): Promise<Queue[]>;
  /** Devices that links, conversions that have not ended, or records that are not saved name: they must be known. */
  namedDevices(): Promise<string[]>;
  /**
   * Reports what became ready (also through promotion, but not what a lease gave back: its holder knows), what goes to
   * its site, and what ended, in the order in which it happened. Called after the commit; what a listener throws
   * reaches nobody who called the store. Returns the unsubscriber.
   */
  watch(listener: (event: StoreEvent) => void): () => void;
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

export interface Upkeep {
  /** Resolves when a row can be written, for readiness. Throws what keeps it from being so. */
  probe(): Promise<void>;
  /**
   * Deletes conversions and amendments that ended, with their tasks, and records that were resolved more than `olderThanMs` ago; some
   * thousands a call, oldest first. Links, customers and audit stay.
   */
  prune(olderThanMs: number): Promise<{ deleted: number }>;
  close(): Promise<void>;
}

/** Portal and agent in one process. */
export interface Store extends PortalStore, JournalStore, Upkeep {}

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
