import { setTimeout as sleep } from "node:timers/promises";
import { keepBackup } from "../devices/backups.ts";
import type { AgentConfig } from "../settings/config.ts";
import { credentialText, readCredentials } from "../devices/credentials.ts";
import { watchLife } from "../devices/device-life.ts";
import { openDevice, type Taken } from "../devices/open-device.ts";
import { createDriftChecks } from "../drift/drift-checks.ts";
import { createLane, type Lane } from "./lane.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import { createPreparedDriver } from "../devices/prepared-driver.ts";
import { adoptDevice } from "../provisioning/adopt-device.ts";
import { loadBlueprints, type Blueprint } from "../provisioning/blueprint.ts";
import { checkDrift } from "../provisioning/drift-check.ts";
import { watchForeignEdits } from "../provisioning/foreign-edits.ts";
import { guardLogins, type LoginGuard } from "../provisioning/login-guard.ts";
import type { ReadBack } from "../provisioning/read-back.ts";
import { probeDevice, runDevice } from "../provisioning/run.ts";
import { watchSerials } from "../provisioning/serials.ts";
import type { ReadSecret } from "../settings/secrets.ts";
import type { ConversionSource } from "../source/source.ts";
import type { JournalStore } from "../store/journal-store.ts";
import { createWorker, type Worker } from "./worker.ts";

export interface FleetDependencies {
  config: AgentConfig;
  readSecret: ReadSecret;
  source: ConversionSource;
  journal: JournalStore;
  /** Keyed hash, for comparing secrets without keeping them. */
  hash(text: string): string;
  /** Who this agent is, for leases. */
  holder: string;
  log: Log;
  metrics: Metrics;
  now(): number;
}

/** The devices of the inventory with all that works on them. Nothing is asked of a device before the worker starts. */
export interface Fleet {
  lanes: ReadonlyMap<string, Lane>;
  worker: Worker;
  /** By device, which driver its latest run used, where that is left open. */
  taken: ReadonlyMap<string, Taken>;
}

function blueprintOf(blueprints: ReadonlyMap<string, Blueprint>, device: AgentConfig["devices"][number]): Blueprint {
  const blueprint = blueprints.get(device.blueprint);
  if (blueprint === undefined)
    throw new Error(
      `device ${device.name}: there is no blueprint '${device.blueprint}' (${[...blueprints.keys()].join(", ")})`,
    );
  return blueprint;
}

/** Throws an Error that names the device where a blueprint or a secret is missing. */
export function createFleet(dependencies: FleetDependencies): Fleet {
  const { config, readSecret, source, journal, hash, holder, log, metrics, now } = dependencies;
  const { run: settings, dataDir } = config;
  const blueprints = loadBlueprints(config.blueprints);
  const recognise = watchSerials();
  const lanes = new Map<string, Lane>();
  const taken = new Map<string, Taken>();
  for (const device of config.devices) {
    const { name } = device;
    // Read once here, so that a missing one is found at the start, and anew for every run, so that `resume` takes a new one.
    readCredentials(device, readSecret);
    const shared = {
      device,
      settings,
      carriers: config.carriers,
      blueprint: blueprintOf(blueprints, device),
      blueprints,
      hash,
      foreignEdits: watchForeignEdits(name, device.foreignEdits, settings, now),
      recognise: (serial: string) => recognise(name, serial),
      source,
      journal,
      holder,
      now,
      // Kept with the evidence of the checks below.
      follow: (seen: () => ReadBack) => drift.follow(seen),
      keepBackup: (text: string) => keepBackup(dataDir, name, text, settings.backups, now()),
      wait: (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal }),
    };
    const noteTaken = (now: Taken): void => {
      if (now.driver !== taken.get(name)?.driver) log.info("driver taken", { device: name, ...now });
      taken.set(name, now);
    };
    const noteStatus = watchLife({ device: name, journal, log, now, onNewLife: () => lanes.get(name)?.checkSoon() });
    const credentials = () => hash(credentialText(readCredentials(device, readSecret)));
    // Drivers may be opened before the run that counts what they do; a lane runs one at a time.
    let guard: LoginGuard | undefined;
    const logInAgain = <T>(logIn: () => Promise<T>): Promise<T> => guard?.again(logIn) ?? logIn();
    const prepared = createPreparedDriver(
      () =>
        openDevice(
          device,
          readCredentials(device, readSecret),
          settings,
          dataDir,
          metrics,
          noteTaken,
          noteStatus,
          logInAgain,
        ),
      credentials,
    );
    const access = () => {
      guard = guardLogins(journal, name, credentials(), {
        limit: settings.loginLimit,
        unendedMs: settings.leaseMs,
      });
      return { guard, openDriver: prepared.take };
    };
    const drift = createDriftChecks({
      device,
      journal,
      source,
      // It writes nothing, so nothing stands in its way.
      check: (signal) => checkDrift({ ...shared, ...access(), signal, mayWrite: () => undefined }),
      maxAgeMs: config.drift.maxAge,
      log,
      now,
    });
    const lane = createLane({
      device,
      settings,
      source,
      run: (request, signal, mayWrite) => runDevice({ ...shared, ...access(), signal, mayWrite }, request),
      adopt: (request, signal) => adoptDevice({ ...shared, ...access(), signal, mayWrite: () => undefined }, request),
      probe: (signal) => probeDevice({ ...access(), signal }),
      drift,
      prepared,
      log,
      metrics,
      now,
    });
    lanes.set(name, lane);
  }
  const worker = createWorker({ lanes, source, journal, log, metrics, pollMs: settings.pollMs, now });
  return { lanes, worker, taken };
}
