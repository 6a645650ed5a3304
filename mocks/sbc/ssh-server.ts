import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import ssh2 from "ssh2";
import type { Algorithms, AuthContext, Connection, ParsedKey, ServerChannel } from "ssh2";
import { createCli } from "./cli.ts";
import type { Device } from "./device.ts";
import type { HostKey } from "./host-key.ts";
import { createHostKey, readKey } from "./host-key.ts";
import type { Wire } from "./shell-faults.ts";
import { lineEndOf } from "./shell-line.ts";
import type { OpenSession, ShellSessions } from "./shell-sessions.ts";
import { createTerminal } from "./shell-terminal.ts";
import { paceOf, runShell } from "./shell.ts";
import { serveSftp } from "./ssh-sftp.ts";
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

const occasion = { method: "SSH", path: "/ssh" } as const;
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
  const keys = options.authorizedKeys.map(readKey);
  let otherKey: HostKey | undefined;

  function keyToShow(): HostKey {
    if (device.faults.take("host-key-changed") === undefined) return hostKey;
    return (otherKey ??= createHostKey(hostKey.type === "ssh-rsa" ? "rsa" : "ecdsa"));
  }

  return (socket) => {
    device.recorder.stats.sshConnections += 1;
    const { overLimit, algorithms } = device.settings.shell;
    if (overLimit === "tcp" && sessions.isFull) return void socket.destroy();
    // The client may break off before anybody listens to the socket.
    socket.on("error", () => undefined);
    const silence = device.faults.take("ssh-silence", occasion, ({ at }) => at === "connect");
    if (silence !== undefined) return void (silence.how === "close" ? socket.destroy() : socket.resume());
    socket.setNoDelay(true);
    const server = new Server(
      {
        hostKeys: [keyToShow().pem],
        ident: "AudioCodes",
        ...(algorithms === "legacy" ? { algorithms: legacyAlgorithms(hostKey) } : {}),
      },
      (client) => serveClient(options, keys, client, socket),
    );
    server.injectSocket(socket);
  };
}

function serveClient(options: SshOptions, keys: readonly ParsedKey[], client: Connection, socket: Socket): void {
  const { device, sessions } = options;
  let user: User | undefined;
  let failures = 0;
  let own: OpenSession | undefined;
  let isOver = false;

  // A client that breaks off in the middle of something is no fault of the mock.
  client.on("error", () => undefined);
  client.on("authentication", (context) => {
    const silence = device.faults.take("ssh-silence", occasion, ({ at }) => at === "auth");
    if (silence !== undefined) return void (silence.how === "close" && socket.destroy());
    const judged = judge(options, keys, context, socket.remoteAddress ?? "");
    if (judged === "would do") {
      context.accept();
      return;
    }
    user = judged;
    if (user !== undefined) {
      device.recorder.stats.sshLogins += 1;
      context.accept();
      return;
    }
    const isTry = context.method === "password" || (context.method === "publickey" && context.signature !== undefined);
    if (isTry) failures += 1;
    if (isTry) device.recorder.stats.sshFailedLogins += 1;
    if (failures >= device.settings.shell.loginAttempts) client.end();
    else context.reject(methods);
  });
  client.on("ready", () => {
    isOver = sessions.isFull;
    own = {
      kind: "ssh",
      user: user?.name ?? "",
      address: socket.remoteAddress ?? "",
      since: performance.now(),
      end: () => socket.destroy(),
    };
    const leave = sessions.add(own);
    client.once("close", leave);
  });
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
      if (user === undefined || own === undefined) {
        refuse();
        return;
      }
      if (rows === undefined && device.settings.shell.withoutPty === "refuse") {
        refuse();
        return;
      }
      const channel = agree();
      if (isOver) {
        channel.end(`${device.settings.texts.tooManySessions}${lineEndOf(device.settings.shell)}`);
        endWith(channel, client);
        return;
      }
      const terminal = createTerminal(channel, rows, () => paceOf(device));
      resize = (changed) => (terminal.rows = changed);
      const { lastLogin } = device.settings.shell;
      const welcome = lastLogin === "" ? "" : `${lastLogin}${lineEndOf(device.settings.shell)}`;
      const { enablePassword, shellLatencyMs: latencyMs } = options;
      const wire = wireOf(client, socket);
      const serving = runShell({ device, terminal, wire, user, own, sessions, enablePassword, latencyMs, welcome });
      void serving.finally(() => endWith(channel, client));
    });
    session.on("exec", (agree, refuse, info) => {
      if (user === undefined || device.settings.shell.execChannel === "refuse") {
        refuse();
        return;
      }
      const channel = agree();
      const answer = createCli(device, { notes: true }).execute(info.command);
      device.recorder.line({
        source: "shell",
        line: info.command,
        result: answer.refused ? "refused" : "ok",
        output: answer.output.join("\r\n"),
      });
      channel.write(answer.output.map((line) => line + lineEndOf(device.settings.shell)).join(""));
      endWith(channel, client);
    });
    session.on("sftp", (agree, refuse) => {
      if (device.settings.shell.sftp === "off" || isOver) {
        refuse();
        return;
      }
      serveSftp(device, agree());
    });
  });
}

function wireOf(client: Connection, socket: Socket): Wire {
  return {
    cut: () => socket.destroy(),
    rekey: () => client.rekey(),
    breakPacket(how) {
      if (how === "garbage") {
        socket.write(randomBytes(64));
        return;
      }
      const write = socket.write.bind(socket);
      socket.write = (bytes: Uint8Array | string): boolean => {
        socket.write = () => false;
        write(bytes.slice(0, Math.floor(bytes.length / 2)), () => socket.destroy());
        return false;
      };
    },
  };
}

function endWith(channel: ServerChannel, client: Connection): void {
  if (channel.writable) {
    channel.exit(0);
    channel.end();
  }
  channel.once("close", () => client.end());
  channel.close();
}

/** The user who gets in; undefined for nobody. A client asks first whether a key would do. */
function judge(
  { device, users, sessions, keyUser }: SshOptions,
  keys: readonly ParsedKey[],
  context: AuthContext,
  address: string,
): User | "would do" | undefined {
  if (device.settings.shell.overLimit === "auth" && sessions.isFull) return undefined;
  if (context.method === "password") {
    const logIn = users.admit(context.username, { password: context.password }, address, occasion);
    return "user" in logIn ? logIn.user : undefined;
  }
  if (context.method !== "publickey" || context.username !== keyUser) return undefined;
  const { blob, signature, hashAlgo, key } = context;
  const known = keys.find((one) => one.getPublicSSH().equals(key.data));
  if (known === undefined) return undefined;
  if (signature === undefined || blob === undefined) return "would do";
  if (!known.verify(blob, signature, hashAlgo)) return undefined;
  const logIn = users.admit(context.username, "key", address, occasion);
  return "user" in logIn ? logIn.user : undefined;
}
