import { readFileSync } from "node:fs";
import type { AgentConfig } from "./settings/config.ts";
import type { Log } from "./log.ts";
import { openOvoc } from "./ovoc/client.ts";
import { createOverdue } from "./portal/overdue.ts";
import { judge } from "./portal/rules.ts";
import { storeFile } from "./seal-key.ts";
import type { ReadSecret } from "./settings/secrets.ts";
import { createSites } from "./ovoc/sites.ts";
import type { Sealer } from "./store/seal.ts";
import { openSqliteStore } from "./store/sqlite/open.ts";
import type { Store } from "./store/store.ts";

/** Opens the store of a portal. `gatewayWaitMs`: how long agents elsewhere are waited for; 0 where there are none. */
export function openPortalStore(config: AgentConfig, sealer: Sealer, log: Log, gatewayWaitMs: number): Store {
  return openSqliteStore({
    file: storeFile(config.dataDir),
    judge,
    sealer,
    deadlineMs: config.run.conversionDeadline,
    keepSecrets: config.keepSecrets,
    gatewayWaitMs,
    onTrouble: ({ message }) => log.error("store out of order", { reason: message }),
    onListenerError: (error) => log.error("a listener of the store failed", { reason: String(error) }),
  });
}

/** What happens to conversions without a device: their sites in OVOC, and the end of those whose time is over. */
export interface PortalSide {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Throws an Error that says what to correct in the settings of OVOC. */
export function createPortalSide(config: AgentConfig, readSecret: ReadSecret, store: Store, log: Log): PortalSide {
  const { ovoc: settings, run } = config;
  const ca = settings?.ca === undefined ? undefined : readFileSync(settings.ca, "utf8");
  // Read once here, so that a missing one is found at the start.
  if (settings !== undefined) readSecret(settings.password);
  const ovoc = settings && openOvoc(settings, () => readSecret(settings.password), ca, config.devices);
  const sites = createSites({ store, ovoc, log, ...run, now: () => Date.now() });
  const overdue = createOverdue({ store, log, pollMs: run.pollMs });
  return {
    async start() {
      sites.start();
      await overdue.start();
    },
    async stop() {
      await overdue.stop();
      await sites.stop();
      ovoc?.close();
    },
  };
}
