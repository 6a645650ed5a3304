import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { SecretReference } from "./config.ts";

export type ReadSecret = (reference: SecretReference) => string;

/**
 * Resolves secret references. Throws an Error that names the reference, never the value: an unset variable, a file
 * that others can read, an empty secret.
 */
export function openSecrets(env: Readonly<Record<string, string | undefined>>): ReadSecret {
  return (reference) => {
    if ("env" in reference) return notEmpty(env[reference.env], `environment variable ${reference.env}`);
    if ("file" in reference) return notEmpty(readPrivateFile(reference.file), `file ${reference.file}`);
    const folder = env["CREDENTIALS_DIRECTORY"];
    if (folder === undefined)
      throw new Error(
        `credential ${reference.credential}: there is no CREDENTIALS_DIRECTORY; start under systemd with LoadCredential=`,
      );
    return notEmpty(
      readFileSync(join(folder, reference.credential), "utf8").trimEnd(),
      `credential ${reference.credential}`,
    );
  };
}

function notEmpty(value: string | undefined, what: string): string {
  if (value === undefined || value === "") throw new Error(`${what} is not set or empty`);
  return value;
}

function readPrivateFile(file: string): string {
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) !== 0)
    throw new Error(`file ${file} has mode ${mode.toString(8)}: others can read the secret; chmod 600 it`);
  return readFileSync(file, "utf8").trimEnd();
}
