import { X509Certificate } from "node:crypto";
import net from "node:net";
import tls from "node:tls";
import type { DeviceIdentity, Trust } from "./driver.ts";
import { DriverError } from "./errors.ts";

/** Where a device listens, taken apart from its address. */
export interface Target {
  /** For messages: the device's name, or its address where it has none yet. */
  device: string;
  host: string;
  port: number;
  secure: boolean;
}

type Done = (fault: DriverError | undefined, socket: net.Socket) => void;

/**
 * Takes `https://host[:port]` (or `http://`) apart. Throws DriverError `unsupported` for anything else: credentials,
 * paths and queries have no place in an inventory address.
 */
export function parseAddress(device: string, address: string): Target {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.hostname === "")
    throw new DriverError("unsupported", `${device}: its address is not of the form https://host[:port]`);
  if (url.username !== "" || url.password !== "" || url.pathname !== "/" || url.search !== "" || url.hash !== "")
    throw new DriverError("unsupported", `${device}: its address may hold nothing but https://host[:port]`);
  const secure = url.protocol === "https:";
  const host = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname;
  return { device, host, port: url.port === "" ? (secure ? 443 : 80) : Number(url.port), secure };
}

/** Throws DriverError `identity` for an enrolled certificate that is none, before anything is sent anywhere. */
export function requireTrust(device: string, trust: Trust): void {
  if (trust.kind !== "certificate") return;
  try {
    new X509Certificate(trust.pem);
  } catch (error) {
    throw new DriverError("identity", `${device}: what was enrolled is not a PEM certificate; enrol the device anew`, {
      cause: error instanceof Error ? plainCause(error) : error,
    });
  }
}

/**
 * Opens a connection and hands it over only once it is proved to lead to the device: nothing was written to it yet.
 * Calls `done` exactly once, with a DriverError `identity` (wrong certificate) or `unreachable` and the destroyed
 * socket, or with the socket alone. Gives up after `connectMs`.
 */
export function connect(target: Target, trust: Trust, connectMs: number, done: Done): net.Socket {
  if (trust.kind === "plaintext") return settle(net.connect(target.port, target.host), target, connectMs, accept, done);
  return settle(
    secureSocket(target, trust),
    target,
    connectMs,
    (socket) => wrongFingerprint(socket, target, trust),
    done,
  );
}

/** Fetches the certificate that a device shows; sends no credentials. Throws DriverError `unreachable`. */
export async function fetchIdentity(target: Target, connectMs: number): Promise<DeviceIdentity> {
  const socket = tls.connect({ ...baseOptions(target), rejectUnauthorized: false });
  return new Promise((resolve, reject) => {
    settle(socket, target, connectMs, accept, (fault) => {
      const certificate = fault === undefined ? socket.getPeerX509Certificate() : undefined;
      socket.destroy();
      if (certificate === undefined) reject(fault ?? unreachable(target, "it shows no certificate"));
      else
        resolve({
          kind: "certificate",
          certificatePem: certificate.toString(),
          fingerprint256: certificate.fingerprint256,
          subject: certificate.subject,
          validTo: certificate.validTo,
        });
    });
  });
}

function secureSocket(target: Target, trust: Trust): tls.TLSSocket {
  const options = baseOptions(target);
  if (trust.kind === "certificate")
    return tls.connect({
      ...options,
      ca: trust.pem,
      // The enrolled certificate is trusted itself, whoever issued it.
      allowPartialTrustChain: true,
      ...(trust.checkName ? {} : { checkServerIdentity: () => undefined }),
    });
  // No check by Node here: `settle` compares the fingerprint before the socket is handed over.
  return tls.connect(trust.kind === "fingerprint" ? { ...options, rejectUnauthorized: false } : options);
}

function baseOptions(target: Target): tls.ConnectionOptions {
  return {
    host: target.host,
    port: target.port,
    minVersion: "TLSv1.2",
    rejectUnauthorized: true,
    ...(net.isIP(target.host) === 0 ? { servername: target.host } : {}),
  };
}

function settle<S extends net.Socket>(
  socket: S,
  target: Target,
  connectMs: number,
  check: (socket: S) => DriverError | undefined,
  done: Done,
): S {
  const established = socket instanceof tls.TLSSocket ? "secureConnect" : "connect";
  const onEstablished = () => finish(check(socket));
  const onError = (error: Error) => finish(connectionFault(target, socket, error));
  const onClose = () => finish(unreachable(target, "closed before the connection stood"));
  const timer = setTimeout(() => finish(unreachable(target, `no connection within ${connectMs} ms`)), connectMs);
  let settled = false;
  function finish(fault: DriverError | undefined): void {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    socket.off(established, onEstablished).off("close", onClose);
    if (fault === undefined) socket.off("error", onError).setNoDelay(true);
    else socket.destroy();
    done(fault, socket);
  }
  socket.once(established, onEstablished).on("error", onError).once("close", onClose);
  return socket;
}

function accept(): undefined {
  return undefined;
}

function connectionFault(target: Target, socket: net.Socket, error: Error): DriverError {
  const code = errorCode(error);
  // Set by Node exactly when the chain, the dates or the name of the certificate failed.
  const reason: unknown = socket instanceof tls.TLSSocket ? socket.authorizationError : undefined;
  if (reason !== undefined && reason !== null)
    return new DriverError(
      "identity",
      `${target.device}: the certificate at ${target.host}:${target.port} is not the enrolled one (${code ?? error.message}); no credentials were sent. Enrol the device anew if its certificate was changed on purpose`,
      { cause: plainCause(error) },
    );
  return unreachable(target, code ?? error.message, error);
}

function wrongFingerprint(socket: tls.TLSSocket, target: Target, trust: Trust): DriverError | undefined {
  if (trust.kind !== "fingerprint") return undefined;
  const shown = socket.getPeerX509Certificate()?.fingerprint256;
  if (shown !== undefined && plainHex(shown) === plainHex(trust.sha256)) return undefined;
  return new DriverError(
    "identity",
    `${target.device}: the certificate at ${target.host}:${target.port} has fingerprint ${shown ?? "(none)"}, enrolled is ${trust.sha256}; no credentials were sent. Enrol the device anew if its certificate was changed on purpose`,
  );
}

function plainHex(fingerprint: string): string {
  return fingerprint.replaceAll(":", "").toUpperCase();
}

function unreachable(target: Target, reason: string, error?: Error): DriverError {
  return new DriverError(
    "unreachable",
    `${target.device}: cannot connect to ${target.host}:${target.port}: ${reason}`,
    error === undefined ? {} : { cause: plainCause(error) },
  );
}

/** An error with nothing but its message and code: originals may hold sockets, options and headers. */
function plainCause(error: Error): Error {
  const code = errorCode(error);
  return code === undefined ? new Error(error.message) : Object.assign(new Error(error.message), { code });
}

function errorCode(error: Error): string | undefined {
  return "code" in error && typeof error.code === "string" ? error.code : undefined;
}
