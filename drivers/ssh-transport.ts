import { createHash } from "node:crypto";
import net from "node:net";
import type { Duplex } from "node:stream";
import ssh2 from "ssh2";
import type { AnyAuthMethod, Client, ConnectConfig, SFTPWrapper } from "ssh2";
import type { SshOptions } from "./driver.ts";
import type { DriverErrorCode } from "./errors.ts";
import { DriverError } from "./errors.ts";
import { readSftpFile } from "./sftp-file.ts";
import { algorithmsOf } from "./ssh-algorithms.ts";
import type { SshTarget } from "./ssh-address.ts";
import type { NextMethod, SshLogin } from "./ssh-credentials.ts";
import { offerCredentials } from "./ssh-credentials.ts";

/** A host key as it is enrolled. */
export interface HostKey {
  algorithm: string;
  /** `SHA256:` and base64 without padding. */
  sha256: string;
}

/** One connection to a device. It stands or is gone: nothing reopens it. Errors are DriverErrors with the device's name. */
export interface SshConnection {
  /**
   * Logs in; at most once a connection. Throws `auth`, `identity`, `unreachable`, `timeout`, `busy`, `unsupported`. A
   * device that hangs up on a credential is `unreachable` with `mayBeRefused`.
   */
  login(login: SshLogin): Promise<void>;
  /** Opens the shell on a wide and tall terminal. Throws `busy` where the device takes no session more, `timeout`. */
  shell(): Promise<Duplex>;
  /** Reads a file over SFTP. Throws `unsupported` where the device refuses, `unreachable` when the connection ends. */
  readFile(path: string): Promise<string>;
  /** Sets up SFTP in the background, for `readFile`. */
  warmSftp(): void;
  /** Whether it is gone. */
  ended(): boolean;
  /** Gives it back; resolves when the socket is closed. */
  end(): Promise<void>;
}

export interface SshConnectOptions {
  target: SshTarget;
  /** Undefined takes whatever key the device shows: only for enrolment, which sends no credentials. */
  trusted: string | undefined;
  profile: SshOptions["profile"];
  groupExchange: boolean;
  connectMs: number;
  onHostKey?: (key: HostKey) => void;
}

const keepaliveMs = 10_000;
/** Rows and columns that the terminal claims: with few, the device pages and wraps. */
const terminal = { rows: 1_000, cols: 511, width: 0, height: 0, term: "vt100" };
/** Milliseconds for an orderly end. */
const endMs = 500;
const tooManyConnections = 12;
const noMoreMethods = 14;
/** Characters of a question that a message quotes. */
const maxQuestion = 200;

/** Begins to connect: up to the key exchange, which proves the device and needs no credentials. Never throws. */
export function connectSsh(options: SshConnectOptions): SshConnection {
  const { target, connectMs } = options;
  const where = `${target.device}: SSH to ${target.host}:${target.port}`;
  const client = new ssh2.Client();
  // Small packets would wait for the acknowledgement of those before them. Own, since the client does not destroy a
  // socket that it has ended.
  const socket = net.connect({ host: target.host, port: target.port, noDelay: true });
  let fault: DriverError | undefined;
  let wrongKey: HostKey | undefined;
  let gone = false;
  let user = "";
  let nextMethod: NextMethod | undefined;
  let sent = false;
  let askForMethod: (() => void) | undefined;
  let sftp: Promise<SFTPWrapper> | undefined;
  let settled: { resolve: () => void; reject: (error: DriverError) => void } | undefined;
  let ready = false;

  function lose(error: DriverError): void {
    fault ??= error;
    settled?.reject(fault);
    settled = undefined;
    socket.destroy();
  }

  /** Whether the device has a credential and has not said yet what it makes of it. */
  const isJudging = (): boolean => sent && !ready;

  function closedFault(): DriverError {
    if (!isJudging()) return new DriverError("unreachable", `${where}: the connection was closed`);
    return new DriverError(
      "unreachable",
      `${where}: it closed the connection after the credentials of user ${JSON.stringify(user)} were sent and before it took them: it may have refused them; check password, password age and account status`,
      { mayBeRefused: true },
    );
  }

  let timer = setTimeout(
    () =>
      lose(
        isJudging()
          ? new DriverError("timeout", `${where}: the log-in was not answered within ${connectMs} ms`)
          : new DriverError("unreachable", `${where}: no connection within ${connectMs} ms`),
      ),
    connectMs,
  );
  const closed = new Promise<void>((resolve) => {
    client.once("close", () => {
      gone = true;
      clearTimeout(timer);
      lose(closedFault());
      resolve();
    });
  });
  client.on("ready", () => {
    ready = true;
    clearTimeout(timer);
    settled?.resolve();
    settled = undefined;
  });
  client.on("error", (error: Error & { level?: string; code?: unknown }) => {
    if (wrongKey !== undefined)
      lose(
        new DriverError(
          "identity",
          `${where}: its host key is ${wrongKey.sha256}, enrolled is ${options.trusted ?? "(none)"}; no credentials were sent. Enrol the device anew if its key was changed on purpose`,
        ),
      );
    else if (isJudging() && isHangUp(error)) lose(closedFault());
    else lose(new DriverError(codeOf(error), `${where}: ${reasonOf(error, user)}`, { cause: plain(error) }));
  });
  client.on("change password", refuseQuestion);

  function refuseQuestion(question: string): void {
    const asked = JSON.stringify(question.slice(0, maxQuestion));
    lose(
      new DriverError("auth", `${where}: its log-in asks user ${JSON.stringify(user)} ${asked}, which nobody answers`),
    );
  }

  function isTrusted(key: Buffer): boolean {
    const shown = hostKeyOf(key);
    options.onHostKey?.(shown);
    if (options.trusted === undefined || shown.sha256 === options.trusted) return true;
    wrongKey = shown;
    return false;
  }

  function authenticate(left: readonly string[] | null, next: (method: AnyAuthMethod | false) => void): void {
    if (nextMethod === undefined) askForMethod = () => authenticate(left, next);
    else next(nextMethod(left));
  }

  client.connect({
    sock: socket,
    readyTimeout: 0,
    keepaliveInterval: keepaliveMs,
    username: "-",
    algorithms: algorithmsOf(options),
    hostVerifier: isTrusted,
    authHandler: (left, _partial, next) => authenticate(left, (method) => next(method as AnyAuthMethod)),
  } as ConnectConfig);

  function openSftp(): Promise<SFTPWrapper> {
    if (sftp !== undefined) return sftp;
    const opened = opening<SFTPWrapper>((done) => client.sftp(done));
    opened.catch(() => undefined);
    sftp = opened;
    return opened;
  }

  /** Ends when the connection does, whatever ssh2 makes of its callbacks then. */
  function opening<T>(open: (done: (error: Error | undefined, value: T) => void) => Client): Promise<T> {
    return new Promise((resolve, reject) => {
      if (gone || fault !== undefined) {
        reject(fault ?? new DriverError("unreachable", `${where}: the connection was closed`));
        return;
      }
      const onClose = () => reject(fault ?? new DriverError("unreachable", `${where}: the connection was closed`));
      client.once("close", onClose);
      open((error, value) => {
        client.off("close", onClose);
        if (error === undefined) resolve(value);
        else reject(error);
      });
    });
  }

  return {
    login(wanted) {
      if (fault !== undefined) return Promise.reject(fault);
      return new Promise((resolve, reject) => {
        settled = { resolve, reject };
        user = wanted.user;
        nextMethod = offerCredentials(wanted, () => (sent = true), refuseQuestion);
        askForMethod?.();
      });
    },
    async shell() {
      const limit = setTimeout(
        () => lose(new DriverError("timeout", `${where}: it opened no shell within ${connectMs} ms`)),
        connectMs,
      );
      try {
        const channel = await opening<Duplex>((done) => client.shell(terminal, done));
        return channel;
      } catch (error) {
        if (error instanceof DriverError) throw error;
        throw new DriverError(
          "busy",
          `${where}: it opens no shell (${messageOf(error)}), most likely because as many sessions stand as it takes`,
        );
      } finally {
        clearTimeout(limit);
      }
    },
    warmSftp() {
      void openSftp();
    },
    async readFile(path) {
      try {
        return await readSftpFile(await openSftp(), path, closed);
      } catch (error) {
        if (fault !== undefined) throw fault;
        if (error instanceof DriverError) throw error;
        throw new DriverError("unsupported", `${where}: it does not give ${path} over SFTP (${messageOf(error)})`);
      }
    },
    ended: () => gone || fault !== undefined,
    end() {
      fault ??= new DriverError("unreachable", `${where}: the connection was given back`);
      if (ready && !gone) {
        client.end();
        // A device that does not close its side is not waited for.
        clearTimeout(timer);
        timer = setTimeout(() => socket.destroy(), endMs);
      } else socket.destroy();
      return closed;
    },
  };
}

/** The SHA-256 that OpenSSH prints, and the algorithm that the key names itself. */
function hostKeyOf(key: Buffer): HostKey {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0;
  const digest = createHash("sha256").update(key).digest("base64").replace(/=+$/, "");
  return { algorithm: key.subarray(4, 4 + length).toString("latin1"), sha256: `SHA256:${digest}` };
}

function codeOf({ level, code, message }: Error & { level?: string; code?: unknown }): DriverErrorCode {
  if (level === "client-authentication" || code === noMoreMethods) return "auth";
  if (code === tooManyConnections) return "busy";
  if (level === "handshake" && message.includes("no matching")) return "unsupported";
  return "unreachable";
}

/** Whether the device ended it for a reason that may be a refusal: OpenSSH says 2 of too many failures. */
function isHangUp({ level, code }: Error & { level?: string; code?: unknown }): boolean {
  if (typeof code === "number") return code !== tooManyConnections && code !== noMoreMethods;
  return level === "client-socket" && (code === "ECONNRESET" || code === "EPIPE");
}

function reasonOf(error: Error & { level?: string; code?: unknown }, user: string): string {
  const code = codeOf(error);
  if (code === "auth")
    return `it refused the log-in of user ${JSON.stringify(user)}; check password, password age and account status`;
  if (code === "busy") return "it takes no further connection now";
  if (code === "unsupported") return `${error.message}; old firmware needs the profile "legacy"`;
  return typeof error.code === "string" ? error.code : error.message;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An error with nothing but its message: originals may hold sockets and options. */
function plain(error: Error): Error {
  return new Error(error.message);
}
