import type { Database } from "better-sqlite3";
import type { Sealer } from "../seal.ts";

/**
 * Throws an Error that names the file when it was sealed with another key. Found out at the start, a wrong key is one
 * clear fault; found out later, it would stop every device that keeps a secret.
 */
export function checkSeal(db: Database, sealer: Sealer, file: string): void {
  const seal = readSeal(db);
  if (seal === undefined) db.prepare("INSERT INTO facts (key, value) VALUES ('seal', ?)").run(sealer.seal("sbc-agent"));
  else openSeal(seal, sealer, file);
}

/** The same, without marking a file that is not sealed yet. */
export function lookAtSeal(db: Database, sealer: Sealer, file: string): void {
  const seal = readSeal(db);
  if (seal !== undefined) openSeal(seal, sealer, file);
}

function readSeal(db: Database): string | undefined {
  return db.prepare<[], { value: string }>("SELECT value FROM facts WHERE key = 'seal'").get()?.value;
}

function openSeal(seal: string, sealer: Sealer, file: string): void {
  try {
    sealer.open(seal);
  } catch (error) {
    throw new Error(`cannot open the store ${file}: its secrets were sealed with another key; bring that key back`, {
      cause: error,
    });
  }
}
