import { verifyTrail, type TrailVerdict } from "../audit-chain.ts";
import type { Sealer } from "../seal.ts";
import { findUnlisted, readEntries } from "./audit.ts";
import { openForReading } from "./database.ts";
import { lookAtSeal } from "./seal-mark.ts";

/**
 * Verifies the audit trail of a store file, which another process may be writing to. Changes nothing. Throws an Error
 * that names the file when it cannot be read, or was sealed with another key.
 */
export function verifyAuditFile(file: string, sealer: Sealer, expected?: { seq: number; hash: string }): TrailVerdict {
  const db = openForReading(file);
  try {
    lookAtSeal(db, sealer, file);
    // One transaction, so that an entry that comes meanwhile is in neither of the two reads.
    return db.transaction(() => {
      const given = db.prepare<[], { seq: number }>("SELECT seq FROM sqlite_sequence WHERE name = 'audit'").get();
      const verdict = verifyTrail(readEntries(db), sealer.sign, given?.seq ?? 0, expected);
      const seq = verdict.fault === null ? findUnlisted(db) : undefined;
      if (seq === undefined) return verdict;
      const message = "it is sound, but the list by which entries are found for a task was changed and lacks it";
      return { ...verdict, fault: { seq, kind: "unlisted" as const, message } };
    })();
  } finally {
    db.close();
  }
}
