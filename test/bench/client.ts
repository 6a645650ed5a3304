import http from "node:http";
import https from "node:https";

export interface Answer {
  status: number;
  body: unknown;
}

/** Where an API is, and what opens it. */
export interface Door {
  url: string;
  token: string;
  /** PEM; absent over plain HTTP. */
  ca?: string;
}

/** A client of an API over a bounded number of kept-alive connections. */
export interface Client {
  ask(method: "GET" | "POST", path: string, body?: unknown): Promise<Answer>;
  close(): void;
}

/** Connections of the client, and requests under way at once. */
export const connections = 32;

export function createClient({ url, token, ca }: Door): Client {
  const { protocol, hostname, port } = new URL(url);
  const pool = { keepAlive: true, maxSockets: connections };
  const agent =
    protocol === "https:"
      ? new https.Agent({ ...pool, ...(ca === undefined ? {} : { ca }), checkServerIdentity: () => undefined })
      : new http.Agent(pool);
  const { request } = protocol === "https:" ? https : http;
  const authorization = `Bearer ${token}`;
  return {
    ask: (method, path, body) =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : JSON.stringify(body);
        const headers = {
          authorization,
          ...(text === undefined
            ? {}
            : { "content-type": "application/json", "content-length": Buffer.byteLength(text) }),
        };
        const sent = request({ agent, hostname, port, method, path, headers }, (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.once("error", reject);
          response.once("end", () => {
            const answer = Buffer.concat(chunks).toString("utf8");
            const isJson = response.headers["content-type"]?.includes("json") === true;
            resolve({ status: response.statusCode ?? 0, body: isJson ? (JSON.parse(answer) as unknown) : answer });
          });
        });
        sent.once("error", reject);
        sent.end(text);
      }),
    close: () => agent.destroy(),
  };
}

/** The body of an answer of status 200; everything else is thrown. */
export async function askOk(client: Client, ...request: Parameters<Client["ask"]>): Promise<unknown> {
  const { status, body } = await client.ask(...request);
  if (status !== 200) throw new Error(`${request[0]} ${request[1]} was answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

/** Does the work for every item, `connections` of them at once, in order of the items. */
export async function eachAtOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(connections, items.length) }, worker));
}
