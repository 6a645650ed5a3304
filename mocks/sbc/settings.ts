import { z } from "zod";
import { shellSettingsSchema } from "./shell-settings.ts";
import type { ShellSettings } from "./shell-settings.ts";

/** What the device prints on a refusal. Nobody knows the real wording except where noted; all are free to change. */
const textsSchema = z.strictObject({
  /** Inferred: what public clients look for. */
  invalidCommand: z.string().default("Invalid command"),
  /** Inferred: what public clients look for. */
  incompleteCommand: z.string().default("Incomplete command"),
  badValue: z.string().default("Invalid value"),
  outOfRange: z.string().default("Value is out of range"),
  tooLong: z.string().default("Value is too long"),
  duplicateName: z.string().default("Name is already in use"),
  unknownReference: z.string().default("Referenced row does not exist"),
  referenced: z.string().default("Row is referenced by another row"),
  tableFull: z.string().default("Index is out of the table"),
  rowMissing: z.string().default("Row does not exist"),
  invalidLine: z.string().default("Row was not activated: Invalid Line"),
  invalidReferenceLine: z.string().default("Row was not activated: Invalid Reference Line"),
  sessionClosed: z.string().default("Session is closed"),
  saveFailed: z.string().default("Writing configuration...failed"),
  /** Seen. */
  accessDenied: z.string().default("Access denied"),
  /** To `enable` of a user who may not. */
  enableRefused: z.string().default("Access denied"),
  /** To a configuration line while the redundant unit synchronises. */
  synchronizing: z.string().default("Device is currently performing HA synchronization"),
  tooManySessions: z.string().default("Too many sessions"),
  idleLogout: z.string().default("Session closed: idle timeout"),
  /** What `reload` prints before the device goes. */
  reloading: z.string().default(""),
});

const settingsSchema = z.strictObject({
  /** What a script does at a line that is refused: stop, go on, or (checked beforehand) apply nothing at all. */
  onRefusedLine: z.enum(["stop", "continue", "reject-all"]).default("stop"),
  /** How REST tells: 200 with another `status`, 400 with `description`, or 200 "success" with the text in `output`. */
  refusalAnswer: z.enum(["status", "400", "output-only"]).default("status"),
  /** The word in `status` of a failed script; unknown on real devices. */
  failedStatus: z.string().default("failed"),
  /** A parameter that names a row which does not exist: refused at once, or kept and the row becomes inactive. */
  references: z.enum(["refuse", "inactive"]).default("refuse"),
  /** A name that another row has: refused at once, or kept and the row becomes inactive. */
  duplicateName: z.enum(["refuse", "inactive"]).default("refuse"),
  /** Deleting a row that others name: refused, or done and the names in the others emptied. */
  deleteReferenced: z.enum(["refuse", "clear"]).default("refuse"),
  /** A row that is still open when its script or session ends. */
  unfinishedRow: z.enum(["inactive", "drop", "activate"]).default("inactive"),
  /** A second IP Group of one Proxy Set with `proxy-keepalive-use-ipg`: documented as not allowed. */
  keepAliveUseIpg: z.enum(["refuse", "accept"]).default("refuse"),
  /** Whether rows that name a renamed row follow the new name (inferred). */
  renameFollows: z.boolean().default(true),
  /** A column that an incremental INI leaves out: its default, or what the row had. */
  incrementalRow: z.enum(["defaults", "merge"]).default("defaults"),
  /** Rows that an incremental INI leaves out: kept, or gone. */
  incrementalBlock: z.enum(["merge", "replace"]).default("merge"),
  /** Whether the output of a script repeats the `Note:` lines of an interactive session. */
  scriptNotes: z.boolean().default(false),
  /** Failed log-ins after which an address is blocked; 0 switches it off. */
  denyAccessOnFailCount: z.int().min(0).max(10).default(3),
  /** Seconds for which it is blocked. */
  denyAuthenticationTimer: z.number().min(0).default(60),
  /** Status code while blocked; unknown on real devices. */
  blockedStatus: z.int().min(400).max(599).default(401),
  /** Status code for a user whose level is too low; the vendor's page allows either. */
  levelTooLowStatus: z.union([z.literal(403), z.literal(405)]).default(403),
  /** Unit of `systemUpTime`; public clients disagree. */
  uptimeUnit: z.enum(["centiseconds", "seconds"]).default("centiseconds"),
  /** Key of the list in `GET files/tls`; public clients disagree. */
  tlsListKey: z.enum(["tls", "files"]).default("tls"),
  /** Title and header of `show voip proxy sets status` (inferred). */
  proxyStatusHeader: z
    .array(z.string())
    .default([
      "Active Proxy Sets Status",
      "ID  NAME  MODE  KEEP ALIVE  ADDRESS  PRIORITY  WEIGHT  SUCCESS COUNT  FAILED COUNT  STATUS",
    ]),
  /** CLI parameters whose change takes effect only after a reset. */
  resetNeededBy: z.array(z.string()).default([]),
  /** UDP ports from one media leg to the next; differs between set-ups. */
  udpPortSpacing: z.int().min(1).default(4),
  /** Rows that fit into a table, over the limits of the model: `{"ProxySet": 4}`. */
  limits: z.record(z.string(), z.int().min(1)).default({}),
  texts: textsSchema.prefault({}),
  shell: shellSettingsSchema.prefault({}),
});

/** How the mock answers where the reference leaves it open. Every field has a default. */
export type Settings = z.infer<typeof settingsSchema>;

export type TextName = keyof Settings["texts"];

/** Some settings, as a test or `PUT /settings` gives them. */
export type SettingsPatch = Partial<Omit<Settings, "texts" | "shell">> & {
  texts?: Partial<Settings["texts"]>;
  shell?: Partial<ShellSettings>;
};

/** All defaults with the given ones over them. Throws an Error that names every unknown key and bad value. */
export function createSettings(patch: unknown = {}): Settings {
  return parse(patch);
}

/** Writes the given settings over existing ones, in place. Throws like `createSettings`, and then changes nothing. */
export function changeSettings(settings: Settings, patch: unknown): void {
  const given = z.record(z.string(), z.unknown()).parse(patch);
  const group = z.record(z.string(), z.unknown());
  const texts = { ...settings.texts, ...group.parse(given["texts"] ?? {}) };
  const shell = { ...settings.shell, ...group.parse(given["shell"] ?? {}) };
  Object.assign(settings, parse({ ...settings, ...given, texts, shell }));
}

function parse(patch: unknown): Settings {
  const result = settingsSchema.safeParse(patch);
  if (!result.success) throw new Error(z.prettifyError(result.error));
  return result.data;
}
