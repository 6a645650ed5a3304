import type { DeviceSettings, SecretReference } from "../settings/config.ts";
import type { ReadSecret } from "../settings/secrets.ts";

/** All that a device is shown to be let in. */
export interface Credentials {
  user: string;
  /** Empty where a key alone is used. */
  password: string;
  privateKey?: { pem: string; passphrase?: string };
  enablePassword?: string;
}

/** The secrets of a device that its settings name, with their paths below it. */
export function secretsOf({ password, ssh }: DeviceSettings): [path: string, reference: SecretReference][] {
  const named = [
    ["password", password],
    ["ssh.privateKey", ssh?.privateKey],
    ["ssh.passphrase", ssh?.passphrase],
    ["ssh.enablePassword", ssh?.enablePassword],
  ] as const;
  return named.flatMap(([path, reference]) => (reference === undefined ? [] : [[path, reference]]));
}

/** Throws an Error that names the reference of a secret that is missing. */
export function readCredentials(device: DeviceSettings, readSecret: ReadSecret): Credentials {
  const secrets = new Map(secretsOf(device).map(([path, reference]) => [path, readSecret(reference)]));
  const pem = secrets.get("ssh.privateKey");
  const passphrase = secrets.get("ssh.passphrase");
  const enablePassword = secrets.get("ssh.enablePassword");
  return {
    user: device.user,
    password: secrets.get("password") ?? "",
    ...(pem === undefined ? {} : { privateKey: { pem, ...(passphrase === undefined ? {} : { passphrase }) } }),
    ...(enablePassword === undefined ? {} : { enablePassword }),
  };
}

/**
 * One text for one set of credentials: what failed log-ins are counted by. A device counts those of all its doors
 * together, so it does not say which driver used them.
 */
export function credentialText({ user, password, privateKey, enablePassword }: Credentials): string {
  return [user, password, privateKey?.pem, enablePassword].filter((part) => part !== undefined).join("\n");
}
