import type { Database } from "better-sqlite3";
import type { Sealer } from "../seal.ts";
import type { Judge, Store } from "../store.ts";
import { keepAuditTrail } from "./audit.ts";
import { keepCompletions } from "./completions.ts";
import { openConnection } from "./connection.ts";
import { keepConversions } from "./conversions.ts";
import { keepCustomers } from "./customers.ts";
import { openDatabase } from "./database.ts";
import { keepDeadlines } from "./deadlines.ts";
import { openFences } from "./fences.ts";
import { keepHouse } from "./housekeeping.ts";
import { keepLeads } from "./leads.ts";
import { keepLeases } from "./leases.ts";
import { keepLogins } from "./logins.ts";
import { keepPauses } from "./pauses.ts";
import { keepRecords } from "./records.ts";
import { openTasks } from "./tasks.ts";
import { openTurns } from "./turns.ts";

export interface SqliteStoreOptions {
  /** The folder must exist. One process at a time: hold the lock of the data folder. */
  file: string;
  judge: Judge;
  /** Must be the one that the file was created with. */
  sealer: Sealer;
  /** From acceptance until an unsent conversion is overdue. */
  deadlineMs: number;
  /** Whether links keep the secret variables they were rendered with. */
  keepSecrets: boolean;
  /** Milliseconds since 1970. Default: the system's clock. */
  now?: () => number;
  /** Hears what a listener of `watch` threw. Default: nobody does. */
  onListenerError?: (error: unknown) => void;
}

/**
 * Opens the embedded store, or creates it. Throws an Error that names the file when that cannot be: see
 * `openDatabase`; also when the file was sealed with another key.
 */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  const { file, judge, sealer, deadlineMs, keepSecrets, now = Date.now, onListenerError = () => undefined } = options;
  const db = openDatabase(file);
  try {
    checkSeal(db, sealer, file);
  } catch (error) {
    db.close();
    throw error;
  }

  const connection = openConnection(db, now, onListenerError);
  const fences = openFences(connection);
  const tasks = openTasks(connection);
  const turns = openTurns(connection, tasks, judge, sealer);
  const { append, ...trail } = keepAuditTrail(connection);

  return {
    ...keepLeads(connection),
    ...keepCustomers(connection, fences, sealer, keepSecrets),
    ...keepConversions(connection, tasks, turns, sealer, deadlineMs),
    ...keepLeases(connection, fences, sealer),
    ...keepCompletions(connection, fences, tasks, turns, keepSecrets),
    ...keepDeadlines(connection, fences, turns),
    ...keepRecords(connection, fences),
    ...keepLogins(connection),
    ...trail,
    ...keepPauses(connection, append),
    ...keepHouse(connection, tasks),
    watch: connection.watch,
  };
}

// Found out here, a wrong key is one clear fault; found out later, it would stop every device that keeps a secret.
function checkSeal(db: Database, sealer: Sealer, file: string): void {
  const seal = db.prepare<[], { value: string }>("SELECT value FROM facts WHERE key = 'seal'").get();
  if (seal === undefined) {
    db.prepare("INSERT INTO facts (key, value) VALUES ('seal', ?)").run(sealer.seal("sbc-agent"));
    return;
  }
  try {
    sealer.open(seal.value);
  } catch (error) {
    throw new Error(`cannot open the store ${file}: its secrets were sealed with another key; bring that key back`, {
      cause: error,
    });
  }
}
