import type { AgentConfig } from "./settings/config.ts";
import { readConfiguredSealKey, storeFile } from "./seal-key.ts";
import { openSecrets } from "./settings/secrets.ts";
import type { TrailVerdict } from "./store/audit-chain.ts";
import { openSealer } from "./store/seal.ts";
import { verifyAuditFile } from "./store/sqlite/audit-file.ts";

/**
 * Verifies the audit trail in the data folder, which a daemon may be writing to. Changes nothing. Throws an Error that
 * names the file when store or seal key cannot be read.
 */
export function checkAudit(
  config: Pick<AgentConfig, "dataDir" | "sealKey">,
  env: Parameters<typeof openSecrets>[0],
  expected?: { seq: number; hash: string },
): TrailVerdict {
  const key = readConfiguredSealKey(config, openSecrets(env));
  if (key === "missing")
    throw new Error(`${storeFile(config.dataDir)}: there is no store yet; an agent's first start makes it`);
  return verifyAuditFile(storeFile(config.dataDir), openSealer(key), expected);
}
