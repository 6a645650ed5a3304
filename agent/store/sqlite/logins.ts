import type { Store } from "../store.ts";
import type { Connection } from "./connection.ts";

interface LoginRow {
  failures: number;
  unended: number;
  begun_at: number;
}

/** For so long an attempt that has not ended is one under way, and no failure to show. */
const underWayMs = 60_000;

/** One count a device and credential; the row written last is the credential in use. */
export function keepLogins({
  db,
  now,
  write,
}: Connection): Pick<Store, "beginLogin" | "endLogin" | "clearLogins" | "loginFailures"> {
  const read = db.prepare<[string, string], LoginRow>(
    "SELECT failures, unended, begun_at FROM logins WHERE device = ? AND credential_hash = ?",
  );
  const count = db.prepare<[string, string, number, number, number]>(
    "INSERT OR REPLACE INTO logins (device, credential_hash, failures, unended, begun_at) VALUES (?, ?, ?, ?, ?)",
  );
  const clear = db.prepare<[string, string]>(
    "UPDATE logins SET failures = 0, unended = 0 WHERE device = ? AND credential_hash = ?",
  );
  const fail = db.prepare<[string, string]>(
    `UPDATE logins SET failures = failures + 1, unended = max(0, unended - 1)
     WHERE device = ? AND credential_hash = ?`,
  );
  const takeBack = db.prepare<[string, string]>(
    "UPDATE logins SET unended = max(0, unended - 1) WHERE device = ? AND credential_hash = ?",
  );
  const ending = { accepted: clear, refused: fail, undecided: takeBack };
  const clearAll = db.prepare<[string]>("DELETE FROM logins WHERE device = ?");
  const failing = db.prepare<[number], { device: string; failures: number }>(
    `WITH counted AS (SELECT seq, device, failures + iif(abs(? - begun_at) < ${underWayMs}, 0, unended) AS failures FROM logins)
     SELECT device, failures FROM counted
     WHERE failures > 0 AND seq IN (SELECT max(seq) FROM logins GROUP BY device) ORDER BY device`,
  );

  return {
    async beginLogin(device, credentialHash, { limit, unendedMs }) {
      return write(() => {
        const at = now();
        const row = read.get(device, credentialHash) ?? { failures: 0, unended: 0, begun_at: at };
        // A clock that was set back must not make it longer.
        const age = Math.abs(at - row.begun_at);
        const unended = age >= unendedMs ? 0 : row.unended;
        const failures = row.failures + unended;
        if (row.failures >= limit) return { allowed: false, failures };
        if (failures >= limit) return { allowed: false, failures, retryAfterMs: unendedMs - age };
        count.run(device, credentialHash, row.failures, unended + 1, at);
        return { allowed: true, failures };
      });
    },

    async endLogin(device, credentialHash, result) {
      await write(() => ending[result].run(device, credentialHash));
    },

    async clearLogins(device) {
      await write(() => clearAll.run(device));
    },

    async loginFailures() {
      return failing.all(now());
    },
  };
}
