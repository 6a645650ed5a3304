import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from "node:crypto";
import { closeSync, fstatSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { reach } from "../fail-points.ts";

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
const version = "s1.";

/** Keeps secrets unreadable at rest. */
export interface Sealer {
  /** Encrypts and authenticates; sealing the same text twice gives two different results. */
  seal(text: string): string;
  /** Throws an Error when the text was sealed with another key, or changed since. Its message holds no secret. */
  open(sealed: string): string;
  /** Keyed and repeatable: tells whether two secrets are equal without telling what they are. */
  hash(text: string): string;
  /** HMAC in hex, with a key that serves nothing else: whoever has no seal key cannot make it. */
  sign(text: string): string;
}

/** AES-256-GCM and twice HMAC-SHA-256, each with a key of its own derived from `key`, which must have 32 bytes. */
export function openSealer(key: Buffer): Sealer {
  if (key.length !== keyBytes) throw new Error(`a seal key has ${keyBytes} bytes, not ${key.length}`);
  const sealingKey = derive(key, "sbc-agent seal");
  const hashingKey = derive(key, "sbc-agent hash");
  const signingKey = derive(key, "sbc-agent sign");

  return {
    seal(text) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv("aes-256-gcm", sealingKey, nonce, { authTagLength: tagBytes });
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return version + Buffer.concat([nonce, cipher.getAuthTag(), body]).toString("base64url");
    },

    open(sealed) {
      const bytes = Buffer.from(sealed.slice(version.length), "base64url");
      if (!sealed.startsWith(version) || bytes.length < nonceBytes + tagBytes)
        throw new Error("a sealed text is damaged or was not sealed here");
      const decipher = createDecipheriv("aes-256-gcm", sealingKey, bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      const text = decipher.update(bytes.subarray(nonceBytes + tagBytes));
      try {
        return Buffer.concat([text, decipher.final()]).toString("utf8");
      } catch (error) {
        throw new Error("a sealed text was sealed with another key, or changed since", { cause: error });
      }
    },

    hash: (text) => createHmac("sha256", hashingKey).update(text, "utf8").digest("base64url"),
    sign: (text) => createHmac("sha256", signingKey).update(text, "utf8").digest("hex"),
  };
}

/**
 * Reads a seal key that `createSealKey` wrote. Throws an Error that names the file, never its content: missing, not a
 * regular file, readable by others than its owner, or not a key.
 */
export function readSealKey(file: string): Buffer {
  const descriptor = openKeyFile(file);
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw new Error(`seal key ${file} is not a regular file`);
    const mode = status.mode & 0o777;
    if ((mode & 0o077) !== 0)
      throw new Error(`seal key ${file} has mode ${mode.toString(8)}: others can use it; chmod 600 it`);
    return parseSealKey(readFileSync(descriptor, "utf8"), file);
  } finally {
    closeSync(descriptor);
  }
}

/** A seal key from its text, for keys that do not come from a file. `origin` names it in the Error for what is no key. */
export function parseSealKey(text: string, origin: string): Buffer {
  const key = Buffer.from(text.trim(), "base64");
  if (key.length !== keyBytes || key.toString("base64") !== text.trim())
    throw new Error(`seal key ${origin} does not hold ${keyBytes} bytes in base64`);
  return key;
}

/**
 * Draws a key and writes it durably to a new file of mode 0600, which is complete or absent. Throws when the file exists:
 * what was sealed with its key could not be opened any more.
 */
export function createSealKey(file: string): Buffer {
  const key = randomBytes(keyBytes);
  const draft = `${file}.new`;
  try {
    rmSync(draft, { force: true });
    writeFileSync(draft, `${key.toString("base64")}\n`, { flag: "wx", mode: 0o600, flush: true });
    reach("seal-key-drafted");
    // A link and not a new name: it fails where the file exists.
    linkSync(draft, file);
  } catch (error) {
    throw unusable("create", file, error);
  } finally {
    rmSync(draft, { force: true });
  }
  const folder = openSync(dirname(file), "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
  return key;
}

function openKeyFile(file: string): number {
  try {
    return openSync(file, "r");
  } catch (error) {
    throw unusable("read", file, error);
  }
}

function unusable(verb: "read" | "create", file: string, error: unknown): Error {
  return new Error(`cannot ${verb} seal key ${file}: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}

function derive(key: Buffer, purpose: string): Buffer {
  return Buffer.from(hkdfSync("sha256", key, Buffer.alloc(0), purpose, keyBytes));
}
