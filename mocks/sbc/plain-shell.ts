import type { Socket } from "node:net";
import type { Device } from "./device.ts";
import { createLineReader, lineEndOf } from "./shell-line.ts";
import type { ShellSessions } from "./shell-sessions.ts";
import type { Terminal } from "./shell-terminal.ts";
import { createTerminal } from "./shell-terminal.ts";
import { idleMsOf, paceOf, runShell } from "./shell.ts";
import type { User, Users } from "./users.ts";

export interface PlainOptions {
  readonly device: Device;
  readonly users: Users;
  readonly sessions: ShellSessions;
  readonly enablePassword: string;
  readonly shellLatencyMs: number;
}

const occasion = { method: "TELNET", path: "/telnet" } as const;
/** Rows of a telnet client that has not said how many it has. */
const rows = 24;

/** Serves the shell behind a log-in dialogue on bare TCP, as telnet without its negotiation. */
export function createPlainListener(options: PlainOptions): (socket: Socket) => void {
  return (socket) => {
    socket.setNoDelay(true);
    void serve(options, socket).finally(() => socket.end());
  };
}

async function serve(options: PlainOptions, socket: Socket): Promise<void> {
  const { device, sessions, users } = options;
  const { shell, texts } = device.settings;
  const terminal = createTerminal(socket, rows, () => paceOf(device));
  const place = sessions.placeFor({
    kind: "telnet",
    user: undefined,
    address: socket.remoteAddress ?? "",
    since: performance.now(),
    end: () => socket.destroy(),
  });
  // What has no way to refuse a log-in for the limit refuses the connection.
  if (shell.overLimit !== "message" && !place.take()) return;
  try {
    const user = await logIn(options, terminal, socket);
    if (user === undefined) return;
    if (!place.take()) {
      terminal.print(`${texts.tooManySessions}${lineEndOf(shell)}`);
      await terminal.flush();
      return;
    }
    const own = place.session;
    own.user = user.name;
    const { enablePassword, shellLatencyMs: latencyMs } = options;
    const wire = { cut: () => socket.destroy() };
    const welcome = lineEndOf(shell);
    await runShell({ device, terminal, wire, user, own, sessions, users, enablePassword, latencyMs, welcome });
  } finally {
    place.leave();
  }
}

async function logIn({ device, users }: PlainOptions, terminal: Terminal, socket: Socket): Promise<User | undefined> {
  const settings = device.settings.shell;
  const lineEnd = lineEndOf(settings);
  const reader = createLineReader(terminal, settings, () => idleMsOf(device));
  if (settings.greeting !== "") terminal.print(`${settings.greeting}${lineEnd.repeat(3)}`);
  for (let tries = settings.loginAttempts; tries > 0; tries -= 1) {
    terminal.print("Username: ");
    const name = await reader.line("Username: ");
    if (typeof name === "object") return undefined;
    if (name === undefined) continue;
    terminal.print("Password: ");
    const password = await reader.line("Password: ", true);
    if (typeof password === "object") return undefined;
    if (password === undefined) continue;
    const answer = users.admit(name, { password }, socket.remoteAddress ?? "", occasion);
    if ("user" in answer) return answer.user;
  }
  await terminal.flush();
  return undefined;
}
