import type { DeviceStatus, Known } from "../../drivers/driver.ts";
import type { Log } from "../log.ts";
import type { JournalStore } from "../store/journal-store.ts";

export interface LifeDependencies {
  device: string;
  journal: Pick<JournalStore, "noteLife" | "demandCheck">;
  log: Pick<Log, "warn">;
  now(): number;
  /** It started anew, or is another unit; a check is due, durably. */
  onNewLife(): void;
}

interface Life {
  serialNumber: string | undefined;
  upTime: number | undefined;
}

/** A figure that only grows is stored no more often than this. */
const storeEveryMs = 60_000;

const known = <T>(value: Known<T>): T | undefined => (value === "unknown" || value === "" ? undefined : value);

function changeFrom(before: Life, { serialNumber, upTime }: Life): "same" | "restarted" | "replaced" {
  if (before.serialNumber !== undefined && serialNumber !== undefined && serialNumber !== before.serialNumber)
    return "replaced";
  return upTime !== undefined && before.upTime !== undefined && upTime < before.upTime ? "restarted" : "same";
}

/**
 * Is told of every status of a device, and notices when its up-time went back or its serial number is another one, also
 * over restarts of the agent. A device that was up again for longer than before by the next status is not noticed.
 */
export function watchLife(dependencies: LifeDependencies): (status: DeviceStatus) => Promise<void> {
  const { device, journal, log, now, onNewLife } = dependencies;
  let latest: Life | undefined;
  let storedAt = 0;

  return async (status) => {
    const life: Life = { serialNumber: known(status.serialNumber), upTime: known(status.upTime) };
    const seen = latest === undefined ? "same" : changeFrom(latest, life);
    const isFresh = latest !== undefined && now() - storedAt < storeEveryMs;
    const before = latest;
    latest = { serialNumber: life.serialNumber ?? before?.serialNumber, upTime: life.upTime ?? before?.upTime };
    if (seen === "same" && isFresh) return;
    const stored = await journal.noteLife(device, life);
    // What is stored may be older than what was seen last.
    if (seen !== "same" && stored === "same") await journal.demandCheck(device);
    storedAt = now();
    const change = seen === "same" ? stored : seen;
    if (change === "same") return;
    log.warn(change === "restarted" ? "device started anew" : "device is another unit", { device, ...life });
    onNewLife();
  };
}
