import { z } from "zod";
import { findJsonFault } from "../portal/json.ts";
import { strikeOut } from "../struck-text.ts";
import type { PortalFault } from "./portal-error.ts";

export interface Answer {
  status: number;
  /** By lower-case name. */
  headers: Readonly<Record<string, unknown>>;
  text: string;
}

export type Verdict =
  /** What was asked for; strict JSON, or "" for a 204. */
  | { kind: "text"; text: string }
  /** A 409: what that means depends on what was asked for. */
  | { kind: "conflict"; message: string }
  | { kind: "fault"; fault: PortalFault; message: string; waitMs?: number };

const longestQuietMs = 300_000;
const longestProblem = 64 * 1024;

const problemWords = z.object({ title: z.string().optional(), detail: z.string().optional() });

/**
 * What an answer means. `portal` and `what` name it in messages. Only the expected status is a success: a log-in page of
 * some proxy must not pass for the receipt of a result.
 */
export function judgeAnswer(
  { status, headers, text }: Answer,
  { portal, what, expected, token }: { portal: string; what: string; expected: 200 | 204; token: string },
): Verdict {
  const fault = (fault: PortalFault, message: string, waitMs?: number): Verdict => ({
    kind: "fault",
    fault,
    message,
    ...(waitMs === undefined ? {} : { waitMs }),
  });
  if (status === expected) {
    if (status === 204) return { kind: "text", text: "" };
    const wrong = findFault(text);
    if (wrong === undefined) return { kind: "text", text };
    return fault("protocol", `The portal ${portal} answered ${what} with faulty JSON: ${wrong}`);
  }
  const told = strikeOut(wordsOf(text), [token]);
  const answered = `The portal ${portal} answered ${status} to ${what}`;
  const inWords = told === "" ? answered : `${answered}: ${told}`;
  if (status === 401) return fault("unauthorized", `${answered}: the token was refused`);
  if (status === 409) return { kind: "conflict", message: inWords };
  if (status === 429 || status === 503) return fault("busy", inWords, readRetryAfter(headers));
  if (status >= 500 || status === 408) return fault("unreachable", inWords);
  if (status < 300)
    return fault("protocol", `${answered}, where ${expected} is due: something else than a portal may stand there`);
  if (status < 400)
    return fault(
      "protocol",
      `${answered}, a redirect to ${targetOf(headers)}: redirects are not followed; where that is the portal, give its address`,
    );
  return fault("refused", `${inWords}${hintFor(status)}`);
}

function hintFor(status: number): string {
  if (status === 403) return "; bind the token of this agent to its devices and gateways at the portal";
  if (status === 404) return "; check that this is the address of a portal that agents may pull from";
  return "";
}

function readRetryAfter(headers: Answer["headers"]): number {
  const after = headers["retry-after"];
  if (typeof after !== "string") return 0;
  const ms = /^\d+$/.test(after) ? Number(after) * 1_000 : Date.parse(after) - dateOf(headers);
  return Number.isFinite(ms) ? Math.min(longestQuietMs, Math.max(0, ms)) : 0;
}

// The portal's own clock, where it shows it: ours may be wrong.
function dateOf(headers: Answer["headers"]): number {
  const shown = typeof headers["date"] === "string" ? Date.parse(headers["date"]) : NaN;
  return Number.isNaN(shown) ? Date.now() : shown;
}

function targetOf(headers: Answer["headers"]): string {
  const location = headers["location"];
  return typeof location === "string" && URL.canParse(location)
    ? new URL(location).origin
    : "another path of the same host";
}

function findFault(text: string): string | undefined {
  try {
    return findJsonFault(text)?.message;
  } catch (cause) {
    // One string of many megabytes can be more than the scanner's stack holds.
    if (cause instanceof RangeError) return "it is too large to be looked through";
    throw cause;
  }
}

function wordsOf(text: string): string {
  if (text === "" || text.length > longestProblem || findFault(text) !== undefined) return "";
  const words = problemWords.safeParse(JSON.parse(text));
  if (!words.success) return "";
  const { title, detail } = words.data;
  return [title, detail]
    .filter((part) => part !== undefined)
    .join(": ")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .slice(0, 300);
}
