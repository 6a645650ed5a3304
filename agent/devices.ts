import { readFileSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DeviceDescription, Driver, DriverOptions, SshOptions, Trust } from "../drivers/driver.ts";
import { DriverError } from "../drivers/errors.ts";
import { drivers } from "../drivers/index.ts";
import type { DeviceSettings, RunSettings, SshSettings } from "./config.ts";
import type { Credentials } from "./credentials.ts";
import type { Metrics } from "./metrics.ts";
import { parseHostKey, pinFile, readPin } from "./pins.ts";

function notEnrolled(device: string): DriverError {
  return new DriverError(
    "identity",
    `${device} is not enrolled, so nothing was sent to it: run 'sbc-agent enroll ${device}'`,
  );
}

function certificateTrust(device: DeviceSettings, dataDir: string): Trust {
  const { trust } = device;
  if (trust === "plaintext" || trust === "system") return { kind: trust };
  if (trust === "enrolled") {
    const pem = readPin(pinFile(dataDir, device.name));
    if (pem === undefined) throw notEnrolled(device.name);
    return { kind: "certificate", pem, checkName: false };
  }
  if ("ca" in trust) return { kind: "certificate", pem: readFileSync(trust.ca, "utf8"), checkName: true };
  return { kind: "fingerprint", sha256: trust.fingerprint };
}

function hostKeyTrust(device: string, { hostKey }: SshSettings, dataDir: string): Trust & { kind: "host-key" } {
  if (hostKey !== "enrolled") return { kind: "host-key", sha256: hostKey.sha256 };
  const file = pinFile(dataDir, device, "host-key");
  const text = readPin(file);
  if (text === undefined) throw notEnrolled(device);
  const pinned = parseHostKey(text);
  if (pinned === undefined)
    throw new DriverError(
      "identity",
      `${device}: ${file} does not hold a host key, so nothing was sent to it: enrol it anew`,
    );
  return { kind: "host-key", sha256: pinned.sha256 };
}

/** What a shell needs; without credentials, for looking at its host key. */
export function shellOptions(
  ssh: SshSettings,
  { privateKey, enablePassword }: Pick<Credentials, "privateKey" | "enablePassword"> = {},
): SshOptions {
  const { profile, groupExchange, dialect, pipelineDepth, blindRows, secretPrompts, lineMs, idleMs } = ssh;
  const { noiseLine, busyLine } = ssh;
  return {
    ...(privateKey === undefined ? {} : { privateKey }),
    ...(enablePassword === undefined ? {} : { enablePassword }),
    profile,
    groupExchange,
    ...(dialect === undefined ? {} : { dialect }),
    // Old devices are not trusted to keep lines that come before they have answered.
    pipelineDepth: profile === "legacy" ? 1 : pipelineDepth,
    blindRows,
    ...(noiseLine === undefined ? {} : { noiseLine: new RegExp(noiseLine) }),
    ...(busyLine === undefined ? {} : { busyLine: new RegExp(busyLine) }),
    secretPrompts,
    deadlines: { lineMs, idleMs },
  };
}

/** Which driver a device is reached by, where its setting leaves the choice, and why. */
export type Taken = NonNullable<DeviceDescription["taken"]>;

/** A driver for one device, counting what it does and telling which one was taken. Throws DriverError `identity` for a device that was never enrolled. */
export function openDevice(
  device: DeviceSettings,
  credentials: Credentials,
  settings: Pick<RunSettings, "connectMs" | "requestMs" | "writeDeadlineMs" | "saveMs">,
  dataDir: string,
  metrics: Metrics,
  onTaken: (taken: Taken) => void,
): Driver {
  const { name, driver, address, ssh } = device;
  const options: DriverOptions = {
    device: name,
    address,
    user: credentials.user,
    password: credentials.password,
    trust: driver === "ssh" && ssh !== undefined ? hostKeyTrust(name, ssh, dataDir) : certificateTrust(device, dataDir),
    model: device.model,
    ...(ssh === undefined ? {} : { ssh: shellOptions(ssh, credentials) }),
    deadlines: {
      connectMs: settings.connectMs,
      requestMs: settings.requestMs,
      writeMs: settings.writeDeadlineMs,
      saveMs: settings.saveMs,
    },
  };
  return meter(drivers[driver].open(options), name, metrics, onTaken);
}

/** Of firmware whose tables are not known there is no description, and the run says so. */
function describeIfKnown(driver: Driver): DeviceDescription | undefined {
  try {
    return driver.describe();
  } catch (error) {
    if (error instanceof DriverError) return undefined;
    throw error;
  }
}

function meter(driver: Driver, device: string, metrics: Metrics, onTaken: (taken: Taken) => void): Driver {
  const count = (operation: string): void => metrics.deviceCall(device, operation);
  return {
    describe: () => driver.describe(),
    render: (steps) => driver.render(steps),
    warm: () => driver.warm(),
    close: () => driver.close(),
    async status(signal) {
      count("status");
      const status = await driver.status(signal);
      const taken = describeIfKnown(driver)?.taken;
      if (taken !== undefined) onTaken(taken);
      return status;
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
