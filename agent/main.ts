import { z } from "zod";
import { announce, withdrawAnnouncement } from "./announcement.ts";
import { likelyRole, type AgentConfig, type Role } from "./settings/config.ts";
import { armFailPoint } from "./fail-points.ts";
import { openLog, type Log } from "./log.ts";
import type { Operations } from "./operations/operations.ts";
import { findJsonFault } from "./portal/json.ts";
import { createCustomer, toNewConversion } from "./portal/requests.ts";
import { openRole, stopGraceMs, type Base, type Parts } from "./roles.ts";
import { createSchedule, type Job } from "./schedule.ts";
import { openSecrets, type ReadSecret } from "./settings/secrets.ts";
import type { NewConversion } from "./store/judgement.ts";
import { createTokens, ensureAdminToken, type Tokens } from "./tokens.ts";
import { readVersion } from "./version.ts";

type Environment = Readonly<Record<string, string | undefined>>;

function refuseUnsafeEnvironment(env: Environment): void {
  if (env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0")
    throw new Error(
      "NODE_TLS_REJECT_UNAUTHORIZED=0 turns certificate checks off: unset it, and enroll the devices instead",
    );
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

function tokensOf(config: AgentConfig, role: Role, readSecret: ReadSecret): Tokens {
  const agents = role === "portal" ? config.agents : [];
  return createTokens([
    { name: "admin", scopes: ["admin"], token: ensureAdminToken(config.dataDir) },
    ...config.portal.tokens.map(({ name, scopes, token }) => ({ name, scopes, token: readSecret(token) })),
    ...agents.map(({ name, token, devices, gateways }) => ({
      name,
      scopes: ["agent" as const],
      token: readSecret(token),
      agent: { devices: new Set(devices), gateways: new Set(gateways) },
    })),
  ]);
}

function jobsOf({ devices, upkeep }: Parts, schedule: AgentConfig["schedule"]): Job[] {
  const housekeeping = async (): Promise<void> => {
    await upkeep.prune(schedule.retentionDays * 86_400_000);
  };
  const jobs: Job[] = [{ name: "housekeeping", at: schedule.housekeeping, run: housekeeping }];
  if (devices === undefined) return jobs;
  const drift = async (): Promise<void> => {
    await devices.operations.checkDrift({});
  };
  return [...jobs, { name: "drift", at: schedule.drift, run: drift }];
}

/** The configuration was read, or there would be no agent; what remains is the store, and that the source answers. */
async function checkReadiness({ upkeep, isSupplied }: Parts): Promise<{ ok: boolean; failed: string[] }> {
  const writable = await upkeep.probe().then(
    () => true,
    () => false,
  );
  const failed = [...(writable ? [] : ["store"]), ...(isSupplied() ? [] : ["source"])];
  return { ok: failed.length === 0, failed };
}

/**
 * Starts the daemon in its role and resolves when it is up: store open, HTTP listening, lanes awake. `stop` ends it
 * within ten seconds: runs finish or hand their leases back. Throws an Error that says what to correct.
 */
export async function startAgent(
  config: AgentConfig,
  options: { role: Role; env: Environment; logFormat: "json" | "text" },
): Promise<{ url: string; stop(): Promise<void> }> {
  const { role, env, logFormat } = options;
  const startedAt = Date.now();
  const log = openLog(config.log.level, logFormat);
  const releasers: Base["releasers"] = [() => log.close()];
  const stop = (): Promise<void> => release(releasers, log);
  try {
    refuseUnsafeEnvironment(env);
    const failPoint = armFailPoint(env);
    if (failPoint !== undefined)
      log.warn("a fail point is armed: this process ends or stops itself there", { failPoint });
    const readSecret = openSecrets(env);
    const version = readVersion();
    const tokens = tokensOf(config, role, readSecret);
    const parts = await openRole[role]({ config, readSecret, log, version, startedAt, releasers });
    const { devices } = parts;
    const server = parts.serve({
      version,
      settings: config.portal,
      secretVariables: config.secretVariables,
      tokens,
      ready: () => checkReadiness(parts),
      metrics: async () => parts.metrics.render(await parts.health()),
      log: (level, message, fields) => log[level](message, fields),
    });
    // Together: neither waits for the other, and each has a limit of its own.
    releasers.push(async () => {
      parts.drain();
      await Promise.all([server.stop(), devices?.worker.stop(stopGraceMs)]);
    });
    const schedule = createSchedule(jobsOf(parts, config.schedule), log);
    const { url } = await server.start();
    releasers.push(() => schedule.stop());
    schedule.start();
    await parts.start();
    // Last: nothing is written to a device by an agent that could not start.
    await devices?.worker.start();
    releasers.push(() => devices?.driftWatch.stop());
    devices?.driftWatch.start();
    releasers.push(() => withdrawAnnouncement(config.dataDir));
    await announce(config.dataDir, url, startedAt);
    log.info("ready", { role, url, devices: config.devices.length, version });
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
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
  const releasers: Base["releasers"] = [() => log.close()];
  const close = (): Promise<void> => release(releasers, log);
  try {
    refuseUnsafeEnvironment(env);
    const readSecret = openSecrets(env);
    const role = likelyRole(config);
    const base = { config, readSecret, log, version: readVersion(), startedAt: Date.now(), releasers };
    const parts = await openRole[role](base);
    const { devices } = parts;
    if (devices === undefined) throw new Error("a portal alone works on no device");
    releasers.push(() => devices.worker.stop(stopGraceMs));
    if (role === "agent") await parts.start();
    await devices.worker.applyModes();
    return {
      operations: devices.operations,
      toConversion(body) {
        const fault = findJsonFault(body);
        if (fault !== undefined) throw new Error(`${fault.path}: ${fault.message}`);
        const result = createCustomer.safeParse(JSON.parse(body));
        if (!result.success) throw new Error(z.prettifyError(result.error));
        const { secretVariables } = config;
        return toNewConversion(result.data, { secretVariables, resolveDevice: devices.resolveDevice });
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
