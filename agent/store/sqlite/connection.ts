import type { Database } from "better-sqlite3";
import type { StoreEvent } from "../portal-store.ts";
import { StoreTrouble } from "../trouble.ts";
import { toTrouble } from "./trouble.ts";

export type Listener = (event: StoreEvent) => void;

/** What the parts of the store share: the database, the clock, and the only way to write. */
export interface Connection {
  db: Database;
  /** Whole milliseconds since 1970. */
  now: () => number;
  /**
   * Runs one unit of work, in the order of the calls, and resolves when it is durable; one that throws leaves nothing
   * behind. Units that were asked for together share one transaction, and so one sync to disk. Listeners hear what a
   * unit announced once it is durable, and before its caller does.
   */
  write: <T>(work: () => T) => Promise<T>;
  /** Inside `write` only. Lost when the unit of work fails. */
  announce: (event: StoreEvent) => void;
  watch: (listener: Listener) => () => void;
  /** Resolves when nothing is waiting to be written. */
  drain: () => Promise<void>;
}

interface Unit {
  work: () => unknown;
  resolve: (value: unknown) => void;
  reject: (reason: unknown) => void;
}

/** So that a unit of work does not wait long for those that share its transaction. */
const maxUnits = 200;

// Taken here, so that a clock that somebody replaces later does not stop the store.
const defer = setImmediate;

/**
 * Errors of listeners go to `onListenerError`; nobody else hears of them, and other listeners are still called.
 * `onTrouble` hears once of what keeps writes from the disk, until one succeeds.
 */
export function openConnection(
  db: Database,
  now: () => number,
  onListenerError: (error: unknown) => void,
  onTrouble: (trouble: StoreTrouble) => void = () => undefined,
): Connection {
  const listeners = new Set<{ hear: Listener }>();
  const runUnit = db.transaction((work: () => unknown) => work());
  const waiting: Unit[] = [];
  const drained: (() => void)[] = [];
  let announced: StoreEvent[] = [];
  let scheduled = false;
  let told: string | undefined;

  function deliver(events: readonly StoreEvent[]): void {
    for (const event of events)
      for (const { hear } of [...listeners])
        try {
          hear(event);
        } catch (error) {
          report(error);
        }
  }

  // What happened has happened: no trouble with telling it may reach those who wrote.
  function report(error: unknown): void {
    try {
      onListenerError(error);
    } catch {
      return;
    }
  }

  function say(error: unknown): void {
    const trouble = toTrouble(error, db.name);
    if (!(trouble instanceof StoreTrouble) || trouble.message === told) return;
    told = trouble.message;
    onTrouble(trouble);
  }

  /** Nested in the transaction of its group, a unit that fails takes back its own part alone. */
  function attempt(unit: Unit): () => void {
    const before = announced.length;
    try {
      const result = runUnit(unit.work);
      return () => unit.resolve(result);
    } catch (error) {
      // Trouble with the disk ends the whole transaction, and with it what others of the group wrote.
      if (!db.inTransaction) throw error;
      announced.length = before;
      say(error);
      return () => unit.reject(error);
    }
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    defer(flush);
  }

  function flush(): void {
    scheduled = false;
    const units = waiting.splice(0, maxUnits);
    announced = [];
    let settle: (() => void)[];
    try {
      settle = db.transaction(() => units.map(attempt)).immediate();
      told = undefined;
    } catch (error) {
      announced = [];
      say(error);
      settle = units.map((unit) => () => unit.reject(error));
    }
    deliver(announced);
    for (const tell of settle) tell();
    if (waiting.length > 0) schedule();
    else for (const tell of drained.splice(0)) tell();
  }

  return {
    db,
    now: () => Math.floor(now()),
    write: <T>(work: () => T) =>
      new Promise<T>((resolve, reject) => {
        waiting.push({ work, resolve: (value) => resolve(value as T), reject });
        schedule();
      }),
    announce: (event) => void announced.push(event),
    watch(listener) {
      const entry = { hear: listener };
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
    drain: () => (waiting.length === 0 ? Promise.resolve() : new Promise<void>((resolve) => drained.push(resolve))),
  };
}
