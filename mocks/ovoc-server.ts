import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

export interface Answer {
  readonly status: number;
  readonly json?: unknown;
  /** In place of the JSON. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `silence` leaves the request without an answer, `cut` destroys its connection. */
export type Reply = Answer | "silence" | "cut";

export interface Listening {
  readonly port: number;
  /** Ends all connections. May be called again. */
  stop(): Promise<void>;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, reply: Reply): void {
  if (reply === "silence") return;
  if (reply === "cut") {
    response.destroy();
    return;
  }
  const { status, json, headers = {} } = reply;
  const text = reply.text ?? (json === undefined ? undefined : JSON.stringify(json));
  response.writeHead(status, { ...headers, ...(text === undefined ? {} : { "Content-Type": "application/json" }) });
  response.end(text);
}

/** Serves on the loopback address. What `serve` throws is answered 400 `{"error": ...}`. Rejects when the port is taken. */
export async function listen(
  serve: (request: IncomingMessage, body: string) => Promise<Reply> | Reply,
  port: number,
): Promise<Listening> {
  const sockets = new Set<Socket>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> =>
    send(response, await serve(request, await readBody(request)));
  const server: Server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      send(response, { status: 400, json: { error: error instanceof Error ? error.message : String(error) } });
    });
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  };
  return { port: address.port, stop: () => (stopping ??= stop()) };
}
