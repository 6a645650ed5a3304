import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { migrations } from "./migrations.ts";
import { explainTrouble } from "./trouble.ts";
import { reach } from "../../fail-points.ts";

/** Marks a file as a store of sbc-agent: "SBCA". */
const applicationId = 0x53424341;

/** SQLite takes a shorter file for a new database. */
const smallestFileBytes = 512;
const pageBytes = 4_096;

/**
 * Opens the store file, or creates it with mode 0600, and brings its schema up to date. Throws an Error that names the
 * file: missing folder, not a store, damaged, written by a newer version. Such a file is left as it is.
 */
export function openDatabase(file: string): Database.Database {
  try {
    if (!existsSync(file)) createFile(file);
    return connect(file);
  } catch (error) {
    throw new Error(`cannot open the store ${file}: ${reason(error)}`, { cause: error });
  }
}

/**
 * Opens the store file for reading alone, also beside the process that writes it. Throws an Error that names the file:
 * missing, not a store, damaged, of another version.
 */
export function openForReading(file: string): Database.Database {
  try {
    const db = new Database(file, { readonly: true, fileMustExist: true, timeout: 5_000 });
    try {
      refuseStrangers(db);
      if (readNumber(db, "user_version") < migrations.length)
        throw new Error("an older sbc-agent wrote it; start this one on it first");
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    throw new Error(`cannot read the store ${file}: ${reason(error)}`, { cause: error });
  }
}

function reason(error: unknown): string {
  const trouble = explainTrouble(error);
  if (trouble !== undefined) return `${trouble.reason}; ${trouble.advice}`;
  return error instanceof Error ? error.message : String(error);
}

// Under another name until it is complete: an empty file under its own name is then always one that was cut off.
function createFile(file: string): void {
  if (existsSync(`${file}-wal`))
    throw new Error(
      `it is gone, but its companion ${file}-wal is there; restore the file, or remove the companion too`,
    );
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  rmSync(`${draft}-journal`, { force: true });
  closeSync(openSync(draft, "wx", 0o600));
  const db = new Database(draft);
  try {
    db.pragma("synchronous = FULL");
    db.pragma(`application_id = ${applicationId}`);
    migrate(db);
  } finally {
    db.close();
  }
  reach("store-drafted");
  renameSync(draft, file);
  reach("store-placed");
  const folder = openSync(dirname(file), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function connect(file: string): Database.Database {
  const { size } = statSync(file);
  // A write-ahead log makes good what a crash left of a page; without one, SQLite would take the rest of it for zeros.
  const isWhole = size % pageBytes === 0 || existsSync(`${file}-wal`);
  if (size < smallestFileBytes || !isWhole)
    throw new Error(`it was cut off (${size} bytes are left); restore a backup`);
  const db = new Database(file, { fileMustExist: true, timeout: 5_000 });
  try {
    refuseStrangers(db);
    const mode = db.pragma("journal_mode = WAL", { simple: true });
    if (mode !== "wal")
      throw new Error(`its file system does not take a write-ahead log (journal mode ${String(mode)})`);
    db.pragma("synchronous = FULL");
    db.pragma("foreign_keys = ON");
    // Statement journals would go to /tmp or beside it: "disk I/O error" where only the data folder can be written.
    db.pragma("temp_store = MEMORY");
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function refuseStrangers(db: Database.Database): void {
  if (readNumber(db, "application_id") !== applicationId) throw new Error("it is not a store of sbc-agent");
  const version = readNumber(db, "user_version");
  if (version > migrations.length)
    throw new Error(
      `a newer sbc-agent wrote it (schema ${version}, this one knows ${migrations.length}); use that version, or restore a backup`,
    );
  // With its indexes, by which conversions are found: some 10 ms of every thousand of them.
  const check = db.pragma("integrity_check(1)", { simple: true });
  if (check !== "ok") throw new Error(`it is damaged (${String(check).replaceAll("\n", " ")}); restore a backup`);
}

function migrate(db: Database.Database): void {
  db.transaction(() => {
    for (const step of migrations.slice(readNumber(db, "user_version"))) db.exec(step);
    db.pragma(`user_version = ${migrations.length}`);
  }).immediate();
}

function readNumber(db: Database.Database, pragma: "application_id" | "user_version"): number {
  return Number(db.pragma(pragma, { simple: true }));
}
