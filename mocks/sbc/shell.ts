import { setTimeout as sleep } from "node:timers/promises";
import { createCli } from "./cli.ts";
import type { Cli } from "./cli.ts";
import type { Answer } from "./cli-outcome.ts";
import type { CliSession } from "./cli-session.ts";
import type { Device } from "./device.ts";
import type { LineTrouble, Wire } from "./shell-faults.ts";
import { createShellFaults } from "./shell-faults.ts";
import { createLineReader, lineEndOf } from "./shell-line.ts";
import { pageRows, printPaged } from "./shell-pager.ts";
import type { OpenSession, ShellSessions } from "./shell-sessions.ts";
import type { Ended, Pace, Terminal } from "./shell-terminal.ts";
import type { User } from "./users.ts";
import { isAllowed } from "./users.ts";

/** What a shell stands on. */
export interface ShellOptions {
  readonly device: Device;
  readonly terminal: Terminal;
  readonly wire: Wire;
  readonly user: User;
  readonly own: OpenSession;
  readonly sessions: ShellSessions;
  readonly enablePassword: string;
  /** Milliseconds before each line is looked at. */
  readonly latencyMs: number;
  /** Text before the first prompt. */
  readonly welcome: string;
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

function createSession({ device, user, own, sessions }: ShellOptions): CliSession {
  const mayEnable = isAllowed(user, "securityAdministrator");
  return {
    user: user.name,
    mayEnable,
    level: mayEnable && device.settings.shell.landing === "#" ? "privileged" : "basic",
    windowHeight: "automatic",
    listSessions: () => sessions.list(own),
    findSession: (id) => sessions.find(id)?.end,
  };
}

async function serve(options: ShellOptions, cli: Cli, session: CliSession, executed: () => void): Promise<void> {
  const { device, terminal } = options;
  const settings = device.settings.shell;
  const { recorder } = device;
  const reader = createLineReader(terminal, settings);
  const faults = createShellFaults(device, terminal, options.wire);
  let spam = 0;
  const boots = device.boots;
  // Streams tell of their end only later, and a device that goes down runs no line more.
  const isDead = (): boolean => device.boots !== boots || !terminal.isOpen;
  terminal.print(options.welcome);
  printPrompt();
  for (;;) {
    const line = await reader.line(cli.prompt);
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
    const answer = cli.execute(line);
    executed();
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
    if (answer.closed) return terminal.flush();
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

  /** What is printed for a line, with the log lines that get in between. */
  function linesOf({ output }: Answer, { log }: LineTrouble): readonly string[] {
    const noise = [
      ...(log?.at === "in-output" ? [log.text] : []),
      ...(settings.logSpamAt === "in-output" ? settings.logSpam.slice(0, 1) : []),
    ];
    const middle = Math.floor(output.length / 2);
    return noise.length === 0 ? output : [...output.slice(0, middle), ...noise, ...output.slice(middle)];
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
      terminal.print(lines.join(lineEnd).slice((answer.meanwhile ?? "").length) + lineEnd);
    } else {
      const rows = pageRows(terminal, settings, session.windowHeight);
      const ended = await printPaged(terminal, reader, settings, rows, lines);
      if (ended !== undefined) return ended;
    }
    if (answer.afterwards !== undefined) {
      await terminal.flush();
      answer.afterwards();
    }
    return undefined;
  }

  async function askPassword(): Promise<{ ended: Ended } | undefined> {
    const lineEnd = lineEndOf(settings);
    for (let tries = settings.wrongEnable === "again" ? 3 : 1; tries > 0; tries -= 1) {
      terminal.print("Password: ");
      const given = await reader.line("Password: ", true);
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
