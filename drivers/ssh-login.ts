import type { Answer } from "./cli-answer.ts";
import type { CliSession } from "./cli-session.ts";
import { defaultTimes, openCliSession } from "./cli-session.ts";
import type { DriverOptions, SshOptions } from "./driver.ts";
import { DriverError } from "./errors.ts";
import type { SshTarget } from "./ssh-address.ts";
import type { SshConnection } from "./ssh-transport.ts";
import { connectSsh } from "./ssh-transport.ts";

/** The one shell that a driver has on its device, opened when it is needed. */
export interface Login {
  /** The session that stands, or a new one; throws the signal's reason when that aborts. A new one is connected, logged in, with the level of `enable` where its secret is known. */
  session(signal: AbortSignal): Promise<CliSession>;
  /** Reads a file on the connection of the session. Throws `unsupported` where SFTP is refused. */
  readFile(path: string): Promise<string>;
  /** SFTP is not set up any more. */
  useNoSftp(): void;
  /** Whether the latest session has no more than the `>` level. */
  isBasic(): boolean;
  /** Gives the connection up at once: the next call opens another. */
  drop(): void;
  /** Connects up to the key exchange, in the background. */
  warm(): void;
  /** Leaves the shell by `exit` and gives the connection back. Never throws. */
  close(): Promise<void>;
}

interface Standing {
  connection: SshConnection;
  session: CliSession;
}

/** Milliseconds for taking leave. */
const leaveMs = 1_000;
/** Milliseconds after which a connection that nobody logged in on is not used: the device may be closing it. */
const maxIdleMs = 2_000;

export function openLogin({
  options,
  shell,
  target,
  trusted,
}: {
  options: DriverOptions;
  shell: SshOptions;
  target: SshTarget;
  trusted: string;
}): Login {
  const { device, deadlines } = options;
  let standing: Standing | undefined;
  let spare: { connection: SshConnection; atMs: number } | undefined;
  let basic = false;
  let tried = false;
  let sftp = true;
  const ending = new Set<Promise<void>>();

  function connect(): SshConnection {
    const { profile, groupExchange } = shell;
    return connectSsh({ target, trusted, profile, groupExchange, connectMs: deadlines.connectMs });
  }

  function end(connection: SshConnection): void {
    const ended = connection.end();
    ending.add(ended);
    void ended.then(() => ending.delete(ended));
  }

  function takeSpare(): SshConnection | undefined {
    const taken = spare;
    spare = undefined;
    if (taken === undefined) return undefined;
    if (!taken.connection.ended() && performance.now() - taken.atMs < maxIdleMs) return taken.connection;
    end(taken.connection);
    return undefined;
  }

  async function session(signal: AbortSignal): Promise<CliSession> {
    signal.throwIfAborted();
    if (standing !== undefined && standing.session.broken() === undefined && !standing.connection.ended())
      return standing.session;
    drop();
    const connection = takeSpare() ?? connect();
    const onAbort = () => void connection.end();
    signal.addEventListener("abort", onAbort);
    const { logInAgain } = options;
    const again = tried && logInAgain !== undefined;
    tried = true;
    try {
      const opened = again ? await logInAgain(() => logIn(connection)) : await logIn(connection);
      basic = !opened.prompt().privileged;
      standing = { connection, session: opened };
      return opened;
    } catch (error) {
      end(connection);
      signal.throwIfAborted();
      throw error;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  async function logIn(connection: SshConnection): Promise<CliSession> {
    const { user, password } = options;
    await connection.login({ user, password, privateKey: shell.privateKey });
    const opened = openCliSession(await connection.shell(), defaultTimes, shell.noiseLine);
    await firstPrompt(opened);
    if (sftp) connection.warmSftp();
    await raise(opened);
    return opened;
  }

  async function firstPrompt(opened: CliSession): Promise<void> {
    try {
      await opened.start(deadlines.connectMs);
    } catch (error) {
      if (!(error instanceof DriverError) || error.code !== "unreachable") throw error;
      throw new DriverError(
        "busy",
        `${device}: it ended the shell before its first prompt, most likely because as many sessions stand as it takes`,
        { deviceText: opened.heard() },
      );
    }
  }

  async function raise(opened: CliSession): Promise<void> {
    const { enablePassword } = shell;
    if (opened.prompt().privileged || enablePassword === undefined) return;
    const answer = await enable(opened, enablePassword);
    if (answer.prompt.privileged) return;
    await opened.leave(leaveMs);
    const deviceText = answer.output.join("\n");
    if (answer.secretAsked)
      throw new DriverError("auth", `${device}: it refused the password of "enable"`, { deviceText });
    throw new DriverError("forbidden", `${device}: "enable" does not lead to the "#" level for this user`, {
      deviceText,
    });
  }

  /** A device that hangs up on it once it has the secret may have refused it: that is counted as a refused log-in. */
  async function enable(opened: CliSession, secret: string): Promise<Answer> {
    const sent = { secret: false };
    const onSecret = () => {
      sent.secret = true;
    };
    try {
      return await opened.run("enable", { deadlineMs: shell.deadlines.lineMs, secret, onSecret });
    } catch (error) {
      if (!sent.secret || !(error instanceof DriverError) || error.code !== "unreachable") throw error;
      throw new DriverError(
        "unreachable",
        `${device}: it closed the session at "enable": it may have refused its password`,
        {
          deviceText: opened.heard(),
          mayBeRefused: true,
        },
      );
    }
  }

  function drop(): void {
    if (standing === undefined) return;
    const { connection } = standing;
    standing = undefined;
    end(connection);
  }

  return {
    session,
    readFile(path) {
      if (standing === undefined) return Promise.reject(new DriverError("unreachable", "the session is gone"));
      return standing.connection.readFile(path);
    },
    useNoSftp() {
      sftp = false;
    },
    isBasic: () => basic,
    drop,
    warm() {
      spare ??= { connection: connect(), atMs: performance.now() };
    },
    async close() {
      const unused = takeSpare();
      if (unused !== undefined) end(unused);
      await standing?.session.leave(leaveMs);
      drop();
      await Promise.all(ending);
    },
  };
}
