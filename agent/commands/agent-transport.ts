import { X509Certificate } from "node:crypto";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { checkServerIdentity, rootCertificates } from "node:tls";
import axios from "axios";
import type { z } from "zod";
import { AgentRefusal, AgentUnreachable, Interrupted } from "./errors.ts";
import { printable } from "./output.ts";
import { describeProblem } from "./problem-text.ts";

export interface ClientOptions {
  /** Scheme, host, port and perhaps a path below which the API stands. */
  url: string;
  token: string | undefined;
  /** Said when the agent answers 401: where the token came from, or why there is none. */
  tokenSource: string;
  /** PEM that the agent shows; trusted besides the public authorities, whatever name it bears. */
  certificatePem: string | undefined;
  signal: AbortSignal;
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

interface AgentTransport {
  /** The agent's address, without a slash at its end. */
  readonly url: string;
  /**
   * One request. Resolves with an answer of the schema's shape that is a success, or has `alsoStatus`. Throws
   * AgentUnreachable, AgentRefusal, or Interrupted.
   */
  call<T>(
    schema: z.ZodType<T>,
    method: Method,
    path: string,
    request: { body?: string; seconds: number; alsoStatus?: number },
  ): Promise<T>;
  close(): void;
}

/** Sends nothing before the first call. Throws an Error when the certificate cannot be read. */
export function openTransport(options: ClientOptions): AgentTransport {
  const url = options.url.replace(/\/+$/, "");
  const httpAgent = new HttpAgent({ keepAlive: true });
  const httpsAgent = new HttpsAgent({ keepAlive: true, rejectUnauthorized: true, ...trust(options.certificatePem) });

  async function send(
    method: Method,
    path: string,
    body: string | undefined,
    deadlineSeconds: number,
  ): Promise<{ status: number; text: string; what: string }> {
    const what = `${method} ${url}${path}`;
    const deadline = AbortSignal.timeout(deadlineSeconds * 1_000);
    if (wasAborted(options.signal)) throw new Interrupted();
    try {
      const answer = await axios.request<string>({
        method,
        url: `${url}${path}`,
        data: body,
        headers: {
          accept: "application/json, application/problem+json",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...(options.token === undefined ? {} : { authorization: `Bearer ${options.token}` }),
        },
        httpAgent,
        httpsAgent,
        proxy: false,
        maxRedirects: 0,
        timeout: deadlineSeconds * 1_000,
        signal: AbortSignal.any([options.signal, deadline]),
        maxContentLength: 256 * 1_024 * 1_024,
        responseType: "text",
        transformRequest: [(data: unknown) => data],
        transformResponse: [(data: unknown) => data],
        validateStatus: () => true,
      });
      return { status: answer.status, text: answer.data, what };
    } catch (error) {
      if (wasAborted(options.signal)) throw new Interrupted();
      if (deadline.aborted || hasCode(error, "ECONNABORTED"))
        throw new AgentUnreachable(`${what}: no answer within ${deadlineSeconds} s`, false);
      const reason = error instanceof Error && error.message !== "" ? error.message : codeOf(error);
      throw new AgentUnreachable(`${what}: ${reason}`, hasCode(error, "ECONNREFUSED"));
    }
  }

  async function call<T>(
    schema: z.ZodType<T>,
    method: Method,
    path: string,
    request: { body?: string; seconds: number; alsoStatus?: number },
  ): Promise<T> {
    const { status, text, what } = await send(method, path, request.body, request.seconds);
    const value = parseJson(text);
    const expected = (status >= 200 && status < 300) || status === request.alsoStatus;
    const result = schema.safeParse(value);
    if (expected && result.success) return result.data;
    if (status >= 200 && status < 300 && !result.success)
      throw new AgentRefusal(
        `${what}: answered ${status}, but not with what this version of sbc-agent understands:\n${issues(result.error)}`,
        status,
      );
    throw new AgentRefusal(`${what}: ${describeProblem(status, value, text, options.tokenSource)}`, status);
  }

  return {
    url,
    call,
    close() {
      httpAgent.destroy();
      httpsAgent.destroy();
    },
  };
}

function trust(certificatePem: string | undefined): object {
  if (certificatePem === undefined) return {};
  const leaf = new X509Certificate(certificatePem).fingerprint256;
  return {
    ca: [...rootCertificates, certificatePem],
    // The configured certificate need not be self-signed: it is trusted without its issuer.
    allowPartialTrustChain: true,
    checkServerIdentity: (host: string, shown: Parameters<typeof checkServerIdentity>[1]) =>
      shown.fingerprint256 === leaf ? undefined : checkServerIdentity(host, shown),
  };
}

/** A call, so that the compiler does not take an earlier answer for granted. */
function wasAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** Whether the error, or one of those it stands for (a host with several addresses), has the code. */
function hasCode(error: unknown, code: string): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every((e) => hasCode(e, code));
  return codeOf(error) === code || (error.cause !== undefined && hasCode(error.cause, code));
}

function parseJson(text: string): unknown {
  if (text === "") return undefined;
  try {
    return printable(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function issues(error: z.ZodError): string {
  return error.issues
    .slice(0, 5)
    .map((issue) => `  ${issue.path.join(".") || "(top)"}: ${issue.message}`)
    .join("\n");
}
