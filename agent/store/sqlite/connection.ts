import type { Database } from "better-sqlite3";
import type { StoreEvent } from "../store.ts";

export type Listener = (event: StoreEvent) => void;

/** What the parts of the store share: the database, the clock, and the only way to write. */
export interface Connection {
  db: Database;
  /** Whole milliseconds since 1970. */
  now: () => number;
  /** Runs one unit of work in an immediate transaction; listeners hear what it announced once it is durable. */
  write: <T>(work: () => T) => T;
  /** Inside `write` only. Lost when the unit of work fails. */
  announce: (event: StoreEvent) => void;
  watch: (listener: Listener) => () => void;
}

/** Errors of listeners go to `onListenerError`; nobody else hears of them, and other listeners are still called. */
export function openConnection(db: Database, now: () => number, onListenerError: (error: unknown) => void): Connection {
  const listeners = new Set<{ hear: Listener }>();
  let announced: StoreEvent[] = [];

  function deliver(events: readonly StoreEvent[]): void {
    for (const event of events)
      for (const { hear } of [...listeners])
        try {
          hear(event);
        } catch (error) {
          onListenerError(error);
        }
  }

  return {
    db,
    now: () => Math.floor(now()),
    write(work) {
      announced = [];
      const result = db.transaction(work).immediate();
      const events = announced;
      announced = [];
      deliver(events);
      return result;
    },
    announce: (event) => void announced.push(event),
    watch(listener) {
      const entry = { hear: listener };
      listeners.add(entry);
      return () => void listeners.delete(entry);
    },
  };
}
