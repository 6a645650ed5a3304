import { createHash } from "node:crypto";
import ssh2 from "ssh2";
import type { ParsedKey } from "ssh2";

const { utils } = ssh2;

/** A key that the SSH server shows. */
export interface HostKey {
  /** The private key in OpenSSH or PEM form. */
  readonly pem: string;
  /** As in `ssh-rsa` or `ecdsa-sha2-nistp256`. */
  readonly type: string;
  /** `SHA256:` and base64 without padding, as OpenSSH prints it. */
  readonly sha256: string;
}

/** A new key; RSA of 2048 bits for a device that is to speak the algorithms of old firmware. */
export function createHostKey(kind: "ecdsa" | "rsa"): HostKey {
  const pair =
    kind === "rsa"
      ? utils.generateKeyPairSync("rsa", { bits: 2048 })
      : utils.generateKeyPairSync("ecdsa", { bits: 256 });
  return readHostKey(pair.private);
}

/** Takes an existing private key. Throws for text that is none. */
export function readHostKey(pem: string): HostKey {
  const key = readKey(pem);
  if (!key.isPrivateKey()) throw new Error("the host key is not a private key");
  const hash = createHash("sha256").update(key.getPublicSSH()).digest("base64");
  return { pem, type: key.type, sha256: `SHA256:${hash.replace(/=+$/, "")}` };
}

/** A public or private key. Throws for text that is none. */
export function readKey(text: string): ParsedKey {
  const key = utils.parseKey(text);
  if (key instanceof Error) throw new Error(`not a key: ${key.message}`);
  return key;
}
