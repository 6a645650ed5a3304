import { generateKeyPairSync, randomBytes, sign, X509Certificate } from "node:crypto";

/** What a certificate is to say. */
export interface CertificateOptions {
  readonly commonName?: string;
  readonly dnsNames?: readonly string[];
  /** IPv4 in dots or IPv6 in full or `::1`. */
  readonly ipAddresses?: readonly string[];
  readonly notBefore?: Date;
  readonly notAfter?: Date;
}

/** A certificate and its key, PEM, and the SHA-256 fingerprint as `AA:BB:...`. */
export interface Certificate {
  readonly certificatePem: string;
  readonly keyPem: string;
  readonly fingerprint256: string;
}

const day = 86_400_000;

/**
 * A new self-signed certificate on EC P-256. It may serve as its own authority: a client that takes it as its `ca`
 * verifies names and dates as usual.
 */
export function createCertificate(options: CertificateOptions = {}): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const name = distinguishedName(options.commonName ?? "localhost");
  const names = [
    ...(options.dnsNames ?? ["localhost"]).map((dns) => tagged(0x82, Buffer.from(dns, "latin1"))),
    ...(options.ipAddresses ?? ["127.0.0.1", "::1"]).map((address) => tagged(0x87, addressBytes(address))),
  ];
  const algorithm = sequence(objectId("1.2.840.10045.4.3.2"));
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([0x01]), randomBytes(15)])),
    algorithm,
    name,
    sequence(
      time(options.notBefore ?? new Date(Date.now() - day)),
      time(options.notAfter ?? new Date(Date.now() + 365 * day)),
    ),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tagged(
      0xa3,
      sequence(
        extension("2.5.29.19", true, sequence(tagged(0x01, Buffer.from([0xff])))),
        // digitalSignature and keyCertSign
        extension("2.5.29.15", true, tagged(0x03, Buffer.from([0x02, 0x84]))),
        ...(names.length > 0 ? [extension("2.5.29.17", false, sequence(...names))] : []),
      ),
    ),
  );
  const signature = sign("sha256", body, privateKey);
  const der = sequence(body, algorithm, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const certificatePem = toPem(der);
  return {
    certificatePem,
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    fingerprint256: new X509Certificate(der).fingerprint256,
  };
}

/** Takes an existing pair. Throws when the first is not a PEM certificate. */
export function readCertificate(certificatePem: string, keyPem: string): Certificate {
  return { certificatePem, keyPem, fingerprint256: new X509Certificate(certificatePem).fingerprint256 };
}

function toPem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function tagged(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, ...lengthBytes(content.length)]), content]);
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tagged(0x06, Buffer.from(bytes));
}

function distinguishedName(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(objectId("2.5.4.3"), tagged(0x0c, Buffer.from(commonName, "utf8")))));
}

function time(date: Date): Buffer {
  const text = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  const isFar = date.getUTCFullYear() >= 2050 || date.getUTCFullYear() < 1950;
  return isFar ? tagged(0x18, Buffer.from(text)) : tagged(0x17, Buffer.from(text.slice(2)));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  const flag = critical ? [tagged(0x01, Buffer.from([0xff]))] : [];
  return sequence(objectId(id), ...flag, tagged(0x04, value));
}

function addressBytes(address: string): Buffer {
  if (!address.includes(":")) return Buffer.from(address.split(".").map(Number));
  const [head = "", tail = ""] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => "0");
  const groups = [...left, ...zeros, ...right];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
}
