import { z } from "zod";
import { deviceDrift } from "./drift-policy.ts";
import { gateway, milliseconds, name, secretReference } from "./setting-kinds.ts";

const trust = z.union([
  z.literal("enrolled").describe("the certificate that `sbc-agent enroll` recorded"),
  z.literal("system").describe("the system's certificate authorities"),
  z.literal("plaintext").describe("plain HTTP: credentials travel in clear"),
  z.strictObject({ ca: z.string().min(1).describe("PEM file of the authority that signed the device's certificate") }),
  z.strictObject({
    fingerprint: z.string().regex(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/, "SHA-256, colon-separated upper-case hex"),
  }),
]);

const hostKey = z.union([
  z.literal("enrolled").describe("the host key that `sbc-agent enroll` recorded"),
  z.strictObject({
    sha256: z.string().regex(/^SHA256:[A-Za-z0-9+/]{43}$/, "SHA256: and 43 characters, as ssh-keygen -l prints it"),
  }),
]);

const pattern = z
  .string()
  .min(1)
  .max(200)
  .refine(isPattern, "not a regular expression")
  .refine((source) => !mayRunAway(source), "no repeated groups, no references back, and at most two of * + {n,}")
  .refine(
    (source) => !isPattern(source) || !matchesConfiguration(source),
    "matches lines of configurations and answers",
  );

const ssh = z.strictObject({
  address: z.url({ protocol: /^ssh$/, error: "ssh://HOST[:PORT]" }).optional(),
  hostKey: hostKey.default("enrolled"),
  privateKey: secretReference.optional(),
  passphrase: secretReference.optional(),
  enablePassword: secretReference.optional(),
  profile: z.enum(["modern", "legacy"]).default("modern"),
  groupExchange: z.boolean().default(false),
  dialect: z.string().min(1).optional(),
  pipelineDepth: z.int().min(1).max(64).default(24),
  blindRows: z.boolean().default(false),
  noiseLine: pattern.optional(),
  busyLine: pattern.optional(),
  secretPrompts: z.boolean().default(false),
  lineMs: milliseconds.min(100).default(15_000),
  idleMs: milliseconds.min(100).default(60_000),
});

export type SshSettings = z.infer<typeof ssh>;

function isPattern(source: string): boolean {
  try {
    new RegExp(source);
    return true;
  } catch {
    return false;
  }
}

/** Whether a line of a device could take it longer than a moment: what is left is at worst quadratic. */
function mayRunAway(source: string): boolean {
  if (/\\(?:[1-9]|k<)/.test(source)) return true;
  const bare = source.replace(/\\./g, "x").replace(/\[[^\]]*\]/g, "x");
  return /\)[*+{]/.test(bare) || (bare.match(/[*+]|\{\d+,\}/g) ?? []).length > 2;
}

/** What is dropped as noise must never be a line that means something. */
function matchesConfiguration(source: string): boolean {
  const lines = ["", "Done", "exit", "  exit", "    activate", "  configure voip", "   ip-group 1", '    name "Acme"'];
  return lines.some((line) => new RegExp(source).test(line));
}

/** One entry of `devices`. What comes out has `ssh` exactly where the driver uses a shell. */
export const device = z
  .strictObject({
    name,
    driver: z.enum(["rest", "ssh", "auto"]).default("rest"),
    address: z.url({ protocol: /^(https?|ssh)$/, error: "https://HOST[:PORT], or ssh://HOST[:PORT] for driver ssh" }),
    user: z.string().min(1).max(40),
    password: secretReference.optional(),
    trust: trust.default("enrolled"),
    ssh: ssh.optional(),
    model: z.string().optional().describe("tier for table limits, for example ve-4gb"),
    mode: z.enum(["manage", "observe"]).default("manage"),
    gateways: z.array(gateway).min(1),
    blueprint: name.default("oc-default"),
    defaults: z
      .record(z.string().regex(/^[A-Za-z][\w.]*$/), z.string())
      .default({})
      .describe("variables of the blueprint, as {{device.NAME}}"),
    foreignEdits: z.enum(["wait", "save", "refuse"]).default("wait"),
    withoutTags: z
      .boolean()
      .default(false)
      .describe("firmware without IP Group tags: ownership is record and link alone"),
    drift: deviceDrift,
  })
  .superRefine((settings, context) => {
    const fault = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: path.split("."), message });
    const { driver, address } = settings;
    const shell = address.startsWith("ssh:");
    if (shell !== (driver === "ssh"))
      fault(
        "address",
        driver === "ssh" ? "ssh://HOST[:PORT] for driver ssh" : `https://HOST[:PORT] for driver ${driver}`,
      );
    if (driver === "rest" && settings.ssh !== undefined) fault("ssh", "goes with driver ssh or auto");
    if (settings.password === undefined && !(driver === "ssh" && settings.ssh?.privateKey !== undefined))
      fault("password", "is missing; only driver ssh with ssh.privateKey does without");
    if (driver === "ssh" && settings.ssh?.address !== undefined)
      fault("ssh.address", "goes with driver auto; for driver ssh, 'address' says it");
    if (settings.ssh?.passphrase !== undefined && settings.ssh.privateKey === undefined)
      fault("ssh.passphrase", "goes with ssh.privateKey");
    if (settings.ssh?.blindRows === true && settings.ssh.profile === "legacy")
      fault("ssh.blindRows", "not with profile legacy, which waits for every line");
  })
  .transform(({ ssh: given, ...settings }) => ({
    ...settings,
    ssh: settings.driver === "rest" ? undefined : (given ?? ssh.parse({})),
  }));
