import type { Device } from "./device.ts";
import type { Occasion } from "./faults.ts";
import type { Level, User } from "./users.ts";

/** A request that was received in full and whose user got in. */
export interface RestRequest extends Occasion {
  readonly query: URLSearchParams;
  /** Parts of the path that the route left open. */
  readonly parameters: readonly string[];
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly user: User;
  /** Ends when the client has gone or the mock stops. */
  readonly signal: AbortSignal;
}

/** An answer; `cut` destroys the socket instead. */
export interface RestAnswer {
  readonly status: number;
  readonly json?: unknown;
  readonly file?: string | Buffer;
  /** Runs once the answer has left: the device resets after it said so. */
  readonly afterwards?: () => void;
  readonly cut?: boolean;
  /** Announce this many bytes more than are sent, then destroy the socket. */
  readonly missingBytes?: number;
}

export interface Method {
  readonly level: Level;
  /** Configuration or maintenance: refused while the redundant unit synchronises, counted as a writer. */
  readonly writes?: boolean;
  readonly handle: (request: RestRequest) => RestAnswer | Promise<RestAnswer>;
}

/** One resource. In `path`, `*` stands for one part and `**` at the end for any number. */
export interface Route {
  readonly path: string;
  readonly methods: Readonly<Record<string, Method>>;
}

export const synchronizing = "Device is currently performing HA synchronization";

/** `{"description": ...}`, the error and answer body of actions, files and licence. */
export function describe(status: number, description: string, more: Partial<RestAnswer> = {}): RestAnswer {
  return { status, json: { description }, ...more };
}

/** The parts of the path that the pattern leaves open; undefined when it does not match. */
export function matchPath(pattern: string, path: string): string[] | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  const parameters: string[] = [];
  for (const [position, part] of wanted.entries()) {
    if (part === "**") return [...parameters, ...given.slice(position)];
    const here = given[position];
    if (here === undefined) return undefined;
    if (part === "*") parameters.push(decodeURIComponent(here));
    else if (part.toLowerCase() !== here.toLowerCase()) return undefined;
  }
  return given.length === wanted.length ? parameters : undefined;
}

/** The body as a JSON object; undefined when it is not one. An empty body is an empty object. */
export function readJson(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  const text = body.toString("utf8").trim();
  if (text === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the firmware is at least that of the same grammar, as `7.40A.600`. */
export function isFirmwareAtLeast(device: Device, wanted: string): boolean {
  const parts = (version: string) =>
    version
      .replace(/[A-Za-z]/g, "")
      .split(".")
      .map(Number);
  const have = parts(device.identity.firmware);
  for (const [position, want] of parts(wanted).entries()) {
    const difference = (have[position] ?? 0) - want;
    if (difference !== 0) return difference > 0;
  }
  return true;
}
