import { pickWord } from "./cli-line.ts";
import type { Token } from "./cli-line.ts";
import type { Outcome } from "./cli-outcome.ts";
import { done, refuse } from "./cli-outcome.ts";
import type { CliSession } from "./cli-session.ts";
import type { Device } from "./device.ts";
import { show } from "./show.ts";

const scriptWords = ["configure", "exit", "show", "write"] as const;
const basicWords = ["enable", "exit", "quit", "show"] as const;
const privilegedWords = [...basicWords, "clear", "configure", "disable", "reload", "write"] as const;

type TopWord = (typeof privilegedWords)[number];

const no = refuse("invalidCommand");

/** What can be said at the top: by a script, in Basic mode, in Privileged mode. */
export function wordsAtTop(session: CliSession | undefined): readonly TopWord[] {
  if (session === undefined) return scriptWords;
  return session.level === "basic" ? basicWords : privilegedWords;
}

/** Runs a command of the top that leads to no other mode. */
export function runTopCommand(
  device: Device,
  session: CliSession | undefined,
  word: Exclude<TopWord, "configure" | "exit" | "quit">,
  rest: readonly Token[],
): Outcome {
  switch (word) {
    case "show":
      return runShow(device, session, rest);
    case "write":
      return rest.length === 0 ? write(device, session) : no;
    case "disable":
      if (rest.length > 0 || session === undefined) return no;
      session.level = "basic";
      return done;
    case "enable":
      return rest.length === 0 ? enable(device, session) : no;
    case "reload":
      return reload(device, rest);
    case "clear":
      return session === undefined ? no : clearUser(session, rest);
  }
}

function runShow(device: Device, session: CliSession | undefined, tokens: readonly Token[]): Outcome {
  if (tokens.length === 0) return refuse("incompleteCommand");
  const output = show(device, tokens, session);
  return output === undefined ? no : { output };
}

function write(device: Device, session: CliSession | undefined): Outcome {
  const saved = device.save();
  if (saved === false) return refuse("saveFailed");
  if (session !== undefined) device.recorder.stats.shellSaves += 1;
  const output = ["Writing configuration...done"];
  return saved === true ? { output } : { output, until: saved, meanwhile: "Writing configuration..." };
}

function enable(device: Device, session: CliSession | undefined): Outcome {
  if (session?.level === "privileged") return done;
  return session?.mayEnable === true && device.settings.shell.allowEnable
    ? { asksPassword: true }
    : refuse("enableRefused");
}

/** `reload ...`; its questions and output are not known, so it asks nothing. */
function reload(device: Device, tokens: readonly Token[]): Outcome {
  const [first, ...rest] = tokens;
  const word = pickWord(first, ["now", "if-needed", "without-saving"]);
  if (first === undefined) return refuse("incompleteCommand");
  const output = device.settings.texts.reloading === "" ? [] : [device.settings.texts.reloading];
  switch (word) {
    case "now":
      return rest.length > 0 ? no : { output, afterwards: () => device.reboot(true) };
    case "if-needed":
      return rest.length > 0 ? no : device.resetNeeded ? { output, afterwards: () => device.reboot(true) } : done;
    case "without-saving":
      return rest.length > 0 ? no : { output, afterwards: () => device.reboot(false) };
    case undefined:
      return no;
  }
}

/** `clear user <id>` (inferred). */
function clearUser(session: CliSession, tokens: readonly Token[]): Outcome {
  const [what, id, ...more] = tokens;
  if (pickWord(what, ["user"]) === undefined || more.length > 0) return no;
  if (id === undefined) return refuse("incompleteCommand");
  const end = session.findSession(Number(id.text));
  return end === undefined ? refuse("badValue") : { afterwards: end };
}
