import type { CliContext } from "./cli-context.ts";
import { pickWord } from "./cli-line.ts";
import type { Token } from "./cli-line.ts";
import type { Outcome } from "./cli-outcome.ts";
import { done, refuse } from "./cli-outcome.ts";
import type { CliLogin } from "./cli-login.ts";
import type { Device } from "./device.ts";
import { show } from "./show.ts";

const scriptWords = ["configure", "exit", "show", "write"] as const;
const basicWords = ["enable", "exit", "quit", "show"] as const;
const privilegedWords = [...basicWords, "clear", "configure", "disable", "reload", "write"] as const;

type TopWord = (typeof privilegedWords)[number];

const no = refuse("invalidCommand");

/** What can be said at the top: by a script, in Basic mode, in Privileged mode. */
export function wordsAtTop(login: CliLogin | undefined): readonly TopWord[] {
  if (login === undefined) return scriptWords;
  return login.level === "basic" ? basicWords : privilegedWords;
}

/** Runs a command of the top that leads to no other mode. */
export function runTopCommand(
  context: CliContext,
  word: Exclude<TopWord, "configure" | "exit" | "quit">,
  rest: readonly Token[],
): Outcome {
  const { device, login } = context;
  switch (word) {
    case "show":
      return runShow(context, rest);
    case "write":
      return rest.length === 0 ? write(context) : no;
    case "disable":
      if (rest.length > 0 || login === undefined) return no;
      login.level = "basic";
      return done;
    case "enable":
      return rest.length === 0 ? enable(device, login) : no;
    case "reload":
      return reload(device, rest);
    case "clear":
      return login === undefined ? no : clearUser(login, rest);
  }
}

function runShow(context: CliContext, tokens: readonly Token[]): Outcome {
  if (tokens.length === 0) return refuse("incompleteCommand");
  const shown = show(context, tokens);
  if (shown === undefined) return no;
  return "output" in shown ? shown : { output: shown };
}

function write({ device, login, occasion }: CliContext): Outcome {
  const saved = device.save(occasion);
  if (saved === false) return refuse("saveFailed");
  if (login !== undefined) device.recorder.stats.shellSaves += 1;
  const output = ["Writing configuration...done"];
  return saved === true ? { output } : { output, until: saved, meanwhile: "Writing configuration..." };
}

function enable(device: Device, login: CliLogin | undefined): Outcome {
  if (login?.level === "privileged") return done;
  return login?.mayEnable === true && device.settings.shell.allowEnable
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
function clearUser(login: CliLogin, tokens: readonly Token[]): Outcome {
  const [what, id, ...more] = tokens;
  if (pickWord(what, ["user"]) === undefined || more.length > 0) return no;
  if (id === undefined) return refuse("incompleteCommand");
  const end = login.findSession(Number(id.text));
  return end === undefined ? refuse("badValue") : { afterwards: end };
}
