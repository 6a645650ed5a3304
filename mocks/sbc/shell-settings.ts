import { z } from "zod";

const lines = z.array(z.string());

/** How the shell behaves where devices differ or nobody knows. */
export const shellSettingsSchema = z.strictObject({
  /** Where a log-in lands; users below Security Administrator always land at `>`. */
  landing: z.enum([">", "#"]).default(">"),
  /** Whether a Security Administrator may `enable`. */
  allowEnable: z.boolean().default(true),
  /** After a wrong enable password: `Access denied` and `>`, or `Password: ` again, three times in all. */
  wrongEnable: z.enum(["denied", "again"]).default("denied"),
  /** When the prompt carries its asterisk. */
  star: z.enum(["never", "unsaved", "reset-needed"]).default("never"),
  /** Strict: CR executes, a lone LF does nothing. Lenient: LF executes as well. */
  enter: z.enum(["strict", "lenient"]).default("strict"),
  lineEnd: z.enum(["CRLF", "CRCRLF"]).default("CRLF"),
  echo: z.enum(["on", "off", "double"]).default("on"),
  /** Rows of a page: those of the terminal, a fixed number, or no pager at all. `window-height` of a session wins. */
  pager: z.union([z.literal("pty"), z.literal("off"), z.int().min(2)]).default("pty"),
  /** Rows that a terminal has whose client says 0; 0 stands for no pager (a real device is suspected to hang). */
  rowsOfNone: z.int().min(0).default(0),
  /** Whether Enter (one line) and `q` (quit) work in the pager besides the blank (inferred). */
  pagerKeys: z.boolean().default(true),
  /** Whether the rows follow a window that changes (unknown). */
  windowChange: z.boolean().default(true),
  /** Text before the first prompt of an SSH session, on by default; its words are invented, and empty switches it off. */
  lastLogin: z.string().default("Last login: 01.01.2026 08:00:00, failed attempts since: 0"),
  /** Sessions at once, and what one more gets: its connection cut, its log-in refused, or a message. */
  sessionLimit: z.int().min(1).max(1000).default(5),
  overLimit: z.enum(["tcp", "auth", "message"]).default("tcp"),
  /** Whose sessions the limit covers: SSH alone, or bare TCP as well. */
  limitCovers: z.enum(["ssh", "all"]).default("ssh"),
  /** Whether a connection that serves SFTP alone counts as a session (unknown). */
  sftpCounts: z.boolean().default(true),
  /** The level that `show running-config` needs: some builds may want Privileged (unknown). */
  showNeeds: z.enum(["basic", "privileged"]).default("basic"),
  /** Whether a secret parameter without a value asks `Password: ` (unknown). */
  secretPrompt: z.enum(["off", "on"]).default("off"),
  /** Failed log-ins of one connection after which it is cut (inferred). */
  loginAttempts: z.int().min(1).default(3),
  /** Milliseconds without a key after which a session is closed (inferred), unless configured; 0 switches it off. */
  idleTimeoutMs: z.int().min(0).default(300_000),
  /** Commands after which one more Enter is needed to get the prompt. */
  extraEnterAfter: lines.default([]),
  /** Bytes that leave at once; 0: as they come. */
  splitPackets: z.int().min(0).default(0),
  /** Milliseconds between these pieces. */
  chunkMs: z.number().min(0).default(0),
  /** Log lines that get into the terminal, one at a time and over again. */
  logSpam: lines.default([]),
  logSpamAt: z.enum(["before-prompt", "after-prompt", "in-output"]).default("before-prompt"),
  /** An exec channel (unknown): refused, or its line run. */
  execChannel: z.enum(["refuse", "run"]).default("refuse"),
  /** A shell without a terminal (unknown). */
  withoutPty: z.enum(["run", "refuse"]).default("run"),
  sftp: z.enum(["on", "off"]).default("on"),
  /** Legacy: what old firmware is believed to offer. */
  algorithms: z.enum(["modern", "legacy"]).default("modern"),
  /** 6.6: parameters are written `set NAME VALUE`, and `cli-terminal` is what `cli-settings` is later. */
  dialect: z.enum(["7", "6.6"]).default("7"),
  /** A greeting of telnet and serial; SSH has none. */
  greeting: z.string().default("Welcome to AudioCodes CLI"),
});

export type ShellSettings = z.infer<typeof shellSettingsSchema>;
