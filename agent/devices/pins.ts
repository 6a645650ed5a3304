import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** What a device shows of itself, as it was enrolled. */
export type PinKind = "certificate" | "host-key";

/** An SSH host key, as a pin holds it. */
export interface PinnedHostKey {
  algorithm: string;
  /** `SHA256:` and base64 without padding. */
  sha256: string;
}

/** Where `enroll` records what a device showed, and where it is read from: PEM, or one line `ALGORITHM SHA256:...`. */
export function pinFile(dataDir: string, device: string, kind: PinKind = "certificate"): string {
  return join(dataDir, "pins", `${device}.${kind === "certificate" ? "pem" : "hostkey"}`);
}

/** The text that was enrolled, or undefined. */
export function readPin(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

/** Replaces the file in one step: whoever reads sees the old pin or the new one, also after a crash. Mode 0600. */
export function writePin(file: string, text: string): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const part = `${file}.new`;
  rmSync(part, { force: true });
  writeFileSync(part, text, { flag: "wx", mode: 0o600, flush: true });
  renameSync(part, file);
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

export function formatHostKey({ algorithm, sha256 }: PinnedHostKey): string {
  return `${algorithm} ${sha256}\n`;
}

/** Undefined for a text that is no pin. */
export function parseHostKey(text: string): PinnedHostKey | undefined {
  const [algorithm, sha256, ...more] = text.trim().split(" ");
  if (algorithm === undefined || sha256 === undefined || more.length > 0) return undefined;
  return /^SHA256:[A-Za-z0-9+/]{43}$/.test(sha256) ? { algorithm, sha256 } : undefined;
}
