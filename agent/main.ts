import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { announce, withdrawAnnouncement } from "./announcement.ts";
import type { AgentConfig } from "./config.ts";
import { keepBackup, openDevice } from "./devices.ts";
import { reportHealth } from "./health.ts";
import { createHttpServer } from "./http.ts";
import { createLane, type Lane } from "./lane.ts";
import { lockDataFolder } from "./lock.ts";
import { openLog, type Log } from "./log.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createOperations, type Operations } from "./operations.ts";
import { openOvoc } from "./ovoc.ts";
import { findJsonFault } from "./portal/json.ts";
import { createCustomer, toNewConversion } from "./portal/requests.ts";
import { judge } from "./portal/rules.ts";
import { loadBlueprints, type Blueprint } from "./provisioning/blueprint.ts";
import { watchForeignEdits } from "./provisioning/foreign-edits.ts";
import { guardLogins } from "./provisioning/login-guard.ts";
import { probeDevice, runDevice } from "./provisioning/run.ts";
import { watchSerials } from "./provisioning/serials.ts";
import type { HealthReport } from "./reports.ts";
import { createSchedule, type Job } from "./schedule.ts";
import { ensureSealKey, storeFile } from "./seal-key.ts";
import { openSecrets } from "./secrets.ts";
import { createSites } from "./sites.ts";
import { openSealer } from "./store/seal.ts";
import { openSqliteStore } from "./store/sqlite/open.ts";
import type { NewConversion, Store } from "./store/store.ts";
import { createTokens, ensureAdminToken, type Tokens } from "./tokens.ts";
import { readVersion } from "./version.ts";
import { createWorker, type Worker } from "./worker.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** A run that is under way may end within this time; its lease is handed back well before ten seconds are over. */
const stopGraceMs = 7_000;

/** What `sbc-agent run` and a command that works alone have in common. */
interface Agent {
  store: Store;
  operations: Operations;
  worker: Worker;
  metrics: Metrics;
  version: string;
  resolveDevice(gateway: string): string | undefined;
  /** Gives everything back, in reverse order. May be called once. */
  close(): Promise<void>;
}

function refuseUnsafeEnvironment(env: Environment): void {
  if (env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0")
    throw new Error(
      "NODE_TLS_REJECT_UNAUTHORIZED=0 turns certificate checks off: unset it, and enroll the devices instead",
    );
}

function blueprintOf(blueprints: ReadonlyMap<string, Blueprint>, device: AgentConfig["devices"][number]): Blueprint {
  const blueprint = blueprints.get(device.blueprint);
  if (blueprint === undefined)
    throw new Error(
      `device ${device.name}: there is no blueprint '${device.blueprint}' (${[...blueprints.keys()].join(", ")})`,
    );
  return blueprint;
}

async function openAgent(config: AgentConfig, env: Environment, log: Log, startedAt: number): Promise<Agent> {
  refuseUnsafeEnvironment(env);
  const readSecret = openSecrets(env);
  const blueprints = loadBlueprints(config.blueprints);
  // Read once here, so that a missing one is found at the start, and anew for every run, so that `resume` takes a new one.
  for (const device of config.devices) readSecret(device.password);
  const equipped = config.devices.map((device) => ({ device, blueprint: blueprintOf(blueprints, device) }));
  const version = readVersion();
  const now = (): number => Date.now();
  const lock = lockDataFolder(config.dataDir);
  let opened: Store | undefined;
  try {
    const sealer = openSealer(ensureSealKey(config, readSecret));
    const gateways = new Map(
      config.devices.flatMap(({ name, gateways }) => gateways.map((gateway) => [gateway, name] as const)),
    );
    const store = openSqliteStore({
      file: storeFile(config.dataDir),
      judge,
      sealer,
      deadlineMs: config.run.conversionDeadline,
      keepSecrets: config.keepSecrets,
      onListenerError: (error) => log.error("a listener of the store failed", { reason: String(error) }),
    });
    opened = store;
    // Whoever held them is dead: the folder's lock is ours.
    await store.releaseAllLeases();
    const metrics = createMetrics();
    const holder = `${hostname()}/${randomUUID()}`;

    const lanes = new Map<string, Lane>();
    const recognise = watchSerials();
    for (const { device, blueprint } of equipped) {
      const { name } = device;
      const shared = {
        device,
        settings: config.run,
        carriers: config.carriers,
        blueprint,
        hash: sealer.hash,
        foreignEdits: watchForeignEdits(name, device.foreignEdits, config.run, now),
        recognise: (serial: string) => recognise(name, serial),
        source: store,
        journal: store,
        holder,
        now,
        keepBackup: (text: string) => keepBackup(config.dataDir, name, text, config.run.backups, now()),
        wait: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
      };
      const access = () => {
        const password = readSecret(device.password);
        return {
          guard: guardLogins(store, name, sealer.hash(`${device.user}\n${password}`), config.run.loginLimit),
          openDriver: () => openDevice(device, password, config.run, config.dataDir, metrics),
        };
      };
      const lane = createLane({
        device,
        settings: config.run,
        source: store,
        run: (request, signal, mayWrite) => runDevice({ ...shared, ...access(), signal, mayWrite }, request),
        probe: (signal) => probeDevice({ ...access(), signal }),
        log,
        metrics,
        now,
      });
      lanes.set(name, lane);
    }
    const worker = createWorker({ lanes, source: store, journal: store, log, metrics, pollMs: config.run.pollMs, now });
    const health = (): Promise<HealthReport> => reportHealth({ lanes, store, version, startedAt, now });
    const operations = createOperations({ lanes, store, health, applyModes: worker.applyModes });
    return {
      store,
      operations,
      worker,
      metrics,
      version,
      resolveDevice: (gateway) => gateways.get(gateway.toLowerCase()),
      async close() {
        await worker.stop(stopGraceMs);
        await store.close();
        lock.release();
      },
    };
  } catch (error) {
    await opened?.close();
    lock.release();
    throw error;
  }
}

/** Gives back what was opened, last first and once. One that fails does not keep the others. */
async function release(releasers: (() => Promise<void> | void)[], log: Log): Promise<void> {
  for (const give of releasers.splice(0).reverse()) {
    try {
      await give();
    } catch (error) {
      log.error("stopping failed", { reason: error instanceof Error ? error.message : String(error) });
    }
  }
}

function tokensOf(config: AgentConfig, readSecret: ReturnType<typeof openSecrets>): Tokens {
  return createTokens([
    { name: "admin", scopes: ["admin"], token: ensureAdminToken(config.dataDir) },
    ...config.portal.tokens.map(({ name, scopes, token }) => ({ name, scopes, token: readSecret(token) })),
  ]);
}

function jobsOf({ operations, store }: Agent, { drift, housekeeping, retentionDays }: AgentConfig["schedule"]): Job[] {
  return [
    {
      name: "drift",
      at: drift,
      async run() {
        await operations.resync({ dryRun: true, endCalls: false, rerender: false });
      },
    },
    {
      name: "housekeeping",
      at: housekeeping,
      async run() {
        await store.prune(retentionDays * 86_400_000);
      },
    },
  ];
}

/**
 * Starts the daemon and resolves when it is ready: store open, lanes awake, HTTP listening. `stop` ends it within ten
 * seconds: runs finish or hand their leases back. Throws an Error that says what to correct.
 */
export async function startAgent(
  config: AgentConfig,
  options: { env: Environment; logFormat: "json" | "text" },
): Promise<{ url: string; stop(): Promise<void> }> {
  const startedAt = Date.now();
  const log = openLog(config.log.level, options.logFormat);
  const releasers: (() => Promise<void> | void)[] = [() => log.close()];
  const stop = (): Promise<void> => release(releasers, log);
  try {
    const readSecret = openSecrets(options.env);
    const tokens = tokensOf(config, readSecret);
    const agent = await openAgent(config, options.env, log, startedAt);
    releasers.push(() => agent.close());

    const { ovoc: settings } = config;
    const ca = settings?.ca === undefined ? undefined : readFileSync(settings.ca, "utf8");
    const ovoc = settings && openOvoc(settings, readSecret(settings.password), ca);
    if (ovoc !== undefined) releasers.push(() => ovoc.close());
    const sites = createSites({ store: agent.store, ovoc, log, ...config.run, now: () => Date.now() });
    releasers.push(() => sites.stop());
    sites.start();

    const server = createHttpServer({
      version: agent.version,
      settings: config.portal,
      secretVariables: config.secretVariables,
      tokens,
      store: agent.store,
      operations: agent.operations,
      resolveDevice: agent.resolveDevice,
      ready: () => checkReadiness(agent, config.run.pollMs),
      metrics: async () => agent.metrics.render(await agent.operations.health()),
      log: (level, message, fields) => log[level](message, fields),
    });
    // Together: neither waits for the other, and each has a limit of its own.
    releasers.push(async () => {
      await Promise.all([server.stop(), agent.worker.stop(stopGraceMs)]);
    });
    const schedule = createSchedule(jobsOf(agent, config.schedule), log);
    const { url } = await server.start();
    releasers.push(() => schedule.stop());
    schedule.start();
    // Last: nothing is written to a device by an agent that could not start.
    await agent.worker.start();
    releasers.push(() => withdrawAnnouncement(config.dataDir));
    await announce(config.dataDir, url, startedAt);
    log.info("ready", { url, devices: config.devices.length, version: agent.version });
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The configuration was read, or there would be no agent; what remains is the store, and that the source is asked. */
async function checkReadiness(agent: Agent, pollMs: number): Promise<{ ok: boolean; failed: string[] }> {
  const polledAt = agent.worker.polledAt();
  const stale = polledAt === undefined || Date.now() - polledAt > 3 * pollMs;
  const writable = await agent.store.probe().then(
    () => true,
    () => false,
  );
  const failed = [...(writable ? [] : ["store"]), ...(stale ? ["source"] : [])];
  return { ok: failed.length === 0, failed };
}

/**
 * Opens the parts that one command needs where no daemon runs, under the same lock as the daemon's. Nothing is pulled.
 * Throws an Error when another process has the data folder.
 */
export async function openAlone(
  config: AgentConfig,
  env: Environment,
): Promise<{ operations: Operations; toConversion(body: string): NewConversion; close(): Promise<void> }> {
  const log = openLog("error", "text");
  const agent = await openAgent(config, env, log, Date.now());
  await agent.worker.applyModes();
  return {
    operations: agent.operations,
    toConversion(body) {
      const fault = findJsonFault(body);
      if (fault !== undefined) throw new Error(`${fault.path}: ${fault.message}`);
      const result = createCustomer.safeParse(JSON.parse(body));
      if (!result.success) throw new Error(z.prettifyError(result.error));
      return toNewConversion(result.data, {
        secretVariables: config.secretVariables,
        resolveDevice: agent.resolveDevice,
      });
    },
    async close() {
      await agent.close();
      await log.close();
    },
  };
}
