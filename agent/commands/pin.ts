import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Replaces the file in one step: whoever reads sees the old certificate or the new one, also after a crash. Mode 0600. */
export function writePin(file: string, pem: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const part = `${file}.new`;
  rmSync(part, { force: true });
  writeFileSync(part, pem, { flag: "wx", mode: 0o600, flush: true });
  renameSync(part, file);
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
