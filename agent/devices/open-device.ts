import type { DeviceDescription, DeviceStatus, Driver, DriverOptions, SshOptions } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import { drivers, openAuto } from "../../drivers/index.ts";
import type { DeviceSettings, RunSettings, SshSettings } from "../settings/config.ts";
import type { Credentials } from "./credentials.ts";
import { shellAddress } from "../settings/device-address.ts";
import { certificateTrust, hostKeyTrust } from "./device-trust.ts";
import type { Metrics } from "../metrics.ts";

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
    pipelineDepth,
    blindRows,
    ...(noiseLine === undefined ? {} : { noiseLine: new RegExp(noiseLine) }),
    ...(busyLine === undefined ? {} : { busyLine: new RegExp(busyLine) }),
    secretPrompts,
    deadlines: { lineMs, idleMs },
  };
}

/** Which driver a device is reached by, where its setting leaves the choice, and why. */
export interface Taken {
  driver: string;
  reason: string;
}

/** A driver for one device, counting what it does and telling which one was taken and what each status showed. Throws DriverError `identity` for a device that was never enrolled. */
export function openDevice(
  device: DeviceSettings,
  credentials: Credentials,
  settings: Pick<RunSettings, "connectMs" | "requestMs" | "writeDeadlineMs" | "saveMs">,
  dataDir: string,
  metrics: Metrics,
  onTaken: (taken: Taken) => void,
  onStatus: (status: DeviceStatus) => Promise<void>,
  logInAgain: DriverOptions["logInAgain"],
): Driver {
  const { name } = device;
  const shared = {
    device: name,
    user: credentials.user,
    password: credentials.password,
    model: device.model,
    deadlines: {
      connectMs: settings.connectMs,
      requestMs: settings.requestMs,
      writeMs: settings.writeDeadlineMs,
      saveMs: settings.saveMs,
    },
  };
  const { ssh } = device;
  const shell = shellAddress(device);
  const ways: Parameters<typeof openAuto>[1][number][] = [];
  if (device.driver !== "ssh") {
    const options = { ...shared, address: device.address, trust: certificateTrust(device, dataDir) };
    ways.push({ name: "REST", open: () => drivers.rest.open(options) });
  }
  if (ssh !== undefined && shell !== undefined) {
    const trust = hostKeyTrust(name, ssh, dataDir);
    const options = {
      ...shared,
      address: shell,
      trust,
      ssh: shellOptions(ssh, credentials),
      ...(logInAgain === undefined ? {} : { logInAgain }),
    };
    ways.push({ name: "SSH", open: () => drivers.ssh.open(options) });
  }
  const [only, ...more] = ways;
  const driver = only !== undefined && more.length === 0 ? only.open() : openAuto(name, ways);
  return meter(driver, name, metrics, onTaken, onStatus);
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

/** A way begins with the name of the one that was taken; behind it stands what was wrong with those before it. */
function readWay(way: string): Taken {
  const [taken = "", ...failed] = way.split("; ");
  return { driver: taken.toLowerCase(), reason: failed.length === 0 ? "it is tried first" : failed.join("; ") };
}

function meter(
  driver: Driver,
  device: string,
  metrics: Metrics,
  onTaken: (taken: Taken) => void,
  onStatus: (status: DeviceStatus) => Promise<void>,
): Driver {
  const count = (operation: string): void => metrics.deviceCall(device, operation);
  return {
    describe: () => driver.describe(),
    render: (steps) => driver.render(steps),
    warm: () => driver.warm(),
    close: () => driver.close(),
    async status(signal) {
      count("status");
      const status = await driver.status(signal);
      const way = describeIfKnown(driver)?.way;
      if (way !== undefined) onTaken(readWay(way));
      await onStatus(status);
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
