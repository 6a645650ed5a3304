import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { createCertificate } from "../../mocks/sbc/certificate.ts";
import { createPortalState, type PortalState } from "./portal-state.ts";
import { Refusal, type Json, type Route } from "./portal-words.ts";

export interface Trouble {
  /** What goes out in place of the honest answer; a function is given the honest one. */
  answer?: { status?: number; headers?: Record<string, string>; body?: string | ((honest: string) => string) };
  /** What becomes of the connection instead. `drip` sends a byte now and then and never ends. */
  connection?: "reset" | "hang" | "drip";
  /** Whether what was asked for is done first. It is where the answer is made from the honest one. */
  done?: boolean;
}

export interface SeenRequest {
  route: Route;
  device: string | undefined;
  authorization: string | undefined;
  body: Json;
  /** 0 while it is not answered. */
  status: number;
}

/**
 * A portal for agents that pull, over HTTPS on port 0. It shares no code with the agent, remembers every request, and
 * makes the trouble that it is told to make. An agent needs its `url`, `ca` and `token`.
 */
export interface HandMadePortal extends Omit<PortalState, "serve" | "changed"> {
  url: string;
  /** PEM that a client must trust. */
  ca: string;
  token: string;
  readonly requests: readonly SeenRequest[];
  openSockets(): number;
  requestsTo(route: Route): SeenRequest[];
  /** The next `times` requests to a route meet with it, in the order in which troubles were told. */
  trouble(route: Route, trouble: Trouble, times?: number): void;
  /** Nobody meets with trouble any more. */
  calm(): void;
  /** From now on only this token is taken. */
  replaceToken(token: string): void;
  stop(): Promise<void>;
}

const certificate = createCertificate();

export async function startHandMadePortal(): Promise<HandMadePortal> {
  let token = "token-of-the-agent-1f3a";
  const { serve, changed, ...shown } = createPortalState();
  const requests: SeenRequest[] = [];
  const troubles = new Map<Route, Trouble[]>();
  const sockets = new Set<Socket>();

  async function answer(request: IncomingMessage, response: ServerResponse, text: string): Promise<void> {
    const url = new URL(request.url ?? "/", "https://portal");
    const parts = /^\/api\/pull\/v1\/(?:(?:devices|leases)\/([^/]+)\/)?(\w+)$/.exec(url.pathname);
    if (parts === null) {
      response.writeHead(404).end();
      return;
    }
    const device = parts[1] === undefined ? undefined : decodeURIComponent(parts[1]);
    const route = parts[2] as Route;
    const body = (text === "" ? {} : JSON.parse(text)) as Json;
    const seen: SeenRequest = { route, device, authorization: request.headers.authorization, body, status: 0 };
    requests.push(seen);
    changed();
    const gone = new AbortController();
    response.on("close", () => gone.abort());
    const trouble = troubles.get(route)?.shift();
    const rewrite = typeof trouble?.answer?.body === "function" ? trouble.answer.body : undefined;
    let honest = { status: 204, text: "" };
    if (trouble === undefined || trouble.done === true || rewrite !== undefined)
      try {
        if (seen.authorization !== `Bearer ${token}`) throw new Refusal(401, "Unauthorized");
        const given = await serve(route, device ?? "", body, gone.signal, url.searchParams.get("links") === "true");
        if (given !== undefined) honest = { status: 200, text: JSON.stringify(given) };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        honest = { status: error.status, text: JSON.stringify({ title: error.title, status: error.status }) };
      }
    if (trouble?.connection === "reset") request.socket.destroy();
    else if (trouble?.connection === "drip") {
      response.writeHead(200, { "content-type": "application/json" });
      const timer = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(timer));
    } else if (trouble?.connection === undefined) {
      seen.status = trouble?.answer?.status ?? honest.status;
      const plain = typeof trouble?.answer?.body === "string" ? trouble.answer.body : "";
      const out = trouble === undefined ? honest.text : (rewrite?.(honest.text) ?? plain);
      response.writeHead(seen.status, { "content-type": "application/json", ...trouble?.answer?.headers }).end(out);
    }
    changed();
  }

  const server = createServer({ cert: certificate.certificatePem, key: certificate.keyPem }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      answer(request, response, Buffer.concat(chunks).toString("utf8")).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => {
      sockets.delete(socket);
      changed();
    });
  });
  server.on("tlsClientError", () => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    ...shown,
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca: certificate.certificatePem,
    token,
    requests,
    openSockets: () => sockets.size,
    requestsTo: (route) => requests.filter((request) => request.route === route),
    trouble(route, trouble, times = 1) {
      troubles.set(route, [...(troubles.get(route) ?? []), ...Array.from({ length: times }, () => trouble)]);
    },
    calm: () => troubles.clear(),
    replaceToken(next) {
      token = next;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
