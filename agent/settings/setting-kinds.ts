import { z } from "zod";

/** A secret is only ever named: by environment variable, by file (mode 0600), or by systemd credential. */
const environment = z.strictObject({ env: z.string().min(1) });
const file = z.strictObject({ file: z.string().min(1) });
const credential = z.strictObject({ credential: z.string().regex(/^[\w.-]+$/) });

/** The value is not repeated: it may be the secret itself. */
const noReference =
  (forms: string) =>
  ({ input }: { input?: unknown }): string =>
    `${input === undefined ? "is missing" : "is no reference to a secret"}: ${forms}`;

const forms = "one of { env: NAME }, { file: PATH } (mode 0600), { credential: NAME } (systemd)";
export const secretReference = z.union([environment, file, credential], { error: noReference(forms) }).describe(forms);

/** Of a secret that the agent makes itself where there is none. */
export const keptSecretReference = z.union([file, credential], {
  error: noReference("one of { file: PATH } (made at the first start), { credential: NAME } (systemd)"),
});

export type SecretReference = z.infer<typeof secretReference>;

export const name = z.string().regex(/^[A-Za-z0-9][\w.-]{0,62}$/, "letters, digits, '_', '.', '-'; at most 63");
export const milliseconds = z.int().min(0).max(86_400_000);
export const gateway = z.hostname().transform((fqdn) => fqdn.toLowerCase());
