import axios, { AxiosError } from "axios";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { z } from "zod";
import type { OvocSettings } from "../settings/config.ts";
import { strikeOut } from "../struck-text.ts";
import { OvocError, type OvocErrorCode } from "./error.ts";

export interface OvocRequest {
  method: "GET" | "POST";
  /** Under the configured URL; begins with a slash. */
  path: string;
  /** Encoded, without the question mark. */
  query?: string;
  body?: Readonly<Record<string, unknown>>;
}

export interface OvocAnswer {
  status: number;
  /** The body as JSON; undefined where it was empty, and for answers that are no success. */
  json: unknown;
  /** What OVOC says about a refusal, made fit for a message: `: the words`, or empty. */
  words: string;
}

export interface OvocTransport {
  /**
   * One exchange, ended by `signal` or after `requestMs`. Resolves with any other answer than those that concern every
   * request; throws OvocError for these, for none, and for a success that is no JSON.
   */
  ask(request: OvocRequest, signal: AbortSignal): Promise<OvocAnswer>;
  close(): void;
}

const maxAnswerBytes = 4 * 1024 * 1024;
const longestWords = 300;
const refusal = z.object({ description: z.string() });

const codeOfStatus: Readonly<Partial<Record<number, OvocErrorCode>>> = {
  401: "auth",
  403: "auth",
  429: "busy",
  502: "unreachable",
  503: "unreachable",
  504: "unreachable",
};

function readJson(text: string): { json: unknown } | undefined {
  if (text.trim() === "") return { json: undefined };
  try {
    return { json: JSON.parse(text) as unknown };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** `readSecret` is asked for every request, so that a renewed token is taken up. `ca` is PEM. */
export function openOvocTransport(
  settings: Pick<OvocSettings, "url" | "user" | "bearer" | "requestMs">,
  readSecret: () => string,
  ca: string | undefined,
): OvocTransport {
  const base = settings.url.replace(/\/+$/, "");
  const httpAgent = new HttpAgent({ keepAlive: true, maxSockets: 4 });
  const httpsAgent = new HttpsAgent({
    keepAlive: true,
    maxSockets: 4,
    minVersion: "TLSv1.2",
    rejectUnauthorized: true,
    ...(ca === undefined ? {} : { ca }),
  });
  const http = axios.create({
    timeout: settings.requestMs,
    maxRedirects: 0,
    maxContentLength: maxAnswerBytes,
    proxy: false,
    httpAgent,
    httpsAgent,
    responseType: "text",
    transformResponse: [(data: unknown) => data],
    validateStatus: () => true,
  });

  function currentSecret(): string {
    try {
      return readSecret();
    } catch (error) {
      throw new OvocError(
        "auth",
        `OVOC ${base} was not asked: ${error instanceof Error ? error.message : "no secret"}`,
      );
    }
  }

  const encodeAccount = (secret: string): string =>
    Buffer.from(`${settings.user ?? ""}:${secret}`, "utf8").toString("base64");

  function wordsOf(text: string, secret: string): string {
    const said = refusal.safeParse(readJson(text)?.json);
    // Whoever quotes a request quotes its headers as well.
    const secrets = settings.bearer ? [secret] : [secret, encodeAccount(secret)];
    return said.success ? `: ${strikeOut(said.data.description, secrets).slice(0, longestWords)}` : "";
  }

  async function exchange(request: OvocRequest, secret: string, signal: AbortSignal) {
    const stop = new AbortController();
    let ended: string | undefined;
    const end = (reason: string) => {
      ended ??= reason;
      stop.abort();
    };
    const onAbort = () => end("given up by the caller");
    if (signal.aborted) onAbort();
    // Axios' own timeout does not cover the time until a connection stands.
    const timer = setTimeout(() => end(`no complete answer within ${settings.requestMs} ms`), settings.requestMs);
    signal.addEventListener("abort", onAbort);
    try {
      const { status, data } = await http.request<string>({
        method: request.method,
        url: `${base}${request.path}${request.query === undefined ? "" : `?${request.query}`}`,
        headers: {
          Authorization: settings.bearer ? `Bearer ${secret}` : `Basic ${encodeAccount(secret)}`,
          Accept: "application/json",
          "User-Agent": "sbc-agent",
        },
        ...(request.body === undefined ? {} : { data: request.body }),
        signal: stop.signal,
      });
      return { status, text: data };
    } catch (error) {
      // The error of axios carries the credentials: only its code is told.
      const what = `${request.method} ${request.path}`;
      // Axios gives a cut answer and one that is too long the same code.
      if (error instanceof AxiosError && error.message.startsWith("maxContentLength"))
        throw new OvocError("protocol", `OVOC ${base} answered ${what} with more than ${maxAnswerBytes} bytes`);
      const why = ended ?? (error instanceof AxiosError ? error.code : undefined) ?? "no connection";
      throw new OvocError("unreachable", `OVOC ${base} did not answer ${what} (${why})`);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    }
  }

  return {
    async ask(request, signal) {
      const secret = currentSecret();
      const { status, text } = await exchange(request, secret, signal);
      const answered = `OVOC ${base} answered ${status} to ${request.method} ${request.path}`;
      const words = wordsOf(text, secret);
      const code = codeOfStatus[status];
      if (code !== undefined) throw new OvocError(code, `${answered}${words}`);
      if (status < 200 || status > 299) return { status, json: undefined, words };
      const body = readJson(text);
      if (body === undefined) throw new OvocError("protocol", `${answered} with a body that is no JSON`);
      return { status, json: body.json, words: "" };
    },
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}
