import { X509Certificate } from "node:crypto";
import type { Command } from "commander";
import { drivers } from "../../drivers/index.ts";
import { Interrupted } from "./client.ts";
import type { DeviceSettings } from "../config.ts";
import { pinFile, readPin } from "../devices.ts";
import { printable, table } from "./output.ts";
import { readConfig } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import { CommandError, UsageError } from "./errors.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addEpilogue } from "./invocation.ts";
import { writePin } from "./pin.ts";

interface Options {
  yes?: true;
  fingerprint?: string;
  replace?: true;
}

export function addEnroll(program: Command, perform: Perform): void {
  const command = program
    .command("enroll")
    .description("Record the certificate that a device shows, so that it is known again. Sends no credentials.")
    .argument("<device>", "its name in the configuration")
    .option("--yes", "do not ask: take the certificate that is shown now")
    .option("--fingerprint <sha256>", "do not ask: take it only if this is its SHA-256 fingerprint")
    .option("--replace", "take the place of a different certificate that is enrolled")
    .option("--json", "print the certificate as JSON")
    .action((device: string, options: Options, self: Command) =>
      perform(self, (invocation) => enroll(invocation, device, options)),
    );
  addEpilogue(command, "sbc-agent enroll sbc-ams-1", { 0: "enrolled, or enrolled already", 1: "failed, or refused" });
}

async function enroll(invocation: Invocation, name: string, options: Options): Promise<ExitCode> {
  const { output } = invocation;
  const wanted = options.fingerprint === undefined ? undefined : checkFingerprint(options.fingerprint);
  const config = readConfig(invocation);
  const device = findDevice(config.devices, name);
  const shown = await identify(invocation, device, config.run.connectMs);
  const pem = await readPin(config.dataDir, name);
  const enrolled = pem === undefined ? undefined : readEnrolled(pem, pinFile(config.dataDir, name));
  const file = pinFile(config.dataDir, name);
  const say = invocation.json ? output.note : output.print;
  const report = (result: "enrolled" | "unchanged") => {
    if (invocation.json) output.json({ device: name, result, file, ...facts(shown) });
    else
      output.print(
        result === "enrolled" ? `${name} is enrolled: ${file}` : `${name} is enrolled already with this certificate.`,
      );
    return exitCodes.done;
  };

  say(describe(device, shown, enrolled));
  if (Date.parse(shown.validTo) < invocation.context.now())
    output.note(`${name}: this certificate has expired, so the agent will refuse it: renew it on the device.`);
  if (wanted !== undefined && shown.fingerprint256 !== wanted)
    throw new CommandError(
      `${name}: refused: its fingerprint is not the one that was given, ${wanted}. Nothing was recorded.`,
    );
  if (enrolled?.fingerprint256 === shown.fingerprint256) return report("unchanged");
  if (enrolled !== undefined && options.replace !== true)
    throw new CommandError(
      `${name}: refused: another certificate is enrolled. If the device was given a new one, repeat with --replace; if not, somebody else may be answering. Nothing was recorded.`,
    );
  if (wanted === undefined && options.yes !== true) await askHuman(invocation, name);
  writePin(file, shown.toString());
  if (device.trust !== "enrolled")
    output.note(`Its 'trust' setting does not say 'enrolled', so the agent goes on checking it the other way.`);
  return report("enrolled");
}

function findDevice(devices: readonly DeviceSettings[], name: string): DeviceSettings {
  const device = devices.find((d) => d.name === name);
  if (device === undefined)
    throw new UsageError(`There is no device '${name}'; there are ${devices.map((d) => d.name).join(", ")}.`);
  if (device.trust === "plaintext")
    throw new UsageError(`${name} is reached over plain HTTP: it shows no certificate.`);
  return device;
}

async function identify(invocation: Invocation, device: DeviceSettings, connectMs: number): Promise<X509Certificate> {
  const identity = await drivers[device.driver].identify(device.address, connectMs);
  if (invocation.context.signal.aborted) throw new Interrupted();
  if (identity.kind !== "certificate") throw new CommandError(`${device.name} shows no certificate`);
  return new X509Certificate(identity.certificatePem);
}

function readEnrolled(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new CommandError(`${file} does not hold a certificate; look at it, delete it, and enrol again`, {
      cause: error,
    });
  }
}

function checkFingerprint(text: string): string {
  const hex = text
    .replace(/^sha256[ =:]/i, "")
    .replaceAll(":", "")
    .toUpperCase();
  if (!/^[0-9A-F]{64}$/.test(hex))
    throw new UsageError(`--fingerprint '${text}': SHA-256, 64 hex digits, with or without colons`);
  return hex.replace(/..(?!$)/g, "$&:");
}

function facts(
  certificate: X509Certificate,
): Record<"subject" | "issuer" | "validFrom" | "validTo" | "fingerprint256", string> {
  const oneLine = (name: string) => String(printable(name.replaceAll("\n", ", ")));
  return {
    subject: oneLine(certificate.subject),
    issuer: oneLine(certificate.issuer),
    validFrom: certificate.validFrom,
    validTo: certificate.validTo,
    fingerprint256: certificate.fingerprint256,
  };
}

/** One certificate below the other, the enrolled first, so that they can be compared by eye at 80 columns. */
function describe(device: DeviceSettings, shown: X509Certificate, enrolled: X509Certificate | undefined): string {
  const rowsOf = (certificate: X509Certificate) => {
    const { subject, issuer, validFrom, validTo, fingerprint256 } = facts(certificate);
    const half = fingerprint256.length / 2 + 0.5;
    return [
      ["  Subject", subject],
      ["  Issuer", issuer],
      ["  Valid", `${validFrom} - ${validTo}`],
      ["  SHA-256", fingerprint256.slice(0, half)],
      ["", fingerprint256.slice(half)],
    ];
  };
  const lines = [`${device.name} at ${device.address} shows:`, pairs(rowsOf(shown))];
  if (enrolled !== undefined && enrolled.fingerprint256 !== shown.fingerprint256)
    lines.unshift(`${device.name} is enrolled with:`, pairs(rowsOf(enrolled)), "");
  return lines.join("\n");
}

function pairs(rows: readonly (readonly string[])[]): string {
  return table(rows[0] ?? [], rows.slice(1));
}

async function askHuman(invocation: Invocation, name: string): Promise<void> {
  const { confirm, signal } = invocation.context;
  if (confirm === undefined)
    throw new UsageError(
      "Nobody is here to ask: compare the fingerprint, then repeat with --fingerprint SHA256 (or --yes).",
    );
  const agreed = await confirm(
    `Compare the fingerprint with the one on the device. Record this certificate for ${name}? [y/N] `,
    signal,
  );
  if (!agreed) throw new CommandError(`${name}: not confirmed. Nothing was recorded.`);
}
