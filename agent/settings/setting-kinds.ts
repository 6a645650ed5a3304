import { z } from "zod";

/** A secret is only ever named: by environment variable, by file (mode 0600), or by systemd credential. */
export const secretReference = z
  .union([
    z.strictObject({ env: z.string().min(1) }),
    z.strictObject({ file: z.string().min(1) }),
    z.strictObject({ credential: z.string().regex(/^[\w.-]+$/) }),
  ])
  .describe("one of { env: NAME }, { file: PATH } (mode 0600), { credential: NAME } (systemd)");

export type SecretReference = z.infer<typeof secretReference>;

export const name = z.string().regex(/^[A-Za-z0-9][\w.-]{0,62}$/, "letters, digits, '_', '.', '-'; at most 63");
export const milliseconds = z.int().min(0).max(86_400_000);
export const gateway = z.hostname().transform((fqdn) => fqdn.toLowerCase());
