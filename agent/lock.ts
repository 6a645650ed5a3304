import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { explainTrouble } from "./store/sqlite/trouble.ts";

export interface DataFolderLock {
  /** Gives the folder free. May be called again. */
  release(): void;
}

/**
 * Takes the data folder for this process alone; creates it with mode 0700 where it is missing. The operating system
 * drops the lock when the process ends, however it ends, so there is nothing stale to remove. Throws an Error that
 * names the folder when another process (or this one) has it. While it is held nothing in this process may open
 * `agent.lock`: closing any descriptor of a file drops the process's locks on it.
 */
export function lockDataFolder(folder: string): DataFolderLock {
  const file = join(folder, "agent.lock");
  let db: Database.Database | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!existsSync(file)) closeSync(openSync(file, "a", 0o600));
    db = new Database(file, { timeout: 0 });
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db?.close();
    throw new Error(refusal(error, folder, file), { cause: error });
  }
  return { release: () => void db.close() };
}

function refusal(error: unknown, folder: string, file: string): string {
  if (error instanceof Database.SqliteError && error.code.startsWith("SQLITE_BUSY"))
    return `another sbc-agent uses the data folder ${folder}: stop it, or give this one a data folder of its own`;
  const trouble = explainTrouble(error);
  if (trouble !== undefined) return `cannot lock ${file}: ${trouble.reason}; ${trouble.advice}`;
  return `cannot lock ${file}: ${error instanceof Error ? error.message : String(error)}`;
}
