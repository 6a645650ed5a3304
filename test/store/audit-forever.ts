import { openSealer, readSealKey } from "../../agent/store/seal.ts";
import { openSqliteJournal } from "../../agent/store/sqlite/open.ts";

/** Writes to the audit trail of argv[2] until it is killed, and says how many entries it wrote. */
const [, , file = "", keyFile = ""] = process.argv;
const journal = openSqliteJournal({ file, sealer: openSealer(readSealKey(keyFile)) });
for (let count = 1; ; count += 1) {
  await journal.audit({ event: "write", device: "sbc-1", taskId: null, who: "run", data: { count } });
  process.stdout.write(`${count}\n`);
}
