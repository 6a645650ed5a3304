import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { hostname } from "node:os";
import type { AgentConfig } from "./settings/config.ts";
import { lockDataFolder } from "./lock.ts";
import { ensureSealKey } from "./seal-key.ts";
import type { ReadSecret } from "./settings/secrets.ts";
import { openSealer, type Sealer } from "./store/seal.ts";

/** The folder of one agent, held by this process alone. */
export interface DataFolder {
  sealer: Sealer;
  release(): void;
}

/** Locks the data folder and reads its seal key, making it at the first start. Throws an Error that says what to correct. */
export function openDataFolder(config: AgentConfig, readSecret: ReadSecret): DataFolder {
  const lock = lockDataFolder(config.dataDir);
  try {
    return { sealer: openSealer(ensureSealKey(config, readSecret)), release: () => lock.release() };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Who an agent is to a portal elsewhere: the same over restarts, and another one for any copy of its data folder, whose
 * lock says nothing about this one's.
 */
export function identityOf(journalId: string, dataDir: string): string {
  const { dev, ino } = statSync(dataDir);
  return createHash("sha256").update(`${journalId}\n${hostname()}\n${dev}:${ino}`).digest("hex").slice(0, 32);
}
