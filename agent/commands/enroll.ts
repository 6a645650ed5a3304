import type { Command } from "commander";
import { drivers } from "../../drivers/index.ts";
import type { DeviceSettings } from "../settings/config.ts";
import { shellAddress } from "../settings/device-address.ts";
import { shellOptions } from "../devices/open-device.ts";
import { writePin, type PinKind } from "../devices/pins.ts";
import { readConfig } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import { CommandError, Interrupted, UsageError } from "./errors.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addEpilogue } from "./invocation.ts";
import { table } from "./output.ts";
import { compareWithPin, names, readFingerprint, type Likeness, type ShownIdentity } from "./shown-identity.ts";

interface Options {
  yes?: true;
  fingerprint?: readonly string[];
  replace?: true;
}

/** Where a device shows itself. */
interface Door {
  kind: PinKind;
  address: string;
}

export function addEnroll(program: Command, perform: Perform): void {
  const command = program
    .command("enroll")
    .description(
      "Record the certificate or SSH host key that a device shows, so that it is known again. Sends no credentials.",
    )
    .argument("<device>", "its name in the configuration")
    .option("--yes", "do not ask: take what is shown now")
    .option(
      "--fingerprint <sha256>",
      "do not ask: take it only if this is its SHA-256 fingerprint; for driver auto once for each of the two",
      (text: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), text],
    )
    .option("--replace", "take the place of a different one that is enrolled")
    .option("--json", "print it as JSON")
    .action((device: string, options: Options, self: Command) =>
      perform(self, (invocation) => enroll(invocation, device, options)),
    );
  addEpilogue(command, "sbc-agent enroll sbc-ams-1", { 0: "enrolled, or enrolled already", 1: "failed, or refused" });
}

async function enroll(invocation: Invocation, name: string, options: Options): Promise<ExitCode> {
  const { output, context } = invocation;
  const given = (options.fingerprint ?? []).map(readFingerprint);
  const config = readConfig(invocation);
  const device = findDevice(config.devices, name);
  const doors = doorsOf(device);
  const wanted = new Map(given.map(({ kind, fingerprint }) => [kind, fingerprint]));
  if (given.length > 0) requireFingerprints(name, doors, wanted);
  const identities: ShownIdentity[] = [];
  for (const door of doors) {
    const { connectMs } = config.run;
    const kind = door.kind === "certificate" ? "rest" : "ssh";
    const shell = device.ssh === undefined ? undefined : shellOptions(device.ssh);
    const shown = await drivers[kind].identify(door.address, connectMs, shell);
    if (context.signal.aborted) throw new Interrupted();
    const identity = compareWithPin(config.dataDir, name, shown, context.now());
    identities.push(identity);
    (invocation.json ? output.note : output.print)(describe(name, door, identity));
    if (identity.remark !== undefined) output.note(`${name}: ${identity.remark}`);
  }

  for (const { kind, shown } of identities) {
    const fingerprint = wanted.get(kind);
    if (fingerprint !== undefined && shown.fingerprint !== fingerprint)
      throw new CommandError(
        `${name}: refused: its fingerprint is not the one that was given, ${fingerprint}. Nothing was recorded.`,
      );
  }
  const fresh = identities.filter(({ shown, enrolled }) => enrolled?.fingerprint !== shown.fingerprint);
  if (fresh.length === 0) return report(invocation, name, identities, "unchanged");
  const others = fresh.filter(({ enrolled }) => enrolled !== undefined);
  if (others.length > 0 && options.replace !== true)
    throw new CommandError(
      `${name}: refused: another ${whatOf(others)} is enrolled. If the device was given a new one, repeat with --replace; if not, somebody else may be answering. Nothing was recorded.`,
    );
  if (wanted.size === 0 && options.yes !== true) await askHuman(invocation, name, fresh);
  for (const { file, pin } of fresh) writePin(file, pin);
  for (const { kind } of fresh) {
    const setting = kind === "certificate" ? device.trust : device.ssh?.hostKey;
    if (setting !== "enrolled")
      output.note(
        `Its '${kind === "certificate" ? "trust" : "ssh.hostKey"}' setting does not say 'enrolled', so the agent goes on checking it the other way.`,
      );
  }
  return report(invocation, name, identities, "enrolled");
}

function findDevice(devices: readonly DeviceSettings[], name: string): DeviceSettings {
  const device = devices.find((d) => d.name === name);
  if (device === undefined)
    throw new UsageError(`There is no device '${name}'; there are ${devices.map((d) => d.name).join(", ")}.`);
  return device;
}

/** REST shows a certificate, a shell a host key. Throws UsageError for a device that shows neither. */
function doorsOf(device: DeviceSettings): Door[] {
  const shell = shellAddress(device);
  const doors: Door[] = [
    ...(device.driver === "ssh" || device.trust === "plaintext"
      ? []
      : [{ kind: "certificate", address: device.address } satisfies Door]),
    ...(shell === undefined ? [] : [{ kind: "host-key", address: shell } satisfies Door]),
  ];
  if (doors.length === 0) throw new UsageError(`${device.name} is reached over plain HTTP: it shows no certificate.`);
  return doors;
}

/** With `--fingerprint` nobody is asked, so each thing that is shown needs one, and no other has a meaning. */
function requireFingerprints(name: string, doors: readonly Door[], wanted: ReadonlyMap<PinKind, string>): void {
  const kinds = doors.map(({ kind }) => kind);
  if (kinds.length === wanted.size && kinds.every((kind) => wanted.has(kind))) return;
  const all = kinds.map((kind) => `one for its ${names[kind]}`).join(" and ");
  throw new UsageError(`--fingerprint: ${name} wants ${all}.`);
}

function whatOf(identities: readonly ShownIdentity[]): string {
  return identities.map(({ what }) => what).join(" and another ");
}

function report(
  { json, output }: Invocation,
  device: string,
  identities: readonly ShownIdentity[],
  result: "enrolled" | "unchanged",
): ExitCode {
  const files = identities.map(({ file }) => file).join(" and ");
  const known = identities.map(({ what }) => `this ${what}`).join(" and ");
  const [first, ...more] = identities.map(({ kind, file, shown }) => ({ kind, file, ...shown.facts }));
  if (json) output.json({ device, result, ...(more.length === 0 ? first : { identities: [first, ...more] }) });
  else
    output.print(
      result === "enrolled" ? `${device} is enrolled: ${files}` : `${device} is enrolled already with ${known}.`,
    );
  return exitCodes.done;
}

/** One below the other, the enrolled first, so that they can be compared by eye at 80 columns. */
function describe(device: string, { address }: Door, { shown, enrolled }: ShownIdentity): string {
  const pairs = ({ rows }: Likeness): string => table(rows[0] ?? [], rows.slice(1));
  const lines = [`${device} at ${address} shows:`, pairs(shown)];
  if (enrolled !== undefined && enrolled.fingerprint !== shown.fingerprint)
    lines.unshift(`${device} is enrolled with:`, pairs(enrolled), "");
  return lines.join("\n");
}

async function askHuman(invocation: Invocation, name: string, fresh: readonly ShownIdentity[]): Promise<void> {
  const { confirm, signal } = invocation.context;
  const what = fresh.map((identity) => `this ${identity.what}`).join(" and ");
  if (confirm === undefined)
    throw new UsageError(
      "Nobody is here to ask: compare the fingerprint, then repeat with --fingerprint SHA256 (or --yes).",
    );
  const agreed = await confirm(
    `Compare the fingerprint with the one on the device. Record ${what} for ${name}? [y/N] `,
    signal,
  );
  if (!agreed) throw new CommandError(`${name}: not confirmed. Nothing was recorded.`);
}
