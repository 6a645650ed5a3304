import { readFileSync } from "node:fs";
import type { Trust } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { DeviceSettings, SshSettings } from "../settings/config.ts";
import { parseHostKey, pinFile, readPin } from "./pins.ts";

function notEnrolled(device: string): DriverError {
  return new DriverError(
    "identity",
    `${device} is not enrolled, so nothing was sent to it: run 'sbc-agent enroll ${device}'`,
  );
}

/** How the certificate of a device is known. Throws DriverError `identity` where it was never enrolled. */
export function certificateTrust(device: DeviceSettings, dataDir: string): Trust {
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

/** How the host key of a device is known. Throws DriverError `identity` where none was enrolled that can be read. */
export function hostKeyTrust(device: string, { hostKey }: SshSettings, dataDir: string): Trust & { kind: "host-key" } {
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
