import { findDrift, type Drift } from "./drift.ts";
import { withDriver, type RunDependencies } from "./run.ts";
import { gatherWork, type RunRequest } from "./work.ts";

export interface DriftCheck extends Drift {
  /** Short names of the customers that were compared. */
  compared: readonly string[];
}

const request: RunRequest = { kind: "resync", dryRun: true, endCalls: false, rerender: false };

/**
 * Compares all linked customers of a device with one complete read of it. Takes no lease and writes nothing, so it may
 * be made of devices that are paused, observed, or can only be read. Throws DriverError.
 */
export async function checkDrift(dependencies: Omit<RunDependencies, "follow">): Promise<DriftCheck> {
  const { device, settings, source, guard, signal } = dependencies;
  return withDriver(dependencies, async (driver) => {
    await guard.firstStatus(driver, signal);
    // After the log-in: of a device that does not answer, thousands of links need not be loaded.
    const claim = await source.peekDevice(device.name, { links: true });
    const config = await driver.read(signal);
    const { intents, shortNames } = gatherWork(dependencies, request, claim, config);
    const drift = findDrift(config, intents, device.drift, settings.carrierPolicy);
    return { ...drift, compared: [...shortNames.values()] };
  });
}
