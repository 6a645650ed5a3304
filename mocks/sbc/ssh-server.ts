import type { Socket } from "node:net";
import ssh2 from "ssh2";
import type { Algorithms, Connection, ServerChannel } from "ssh2";
import type { Device } from "./device.ts";
import type { HostKey } from "./host-key.ts";
import { createHostKey, readKey } from "./host-key.ts";
import { lineEndOf } from "./shell-line.ts";
import type { Place, ShellSessions } from "./shell-sessions.ts";
import type { Terminal } from "./shell-terminal.ts";
import { createTerminal } from "./shell-terminal.ts";
import { paceOf, runShell } from "./shell.ts";
import type { SshDoor } from "./ssh-login.ts";
import { isTry, judgeLogIn, sshOccasion } from "./ssh-login.ts";
import { serveSftp } from "./ssh-sftp.ts";
import { createSshWire } from "./ssh-wire.ts";
import type { User, Users } from "./users.ts";

const { Server } = ssh2;

export interface SshOptions {
  readonly device: Device;
  readonly users: Users;
  readonly sessions: ShellSessions;
  readonly hostKey: HostKey;
  readonly enablePassword: string;
  /** Name of the user whom the authorized keys let in. */
  readonly keyUser: string;
  /** Public keys, a line each. */
  readonly authorizedKeys: readonly string[];
  readonly shellLatencyMs: number;
}

const methods: ("password" | "publickey")[] = ["password", "publickey"];

/** What old firmware is believed to offer; the newer names of RSA are left out on purpose. */
function legacyAlgorithms(hostKey: HostKey): Algorithms {
  return {
    kex: ["diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"],
    serverHostKey: [hostKey.type === "ssh-rsa" ? "ssh-rsa" : (hostKey.type as "ecdsa-sha2-nistp256")],
    cipher: ["aes128-cbc", "aes256-cbc", "3des-cbc", "aes128-ctr"],
    hmac: ["hmac-sha1"],
  };
}

/** Serves SSH on sockets of the caller's: returns what takes one in. Throws for authorized keys that are none. */
export function createSshListener(options: SshOptions): (socket: Socket) => void {
  const { device, sessions, hostKey } = options;
  const { users, keyUser, authorizedKeys } = options;
  const door: SshDoor = { settings: device.settings, users, keyUser, keys: authorizedKeys.map(readKey) };
  let otherKey: HostKey | undefined;

  function keyToShow(): HostKey {
    if (device.faults.take("host-key-changed") === undefined) return hostKey;
    return (otherKey ??= createHostKey(hostKey.type === "ssh-rsa" ? "rsa" : "ecdsa"));
  }

  return (socket) => {
    device.recorder.stats.sshConnections += 1;
    const { overLimit, algorithms } = device.settings.shell;
    const place = sessions.placeFor({
      kind: "ssh",
      user: undefined,
      address: socket.remoteAddress ?? "",
      since: performance.now(),
      end: () => socket.destroy(),
    });
    if (overLimit === "tcp" && !place.take()) return void socket.destroy();
    socket.once("close", () => place.leave());
    // The client may break off before anybody listens to the socket.
    socket.on("error", () => undefined);
    const silence = device.faults.take("ssh-silence", sshOccasion, ({ at }) => at === "connect");
    if (silence !== undefined) {
      if (silence.how === "close") socket.destroy();
      else socket.resume();
      return;
    }
    socket.setNoDelay(true);
    const server = new Server(
      {
        hostKeys: [keyToShow().pem],
        ident: "AudioCodes",
        ...(algorithms === "legacy" ? { algorithms: legacyAlgorithms(hostKey) } : {}),
      },
      (client) => serveClient(options, door, client, { socket, place }),
    );
    server.injectSocket(socket);
  };
}

interface Line {
  readonly socket: Socket;
  readonly place: Place;
}

function serveClient(options: SshOptions, door: SshDoor, client: Connection, { socket, place }: Line): void {
  const { device, sessions, users } = options;
  let hasShell = false;
  let user: User | undefined;
  let failures = 0;

  // A client that breaks off in the middle of something is no fault of the mock.
  client.on("error", () => undefined);
  client.on("authentication", (context) => {
    const silence = device.faults.take("ssh-silence", sshOccasion, ({ at }) => at === "auth");
    if (silence !== undefined) {
      if (silence.how === "close") socket.destroy();
      return;
    }
    const judged = judgeLogIn(door, context, place);
    if (judged === "would do") {
      context.accept();
      return;
    }
    user = judged;
    if (user !== undefined) {
      device.recorder.stats.sshLogins += 1;
      place.session.user = user.name;
      place.take();
      context.accept();
      return;
    }
    if (isTry(context)) {
      failures += 1;
      device.recorder.stats.sshFailedLogins += 1;
    }
    if (failures >= device.settings.shell.loginAttempts) client.end();
    else context.reject(methods);
  });

  /** Serves a shell, or one line of it, to whoever logged in. */
  function serve(
    who: User,
    channel: ServerChannel,
    terminal: Terminal,
    more: { welcome: string; only?: string },
  ): void {
    hasShell = true;
    if (!place.take()) {
      channel.end(`${device.settings.texts.tooManySessions}${lineEndOf(device.settings.shell)}`);
      endWith(channel, client);
      return;
    }
    const { enablePassword, shellLatencyMs: latencyMs } = options;
    const wire = createSshWire(client, socket);
    const own = place.session;
    const serving = runShell({
      ...{ device, terminal, wire, own, sessions, users, enablePassword, latencyMs, ...more },
      user: who,
    });
    void serving.finally(() => endWith(channel, client));
  }

  client.on("session", (accept) => {
    const session = accept();
    let rows: number | undefined;
    let resize: (rows: number) => void = () => undefined;
    session.on("pty", (agree, _refuse, info) => {
      rows = info.rows;
      agree();
    });
    session.on("window-change", (agree, _refuse, info) => {
      if (device.settings.shell.windowChange) resize(info.rows);
      // A window change asks for no answer; what types say of it is not so.
      (agree as (() => void) | undefined)?.();
    });
    session.on("shell", (agree, refuse) => {
      if (user === undefined || (rows === undefined && device.settings.shell.withoutPty === "refuse")) {
        refuse();
        return;
      }
      const channel = agree();
      const terminal = createTerminal(channel, rows, () => paceOf(device));
      resize = (changed) => (terminal.rows = changed);
      const { lastLogin } = device.settings.shell;
      serve(user, channel, terminal, {
        welcome: lastLogin === "" ? "" : `${lastLogin}${lineEndOf(device.settings.shell)}`,
      });
    });
    session.on("exec", (agree, refuse, info) => {
      if (user === undefined || device.settings.shell.execChannel === "refuse") {
        refuse();
        return;
      }
      const channel = agree();
      const terminal = createTerminal(channel, undefined, () => paceOf(device));
      serve(user, channel, terminal, { welcome: "", only: info.command });
    });
    session.on("sftp", (agree, refuse) => {
      const { sftp, sftpCounts } = device.settings.shell;
      if (!sftpCounts && !hasShell) place.giveBack();
      if (sftp === "off" || (sftpCounts && !place.take())) {
        refuse();
        return;
      }
      serveSftp(device, agree());
    });
  });
}

function endWith(channel: ServerChannel, client: Connection): void {
  if (channel.writable) {
    channel.exit(0);
    channel.end();
  }
  channel.once("close", () => client.end());
  channel.close();
}
