import Database from "better-sqlite3";
import { StoreTrouble } from "../trouble.ts";

const kinds: readonly (readonly [codes: RegExp, reason: string, advice: string])[] = [
  [/^SQLITE_FULL/, "the disk is full", "free some space, and the work goes on by itself"],
  [/^SQLITE_(READONLY|PERM|CANTOPEN)/, "it is read-only", "make the data folder writable for the user of sbc-agent"],
  [/^SQLITE_(CORRUPT|NOTADB|IOERR_SHORT_READ)/, "it is damaged", "stop sbc-agent and restore a backup"],
  [/^SQLITE_(IOERR|NOMEM)/, "the disk failed", "look at the disk and its free space; the work goes on by itself"],
];

/** What SQLite says of its file or disk, and what to do; undefined for anything else. */
export function explainTrouble(error: unknown): { reason: string; advice: string } | undefined {
  if (!(error instanceof Database.SqliteError)) return undefined;
  const { code, message } = error;
  const kind = kinds.find(([codes]) => codes.test(code));
  return kind && { reason: `${kind[1]} (${message}, ${code})`, advice: kind[2] };
}

/** The same as StoreTrouble; anything else as it is. */
export function toTrouble(error: unknown, file: string): unknown {
  const trouble = explainTrouble(error);
  return trouble === undefined ? error : new StoreTrouble(file, trouble.reason, trouble.advice, error);
}

/** The same object, whose methods tell of StoreTrouble. */
export function tellTrouble<T extends object>(store: T, file: string): T {
  const told = Object.entries(store).map(([name, method]: [string, unknown]) => {
    if (typeof method !== "function") return [name, method];
    return [
      name,
      (...args: unknown[]): unknown => {
        const result = (method as (...args: unknown[]) => unknown)(...args);
        if (!(result instanceof Promise)) return result;
        return result.catch((error: unknown) => {
          throw toTrouble(error, file);
        });
      },
    ];
  });
  return Object.fromEntries(told) as T;
}
