import type { RequestListener } from "node:http";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

export interface Asked {
  method: string;
  path: string;
  authorization: string | undefined;
  contentType: string | undefined;
  body: string;
}

export type Answer = { status?: number; body: unknown; location?: string } | "hang up";

/** Answers by `METHOD /path`; a list answers one after the other and stays at its last. */
export type Answers = Readonly<Record<string, Answer | readonly Answer[]>>;

export interface SmallAgent {
  url: string;
  port: number;
  asked: Asked[];
}

/** An HTTP server on a free port that gives the test's answers and remembers what it was asked. Gone after the test. */
export async function startSmallAgent(answers: Answers, tls?: { cert: string; key: string }): Promise<SmallAgent> {
  const asked: Asked[] = [];
  const times = new Map<string, number>();
  const listener: RequestListener = (request, response) => {
    const place = `${request.method ?? ""} ${request.url ?? ""}`;
    void text(request).then((body) => {
      const { authorization, "content-type": contentType } = request.headers;
      asked.push({ method: request.method ?? "", path: request.url ?? "", authorization, contentType, body });
      const time = times.get(place) ?? 0;
      times.set(place, time + 1);
      const answer = pick(answers[place], time);
      if (answer === "hang up") return void request.socket.destroy();
      response.statusCode = answer.status ?? 200;
      response.setHeader("content-type", "application/json");
      if (answer.location !== undefined) response.setHeader("location", answer.location);
      response.end(JSON.stringify(answer.body));
    });
  };
  const server = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return { url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${address.port}`, port: address.port, asked };
}

function pick(answer: Answers[string] | undefined, time: number): Answer {
  if (answer === undefined) return { status: 404, body: { title: "Not Found", detail: "no such path in this test" } };
  if (!isList(answer)) return answer;
  return answer[Math.min(time, answer.length - 1)] ?? "hang up";
}

function isList(answer: Answer | readonly Answer[]): answer is readonly Answer[] {
  return Array.isArray(answer);
}

/** The URL of a port where nothing listens. */
export async function findDeadUrl(): Promise<string> {
  const server = createHttpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return `http://127.0.0.1:${address.port}`;
}
