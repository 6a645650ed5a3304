import { setTimeout as sleep } from "node:timers/promises";
import { createCli } from "./cli.ts";
import type { Cli } from "./cli.ts";
import type { Answer } from "./cli-outcome.ts";
import type { CliLogin } from "./cli-login.ts";
import type { Device } from "./device.ts";
import type { LineTrouble, Wire } from "./shell-faults.ts";
import { createShellFaults } from "./shell-faults.ts";
import { createLineReader, lineEndOf } from "./shell-line.ts";
import { pageRows, printPaged } from "./shell-pager.ts";
import type { OpenSession, ShellSessions } from "./shell-sessions.ts";
import type { Ended, Pace, Terminal } from "./shell-terminal.ts";
import type { User, Users } from "./users.ts";
import { isAllowed } from "./users.ts";

/** What a shell stands on. */
export interface ShellOptions {
  readonly device: Device;
  readonly terminal: Terminal;
  readonly wire: Wire;
  readonly user: User;
  readonly own: OpenSession;
  readonly sessions: ShellSessions;
  readonly users: Users;
  readonly enablePassword: string;
  /** Milliseconds before each line is looked at. */
  readonly latencyMs: number;
  /** Text before the first prompt. */
  readonly welcome: string;
  /** The only line to run, without prompts, as an exec channel does. */
  readonly only?: string;
}

/** Milliseconds without a key after which a session ends: as configured, or by the settings; 0 for never. */
export function idleMsOf({ running, settings }: Device): number {
  const minutes = running.cliSettings["idle-timeout"];
  return minutes === undefined ? settings.shell.idleTimeoutMs : minutes * 60_000;
}

/** How output leaves by the settings. */
export function paceOf({ settings }: Device): Pace {
  return { size: settings.shell.splitPackets, ms: settings.shell.chunkMs };
}

/** Serves one person until `exit`, the idle time-out, or the end of the stream. Ends the CLI session, not the stream. */
export async function runShell(options: ShellOptions): Promise<void> {
  const { device } = options;
  device.recorder.stats.shells += 1;
  const session = createSession(options);
  const cli = createCli(device, { notes: true, session });
  const boots = device.boots;
  const writing = createWriting(device, cli);
  try {
    await serve(options, cli, session, writing.look);
  } finally {
    writing.end();
    // What a session had open when the device went down is gone with it.
    if (device.boots === boots) cli.end();
  }
}

/** Counts the session as a writer while it is in a configuration mode. */
function createWriting({ recorder }: Device, cli: Cli): { look: () => void; end: () => void } {
  let release: (() => void) | undefined;
  const end = (): void => {
    release?.();
    release = undefined;
  };
  return {
    end,
    look: () => {
      if (cli.mode === undefined) end();
      else release ??= recorder.writer();
    },
  };
}

function createSession({ device, user, own, sessions, users }: ShellOptions): CliLogin {
  const mayEnable = isAllowed(user, "securityAdministrator");
  return {
    user: user.name,
    mayEnable,
    level: mayEnable && device.settings.shell.landing === "#" ? "privileged" : "basic",
    windowHeight: device.running.cliSettings["default-window-height"] ?? "automatic",
    isUser: (name) => users.isKnown(name),
    listSessions: () => sessions.list(own),
    findSession: (id) => sessions.find(id)?.end,
  };
}

async function serve(options: ShellOptions, cli: Cli, session: CliLogin, executed: () => void): Promise<void> {
  const { device, terminal } = options;
  const settings = device.settings.shell;
  const { recorder } = device;
  const reader = createLineReader(terminal, settings, () => idleMsOf(device));
  const faults = createShellFaults(device, terminal, options.wire);
  let spam = 0;
  const boots = device.boots;
  // Streams tell of their end only later, and a device that goes down runs no line more.
  const isDead = (): boolean => device.boots !== boots || !terminal.isOpen;
  const { only } = options;
  terminal.print(options.welcome);
  if (only === undefined) printPrompt();
  for (;;) {
    const line = only ?? (await reader.line(cli.prompt)) ?? "";
    if (typeof line !== "string") return sayGoodbye(line.ended);
    recorder.stats.shellLines += 1;
    if (options.latencyMs > 0) await sleep(options.latencyMs, undefined, { ref: false });
    if (isDead()) return;
    const trouble = await faults.before(line);
    if (trouble.silent === "before") return fallSilent();
    if (trouble.close === "before") {
      options.wire.cut();
      return;
    }
    if (isDead()) return;
    let answer = cli.execute(line);
    executed();
    if (only === undefined && answer.asksSecret !== undefined) {
      const given = await ask();
      if (typeof given === "object") return sayGoodbye(given.ended);
      answer = given === undefined ? { ...answer, empty: true } : answer.asksSecret(given);
    }
    if (!answer.empty) record(line, answer);
    const isTold = trouble.close === undefined && trouble.silent === undefined && !trouble.isIdle;
    if (answer.until !== undefined && isTold) {
      terminal.print(answer.meanwhile ?? "");
      await terminal.flush();
    }
    if ((await Promise.race([answer.until ?? true, terminal.gone])) !== true) return;
    await faults.after(line);
    if (isDead()) return;
    if (trouble.silent === "after") return fallSilent();
    if (trouble.isIdle) return sayGoodbye("idle");
    const ended = await tell(answer, trouble);
    if (ended !== undefined) return sayGoodbye(ended.ended);
    if (answer.closed || only !== undefined) return terminal.flush();
    if (answer.asksPassword === true) {
      const after = await askPassword();
      if (after !== undefined) return sayGoodbye(after.ended);
    } else if (!answer.empty) {
      if (await isLeft(line)) return;
      printLog(trouble.log, "before-prompt");
      terminal.print(lineEndOf(settings));
    }
    printPrompt();
    printLog(trouble.log, "after-prompt");
  }

  async function fallSilent(): Promise<void> {
    while (typeof (await reader.key()) === "number");
  }

  function printPrompt(): void {
    const spamLine = settings.logSpam[spam % Math.max(1, settings.logSpam.length)];
    spam += 1;
    const log = spamLine === undefined ? "" : spamLine + lineEndOf(settings);
    if (settings.logSpamAt === "before-prompt") terminal.print(log + cli.prompt);
    else terminal.print(cli.prompt + (settings.logSpamAt === "after-prompt" ? log : ""));
  }

  function printLog(log: LineTrouble["log"], at: "before-prompt" | "after-prompt"): void {
    if (log?.at === at) terminal.print(log.text + lineEndOf(settings));
  }

  /** Some models want one more Enter after some commands. Resolves with whether the session ended meanwhile. */
  async function isLeft(line: string): Promise<boolean> {
    if (!settings.extraEnterAfter.some((command) => line.trim().startsWith(command))) return false;
    for (;;) {
      const key = await reader.key();
      if (typeof key !== "number") return true;
      if (key === 0x0d) return false;
    }
  }

  function record(line: string, answer: Answer): void {
    const output = answer.output.join("\r\n");
    recorder.line({ source: "shell", line: line.trim(), result: answer.refused ? "refused" : "ok", output });
  }

  /** The log lines that get into what a line prints. */
  function noiseFor({ log }: LineTrouble): string[] {
    return [
      ...(log?.at === "in-output" ? [log.text] : []),
      ...(settings.logSpamAt === "in-output" ? settings.logSpam.slice(0, 1) : []),
    ];
  }

  function linesOf({ output }: Answer, trouble: LineTrouble): readonly string[] {
    const middle = Math.floor(output.length / 2);
    return [...output.slice(0, middle), ...noiseFor(trouble), ...output.slice(middle)];
  }

  async function tell(answer: Answer, trouble: LineTrouble): Promise<{ ended: Ended } | undefined> {
    const lineEnd = lineEndOf(settings);
    const lines = linesOf(answer, trouble);
    if (trouble.close !== undefined) {
      const text = lines.join(lineEnd);
      if (trouble.close === "middle") terminal.print(text.slice(0, Math.ceil(text.length / 2)));
      if (trouble.close === "middle") await terminal.flush();
      options.wire.cut();
      return { ended: "gone" };
    }
    if (answer.until !== undefined) {
      // Its beginning has left already: noise can only come behind the rest.
      const rest = answer.output.join(lineEnd).slice((answer.meanwhile ?? "").length);
      terminal.print([rest, ...noiseFor(trouble)].join(lineEnd) + lineEnd);
    } else {
      const rows = pageRows(terminal, settings, session.windowHeight);
      const ended = await printPaged(terminal, reader, settings, rows, lines);
      if (ended !== undefined) return ended;
    }
    if (answer.cut === true) {
      await terminal.flush();
      options.wire.cut();
      return { ended: "gone" };
    }
    if (answer.afterwards !== undefined) {
      await terminal.flush();
      answer.afterwards();
    }
    return undefined;
  }

  function ask(): ReturnType<typeof reader.line> {
    terminal.print("Password: ");
    return reader.line("Password: ", true);
  }

  async function askPassword(): Promise<{ ended: Ended } | undefined> {
    const lineEnd = lineEndOf(settings);
    for (let tries = settings.wrongEnable === "again" ? 3 : 1; tries > 0; tries -= 1) {
      const given = await ask();
      if (typeof given !== "string") return given;
      if (given === options.enablePassword) {
        recorder.stats.enables += 1;
        session.level = "privileged";
        return undefined;
      }
      recorder.stats.failedEnables += 1;
    }
    terminal.print(`${lineEnd}${device.settings.texts.accessDenied}${lineEnd}${lineEnd}`);
    return undefined;
  }

  async function sayGoodbye(ended: Ended): Promise<void> {
    if (ended === "gone") return;
    const lineEnd = lineEndOf(settings);
    terminal.print(`${lineEnd}${device.settings.texts.idleLogout}${lineEnd}`);
    await terminal.flush();
  }
}
