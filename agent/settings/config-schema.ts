import { validate } from "node-cron";
import { z } from "zod";
import { device } from "./device-schema.ts";
import { generalDrift } from "./drift-policy.ts";
import { linkPlaceholders, placeholdersOf, sitePlaceholders, tenantLinkPlaceholders } from "../ovoc/templates.ts";
import { gateway, keptSecretReference, milliseconds, name, secretReference } from "./setting-kinds.ts";

export type { SshSettings } from "./device-schema.ts";
export type { SecretReference } from "./setting-kinds.ts";

const cron = z.string().refine(validate, "a cron expression of five or six fields, in UTC");

export const duration = z
  .string()
  .regex(/^\d{1,9}(ms|s|m|h|d)$/, "a number and a unit: ms, s, m, h, d")
  .transform((text) => {
    const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
    const [, amount, word] = /^(\d+)(\w+)$/.exec(text) ?? [];
    return Number(amount) * unit[word as keyof typeof unit];
  });

/** The API's scopes; `admin` includes all others but `agent`, which goes with named devices and gateways only. */
export const scopes = ["client", "agent", "read", "operate", "admin"] as const;
export type Scope = (typeof scopes)[number];

const token = z.strictObject({
  name,
  scopes: z
    .array(z.enum(scopes).exclude(["agent"], "client, read, operate or admin; agents stand under 'agents'"))
    .min(1),
  token: secretReference,
});

const agent = z.strictObject({
  name,
  token: secretReference,
  devices: z.array(name).min(1),
  gateways: z.array(gateway).min(1),
});

const source = z.strictObject({
  url: z.url({ protocol: /^https$/, error: "https://HOST[:PORT][/PATH]" }).optional(),
  token: secretReference.default({ env: "SBC_AGENT_SOURCE_TOKEN" }),
  ca: z.string().min(1).optional(),
});

const carrier = z.strictObject({
  name: z.string().min(1).max(40),
  shared: z.boolean().default(true).describe("serves many customers: classification is not done by this Proxy Set"),
  addresses: z
    .array(
      z.strictObject({
        address: z.string().min(1),
        transport: z.enum(["udp", "tcp", "tls"]).optional(),
        priority: z.int().min(0).max(65_535).default(0),
        weight: z.int().min(0).max(65_535).default(0),
      }),
    )
    .min(1)
    .max(50),
  fields: z
    .record(
      z.string().refine((field) => field !== "proxy-name", "the carrier's name is the Proxy Set's name"),
      z.string(),
    )
    .default({})
    .describe("further Proxy Set fields by CLI name"),
  allowSharedAddress: z.boolean().default(false),
});

const run = z.strictObject({
  pollMs: milliseconds.min(50).default(5_000),
  lingerMs: milliseconds.default(100),
  lingerMaxMs: milliseconds.default(1_000),
  maxBatch: z.int().min(1).max(1_000).default(200),
  maxChangesPerRun: z.int().min(0).default(20),
  carrierPolicy: z.enum(["report", "enforce"]).default("report"),
  leaseMs: milliseconds.min(10_000).default(120_000),
  connectMs: milliseconds.min(100).default(5_000),
  requestMs: milliseconds.min(100).default(30_000),
  writeDeadlineMs: milliseconds.default(60_000),
  saveMs: milliseconds.default(60_000),
  settleMs: milliseconds.default(5_000),
  retryMinMs: milliseconds.min(10).default(1_000),
  retryMaxMs: milliseconds.min(50).default(60_000),
  foreignEditsWaitMs: milliseconds.default(900_000),
  conversionDeadline: duration.default(14_400_000),
  loginLimit: z.int().min(1).max(5).default(2),
  backups: z.int().min(1).max(100).default(5),
});

const body = z.record(z.string(), z.unknown());
const ovocPath = z.string().regex(/^\/[^?#\s]*$/, "a path that begins with '/', without query");

const ovoc = z
  .strictObject({
    url: z.url({ protocol: /^https?$/, error: "https://HOST[:PORT][/PATH]" }).refine((text) => {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      return url !== undefined && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
    }, "no account, query or fragment in it"),
    plaintext: z.boolean().default(false).describe("plain HTTP to another machine: credentials travel in clear"),
    user: z.string().min(1).optional(),
    password: secretReference.optional(),
    token: secretReference.optional().describe("a bearer token, in place of user and password"),
    ca: z.string().optional(),
    sitesPath: ovocPath.default("/ovoc/v1/topology/sites"),
    siteBody: body.default({ name: "{{siteName}}" }),
    links: z.boolean().default(false),
    linksPath: ovocPath.default("/ovoc/v1/topology/links"),
    linkBody: body.default({ name: "{{ipGroup}}", deviceId: "{{deviceId}}", siteId: "{{siteId}}" }),
    tenantLinkBody: body.default({ name: "{{tenantId}}", siteId: "{{siteId}}" }),
    devicesPath: ovocPath.default("/ovoc/v1/topology/devices"),
    devices: z
      .record(name, z.union([z.int().min(0), z.string().min(1)]))
      .default({})
      .describe("device → its id (a number) or its name in OVOC"),
    requestMs: milliseconds.min(100).default(10_000),
  })
  .superRefine((settings, context) => {
    const fault = (path: string[], message: string) => context.addIssue({ code: "custom", path, message });
    const only = (setting: string, template: unknown, known: readonly string[]) => {
      for (const one of placeholdersOf(template).filter((found) => !known.includes(found)))
        fault([setting], `{{${one}}} is none of ${known.map((each) => `{{${each}}}`).join(", ")}`);
    };
    // What is looked up is the name, so a name that two customers share would make one's site the other's.
    const named = (setting: string, { name: given }: Record<string, unknown>, keys: readonly string[]) => {
      if (typeof given !== "string" || !keys.some((key) => placeholdersOf(given).includes(key)))
        fault([setting, "name"], `must hold ${keys.map((key) => `{{${key}}}`).join(" or ")}`);
    };
    only("sitesPath", settings.sitesPath, sitePlaceholders);
    only("siteBody", settings.siteBody, sitePlaceholders);
    only("linksPath", settings.linksPath, tenantLinkPlaceholders);
    only("linkBody", settings.linkBody, linkPlaceholders);
    only("tenantLinkBody", settings.tenantLinkBody, tenantLinkPlaceholders);
    only("devicesPath", settings.devicesPath, []);
    named("siteBody", settings.siteBody, ["siteName", "tenantId"]);
    named("linkBody", settings.linkBody, ["ipGroup"]);
    named("tenantLinkBody", settings.tenantLinkBody, ["tenantId"]);
  })
  // `password` holds the secret that is used, whichever it is.
  .transform(({ token, password, ...settings }, context) => {
    const secret = token ?? password;
    if (secret === undefined || (token === undefined && settings.user === undefined)) {
      context.addIssue({ code: "custom", path: ["user"], message: "give user and password, or token" });
      return z.NEVER;
    }
    return { ...settings, password: secret, bearer: token !== undefined };
  });

/** Patterns of the variables that are kept sealed. */
export const defaultSecretVariables = ["CarrierUserPassword", "*Password*", "*Secret*"];

const schema = z.strictObject({
  dataDir: z.string().default("./data"),
  sealKey: keptSecretReference,
  portal: z
    .strictObject({
      host: z.string().default("127.0.0.1"),
      port: z.int().min(0).max(65_535).default(8_080),
      tls: z.strictObject({ cert: z.string(), key: z.string() }).optional(),
      behindProxy: z.boolean().default(false),
      inProgressStatus: z.string().min(1).default("InProgress"),
      gatewayWait: duration.default(900_000),
      tokens: z.array(token).default([]),
      requestsPerMinute: z.int().min(1).default(6_000),
    })
    .prefault({}),
  agents: z.array(agent).default([]),
  source: source.prefault({}),
  devices: z.array(device).default([]),
  carriers: z.array(carrier).default([]),
  blueprints: z.string().optional().describe("folder of further blueprints; the shipped ones are always there"),
  secretVariables: z.array(z.string()).default(defaultSecretVariables),
  keepSecrets: z.boolean().default(true),
  run: run.prefault({}),
  drift: z
    .strictObject({
      ...generalDrift,
      probe: duration.refine((ms) => ms >= 1_000 && ms <= 86_400_000, "from 1s to 24h").default(300_000),
      maxAge: duration.refine((ms) => ms >= 60_000, "at least 1m").default(93_600_000),
    })
    .prefault({}),
  ovoc: ovoc.optional(),
  schedule: z
    .strictObject({
      drift: cron.default("0 3 * * *"),
      housekeeping: cron.default("30 3 * * *"),
      retentionDays: z.int().min(1).default(90),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(["error", "warn", "info", "debug"]).default("info"),
      format: z.enum(["auto", "json", "text"]).default("auto"),
    })
    .prefault({}),
});

/** What a configuration file may hold; `config/agent.example.yaml` shows all of it. */
export { schema as configSchema };

export type AgentConfig = z.infer<typeof schema>;
export type DeviceSettings = AgentConfig["devices"][number];
export type CarrierSettings = AgentConfig["carriers"][number];
export type RunSettings = AgentConfig["run"];
export type OvocSettings = NonNullable<AgentConfig["ovoc"]>;
