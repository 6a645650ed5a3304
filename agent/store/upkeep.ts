export interface Upkeep {
  /** Resolves when a row can be written, for readiness. Throws what keeps it from being so. */
  probe(): Promise<void>;
  /**
   * Deletes conversions and amendments that ended, with their tasks, and records that were resolved more than
   * `olderThanMs` ago; some thousands a call, oldest first. Links, customers and audit stay.
   */
  prune(olderThanMs: number): Promise<{ deleted: number }>;
  close(): Promise<void>;
}
