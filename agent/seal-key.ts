import { existsSync } from "node:fs";
import { join } from "node:path";
import type { AgentConfig } from "./settings/config.ts";
import type { ReadSecret } from "./settings/secrets.ts";
import { createSealKey, parseSealKey, readSealKey } from "./store/seal.ts";

/** The store's file in the data folder. */
export function storeFile(dataDir: string): string {
  return join(dataDir, "agent.db");
}

/**
 * Reads the configured seal key. `missing` when its file does not exist and nothing was sealed yet: the first start
 * makes it. Throws an Error that names the reference, never the key, for anything that is no key; also when the file is
 * gone although there is a store, whose secrets could not be read without it.
 */
export function readConfiguredSealKey(
  { sealKey, dataDir }: Pick<AgentConfig, "sealKey" | "dataDir">,
  readSecret: ReadSecret,
): Buffer | "missing" {
  if ("credential" in sealKey) return parseSealKey(readSecret(sealKey), `credential ${sealKey.credential}`);
  if (existsSync(sealKey.file)) return readSealKey(sealKey.file);
  const store = storeFile(dataDir);
  if (existsSync(store))
    throw new Error(`${sealKey.file} is missing, and without it the secrets in ${store} cannot be read: put it back`);
  return "missing";
}

/** The same, making the key where it is missing. */
export function ensureSealKey(config: Pick<AgentConfig, "sealKey" | "dataDir">, readSecret: ReadSecret): Buffer {
  const key = readConfiguredSealKey(config, readSecret);
  if (key !== "missing") return key;
  if (!("file" in config.sealKey)) throw new Error("a credential cannot be made here");
  return createSealKey(config.sealKey.file);
}
