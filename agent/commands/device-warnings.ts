import { X509Certificate } from "node:crypto";
import type { AgentConfig, DeviceSettings } from "../settings/config.ts";
import { parseHostKey, pinFile, readPin } from "../devices/pins.ts";

const soonMs = 30 * 86_400_000;

/** What stands in the way of knowing a device again, or soon will; and settings that cannot be kept or have no use. */
export function deviceWarnings(config: AgentConfig, now: number): string[] {
  return config.devices.flatMap((device, i) =>
    warningsOf(config, device, now).map((warning) => `devices.${i}: ${device.name} ${warning}`),
  );
}

function warningsOf({ dataDir }: AgentConfig, device: DeviceSettings, now: number): string[] {
  const { driver, trust, ssh, foreignEdits } = device;
  const warnings: (string | undefined)[] = [];
  if (driver !== "ssh" && trust === "enrolled") warnings.push(certificateWarning(dataDir, device.name, now));
  if (driver === "ssh" && trust !== "enrolled")
    warnings.push("makes no use of 'trust': driver ssh goes by 'ssh.hostKey'");
  if (ssh?.hostKey === "enrolled") warnings.push(hostKeyWarning(dataDir, device.name));
  if (ssh !== undefined && foreignEdits === "refuse")
    warnings.push(
      "cannot keep 'foreignEdits: refuse' over SSH, where a device does not say whether it has unsaved changes",
    );
  // Of a device that shows two things, both are enrolled with one command.
  return [...new Set(warnings.filter((warning) => warning !== undefined))];
}

const enrolment = (device: string): string => `sbc-agent enroll ${device}`;
const missing = (device: string): string => `is not enrolled, so it will not be served: ${enrolment(device)}`;

function certificateWarning(dataDir: string, device: string, now: number): string | undefined {
  const file = pinFile(dataDir, device);
  const pem = readPin(file);
  if (pem === undefined) return missing(device);
  let validTo: string;
  try {
    validTo = new X509Certificate(pem).validTo;
  } catch (error) {
    return `has an unreadable certificate in ${file} (${error instanceof Error ? error.message : String(error)}): ${enrolment(device)}`;
  }
  const leftMs = Date.parse(validTo) - now;
  if (leftMs < 0)
    return `shows a certificate that expired on ${validTo}: renew it on the device, then ${enrolment(device)} --replace`;
  return leftMs < soonMs ? `shows a certificate that expires on ${validTo}` : undefined;
}

function hostKeyWarning(dataDir: string, device: string): string | undefined {
  const file = pinFile(dataDir, device, "host-key");
  const text = readPin(file);
  if (text === undefined) return missing(device);
  return parseHostKey(text) === undefined
    ? `has no host key in ${file}: delete it, then ${enrolment(device)}`
    : undefined;
}
