import { pickWord } from "./cli-line.ts";
import type { Token } from "./cli-line.ts";
import type { Outcome } from "./cli-outcome.ts";
import { done, refuse } from "./cli-outcome.ts";
import type { Device } from "./device.ts";
import type { Root } from "./print-running-config.ts";

/** What a person's session has and a script has not. */
export interface CliSession {
  readonly user: string;
  /** Whether the user's level allows Privileged mode at all. */
  readonly mayEnable: boolean;
  level: "basic" | "privileged";
  /** Rows of a page as this session wants them; `automatic` leaves it to the terminal and the settings. */
  windowHeight: number | "automatic";
  /** What `show users` prints. */
  listSessions(): string[];
  /** Ends another session; undefined when there is none of that number. */
  findSession(id: number): (() => void) | undefined;
}

/** A mode without rows, below a root. */
export interface Group {
  readonly label: string;
  /** Printed on entering. */
  readonly output: readonly string[];
  run(tokens: readonly Token[]): Outcome;
}

const groupWords = { "7": ["cli-settings", "user"], "6.6": ["cli-terminal", "user"] } as const;

/** The words that open a group below `configure <root>`. */
export function groupsOf(device: Device, root: Root): readonly string[] {
  return root === "system" ? groupWords[device.settings.shell.dialect] : [];
}

/** Opens a group by its full word; undefined for what it does not take. */
export function openGroup(
  device: Device,
  session: CliSession,
  word: string,
  rest: readonly Token[],
): Group | undefined {
  if (word === "user") {
    const name = rest[0]?.text;
    if (name === undefined || rest.length > 1) return undefined;
    // What can be said of a user is taken and kept nowhere: users come from the options of the mock.
    const run = (): Outcome => done;
    return { label: `user-${name}`, output: [`Configure existing user ${name}`], run };
  }
  if (rest.length > 0) return undefined;
  return { label: word, output: [], run: (tokens) => runSetting(device, session, tokens) };
}

function runSetting(device: Device, session: CliSession, tokens: readonly Token[]): Outcome {
  const isOld = device.settings.shell.dialect === "6.6";
  if (!isOld && pickWord(tokens[0], ["activate"]) !== undefined) return tokens.length === 1 ? { output: ["Done"] } : no;
  if (isOld && pickWord(tokens[0], ["set"]) === undefined) return no;
  const [name, value, ...more] = isOld ? tokens.slice(1) : tokens;
  const word = pickWord(name, ["window-height", "default-window-height", "idle-timeout"]);
  if (word === undefined || more.length > 0) return no;
  if (value === undefined) return refuse("incompleteCommand");
  const rows = value.text === "automatic" ? "automatic" : /^\d{1,5}$/.test(value.text) ? Number(value.text) : undefined;
  if (rows === undefined || Number(rows) > 65_535) return refuse("badValue");
  if (word === "idle-timeout") {
    if (rows === "automatic") return refuse("badValue");
    device.settings.shell.idleTimeoutMs = rows * 60_000;
  } else if (word === "window-height") {
    session.windowHeight = rows;
  } else {
    device.settings.shell.pager = rows === "automatic" ? "pty" : rows < 2 ? "off" : rows;
  }
  return done;
}

const no = refuse("invalidCommand");
