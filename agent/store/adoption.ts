import type { Lease, Link } from "./model.ts";

/** A customer that stands on a device already, as its link is to be. */
export interface Adoption extends Omit<Link, "linkedAt" | "fullName"> {
  /** Null: the company name of the lead. */
  fullName: string | null;
}

export type AdoptionVerdict = { kind: "adopted"; fullName: string } | { kind: "refused"; reason: string };

export interface AdoptionStore {
  /** What `adopt` would say now, in the order of the adoptions. Stores nothing. */
  previewAdoptions(device: string, adoptions: readonly Adoption[]): Promise<AdoptionVerdict[]>;
  /**
   * Makes customers, with their links on the lease's device, of tenants that are active leads and nothing else, and
   * audits with who did so. One that is refused keeps no other from being adopted; a repetition of one that is stored
   * (same customer GUID) is adopted, and changes nothing. Throws LeaseLost.
   */
  adopt(lease: Lease, adoptions: readonly Adoption[], by: string): Promise<AdoptionVerdict[]>;
}
