import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Device } from "./device.ts";
import { strikeLife } from "./life-faults.ts";
import { actionRoutes } from "./rest-actions.ts";
import { configurationRoutes } from "./rest-files.ts";
import type { Method, RestAnswer, Route } from "./rest-route.ts";
import { matchPath, synchronizing } from "./rest-route.ts";
import { stateRoutes } from "./rest-state.ts";
import { testCallRoutes } from "./rest-test-call.ts";
import { tlsRoutes } from "./rest-tls.ts";
import { packageRoutes } from "./rest-packages.ts";
import type { Users } from "./users.ts";
import { isAllowed } from "./users.ts";

const largestBody = 64 * 1024 * 1024;

export interface RestOptions {
  readonly device: Device;
  readonly users: Users;
  /** Added to every request before it is looked at. */
  readonly latencyMs: number;
  /** The signal that ends at the next reset or when the mock stops. */
  readonly life: () => AbortSignal;
}

/** The REST API of the device as a listener for a `node:http` or `node:https` server. */
export function createRestListener(options: RestOptions): RequestListener {
  const { device } = options;
  const routes: Route[] = [
    ...actionRoutes(device),
    ...configurationRoutes(device),
    ...tlsRoutes(device),
    ...packageRoutes(device),
    ...stateRoutes(device),
    ...testCallRoutes(device),
  ];
  return (request, response) => {
    const life = options.life();
    serve(options, routes, request, response, life).catch((error: unknown) => {
      if (life.aborted || response.destroyed) response.destroy();
      else void send(device, response, { status: 500, json: { description: `Fault of the mock: ${String(error)}` } });
    });
  };
}

async function serve(
  options: RestOptions,
  routes: readonly Route[],
  request: IncomingMessage,
  response: ServerResponse,
  life: AbortSignal,
): Promise<void> {
  const { device } = options;
  const url = new URL(request.url ?? "/", "http://device.invalid");
  const occasion = { method: request.method ?? "GET", path: url.pathname.replace(/\/+$/, "") };
  const entry = device.recorder.request(
    occasion.method,
    request.url ?? "/",
    request.headers.authorization !== undefined,
  );
  const body = await readBody(request);
  if (body === undefined) return void response.destroy();
  if (device.faults.take("cut-before-apply", occasion) !== undefined) return void response.destroy();
  const hang = device.faults.take("hang", occasion);
  if (hang?.processed === false) return;
  const release = occasion.method === "GET" ? undefined : device.recorder.writer();
  try {
    await wait(options.latencyMs + (device.faults.take("slow", occasion)?.ms ?? 0), life);
    const address = request.socket.remoteAddress ?? "";
    const logIn = options.users.logIn(request.headers.authorization, address, occasion);
    let answer: RestAnswer;
    await strikeLife(device, occasion, "before");
    if ("refused" in logIn) {
      answer = { status: logIn.refused === "blocked" ? device.settings.blockedStatus : 401 };
    } else {
      const found = findMethod(routes, occasion);
      if (!("handle" in found.method)) answer = found.method;
      else if (!isAllowed(logIn.user, found.method.level)) answer = { status: device.settings.levelTooLowStatus };
      else if (found.method.writes === true && device.faults.take("ha-sync", occasion) !== undefined) {
        answer = { status: 409, json: { description: synchronizing } };
      } else {
        answer = await found.method.handle({
          ...occasion,
          query: url.searchParams,
          parameters: found.parameters,
          headers: request.headers,
          body,
          user: logIn.user,
          signal: life,
        });
      }
    }
    await strikeLife(device, occasion, "after");
    if (life.aborted) return void response.destroy();
    if (hang !== undefined) {
      answer.afterwards?.();
      return;
    }
    if (answer.cut === true || device.faults.take("cut-after-request", occasion) !== undefined) {
      response.destroy();
      answer.afterwards?.();
      return;
    }
    entry.status = answer.status;
    await send(device, response, answer, occasion);
    answer.afterwards?.();
  } finally {
    release?.();
  }
}

function findMethod(
  routes: readonly Route[],
  occasion: { method: string; path: string },
): { method: Method | RestAnswer; parameters: readonly string[] } {
  const inside = /^\/api(?:\/v1)?(?:\/(.*))?$/i.exec(occasion.path);
  if (inside === null) return { method: { status: 404 }, parameters: [] };
  const path = /^\/api$/i.test(occasion.path) ? ".." : (inside[1] ?? "");
  for (const route of routes) {
    const parameters = matchPath(route.path, path);
    if (parameters === undefined) continue;
    return { method: route.methods[occasion.method] ?? { status: 405 }, parameters };
  }
  return { method: { status: 404, json: { description: "Resource not found" } }, parameters: [] };
}

async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      if (!Buffer.isBuffer(chunk)) continue;
      size += chunk.length;
      if (size > largestBody) return undefined;
      chunks.push(chunk);
    }
  } catch (error) {
    // The client went away in the middle of its request.
    if (error instanceof Error && "code" in error && error.code === "ECONNRESET") return undefined;
    throw error;
  }
  return Buffer.concat(chunks);
}

async function wait(ms: number, life: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal: life });
}

async function send(
  device: Device,
  response: ServerResponse,
  answer: RestAnswer,
  occasion?: { method: string; path: string },
): Promise<void> {
  const body = answer.file ?? (answer.json === undefined ? "" : JSON.stringify(answer.json));
  const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body;
  response.statusCode = answer.status;
  // Body and realm of a 401 are unknown on real devices.
  if (answer.status === 401) response.setHeader("WWW-Authenticate", 'Basic realm="device"');
  if (answer.file !== undefined) response.setHeader("Content-Type", "application/octet-stream");
  else if (answer.json !== undefined) response.setHeader("Content-Type", "application/json");
  if (answer.status !== 204) response.setHeader("Content-Length", bytes.length + (answer.missingBytes ?? 0));
  if (answer.afterwards !== undefined) response.setHeader("Connection", "close");
  if (answer.missingBytes !== undefined) {
    response.write(bytes, () => response.destroy());
    return;
  }
  const drip = device.faults.take("drip", occasion);
  if (drip !== undefined) return dripOut(response, bytes, drip.ms);
  await new Promise<void>((resolve) => {
    response.once("close", resolve);
    response.end(bytes);
  });
}

async function dripOut(response: ServerResponse, bytes: Buffer, ms: number): Promise<void> {
  response.flushHeaders();
  for (const byte of bytes) {
    if (response.destroyed) return;
    response.write(Buffer.from([byte]));
    await sleep(ms, undefined, { ref: false });
  }
  response.end();
}
