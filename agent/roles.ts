import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import type { AgentConfig, Role } from "./settings/config.ts";
import { identityOf, openDataFolder } from "./data-folder.ts";
import { createDeviceSide, type DeviceSide } from "./device-side.ts";
import { createExplainer } from "./explanation/explainer.ts";
import { reportFailures } from "./operations/failures.ts";
import { createHttpServer, type HttpDependencies, type HttpServer } from "./http.ts";
import type { Log } from "./log.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { NotFound } from "./operations/operations.ts";
import { reportPortalHealth } from "./operations/portal-health.ts";
import { createPortalSide, openPortalStore } from "./portal-side.ts";
import type { HealthReport } from "./reports.ts";
import { storeFile } from "./seal-key.ts";
import type { ReadSecret } from "./settings/secrets.ts";
import { silentMs } from "./silence.ts";
import { openPortalClient } from "./source/portal-client.ts";
import { createRemoteSource } from "./source/remote.ts";
import { openSqliteJournal } from "./store/sqlite/open.ts";
import type { ClaimedConversion } from "./store/model.ts";
import type { Upkeep } from "./store/upkeep.ts";

/** A run that is under way may end within this time; its lease is handed back well before ten seconds are over. */
export const stopGraceMs = 7_000;

/** What every role is made of. */
export interface Base {
  config: AgentConfig;
  readSecret: ReadSecret;
  log: Log;
  version: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** What is to be given back, last first. */
  releasers: (() => Promise<void> | void)[];
}

/** What a role consists of, opened and not yet started. */
export interface Parts {
  upkeep: Upkeep;
  metrics: Metrics;
  health(): Promise<HealthReport>;
  /** Absent where no device is near. */
  devices: DeviceSide | undefined;
  serve(common: CommonHttp): HttpServer;
  /** Whether somebody is asked for conversions, and answers. */
  isSupplied(): boolean;
  start(): Promise<void>;
  /** Takes no more work; called while the lanes stop. */
  drain(): void;
}

type CommonHttp = Pick<
  HttpDependencies,
  "version" | "settings" | "secretVariables" | "tokens" | "ready" | "metrics" | "log"
>;

const now = (): number => Date.now();

const polledLately = ({ worker }: DeviceSide, pollMs: number): boolean =>
  Date.now() - (worker.polledAt() ?? 0) <= 3 * pollMs;

/** Portal and devices in one process, on one store. */
async function openEmbedded(base: Base): Promise<Parts> {
  const { config, readSecret, log, releasers } = base;
  const folder = openDataFolder(config, readSecret);
  releasers.push(() => folder.release());
  const store = openPortalStore(config, folder.sealer, log, 0);
  releasers.push(() => store.close());
  // Whoever held them is dead: the folder's lock is ours.
  await store.releaseOwnLeases();
  const devices = createDeviceSide({
    ...base,
    source: store,
    journal: store,
    amendments: store,
    conversions: {
      find: (taskId) => store.conversionWithSecrets(taskId),
      findAmendment: (taskId) => store.amendment(taskId),
      judge: (conversion) => store.judge(conversion),
    },
    hash: folder.sealer.hash,
    holder: `${hostname()}/${randomUUID()}`,
  });
  const portal = createPortalSide(config, readSecret, store, log);
  releasers.push(() => portal.stop());
  const { operations, metrics, resolveDevice } = devices;
  const explain = createExplainer({
    knowledge: { portal: store },
    health: () => operations.health(),
    drift: (device) => store.drift(device),
    now,
  });
  const failures = (sinceMs: number) => reportFailures(store, sinceMs, now());
  return {
    upkeep: store,
    metrics,
    health: () => operations.health(),
    devices,
    serve: (common) =>
      createHttpServer({ ...common, role: "embedded", store, operations, resolveDevice, explain, failures }),
    isSupplied: () => polledLately(devices, config.run.pollMs),
    start: () => portal.start(),
    drain: () => undefined,
  };
}

/** The portal alone, for agents elsewhere. Their leases outlive its restarts. */
async function openPortal(base: Base): Promise<Parts> {
  const { config, readSecret, log, releasers, version, startedAt } = base;
  const folder = openDataFolder(config, readSecret);
  releasers.push(() => folder.release());
  const store = openPortalStore(config, folder.sealer, log, config.portal.gatewayWait);
  releasers.push(() => store.close());
  const metrics = createMetrics();
  releasers.push(
    store.watch((event) => {
      if (event.kind === "ended") metrics.conversionEnded(event.details[0] ?? "");
    }),
  );
  const portal = createPortalSide(config, readSecret, store, log);
  releasers.push(() => portal.stop());
  const health = () => reportPortalHealth({ store, version, startedAt, now });
  const explain = createExplainer({ knowledge: { portal: store }, health, now });
  return {
    upkeep: store,
    metrics,
    health,
    devices: undefined,
    // The store places conversions itself, by what agents announce.
    serve: (common) =>
      createHttpServer({
        ...common,
        role: "portal",
        store,
        operations: { health },
        resolveDevice: () => undefined,
        explain,
        failures: (sinceMs) => reportFailures(store, sinceMs, now()),
      }),
    isSupplied: () => true,
    start: () => portal.start(),
    drain: () => undefined,
  };
}

/** Devices near, their portal elsewhere. */
async function openAgent(base: Base): Promise<Parts> {
  const { config, readSecret, log, releasers, version } = base;
  const { url = "", token, ca } = config.source;
  const folder = openDataFolder(config, readSecret);
  releasers.push(() => folder.release());
  const { sealer } = folder;
  const journal = openSqliteJournal({
    file: storeFile(config.dataDir),
    sealer,
    onTrouble: ({ message }) => log.error("store out of order", { reason: message }),
  });
  releasers.push(() => journal.close());
  const client = openPortalClient({
    url,
    readToken: () => readSecret(token),
    ...(ca === undefined ? {} : { ca: readFileSync(ca, "utf8") }),
  });
  const identity = identityOf(await journal.id(), config.dataDir);
  const remote = createRemoteSource({
    client,
    journal,
    identity,
    devices: config.devices.map(({ name, gateways, mode }) => ({
      device: name,
      gateways,
      standing: mode === "observe",
    })),
    version,
    log,
    now,
  });
  releasers.push(() => remote.stop());
  async function find(taskId: string): Promise<ClaimedConversion | undefined> {
    for (const { name } of config.devices) {
      const { conversions } = await remote.source.peekDevice(name, { links: false });
      const found = conversions.find((conversion) => conversion.taskId === taskId);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const devices = createDeviceSide({
    ...base,
    source: remote.source,
    journal: remote.journal,
    conversions: {
      find,
      async findAmendment(taskId) {
        for (const { name } of config.devices) {
          const { amendments } = await remote.source.peekDevice(name, { links: false });
          const found = amendments.find((amendment) => amendment.taskId === taskId);
          if (found !== undefined) return found;
        }
        return undefined;
      },
      judge: async () => undefined,
    },
    portal() {
      const reachedAt = remote.reachedAt();
      return {
        url,
        reachedAt: reachedAt === undefined ? null : new Date(reachedAt).toISOString(),
        trouble: remote.trouble() ?? null,
      };
    },
    hash: sealer.hash,
    holder: identity,
  });
  const { operations, metrics, resolveDevice } = devices;
  const explain = createExplainer({
    knowledge: { agent: { portalUrl: url, find, links: remote.source.links } },
    health: () => operations.health(),
    drift: (device) => journal.drift(device),
    now,
  });
  const failures = async (): Promise<never> => {
    throw new NotFound(`the tasks of this agent are kept by the portal ${url}: ask it for their failures`);
  };
  return {
    upkeep: journal,
    metrics,
    health: () => operations.health(),
    devices,
    serve: (common) =>
      createHttpServer({ ...common, role: "agent", store: journal, operations, resolveDevice, explain, failures }),
    isSupplied: () => Date.now() - (remote.reachedAt() ?? 0) < silentMs,
    start: () => remote.start(),
    drain: () => remote.drain(stopGraceMs),
  };
}

/** Each throws an Error that says what to correct; what it opened until then is among the releasers. */
export const openRole: Readonly<Record<Role, (base: Base) => Promise<Parts>>> = {
  embedded: openEmbedded,
  portal: openPortal,
  agent: openAgent,
};
