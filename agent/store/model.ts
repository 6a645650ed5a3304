import type { Fields, Place } from "../../drivers/driver.ts";
import type { Intent } from "../provisioning/intent.ts";

export interface ExecutionMessage {
  level: "Information" | "Warning" | "Error";
  message: string;
}

/** A tenant that may become a customer. `tenantId` is a GUID in lower case, here and everywhere in the store. */
export interface Lead {
  id: string;
  tenantId: string;
  companyName: string;
  /** `Active` is the only status that may be converted. */
  status: string;
  /** Made through this API rather than by the customer's consent; only these can be deleted. */
  consentless: boolean;
  /** Milliseconds since 1970, here and in every `...At` of the store. */
  createdAt: number;
  modifiedAt: number;
  umpCustomerGuid: string | null;
}

export interface Customer {
  guid: string;
  tenantId: string;
  shortName: string;
  fullName: string;
  convertedAt: number;
}

export type Variant = "ip-group" | "tenant";

/**
 * - `waiting` behind an older conversion of its tenant
 * - `unplaced`: no agent announces its gateway now, and one may yet
 * - `ready` for its device
 * - `site`: done on the device and linked, or without a device step; its OVOC site is to be made
 * - `ended`: the task has its result
 */
export type ConversionState = "waiting" | "unplaced" | "ready" | "site" | "ended";

export interface Conversion {
  taskId: string;
  tenantId: string;
  /** Drawn at acceptance; becomes a customer's when the conversion succeeds. */
  customerGuid: string;
  variant: Variant;
  shortName: string;
  fullName: string;
  gateway: string | null;
  proxySet: string | null;
  /** The other script parameters, secret ones left out. */
  variables: Fields;
  /** The device that the gateway maps to; null where none is needed, or none is known yet. */
  device: string | null;
  state: ConversionState;
  acceptedAt: number;
  /** When it ends as overdue, unless a line was sent. Stands still while the device may not be written. */
  deadlineAt: number;
  /** Whether a script that contains it has ever left for the device. */
  sent: boolean;
}

/** A conversion with its secret variables in clear. Only the holder of its device's lease gets one. */
export interface ClaimedConversion extends Conversion {
  secrets: Fields;
}

export interface Task {
  id: string;
  status: "InProgress" | "CompletedSuccess" | "CompletedFailed";
  details: string[];
  /** While in progress: what happened so far. Afterwards: the result. */
  messages: ExecutionMessage[];
  umpCustomerGuid: string | null;
  createdAt: number;
}

/** The stored relation customer - device - IP Group. */
export interface Link {
  customerGuid: string;
  tenantId: string;
  shortName: string;
  device: string;
  gateway: string;
  intent: Intent;
  /** The script parameters it was rendered from, secret ones left out: what `resync --rerender` starts from. */
  variables: Fields;
  proxySet: string;
  fullName: string;
  /** Secret variable → keyed hash of the value that was last written to the device. */
  secretHashes: Fields;
  linkedAt: number;
}

/** A link with the secret variables that are still kept for it. */
export interface LinkWithSecrets extends Link {
  secrets: Fields;
}

/** A claim on a device. Writes are accepted from the holder of the highest fence only. */
export interface Lease {
  device: string;
  fence: number;
  /** From the moment of the claim or the last renewal. */
  durationMs: number;
}

/** A row that a script will create: the licence to delete it again. */
export interface RecordedCreate extends Place {
  name: string;
  /** What the script sets in it, secrets left out: how a row that never got its name is known again. */
  fields: Fields;
  /** Fingerprint of the read in which the row was seen absent. */
  absentIn: string;
  /** The customers that need it. */
  customers: readonly string[];
}

/** A row that a script will change, and what it held before. */
export interface RecordedChange extends Place {
  name: string;
  before: Fields;
  /**
   * By field, secrets left out: what the script may leave in it. How a row is known that the device made of the script's
   * lines, because the one that they were to change had just been deleted. Absent in records of earlier versions.
   */
  sent?: Readonly<Record<string, readonly string[]>> | undefined;
  customers: readonly string[];
}

/**
 * Written durably before a script leaves. Unresolved until a save begun after the last write is confirmed, and until
 * all its conversions have been reported: only then is it no licence to delete any more.
 */
export interface RunRecord {
  id: string;
  runId: string;
  device: string;
  fence: number;
  serialNumber: string;
  state: "written" | "saved" | "abandoned";
  taskIds: readonly string[];
  creates: readonly RecordedCreate[];
  changes: readonly RecordedChange[];
  writtenAt: number;
}

/** One way in which a row is not what linked customers need. */
export interface DriftFinding {
  /**
   * `field`: it holds another value. `row-missing`, `row-inactive`, `row-twice`: as it says. `foreign-tag`: the row of this
   * name is another tenant's. `address-missing`, `address-foreign`: of a Proxy Set's addresses.
   */
  kind: "field" | "row-missing" | "row-inactive" | "row-twice" | "foreign-tag" | "address-missing" | "address-foreign";
  field: string | null;
  /** Null where nothing is wanted, or where it is no matter of values. Secrets are `********`. */
  wanted: string | null;
  found: string | null;
  /** `restore`: put right after the check. `keep` is no finding. */
  policy: "keep" | "restore" | "report";
}

/** One row that differs, and the short names of the customers that need it. */
export interface DriftRow {
  /** For example `ip-group 5 "SIPTest4"`. */
  row: string;
  customers: readonly string[];
  findings: readonly DriftFinding[];
}

/** A row that was compared, and the customers that need it. */
export interface CheckedRow {
  row: string;
  customers: readonly string[];
  /** Of a shared row: stands for all that is wanted of it, so that one look tells of everybody who wants the same. */
  shared?: string;
}

export type ListedRow = DriftRow & CheckedRow;

/** What a complete read showed of a device's linked customers. */
export interface DriftEvidence {
  /** Those that were compared and not removed since, and those of whom a run found a difference since. */
  customers: number;
  drifted: number;
  /** Differences that are accepted. */
  kept: number;
  /** It was made because the device had started anew, or is another unit. */
  afterRestart: boolean;
  /** What became of the rows that were to be restored; null where there were none. */
  restore: { result: "done" | "put-off" | "failed"; rows: number; reason: string | null } | null;
  rows: readonly ListedRow[];
  /** Rows that differ beyond those in `rows`. */
  unlisted: number;
  /** Absent in evidence of versions that did not keep it: that one is not brought up to date before the next check. */
  tally?: DriftTally;
}

/** Who stands behind the counts, so that a single customer can leave them. By short names. */
export interface DriftTally {
  /** Those that `customers` counts. */
  compared: readonly string[];
  /** Rows that differ and are not listed. */
  unlisted: readonly CheckedRow[];
  /** How many accepted differences each row has. */
  accepted: readonly (CheckedRow & { kept: number })[];
}

/** The latest evidence on a device. */
export interface KeptEvidence {
  /** When all customers were compared. */
  checkedAt: number;
  /** When a run last brought single customers up to date since then. */
  updatedAt: number | undefined;
  evidence: DriftEvidence;
}

export interface AuditEntry {
  at: number;
  /** For example `write`, `save`, `report`, `pause`. */
  event: string;
  device: string | null;
  taskId: string | null;
  who: string;
  data: Readonly<Record<string, unknown>>;
}

/** What an agent elsewhere says of itself with every poll. */
export interface Announcement {
  /** The name that the portal knows it by: that of its token. */
  agent: string;
  /** This installation of it; the same over restarts. Nobody else can announce the same while it is heard of. */
  identity: string;
  version: string;
  /** It has just started: whoever held leases under this identity is dead. */
  fresh: boolean;
  devices: readonly {
    device: string;
    /** FQDNs in lower case. */
    gateways: readonly string[];
    /** Paused or only observed: deadlines stand still. */
    standing: boolean;
  }[];
}

/** One device that an agent elsewhere announced. */
export interface AnnouncedDevice {
  device: string;
  agent: string;
  identity: string;
  version: string;
  gateways: readonly string[];
  standing: boolean;
  heardAt: number;
}
