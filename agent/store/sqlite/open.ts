import type { Database } from "better-sqlite3";
import type { Sealer } from "../seal.ts";
import type { StoreTrouble } from "../trouble.ts";
import type { Judge } from "../judgement.ts";
import type { DetachedJournal } from "../journal-store.ts";
import type { Store } from "../store.ts";
import { openAmendmentEnds } from "./amendment-ends.ts";
import { keepAdoptions } from "./adoption.ts";
import { keepAmendments } from "./amendments.ts";
import { keepAnnouncements } from "./announcements.ts";
import { openArrivals } from "./arrivals.ts";
import { coverOldEntries, keepAuditTrail, type AuditTrail } from "./audit.ts";
import { keepCompletions } from "./completions.ts";
import { openConnection, type Connection } from "./connection.ts";
import { keepConversions } from "./conversions.ts";
import { keepCustomers } from "./customers.ts";
import { openDatabase } from "./database.ts";
import { keepDeadlines } from "./deadlines.ts";
import { openDepartures } from "./departures.ts";
import { keepDriftChecks } from "./drift-checks.ts";
import { openFences } from "./fences.ts";
import { openGateways } from "./gateways.ts";
import { openHandouts } from "./handouts.ts";
import { keepHouse } from "./housekeeping.ts";
import { keepLeads } from "./leads.ts";
import { keepLeases } from "./leases.ts";
import { keepLogins } from "./logins.ts";
import { openLookups } from "./lookups.ts";
import { keepNotedLeases } from "./noted-leases.ts";
import { keepPauses } from "./pauses.ts";
import { keepRecords } from "./records.ts";
import { checkSeal } from "./seal-mark.ts";
import { markHere, rememberTasks } from "./sent-tasks.ts";
import { openStandstills } from "./standstills.ts";
import { openTasks } from "./tasks.ts";
import { tellTrouble } from "./trouble.ts";
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
  /** Hears once of each trouble with the file, until something can be written again. Default: nobody does. */
  onTrouble?: (trouble: StoreTrouble) => void;
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
  const arrivals = openArrivals(connection);
  const turns = openTurns(connection, tasks, gateways, arrivals, judge, sealer);
  const departures = openDepartures(connection, turns);
  const trail = keepAuditTrail(connection, sealer);
  const shared = { connection, tasks, turns, departures, arrivals, audit: trail.append, sealer };
  const ends = openAmendmentEnds({ ...shared, fences, keepSecrets });

  const store: Store = {
    ...keepLeads(connection),
    ...keepCustomers(connection, fences, sealer, keepSecrets),
    ...keepAmendments({ ...shared, ends }),
    ...keepAdoptions(connection, fences, trail.append),
    ...keepConversions(connection, tasks, turns, sealer, deadlineMs),
    ...keepLeases(connection, fences, openUnresolved(connection), openHandouts(connection, sealer), sealer),
    ...keepCompletions(connection, fences, tasks, turns, ends, keepSecrets),
    ...keepAnnouncements(connection, standstills, turns),
    ...keepDeadlines(connection, fences, gateways, standstills, turns),
    ...keepRecords(connection, fences, markHere(connection)),
    ...openLookups(connection, fences),
    ...keepAgentBooks(connection, trail),
    ...keepHouse(connection, tasks),
    watch: connection.watch,
  };
  return tellTrouble(store, options.file);
}

/** Opens the journal of an agent whose portal is elsewhere, or creates it. Throws as `openSqliteStore`. */
export function openSqliteJournal(options: SqliteFileOptions): DetachedJournal {
  const connection = openFile(options, "journal");
  const fences = openFences(connection);
  const journal: DetachedJournal = {
    ...keepRecords(connection, fences, rememberTasks(connection)),
    ...keepNotedLeases(connection, fences, openUnresolved(connection)),
    ...keepAgentBooks(connection, keepAuditTrail(connection, options.sealer)),
    ...keepHouse(connection, openTasks(connection)),
  };
  return tellTrouble(journal, options.file);
}

/** What every agent keeps of its own dealings, wherever its portal is. */
function keepAgentBooks(
  connection: Connection,
  { append, ...trail }: AuditTrail,
): ReturnType<typeof keepLogins> &
  ReturnType<typeof keepPauses> &
  ReturnType<typeof keepDriftChecks> &
  Omit<AuditTrail, "append"> {
  return { ...keepLogins(connection), ...trail, ...keepPauses(connection, append), ...keepDriftChecks(connection) };
}

function openFile(options: SqliteFileOptions, purpose: "portal" | "journal"): Connection {
  const { file, sealer, now = Date.now, onListenerError = () => undefined, onTrouble = () => undefined } = options;
  const db = openDatabase(file);
  try {
    checkSeal(db, sealer, file);
    checkPurpose(db, purpose, file);
    coverOldEntries(db, sealer, Math.floor(now()));
  } catch (error) {
    db.close();
    throw error;
  }
  return openConnection(db, now, onListenerError, onTrouble);
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
