import type { Store } from "../store.ts";
import type { Connection } from "./connection.ts";

/** One count a device and credential; the row written last is the credential in use. */
export function keepLogins({
  db,
  write,
}: Connection): Pick<Store, "beginLogin" | "endLogin" | "clearLogins" | "loginFailures"> {
  const read = db.prepare<[string, string], { failures: number }>(
    "SELECT failures FROM logins WHERE device = ? AND credential_hash = ?",
  );
  const count = db.prepare<[string, string, number]>(
    "INSERT OR REPLACE INTO logins (device, credential_hash, failures) VALUES (?, ?, ?)",
  );
  const clear = db.prepare<[string, string]>("UPDATE logins SET failures = 0 WHERE device = ? AND credential_hash = ?");
  const takeBack = db.prepare<[string, string]>(
    "UPDATE logins SET failures = max(0, failures - 1) WHERE device = ? AND credential_hash = ?",
  );
  const clearAll = db.prepare<[string]>("DELETE FROM logins WHERE device = ?");
  const failing = db.prepare<[], { device: string; failures: number }>(
    `SELECT device, failures FROM logins
     WHERE failures > 0 AND seq IN (SELECT max(seq) FROM logins GROUP BY device) ORDER BY device`,
  );

  return {
    async beginLogin(device, credentialHash, limit) {
      return write(() => {
        const failures = read.get(device, credentialHash)?.failures ?? 0;
        if (failures >= limit) return { allowed: false, failures };
        count.run(device, credentialHash, failures + 1);
        return { allowed: true, failures };
      });
    },

    async endLogin(device, credentialHash, result) {
      if (result === "refused") return;
      await write(() => (result === "accepted" ? clear : takeBack).run(device, credentialHash));
    },

    async clearLogins(device) {
      await write(() => clearAll.run(device));
    },

    async loginFailures() {
      return failing.all();
    },
  };
}
