import type { DriverErrorCode } from "./errors.ts";
import { DriverError } from "./errors.ts";
import type { Answer, Request } from "./rest-transport.ts";

/** Characters of the device's words that an error keeps. */
const maxDeviceText = 16_000;

/** Who is asked, and how secrets are struck out of what it says. */
export interface Asked {
  device: string;
  user: string;
  strike: (text: string) => string;
}

/** Throws the DriverError that a status other than 200 stands for (device REST guide, general error rules). */
export function requireOk(answer: Answer, request: Request, asked: Asked): void {
  if (answer.status === 200) return;
  const code = codeOf(answer.status);
  const deviceText = describe(answer.text, asked);
  throw new DriverError(
    code,
    `${failed(request, asked)}: HTTP ${answer.status}, ${meaning(answer.status, code, asked)}`,
    {
      mayHaveActed: request.method !== "GET" && (code === "rejected" || code === "protocol"),
      ...(deviceText === "" ? {} : { deviceText }),
    },
  );
}

/** The object that an answer holds. Throws DriverError `protocol` for anything else. */
export function jsonOf(answer: Answer, request: Request, asked: Asked): Readonly<Record<string, unknown>> {
  const object = parseObject(answer.text);
  if (object !== undefined) return object;
  throw new DriverError("protocol", `${failed(request, asked)}: the answer is not a JSON object`, {
    mayHaveActed: request.method !== "GET",
    deviceText: describe(answer.text, asked),
  });
}

/**
 * The device's words on a script that it took; throws DriverError `rejected` for one that it did not wholly take,
 * which may well come with status 200 (device REST guide, CLI script).
 */
export function requireTaken(answer: Answer, request: Request, asked: Asked, refusedLine: RegExp): string {
  requireOk(answer, request, asked);
  const { status, output, description } = jsonOf(answer, request, asked);
  const words = asked.strike(typeof output === "string" ? output : "");
  const rejected = (reason: string) => {
    const text = words !== "" ? words : asked.strike(typeof description === "string" ? description : "");
    return new DriverError("rejected", `${failed(request, asked)}: ${reason}`, {
      mayHaveActed: true,
      deviceText: text.slice(0, maxDeviceText),
    });
  };
  if (status !== undefined && !(typeof status === "string" && status.trim().toLowerCase() === "success"))
    throw rejected(`the device answered status ${asked.strike(JSON.stringify(status))}`);
  const refused = words.split(/[\r\n]+/).find((line) => line.search(refusedLine) !== -1);
  if (refused !== undefined) throw rejected(`the device refused a line: ${refused.trim().slice(0, 200)}`);
  return words;
}

function codeOf(status: number): DriverErrorCode {
  switch (status) {
    case 401:
      return "auth";
    case 403:
    case 405:
      return "forbidden";
    case 404:
      return "unsupported";
    case 409:
    case 429:
      return "busy";
    default:
      return status >= 400 && status < 500 ? "rejected" : "protocol";
  }
}

function meaning(status: number, code: DriverErrorCode, asked: Asked): string {
  const user = `user ${JSON.stringify(asked.user)}`;
  if (status >= 300 && status < 400) return "a redirect, which is never followed; correct the address in the inventory";
  if (code === "auth") return `it refused the log-in of ${user}; check password, password age and account status`;
  if (code === "forbidden") return `${user} may not do this; give it the level Security Administrator`;
  if (code === "unsupported") return "its firmware does not have this resource";
  if (code === "busy") return "it cannot take this now (HA synchronisation, upgrade or save); try again later";
  if (code === "rejected") return "it refused the request";
  return "which is not an answer that the device documents";
}

function describe(text: string, asked: Asked): string {
  const object = parseObject(text);
  for (const key of ["output", "description", "errorDescription"]) {
    const words = object?.[key];
    if (typeof words === "string" && words !== "") return asked.strike(words).slice(0, maxDeviceText);
  }
  return asked.strike(text).slice(0, maxDeviceText);
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    // Not JSON: the callers say so in their own words.
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function failed(request: Request, asked: Asked): string {
  return `${asked.device}: ${request.what} failed (${request.method} /api/v1/${request.path})`;
}
