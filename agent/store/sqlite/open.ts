import type { Database } from "better-sqlite3";
import type { Sealer } from "../seal.ts";
import type { DetachedJournal, Judge, Store } from "../store.ts";
import { keepAnnouncements } from "./announcements.ts";
import { keepAuditTrail } from "./audit.ts";
import { keepCompletions } from "./completions.ts";
import { openConnection, type Connection } from "./connection.ts";
import { keepConversions } from "./conversions.ts";
import { keepCustomers } from "./customers.ts";
import { openDatabase } from "./database.ts";
import { keepDeadlines } from "./deadlines.ts";
import { keepDriftChecks } from "./drift-checks.ts";
import { openFences } from "./fences.ts";
import { openGateways } from "./gateways.ts";
import { keepHouse } from "./housekeeping.ts";
import { keepLeads } from "./leads.ts";
import { keepLeases } from "./leases.ts";
import { keepLogins } from "./logins.ts";
import { keepNotedLeases } from "./noted-leases.ts";
import { keepPauses } from "./pauses.ts";
import { keepRecords } from "./records.ts";
import { markConversions, rememberTasks } from "./sent-tasks.ts";
import { openStandstills } from "./standstills.ts";
import { openTasks } from "./tasks.ts";
import { openTurns } from "./turns.ts";
import { openUnresolved } from "./unresolved.ts";

export interface SqliteFileOptions {
  /** The folder must exist. One process at a time: hold the lock of the data folder. */
  file: string;
  /** Must be the one that the file was created with. */
  sealer: Sealer;
  /** Milliseconds since 1970. Default: the system's clock. */
  now?: () => number;
  /** Hears what a listener of `watch` threw. Default: nobody does. */
  onListenerError?: (error: unknown) => void;
}

export interface SqliteStoreOptions extends SqliteFileOptions {
  judge: Judge;
  /** From acceptance until an unsent conversion is overdue. */
  deadlineMs: number;
  /** Whether links keep the secret variables they were rendered with. */
  keepSecrets: boolean;
  /**
   * How long an agent's word on its gateways holds, and how long a conversion waits for one. Default 0: no agent
   * elsewhere is waited for.
   */
  gatewayWaitMs?: number;
}

/**
 * Opens the embedded store, or creates it. Throws an Error that names the file when that cannot be: see
 * `openDatabase`; also when the file was sealed with another key, or is the journal of an agent elsewhere.
 */
export function openSqliteStore(options: SqliteStoreOptions): Store {
  const { judge, sealer, deadlineMs, keepSecrets, gatewayWaitMs = 0 } = options;
  const connection = openFile(options, "portal");
  const fences = openFences(connection);
  const tasks = openTasks(connection);
  const gateways = openGateways(connection, gatewayWaitMs);
  const standstills = openStandstills(connection);
  const turns = openTurns(connection, tasks, gateways, judge, sealer);

  return {
    ...keepLeads(connection),
    ...keepCustomers(connection, fences, sealer, keepSecrets),
    ...keepConversions(connection, tasks, turns, sealer, deadlineMs),
    ...keepLeases(connection, fences, openUnresolved(connection), sealer),
    ...keepCompletions(connection, fences, tasks, turns, keepSecrets),
    ...keepAnnouncements(connection, standstills, turns),
    ...keepDeadlines(connection, fences, gateways, standstills, turns),
    ...keepRecords(connection, fences, markConversions(connection)),
    ...keepAgentBooks(connection),
    ...keepHouse(connection, tasks),
    watch: connection.watch,
  };
}

/** Opens the journal of an agent whose portal is elsewhere, or creates it. Throws as `openSqliteStore`. */
export function openSqliteJournal(options: SqliteFileOptions): DetachedJournal {
  const connection = openFile(options, "journal");
  const fences = openFences(connection);
  return {
    ...keepRecords(connection, fences, rememberTasks(connection)),
    ...keepNotedLeases(connection, fences, openUnresolved(connection)),
    ...keepAgentBooks(connection),
    ...keepHouse(connection, openTasks(connection)),
  };
}

/** What every agent keeps of its own dealings, wherever its portal is. */
function keepAgentBooks(
  connection: Connection,
): ReturnType<typeof keepLogins> &
  ReturnType<typeof keepPauses> &
  ReturnType<typeof keepDriftChecks> &
  Omit<ReturnType<typeof keepAuditTrail>, "append"> {
  const { append, ...trail } = keepAuditTrail(connection);
  return { ...keepLogins(connection), ...trail, ...keepPauses(connection, append), ...keepDriftChecks(connection) };
}

function openFile(options: SqliteFileOptions, purpose: "portal" | "journal"): Connection {
  const { file, sealer, now = Date.now, onListenerError = () => undefined } = options;
  const db = openDatabase(file);
  try {
    checkSeal(db, sealer, file);
    checkPurpose(db, purpose, file);
  } catch (error) {
    db.close();
    throw error;
  }
  return openConnection(db, now, onListenerError);
}

// Customers linked here would be forgotten by an agent that asks another portal, and the other way round.
function checkPurpose(db: Database, purpose: "portal" | "journal", file: string): void {
  db.prepare("INSERT INTO facts (key, value) VALUES ('purpose', ?) ON CONFLICT (key) DO NOTHING").run(purpose);
  const found = db.prepare<[], { value: string }>("SELECT value FROM facts WHERE key = 'purpose'").get();
  if (found?.value === purpose) return;
  const words = { portal: "a portal's own", journal: "that of an agent whose portal is elsewhere" };
  throw new Error(
    `cannot open the store ${file}: it is ${words[purpose === "portal" ? "journal" : "portal"]}, and not ${words[purpose]}; give this one a data folder of its own`,
  );
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
