import { setTimeout as sleep } from "node:timers/promises";
import { createCli } from "./cli.ts";
import type { Cli } from "./cli.ts";
import type { Answer } from "./cli-outcome.ts";
import type { CliSession } from "./cli-session.ts";
import type { Device } from "./device.ts";
import { createLineReader, lineEndOf } from "./shell-line.ts";
import { pageRows, printPaged } from "./shell-pager.ts";
import type { OpenSession, ShellSessions } from "./shell-sessions.ts";
import type { Ended, Pace, Terminal } from "./shell-terminal.ts";
import type { User } from "./users.ts";
import { isAllowed } from "./users.ts";

/** The connection below a terminal, for the faults that are made there. */
export interface Wire {
  /** Destroys the connection without a word. */
  cut(): void;
}

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
  try {
    await serve(options, cli, session);
  } finally {
    // What a session had open when the device went down is gone with it.
    if (device.boots === boots) cli.end();
  }
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

async function serve(options: ShellOptions, cli: Cli, session: CliSession): Promise<void> {
  const { device, terminal } = options;
  const settings = device.settings.shell;
  const { recorder } = device;
  const reader = createLineReader(terminal, settings);
  terminal.print(options.welcome);
  terminal.print(cli.prompt);
  for (;;) {
    const line = await reader.line(cli.prompt);
    if (typeof line !== "string") return sayGoodbye(line.ended);
    recorder.stats.shellLines += 1;
    if (options.latencyMs > 0) await sleep(options.latencyMs, undefined, { ref: false });
    const answer = cli.execute(line);
    if (!answer.empty) record(line, answer);
    const ended = await tell(answer);
    if (ended !== undefined) return sayGoodbye(ended.ended);
    if (answer.closed) return terminal.flush();
    if (answer.asksPassword === true) {
      const after = await askPassword();
      if (after !== undefined) return sayGoodbye(after.ended);
    } else if (!answer.empty) {
      terminal.print(lineEndOf(settings));
    }
    terminal.print(cli.prompt);
  }

  function record(line: string, answer: Answer): void {
    const output = answer.output.join("\r\n");
    recorder.line({ source: "shell", line: line.trim(), result: answer.refused ? "refused" : "ok", output });
  }

  async function tell(answer: Answer): Promise<{ ended: Ended } | undefined> {
    const lineEnd = lineEndOf(settings);
    const { until, meanwhile = "" } = answer;
    if (until === undefined) {
      const rows = pageRows(terminal, settings, session.windowHeight);
      const ended = await printPaged(terminal, reader, settings, rows, answer.output);
      if (ended !== undefined) return ended;
    } else {
      terminal.print(meanwhile);
      await terminal.flush();
      const isDone = await Promise.race([until, terminal.gone]);
      if (isDone !== true) return { ended: "gone" };
      terminal.print(answer.output.join(lineEnd).slice(meanwhile.length) + lineEnd);
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
