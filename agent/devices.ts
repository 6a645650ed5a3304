import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Driver, Trust } from "../drivers/driver.ts";
import { DriverError } from "../drivers/errors.ts";
import { drivers } from "../drivers/index.ts";
import type { DeviceSettings, RunSettings } from "./config.ts";
import type { Metrics } from "./metrics.ts";

/** Where `enroll` records a device's certificate, and where it is read from. */
export function pinFile(dataDir: string, device: string): string {
  return join(dataDir, "pins", `${device}.pem`);
}

function trustOf(device: DeviceSettings, dataDir: string): Trust {
  const { trust } = device;
  if (trust === "plaintext" || trust === "system") return { kind: trust };
  if (trust === "enrolled") {
    const file = pinFile(dataDir, device.name);
    if (!existsSync(file))
      throw new DriverError(
        "identity",
        `${device.name} is not enrolled, so nothing was sent to it: run 'sbc-agent enroll ${device.name}'`,
      );
    return { kind: "certificate", pem: readFileSync(file, "utf8"), checkName: false };
  }
  if ("ca" in trust) return { kind: "certificate", pem: readFileSync(trust.ca, "utf8"), checkName: true };
  return { kind: "fingerprint", sha256: trust.fingerprint };
}

/** A driver for one device, counting what it does. Throws DriverError `identity` for a device that was never enrolled. */
export function openDevice(
  device: DeviceSettings,
  password: string,
  settings: Pick<RunSettings, "connectMs" | "requestMs" | "writeDeadlineMs" | "saveMs">,
  dataDir: string,
  metrics: Metrics,
): Driver {
  const driver = drivers[device.driver].open({
    device: device.name,
    address: device.address,
    user: device.user,
    password,
    trust: trustOf(device, dataDir),
    model: device.model,
    deadlines: {
      connectMs: settings.connectMs,
      requestMs: settings.requestMs,
      writeMs: settings.writeDeadlineMs,
      saveMs: settings.saveMs,
    },
  });
  return meter(driver, device.name, metrics);
}

function meter(driver: Driver, device: string, metrics: Metrics): Driver {
  const count = (operation: string): void => metrics.deviceCall(device, operation);
  return {
    describe: () => driver.describe(),
    render: (steps) => driver.render(steps),
    warm: () => driver.warm(),
    close: () => driver.close(),
    status(signal) {
      count("status");
      return driver.status(signal);
    },
    read(signal) {
      count("read");
      return driver.read(signal);
    },
    apply(steps, signal) {
      count("apply");
      metrics.commandsSent(device, driver.render(steps).length);
      return driver.apply(steps, signal);
    },
    save(signal) {
      count("save");
      metrics.saved(device);
      return driver.save(signal);
    },
    backup: (signal) => driver.backup(signal),
  };
}

/**
 * Keeps the device's configuration of before a run's first write in `backups/DEVICE/`, mode 0600, and deletes all but
 * the last `keep`. Backups hold secrets and are never served.
 */
export async function keepBackup(
  dataDir: string,
  device: string,
  text: string,
  keep: number,
  now: number,
): Promise<void> {
  const folder = join(dataDir, "backups", device);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${new Date(now).toISOString().replaceAll(":", "-")}.ini`);
  await writeFile(`${file}.part`, text, { mode: 0o600, flush: true });
  await rename(`${file}.part`, file);
  const files = await readdir(folder);
  for (const name of files.filter((name) => name.endsWith(".part"))) await rm(join(folder, name), { force: true });
  const old = files
    .filter((name) => name.endsWith(".ini"))
    .sort()
    .slice(0, -keep);
  for (const name of old) await rm(join(folder, name), { force: true });
}

/** The enrolled certificate, or undefined. */
export async function readPin(dataDir: string, device: string): Promise<string | undefined> {
  const file = pinFile(dataDir, device);
  return existsSync(file) ? readFile(file, "utf8") : undefined;
}
