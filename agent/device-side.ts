import type { AgentConfig } from "./settings/config.ts";
import { createDriftWatch, type DriftWatch } from "./drift/drift-watch.ts";
import { createFleet } from "./lanes/fleet.ts";
import { reportHealth } from "./operations/health.ts";
import type { Log } from "./log.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createOperations, type ConversionLookup, type Operations } from "./operations/operations.ts";
import type { HealthReport } from "./reports.ts";
import type { ReadSecret } from "./settings/secrets.ts";
import type { ConversionSource } from "./source/source.ts";
import type { JournalStore } from "./store/journal-store.ts";
import type { PortalStore } from "./store/portal-store.ts";
import type { Worker } from "./lanes/worker.ts";

export interface DeviceSideDependencies {
  config: AgentConfig;
  readSecret: ReadSecret;
  source: ConversionSource;
  journal: JournalStore;
  conversions: ConversionLookup;
  /** Where changes and removals are kept; absent where the portal is elsewhere. */
  amendments?: Pick<PortalStore, "openAmendments">;
  /** How the portal is reached, where it is elsewhere. */
  portal?: () => NonNullable<HealthReport["portal"]>;
  hash(text: string): string;
  /** Who this agent is, for leases. */
  holder: string;
  version: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  log: Log;
}

/** All that works on devices, and what operators may ask of it. */
export interface DeviceSide {
  worker: Worker;
  operations: Operations;
  metrics: Metrics;
  driftWatch: DriftWatch;
  /** The device that a gateway (lower case) belongs to. */
  resolveDevice(gateway: string): string | undefined;
}

/** Nothing is asked of a device before the worker starts. Throws an Error that says what to correct. */
export function createDeviceSide(dependencies: DeviceSideDependencies): DeviceSide {
  const { config, source, journal, conversions, version, startedAt } = dependencies;
  const now = (): number => Date.now();
  const driftMaxAgeMs = config.drift.maxAge;
  const metrics = createMetrics();
  const { lanes, worker, taken } = createFleet({ ...dependencies, metrics, now });
  const health = (): Promise<HealthReport> =>
    reportHealth({
      lanes,
      taken,
      source,
      journal,
      amendments: dependencies.amendments,
      driftMaxAgeMs,
      portal: dependencies.portal,
      version,
      startedAt,
      now,
    });
  const gateways = new Map(
    config.devices.flatMap(({ name, gateways }) => gateways.map((gateway) => [gateway, name] as const)),
  );
  return {
    worker,
    driftWatch: createDriftWatch(lanes, config.drift.probe),
    operations: createOperations({
      lanes,
      source,
      journal,
      conversions,
      health,
      applyModes: worker.applyModes,
      driftMaxAgeMs,
      now,
    }),
    metrics,
    resolveDevice: (gateway) => gateways.get(gateway.toLowerCase()),
  };
}
