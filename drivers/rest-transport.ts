import { isUtf8 } from "node:buffer";
import type { ClientRequest, IncomingMessage } from "node:http";
import http from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import axios from "axios";
import type { Target } from "./connection.ts";
import { connect } from "./connection.ts";
import { openSpares } from "./spare-connections.ts";
import type { Trust } from "./driver.ts";
import { DriverError } from "./errors.ts";

export interface Request {
  /** What is tried, for messages, for example `reading status`. */
  what: string;
  method: "GET" | "PUT" | "POST";
  /** Under `/api/v1/`. */
  path: string;
  body: { contentType: string | undefined; bytes: Buffer } | undefined;
  /** For the whole exchange, connection included. */
  deadlineMs: number;
}

export interface Answer {
  status: number;
  text: string;
  /** Whether the device announced the length, so that a cut would have been noticed. */
  lengthKnown: boolean;
}

export interface TransportOptions {
  target: Target;
  trust: Trust;
  connectMs: number;
  /** Value of the Authorization header. */
  authorization: string;
  /** Strikes secrets out of texts. */
  strike: (text: string) => string;
}

export interface Transport {
  /**
   * One exchange. Resolves with any HTTP answer; throws DriverError when there was none: `unreachable`, `identity`,
   * `timeout` or `protocol`. For requests other than GET, `mayHaveActed` is true once a connection carried any of it.
   */
  request(request: Request, signal: AbortSignal): Promise<Answer>;
  /** Sets up all connections that requests may use, and sends nothing on them. Those that fail are forgotten. */
  warm(): void;
  close(): void;
}

/** Bytes of the longest answer that is taken. */
const maxAnswerBytes = 64 * 1024 * 1024;

/** Running configuration and INI are read at once. */
const maxSockets = 2;

/** Milliseconds after which an idle connection is not used again: the device may be closing it at that moment. */
const maxIdleMs = 2_000;

/** HTTP to one device over kept-alive connections that are proved before they carry a byte. Opens none before it is asked. */
export function openTransport(options: TransportOptions): Transport {
  const { target, trust, strike } = options;
  const agent = target.secure
    ? new https.Agent({ keepAlive: true, maxSockets, maxCachedSessions: 0 })
    : new http.Agent({ keepAlive: true, maxSockets });
  const connecting = new Set<Socket>();
  const spares = openSpares((done) => {
    const socket = connect(target, trust, options.connectMs, (fault, settled) => {
      connecting.delete(settled);
      done(fault, settled);
    });
    connecting.add(socket);
  }, maxIdleMs);
  agent.createConnection = (_options, callback) => {
    spares.take((fault, socket) => callback?.(fault ?? null, socket));
    return undefined;
  };
  const origin = `${target.secure ? "https" : "http"}://${target.host.includes(":") ? `[${target.host}]` : target.host}:${target.port}`;
  const { request: nodeRequest } = target.secure ? https : http;
  const client = axios.create();
  let lastUse = -Infinity;

  async function request(wanted: Request, signal: AbortSignal): Promise<Answer> {
    const stop = new AbortController();
    let ended: "deadline" | "caller" | undefined;
    const end = (reason: "deadline" | "caller") => {
      ended ??= reason;
      stop.abort();
    };
    const onAbort = () => end("caller");
    if (signal.aborted) onAbort();
    const timer = setTimeout(() => end("deadline"), wanted.deadlineMs);
    signal.addEventListener("abort", onAbort);
    const carried = { any: false };
    if (performance.now() - lastUse > maxIdleMs) agent.destroy();
    lastUse = performance.now();
    try {
      const response = await client.request<Buffer>({
        url: `${origin}/api/v1/${wanted.path}`,
        method: wanted.method,
        headers: headersOf(wanted, options.authorization),
        ...(wanted.body === undefined ? {} : { data: wanted.body.bytes }),
        ...(target.secure ? { httpsAgent: agent } : { httpAgent: agent }),
        transport: {
          request: (settings: https.RequestOptions, onAnswer: (answer: IncomingMessage) => void): ClientRequest =>
            nodeRequest(settings, onAnswer).once("socket", () => (carried.any = true)),
        },
        proxy: false,
        maxRedirects: 0,
        timeout: wanted.deadlineMs,
        signal: stop.signal,
        maxContentLength: maxAnswerBytes,
        decompress: false,
        responseType: "arraybuffer",
        transformRequest: [(data: unknown) => data],
        transformResponse: [(data: unknown) => data],
        validateStatus: () => true,
      });
      if (response.headers["content-encoding"] !== undefined)
        throw new DriverError("protocol", `${failure(wanted)}: the answer is compressed, which was not asked for`, {
          mayHaveActed: wanted.method !== "GET",
        });
      const lengthKnown =
        response.headers["content-length"] !== undefined || response.headers["transfer-encoding"] !== undefined;
      return { status: response.status, text: textOf(response.data), lengthKnown };
    } catch (error) {
      throw fault(error, wanted, ended, carried.any && wanted.method !== "GET");
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      lastUse = performance.now();
    }
  }

  function fault(error: unknown, wanted: Request, ended: string | undefined, mayHaveActed: boolean): DriverError {
    if (error instanceof DriverError) return error;
    if (ended === "deadline")
      return new DriverError("timeout", `${failure(wanted)}: no complete answer within ${wanted.deadlineMs} ms`, {
        mayHaveActed,
      });
    if (ended === "caller")
      return new DriverError("timeout", `${failure(wanted)}: given up by the caller`, { mayHaveActed });
    if (!(error instanceof Error)) return new DriverError("unreachable", failure(wanted), { mayHaveActed });
    if (error.cause instanceof DriverError) return error.cause;
    const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
    const message = strike(error.message);
    // Axios errors hold the request with its credentials: only code and message are kept.
    const cause = code === undefined ? new Error(message) : Object.assign(new Error(message), { code });
    return new DriverError(faultCode(error, code), `${failure(wanted)}: ${message}`, { mayHaveActed, cause });
  }

  function failure(wanted: Request): string {
    return `${target.device}: ${wanted.what} failed (${wanted.method} /api/v1/${wanted.path} on ${target.host}:${target.port})`;
  }

  return {
    request,
    warm: () => spares.open(maxSockets),
    close: () => {
      spares.close();
      for (const socket of connecting) socket.destroy();
      agent.destroy();
    },
  };
}

function headersOf(wanted: Request, authorization: string): Record<string, string> {
  const headers: Record<string, string> = {
    Authorization: authorization,
    Accept: "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": "sbc-agent",
  };
  if (wanted.body !== undefined) headers["Content-Length"] = String(wanted.body.bytes.length);
  if (wanted.body?.contentType !== undefined) headers["Content-Type"] = wanted.body.contentType;
  return headers;
}

function faultCode(error: Error, code: string | undefined): "timeout" | "protocol" | "unreachable" {
  if (code === "ECONNABORTED" || code === "ETIMEDOUT") return "timeout";
  // Axios gives a cut answer and one that is too long the same code.
  if (code?.startsWith("HPE_") === true || error.message.startsWith("maxContentLength")) return "protocol";
  return "unreachable";
}

/** Devices do not say their encoding; Latin-1 keeps bytes apart that a failed UTF-8 decoding would make equal. */
function textOf(bytes: Buffer): string {
  return bytes.toString(isUtf8(bytes) ? "utf8" : "latin1");
}
