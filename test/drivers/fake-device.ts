import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import http from "node:http";
import https from "node:https";
import type { AddressInfo, Socket } from "node:net";
import net from "node:net";
import { createCertificate } from "../../mocks/sbc/certificate.ts";
import type { Driver, DriverOptions } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import { drivers } from "../../drivers/index.ts";

export const certificate = createCertificate();
export const otherCertificate = createCertificate();

/** A web server with a handler of the test's own, on port 0. */
export interface FakeDevice {
  address: string;
  port: number;
  requests: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[];
  /** Connections that were opened so far. */
  connections: () => number;
  /** Connections that stand now. */
  open: () => number;
  /** Closes those that stand; resolves when they are gone. */
  closeConnections: () => Promise<void>;
  close: () => Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** Starts HTTPS with the given certificate, or plain HTTP. */
export async function startFakeDevice(
  handler: Handler,
  secure: typeof certificate | "plaintext" = certificate,
): Promise<FakeDevice> {
  const requests: FakeDevice["requests"] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      requests.push({ method: request.method ?? "", url: request.url ?? "", headers: request.headers, body });
      handler(request, response, body);
    });
  };
  const server =
    secure === "plaintext"
      ? http.createServer(listener)
      : https.createServer({ cert: secure.certificatePem, key: secure.keyPem }, listener);
  server.on("connection", (socket: Socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `${secure === "plaintext" ? "http" : "https"}://127.0.0.1:${port}`,
    port,
    requests,
    connections: () => connections,
    open: () => sockets.size,
    closeConnections: async () => {
      const closed = [...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
      for (const socket of sockets) socket.end();
      await Promise.all(closed);
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Starts bare TCP on port 0; connections are destroyed when it is closed. */
export async function startTcp(onSocket: (socket: Socket) => void = () => undefined) {
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy()).on("close", () => sockets.delete(socket));
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers JSON. */
export function json(response: ServerResponse, status: number, value: unknown): void {
  text(response, status, JSON.stringify(value));
}

/** Answers a text with its length. */
export function text(response: ServerResponse, status: number, value: string): void {
  const bytes = Buffer.from(value, "utf8");
  response.writeHead(status, { "Content-Length": bytes.length }).end(bytes);
}

export const password = "hunter2-correct";

export function openDriver(address: string, more: Partial<DriverOptions> = {}): Driver {
  return drivers.rest.open({
    device: "edge-1",
    address,
    user: "agent",
    password,
    trust: { kind: "certificate", pem: certificate.certificatePem, checkName: true },
    model: "ve-4gb",
    deadlines: { connectMs: 5_000, requestMs: 5_000, writeMs: 5_000, saveMs: 5_000 },
    ...more,
  });
}

/** The DriverError that a promise ends with. */
export async function faultOf(promise: Promise<unknown>): Promise<DriverError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof DriverError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

export const never = new AbortController().signal;
