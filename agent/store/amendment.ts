import type { Fields } from "../../drivers/driver.ts";
import type { ExecutionMessage, Link, LinkWithSecrets } from "./model.ts";

/** What a change gives anew; what it does not name stays as the link has it. Secret variables travel beside it. */
export interface Change {
  proxySet?: string;
  /** Name of a blueprint of the agent. */
  blueprint?: string;
  /** Variables to set. */
  variables: Fields;
  /** Consent to steps that end active calls. */
  endCalls?: true;
}

/**
 * - `ready` for its device
 * - `owed`: the customer was given up without its device; what stands there is to be removed at the next contact
 * - `ended`
 */
export type AmendmentState = "ready" | "owed" | "ended";

/** What was asked for a customer that exists, on one of its devices: to change it, or to remove it. */
export interface Amendment {
  /** `tsk_<number>`; shared by the removals of one customer from several devices. */
  taskId: string;
  kind: "change" | "removal";
  customerGuid: string;
  tenantId: string;
  shortName: string;
  device: string;
  /** The name of the token that asked. */
  by: string;
  /** For changes. */
  change: Change | null;
  state: AmendmentState;
  acceptedAt: number;
  /** Whether a script that contains it has ever left for the device. */
  sent: boolean;
}

/** As the holder of the device's lease gets it. */
export interface ClaimedAmendment extends Amendment {
  /** Of the customer on this device; of an owed removal, as it was when the customer was given up. */
  link: LinkWithSecrets;
  /** Secret variables that a change sets, in clear. */
  secrets: Fields;
  /** Owed: an accepted conversion or a link of the same tenant holds the name by now, so nothing may be removed any more. */
  superseded: boolean;
}

/**
 * What became of one amendment on its device; `failed` completions serve both. A removal that is owed stays owed when it
 * failed; its task has ended, so its messages go to the audit trail alone, in either case.
 */
export type AmendmentCompletion =
  | { kind: "changed"; taskId: string; link: Omit<Link, "linkedAt">; messages: ExecutionMessage[] }
  | { kind: "removed"; taskId: string; messages: ExecutionMessage[] };

export interface AmendmentStore {
  /**
   * Asks that a customer be removed from its devices, or from one. Joins a removal that is under way, and comes after
   * changes that are. A conversion whose site is still to be made ends first, as converted. A customer without devices is
   * gone at once. `forgetDevice` gives the customer up at once, and turns what stands on the device into an `owed`
   * removal; also for one that is under way; its changes that have not ended fail. Audited with who asked.
   */
  removeCustomer(removal: {
    customerGuid: string;
    device?: string;
    by: string;
    forgetDevice: boolean;
  }): Promise<{ kind: "unknown" } | { kind: "asked"; taskId: string }>;
  /**
   * Asks that a linked customer be changed on its device. Refused where the customer is being removed. Audited with who
   * asked.
   */
  changeCustomer(change: {
    customerGuid: string;
    /** Needed only where it is linked on several. */
    device?: string;
    by: string;
    change: Change;
    secrets: Fields;
  }): Promise<
    { kind: "unknown" | "ambiguous" } | { kind: "leaving"; taskId: string } | { kind: "asked"; taskId: string }
  >;
  /** Those that have not ended, oldest first. */
  openAmendments(filter: { customerGuid?: string; device?: string }): Promise<Amendment[]>;
  /** Of a task on several devices the first one. */
  amendment(taskId: string): Promise<Amendment | undefined>;
}

/** A Proxy Set that this agent made on a device, and that stood there when it was saved. */
export interface MadeProxySet {
  index: number;
  name: string;
  serialNumber: string;
}
