import { X509Certificate } from "node:crypto";
import type { DeviceIdentity } from "../../drivers/driver.ts";
import { formatHostKey, parseHostKey, pinFile, readPin, type PinKind, type PinnedHostKey } from "../devices/pins.ts";
import { CommandError, UsageError } from "./errors.ts";
import { printable } from "./output.ts";

/** A certificate or host key, as people compare it. */
export interface Likeness {
  /** As `--fingerprint` takes it. */
  fingerprint: string;
  /** For `--json`. */
  facts: Readonly<Record<string, string>>;
  /** Label and value, at most 80 columns wide. */
  rows: readonly (readonly string[])[];
}

/** One thing that a device shows of itself, beside what is enrolled of it. */
export interface ShownIdentity {
  kind: PinKind;
  /** What people call it. */
  what: "certificate" | "host key";
  /** Where it is recorded, and the text to record. */
  file: string;
  pin: string;
  shown: Likeness;
  enrolled: Likeness | undefined;
  /** Why the agent will refuse it although it is enrolled. */
  remark: string | undefined;
}

export const names: Readonly<Record<PinKind, ShownIdentity["what"]>> = {
  certificate: "certificate",
  "host-key": "host key",
};

/** Throws CommandError for a pin that cannot be read. */
export function compareWithPin(dataDir: string, device: string, identity: DeviceIdentity, now: number): ShownIdentity {
  const { kind } = identity;
  const file = pinFile(dataDir, device, kind);
  const text = readPin(file);
  const shared = { kind, what: names[kind], file };
  if (identity.kind === "host-key")
    return {
      ...shared,
      pin: formatHostKey(identity),
      shown: likenessOfKey(identity),
      enrolled: text === undefined ? undefined : likenessOfKey(readHostKey(text, file)),
      remark: undefined,
    };
  const certificate = new X509Certificate(identity.certificatePem);
  return {
    ...shared,
    pin: certificate.toString(),
    shown: likenessOfCertificate(certificate),
    enrolled: text === undefined ? undefined : likenessOfCertificate(readCertificate(text, file)),
    remark:
      Date.parse(certificate.validTo) < now
        ? "this certificate has expired, so the agent will refuse it: renew it on the device."
        : undefined,
  };
}

function readCertificate(pem: string, file: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (error) {
    throw new CommandError(`${file} does not hold a certificate; look at it, delete it, and enrol again`, {
      cause: error,
    });
  }
}

function readHostKey(text: string, file: string): PinnedHostKey {
  const key = parseHostKey(text);
  if (key === undefined)
    throw new CommandError(`${file} does not hold a host key; look at it, delete it, and enrol again`);
  return key;
}

function likenessOfCertificate(certificate: X509Certificate): Likeness {
  const oneLine = (name: string) => String(printable(name.replaceAll("\n", ", ")));
  const { validFrom, validTo, fingerprint256 } = certificate;
  const subject = oneLine(certificate.subject);
  const issuer = oneLine(certificate.issuer);
  const half = fingerprint256.length / 2 + 0.5;
  return {
    fingerprint: fingerprint256,
    facts: { subject, issuer, validFrom, validTo, fingerprint256 },
    rows: [
      ["  Subject", subject],
      ["  Issuer", issuer],
      ["  Valid", `${validFrom} - ${validTo}`],
      ["  SHA-256", fingerprint256.slice(0, half)],
      ["", fingerprint256.slice(half)],
    ],
  };
}

function likenessOfKey({ algorithm, sha256 }: PinnedHostKey): Likeness {
  const shown = String(printable(algorithm));
  return {
    fingerprint: sha256,
    facts: { algorithm: shown, sha256 },
    rows: [
      ["  Host key", shown],
      ["  SHA-256", sha256],
    ],
  };
}

/** Which kind a `--fingerprint` speaks of, in the spelling of `Likeness.fingerprint`. Throws UsageError for neither. */
export function readFingerprint(text: string): { kind: PinKind; fingerprint: string } {
  const base64 = /^SHA256:([A-Za-z0-9+/]{43})=?$/.exec(text)?.[1];
  if (base64 !== undefined) return { kind: "host-key", fingerprint: `SHA256:${base64}` };
  const hex = text
    .replace(/^sha256[ =:]/i, "")
    .replaceAll(":", "")
    .toUpperCase();
  if (/^[0-9A-F]{64}$/.test(hex)) return { kind: "certificate", fingerprint: hex.replace(/..(?!$)/g, "$&:") };
  throw new UsageError(
    `--fingerprint '${text}': SHA-256, for a certificate 64 hex digits, with or without colons; for a host key SHA256: and 43 characters`,
  );
}
