import type { Known } from "./driver.ts";

/** How the shell of one firmware line is spoken to. Data only: a new line is a new entry. */
export interface ShellDialect {
  name: string;
  /** The firmware versions that choose it. */
  versions: RegExp;
  /** What stands before the name of a parameter when it is set: nothing, or `set `. */
  setPrefix: string;
  /** An answer line that is no refusal of a parameter. */
  accepted: RegExp;
  /** The answer line of `activate` that took. */
  activated: RegExp;
  /** What `write` says when it is done. */
  saved: RegExp;
  /** Answer lines of entering a row that are no refusal. */
  entered: RegExp;
  /** Whether lines may be typed before earlier ones are answered. */
  typeAhead: boolean;
}

const common = {
  accepted: /^\s*Note:/i,
  activated: /^\s*Done\s*$/i,
  saved: /\.\.\.\s?done/i,
  entered: /^\s*(?:Note:|Configure (?:existing|new) )/i,
};

/** 7.0, 7.2 and 7.4: parameters are set by their bare names. */
export const shell7: ShellDialect = {
  ...common,
  name: "shell-7",
  versions: /^7\./,
  setPrefix: "",
  typeAhead: true,
};

/** 6.6: `set NAME VALUE` (device CLI guide, semantics). */
export const shell6: ShellDialect = {
  ...common,
  name: "shell-6",
  versions: /^6\./,
  setPrefix: "set ",
  typeAhead: false,
};

const shellDialects: readonly ShellDialect[] = [shell7, shell6];

/** What `SshOptions.dialect` takes. */
export const shellDialectNames: readonly string[] = shellDialects.map(({ name }) => name);

/** The dialect of that name, else that of the version; a device that hides its version is spoken to as a 7. */
export function shellDialectOf(firmware: Known<string>, name?: string): ShellDialect | undefined {
  if (name !== undefined) return shellDialects.find((dialect) => dialect.name === name);
  if (firmware === "unknown") return shell7;
  return shellDialects.find(({ versions }) => versions.test(firmware)) ?? shell7;
}
