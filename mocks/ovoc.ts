import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { z } from "zod";

const kinds = ["sites", "links", "devices"] as const;
type Kind = (typeof kinds)[number];

const faultSchema = z.strictObject({
  /** `down` answers 503, `hang` never answers. */
  name: z.enum(["down", "hang"]),
  /** How often it strikes; without it, until cleared. */
  times: z.int().min(1).optional(),
});

/** Trouble that the mock is told to make. */
export type OvocFault = z.infer<typeof faultSchema>;

/** An entity as OVOC lists it; further fields are those it was created with. */
export type Entity = Readonly<Record<string, unknown>> & { readonly id: number; readonly url: string };

export interface MockOvocOptions {
  /** Operator account; default ovoc, ovoc. */
  readonly user?: string;
  readonly password?: string;
  /** Ports on the loopback address; default 0, any free one. */
  readonly port?: number;
  readonly controlPort?: number;
  /** What is there at the start, without ids: `{"devices": [{"name": "oc1", "ipAddress": "192.0.2.10"}]}`. */
  readonly entities?: Partial<Record<Kind, readonly Readonly<Record<string, unknown>>[]>>;
}

/** A mock OVOC that is up (ovoc-api.md). */
export interface MockOvoc {
  /** `http://127.0.0.1:PORT`, without path. */
  readonly url: string;
  /** `GET /state`, `GET /received`, `GET|POST|DELETE /faults`. */
  readonly control: string;
  /** Ends all connections. May be called again. */
  stop(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly json?: unknown;
}

interface Received {
  readonly method: string;
  readonly path: string;
  readonly authorization: boolean;
  readonly body: string;
  status: number;
}

const ringSize = 10_000;
const refuse = (status: number, description: string): Answer => ({ status, json: { description } });

/** Starts a mock OVOC. Rejects when a port is taken. */
export async function startMockOvoc(options: MockOvocOptions = {}): Promise<MockOvoc> {
  const expected = `${options.user ?? "ovoc"}:${options.password ?? "ovoc"}`;
  const entities: Record<Kind, Entity[]> = { sites: [], links: [], devices: [] };
  const received: Received[] = [];
  let faults: OvocFault[] = [];
  let nextId = 1;

  function add(kind: Kind, fields: Readonly<Record<string, unknown>>): Entity {
    const id = nextId;
    nextId += 1;
    const entity = { ...fields, id, url: `/ovoc/v1/topology/${kind}/${id}` };
    entities[kind].push(entity);
    return entity;
  }

  for (const kind of kinds) for (const fields of options.entities?.[kind] ?? []) add(kind, fields);

  function strike(): OvocFault | undefined {
    const fault = faults[0];
    if (fault?.times !== undefined) {
      fault.times -= 1;
      faults = faults.filter((other) => other.times !== 0);
    }
    return fault;
  }

  function route(request: IncomingMessage, body: string): Answer {
    const given = /^Basic\s+(\S+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
    if (Buffer.from(given, "base64").toString("utf8") !== expected) return { status: 401 };
    const url = new URL(request.url ?? "/", "http://ovoc.invalid");
    const match = /^\/ovoc\/v1\/topology\/(\w+)(?:\/(\d+))?\/?$/.exec(url.pathname);
    const kind = kinds.find((one) => one === match?.[1]);
    if (kind === undefined) return refuse(404, "Resource not found");
    const id = match?.[2];
    if (id !== undefined) return request.method === "GET" ? getOne(kind, Number(id)) : { status: 405 };
    if (request.method === "GET") return list(kind, url.searchParams);
    return request.method === "POST" ? create(kind, body) : { status: 405 };
  }

  function getOne(kind: Kind, id: number): Answer {
    const entity = entities[kind].find((one) => one.id === id);
    return entity === undefined ? refuse(404, "Entity not found") : { status: 200, json: entity };
  }

  function list(kind: Kind, query: URLSearchParams): Answer {
    const filter = readFilter(query.get("filter"));
    if (filter === undefined) return refuse(400, "Filter is incorrect");
    const found = entities[kind].filter((entity) =>
      filter.every(({ field, value }) => field in entity && String(entity[field]) === value),
    );
    if (found.length === 0) return { status: 204 };
    const fields = query.get("fields")?.split(",");
    const isDetailed = fields !== undefined || query.get("detail") === "1";
    const shown = fields ?? (isDetailed ? undefined : ["id", "name", "description", "url"]);
    return { status: 200, json: { [kind]: found.map((entity) => pick(entity, shown)) } };
  }

  function create(kind: Kind, body: string): Answer {
    const fields = readObject(body);
    if (fields === undefined) return refuse(400, "Body is not a JSON object");
    const { name } = fields;
    if (typeof name !== "string" || name === "") return refuse(400, "Field name is missing");
    const parent = parentOf(fields);
    const isTaken = entities[kind].some(
      (other) => String(other["name"]).toLowerCase() === name.toLowerCase() && parentOf(other) === parent,
    );
    if (isTaken) return refuse(400, `Name ${name} already exists`);
    const { id, url } = add(kind, fields);
    return { status: 201, json: { id, url: url.slice(1) } };
  }

  function serve(request: IncomingMessage, body: string): Answer | undefined {
    const entry: Received = {
      method: request.method ?? "",
      path: request.url ?? "",
      authorization: request.headers.authorization !== undefined,
      body,
      status: 0,
    };
    received.push(entry);
    if (received.length > ringSize) received.shift();
    const fault = strike();
    if (fault?.name === "hang") return undefined;
    const answer = fault === undefined ? route(request, body) : refuse(503, "Service is unavailable");
    entry.status = answer.status;
    return answer;
  }

  function control(request: IncomingMessage, body: string): Answer {
    switch (`${request.method ?? ""} ${request.url ?? ""}`) {
      case "GET /state":
        return { status: 200, json: entities };
      case "GET /received":
        return { status: 200, json: { requests: received } };
      case "GET /faults":
        return { status: 200, json: faults };
      case "POST /faults":
        faults.push(...readFaults(body));
        return { status: 200, json: faults };
      case "DELETE /faults":
        faults = [];
        return { status: 200, json: faults };
      default:
        return { status: 404, json: { error: "nothing here" } };
    }
  }

  const main = await listen(serve, options.port ?? 0);
  const side = await listen(control, options.controlPort ?? 0).catch(async (error: unknown) => {
    await main.stop();
    throw error;
  });
  return {
    url: `http://127.0.0.1:${main.port}`,
    control: `http://127.0.0.1:${side.port}`,
    stop: async () => {
      await Promise.all([main.stop(), side.stop()]);
    },
  };
}

/** `(name='x')`, several joined by `and`; undefined when it is something else. No filter lets all through. */
function readFilter(text: string | null): { field: string; value: string }[] | undefined {
  if (text === null || text === "") return [];
  const inside = /^\((.*)\)$/.exec(text.trim())?.[1];
  const terms = inside?.split(/\s+and\s+/).map((term) => /^(\w+)\s*=\s*'([^']*)'$/.exec(term.trim()));
  return terms?.every((term) => term !== null) === true
    ? terms.map((term) => ({ field: term[1] ?? "", value: term[2] ?? "" }))
    : undefined;
}

function pick(entity: Entity, fields: readonly string[] | undefined): Readonly<Record<string, unknown>> {
  if (fields === undefined) return entity;
  return Object.fromEntries(Object.entries(entity).filter(([name]) => fields.includes(name)));
}

/** What a name must be unique in: the region or tenant of a site, the device of a link. */
function parentOf(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify([fields["tenantId"], fields["regionId"], fields["deviceId"]]);
}

function readObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const result = z.record(z.string(), z.unknown()).safeParse(JSON.parse(text));
    return result.success ? result.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, { status, json }: Answer): void {
  response.statusCode = status;
  if (status === 401) response.setHeader("WWW-Authenticate", 'Basic realm="ovoc"');
  if (json !== undefined) response.setHeader("Content-Type", "application/json");
  response.end(json === undefined ? undefined : JSON.stringify(json));
}

function readFaults(body: string): OvocFault[] {
  const order: unknown = JSON.parse(body);
  return z.array(faultSchema).parse(Array.isArray(order) ? order : [order]);
}

/** Serves on the loopback address; no answer leaves the request hanging. */
async function listen(
  serve: (request: IncomingMessage, body: string) => Answer | undefined,
  port: number,
): Promise<{ port: number; stop: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const given = serve(request, await readBody(request));
    if (given !== undefined) send(response, given);
  };
  const server: Server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const message = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
      send(response, { status: 400, json: { error: message } });
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
