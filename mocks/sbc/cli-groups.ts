import { pickWord } from "./cli-line.ts";
import type { Token } from "./cli-line.ts";
import type { CliLogin } from "./cli-login.ts";
import type { Outcome } from "./cli-outcome.ts";
import { done, refuse } from "./cli-outcome.ts";
import type { CliSettings } from "./configuration.ts";
import type { Device } from "./device.ts";
import type { Root } from "./print-running-config.ts";

/** A mode without rows, below a root. */
export interface Group {
  readonly label: string;
  /** Printed on entering. */
  readonly output: readonly string[];
  run(tokens: readonly Token[]): Outcome;
}

const settingsWords = { "7": "cli-settings", "6.6": "cli-terminal" } as const;

/** The words that open a group below `configure <root>`; a script knows no users. */
export function groupsOf(device: Device, root: Root, login: CliLogin | undefined): readonly string[] {
  if (root !== "system") return [];
  const settings = settingsWords[device.settings.shell.dialect];
  return login === undefined ? [settings] : [settings, "user"];
}

/** Opens a group by its full word, or says why not. */
export function openGroup(
  device: Device,
  login: CliLogin | undefined,
  word: string,
  rest: readonly Token[],
): Group | Outcome {
  if (word === "user") return openUser(login, rest);
  if (rest.length > 0) return no;
  return { label: word, output: [], run: (tokens) => runSetting(device, login, tokens) };
}

/** Whether `openGroup` opened one. */
export function isGroup(opened: Group | Outcome): opened is Group {
  return "label" in opened;
}

function openUser(login: CliLogin | undefined, [name, ...more]: readonly Token[]): Group | Outcome {
  if (name === undefined) return refuse("incompleteCommand");
  if (more.length > 0) return no;
  if (login?.isUser(name.text) !== true) return refuse("rowMissing");
  return { label: `user-${name.text}`, output: [`Configure existing user ${name.text}`], run: runUser };
}

const userWords: Readonly<Record<string, RegExp>> = {
  password: /^.{1,128}$/,
  "privilege-level": /^(?:user|admin|sec-admin|master)$/,
  "public-key": /^.{0,512}$/,
  "cli-session-limit": /^(?:-1|\d{1,2}|100)$/,
  "block-duration": /^\d{1,5}$/,
};

/** A parameter of a user is checked and kept nowhere: users come from the options of the mock. No `activate` here. */
function runUser([first, value, ...more]: readonly Token[]): Outcome {
  const word = pickWord(first, Object.keys(userWords));
  if (word === undefined) return no;
  if (value === undefined) return refuse("incompleteCommand");
  const isObscured = word === "password" && more.length === 1 && more[0]?.text === "obscured";
  if (more.length > 0 && !isObscured) return no;
  return userWords[word]?.test(value.text) === true ? done : refuse("badValue");
}

function runSetting(device: Device, login: CliLogin | undefined, tokens: readonly Token[]): Outcome {
  const isOld = device.settings.shell.dialect === "6.6";
  if (!isOld && pickWord(tokens[0], ["activate"]) !== undefined) return tokens.length === 1 ? { output: ["Done"] } : no;
  if (isOld && pickWord(tokens[0], ["set"]) === undefined) return no;
  const [name, value, ...more] = isOld ? tokens.slice(1) : tokens;
  const word = pickWord(name, ["window-height", "default-window-height", "idle-timeout"]);
  if (word === undefined || more.length > 0) return no;
  if (value === undefined) return refuse("incompleteCommand");
  const given =
    value.text === "automatic" ? "automatic" : /^\d{1,5}$/.test(value.text) ? Number(value.text) : undefined;
  if (given === undefined || Number(given) > 65_535) return refuse("badValue");
  if (word === "window-height") {
    if (login !== undefined) login.windowHeight = given;
    return done;
  }
  if (word === "default-window-height") {
    keep(device, word, given === "automatic" ? undefined : given);
    return done;
  }
  if (given === "automatic") return refuse("badValue");
  keep(device, word, given * 60_000 === device.settings.shell.idleTimeoutMs ? undefined : given);
  return done;
}

/** Writes a parameter into the running configuration; undefined is its default. */
function keep(device: Device, word: keyof CliSettings, value: number | undefined): void {
  const { [word]: before, ...others } = device.running.cliSettings;
  if (before === value) return;
  device.running.cliSettings = value === undefined ? others : { ...others, [word]: value };
  device.changed();
}

const no = refuse("invalidCommand");
