import axios, { isAxiosError } from "axios";
import { Agent } from "node:https";
import { fullJitter, type Pace } from "./pace.ts";
import { judgeAnswer, type Answer } from "./portal-answer.ts";
import { PortalError, type PortalFault } from "./portal-error.ts";
import { keepToken, TokenRefused } from "./portal-token.ts";
import { createLongSignal, limitTime, type TimeLimit } from "./time-limit.ts";

export interface PortalSettings {
  /** `https://HOST[:PORT][/PATH]`, without account, query and fragment. */
  url: string;
  /** PEM of the authority that signed the portal's certificate, where it is none of the system's. */
  ca?: string;
  /** Called before the first request, and again after the token was refused. */
  readToken(): string;
  pace: Pace;
}

export interface Call {
  method: "GET" | "POST" | "PUT";
  /** Below the pull API's prefix. */
  path: string;
  body?: unknown;
  expected: 200 | 204;
  /** For one try. */
  attemptMs: number;
  /** Within which tries begin; there is always a first one. */
  budgetMs: number;
  /** Tries again after all that may pass: also a refused token, also an answer that no portal gives. */
  persistent?: boolean;
  signal?: AbortSignal;
  /** What a 409 means here. Default: the call is refused. */
  conflict?(message: string): Error;
}

export interface PortalTransport {
  /** Its name in messages. */
  portal: string;
  /**
   * Resolves with the answer's text, which is strict JSON, or "" for a 204. Throws PortalError, or what `conflict` made.
   * All that goes through here may be repeated.
   */
  send(call: Call): Promise<string>;
  /** An error of this kind, for whoever reads the text. */
  fault(fault: PortalFault, message: string): PortalError;
  /** Ends what is under way; from now on a call is one short try. */
  hurry(): void;
  /** Ends all, and closes the connections. */
  close(): void;
}

/** A try is given at least this long, however little is left of a budget. */
export const shortestTryMs = 5_000;

const prefix = "/api/pull/v1";
const maxAnswerBytes = 64 * 1024 * 1024;
const backoffMs = { min: 500, max: 15_000 };
const hurriedTryMs = 1_200;

/** Throws an Error when the URL is none that a token may be sent to. */
export function openTransport({ url, ca, readToken, pace }: PortalSettings): PortalTransport {
  const base = parseUrl(url);
  const portal = base.origin;
  const tokens = keepToken(readToken, pace.nowMs);
  const httpsAgent = new Agent({ keepAlive: true, minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca }) });
  const http = axios.create({
    maxRedirects: 0,
    maxContentLength: maxAnswerBytes,
    maxBodyLength: Infinity,
    proxy: false,
    httpsAgent,
    responseType: "text",
    transformResponse: [(data: unknown) => data],
    validateStatus: () => true,
  });
  const closing = createLongSignal();
  let ending = createLongSignal();
  let hurried = false;
  let quietUntil = -Infinity;

  const fault = (kind: PortalFault, message: string, more: { status?: number; waitMs?: number } = {}): PortalError =>
    // Spread out, so that the runs of many devices do not come back together.
    new PortalError(kind, message, { putOffMs: 10_000 + 10_000 * pace.random(), ...more });

  const nameOf = ({ method, path }: Call): string => `${method} ${base.path}${prefix}${path.split("?", 1)[0] ?? ""}`;

  async function takeToken(call: Call, limit: TimeLimit): Promise<string> {
    try {
      return await tokens.take(limit.signal);
    } catch (cause) {
      if (limit.expired())
        throw fault("unreachable", `${nameOf(call)} was not sent: another call is trying a new token on ${portal}`);
      if (cause instanceof TokenRefused) {
        const { waitMs } = cause;
        const message = `The portal ${portal} refused the token of this agent (401): give a valid one; it is read anew in ${Math.ceil(waitMs / 1_000)} s`;
        throw fault("unauthorized", message, { status: 401, waitMs });
      }
      if (limit.signal.aborted) throw fault("stopped", `${nameOf(call)} was given up before it was sent`);
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw fault("unauthorized", `The token for the portal ${portal} cannot be read: ${reason}`, { waitMs: 60_000 });
    }
  }

  /** One request and its whole answer. */
  async function ask(call: Call, tryMs: number): Promise<Answer & { token: string }> {
    const limit = limitTime(tryMs, [call.signal, ending.signal, closing.signal], pace);
    let token: string | undefined;
    let result: "accepted" | "refused" | "unknown" = "unknown";
    try {
      token = await takeToken(call, limit);
      const { status, headers, data } = await http.request<unknown>({
        method: call.method,
        url: `${portal}${base.path}${prefix}${call.path}`,
        data: call.body === undefined ? undefined : JSON.stringify(call.body),
        headers: {
          accept: "application/json",
          authorization: `Bearer ${token}`,
          ...(call.body === undefined ? {} : { "content-type": "application/json" }),
        },
        timeout: tryMs,
        signal: limit.signal,
      });
      result = status === 401 ? "refused" : status < 500 && status !== 429 ? "accepted" : "unknown";
      return { status, headers, text: typeof data === "string" ? data : "", token };
    } catch (cause) {
      if (cause instanceof PortalError) throw cause;
      // Nothing of axios's error is kept: it carries the token.
      throw explain(call, cause, limit.signal.aborted && !limit.expired(), tryMs);
    } finally {
      if (token !== undefined) tokens.settle(token, result);
      limit.dispose();
    }
  }

  function explain(call: Call, cause: unknown, givenUp: boolean, tryMs: number): PortalError {
    const what = nameOf(call);
    if (givenUp) return fault("stopped", `${what} was given up before the portal ${portal} answered`);
    const code = (isAxiosError(cause) ? cause.code : undefined) ?? (cause instanceof Error ? cause.name : "unknown");
    if (cause instanceof Error && cause.message.startsWith("maxContentLength"))
      return fault(
        "protocol",
        `The portal ${portal} answered ${what} with more than ${maxAnswerBytes / 1024 / 1024} MiB: something else than a portal may stand there`,
      );
    if (/CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_/.test(code))
      return fault(
        "protocol",
        `No trusted TLS connection to the portal ${portal} came about (${code}), so nothing was sent to it: check its address, or give the PEM of the authority that signed its certificate`,
      );
    return fault(
      "unreachable",
      `The portal ${portal} did not answer ${what} within ${tryMs / 1_000} s or broke off (${code}): check that it runs, its address and the network`,
    );
  }

  async function attempt(call: Call, tryMs: number): Promise<string> {
    const quietMs = quietUntil - pace.nowMs();
    if (quietMs > 0) {
      const message = `The portal ${portal} wants to be left alone for ${Math.ceil(quietMs / 1_000)} s`;
      throw fault("busy", message, { waitMs: quietMs });
    }
    const { token, ...answer } = await ask(call, tryMs);
    const { status } = answer;
    const verdict = judgeAnswer(answer, { portal, what: nameOf(call), expected: call.expected, token });
    switch (verdict.kind) {
      case "text":
        return verdict.text;
      case "conflict":
        throw call.conflict?.(verdict.message) ?? fault("refused", verdict.message, { status });
      case "fault": {
        const waitMs = verdict.waitMs ?? 0;
        // Its word is to all of this agent's calls.
        if (verdict.fault === "busy") quietUntil = Math.max(quietUntil, pace.nowMs() + waitMs);
        throw fault(verdict.fault, verdict.message, { status, waitMs });
      }
    }
  }

  /** How long until the next try; undefined where there is none. */
  function delayOf(error: PortalError, call: Call, failures: number): number | undefined {
    if (hurried || !mayPass(error, call)) return undefined;
    // A refused token is tried again where it reads otherwise now, and where it does not nothing is sent.
    if (error.fault === "unauthorized" && error.waitMs === 0) return 0;
    return Math.max(error.waitMs, fullJitter(failures, backoffMs.min, backoffMs.max, pace.random));
  }

  /** Resolves false when it was cut short. */
  async function pause(ms: number, call: Call): Promise<boolean> {
    const cut = new AbortController();
    const signals = [call.signal, ending.signal, closing.signal];
    const abort = (): void => cut.abort();
    for (const signal of signals) signal?.addEventListener("abort", abort, { once: true });
    if (signals.some((signal) => signal?.aborted === true)) abort();
    try {
      await pace.wait(ms, cut.signal);
      return true;
    } catch {
      return false;
    } finally {
      for (const signal of signals) signal?.removeEventListener("abort", abort);
    }
  }

  return {
    portal,
    async send(call) {
      const until = pace.nowMs() + call.budgetMs;
      for (let failures = 1; ; failures += 1) {
        const leftMs = failures === 1 ? call.attemptMs : Math.max(shortestTryMs, until - pace.nowMs());
        try {
          return await attempt(call, hurried ? hurriedTryMs : Math.min(call.attemptMs, leftMs));
        } catch (error) {
          const delayMs = error instanceof PortalError ? delayOf(error, call, failures) : undefined;
          if (delayMs === undefined || pace.nowMs() + delayMs >= until || !(await pause(delayMs, call))) throw error;
        }
      }
    },
    fault: (kind, message) => fault(kind, message),
    hurry() {
      hurried = true;
      ending.abort();
      ending = createLongSignal();
    },
    close() {
      hurried = true;
      closing.abort();
      httpsAgent.destroy();
    },
  };
}

function mayPass({ fault, waitMs }: PortalError, { persistent = false }: Call): boolean {
  if (fault === "unreachable" || fault === "busy") return true;
  if (fault === "unauthorized") return persistent || waitMs === 0;
  return fault === "protocol" && persistent;
}

function parseUrl(text: string): { origin: string; path: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:")
    throw new Error("the portal's address must be https://HOST[:PORT]: conversions carry secrets");
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "")
    throw new Error("the portal's address must hold no account, query or fragment");
  return { origin: url.origin, path: url.pathname.replace(/\/+$/, "") };
}
