import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { createOvocFaults } from "./ovoc-faults.ts";
import { listen, type Answer, type Reply } from "./ovoc-server.ts";

const kinds = ["sites", "links", "devices"] as const;
type Kind = (typeof kinds)[number];
type Fields = Readonly<Record<string, unknown>>;

/** An entity as OVOC lists it; further fields are those it was created with. */
export type Entity = Fields & { readonly id: number; readonly url: string };

export interface MockOvocOptions {
  /** Operator account; default ovoc, ovoc. */
  readonly user?: string;
  readonly password?: string;
  /** A bearer token that is wanted in place of the account. */
  readonly token?: string;
  /** What stands before `/ovoc/v1`, as `/tenantui/api` behind a portal; default nothing. */
  readonly basePath?: string;
  /** Ports on the loopback address; default 0, any free one. */
  readonly port?: number;
  readonly controlPort?: number;
  /** What is there at the start, without ids: `{"devices": [{"name": "oc1", "ipAddress": "192.0.2.10"}]}`. */
  readonly entities?: Partial<Record<Kind, readonly Fields[]>>;
}

/** A mock OVOC that is up. */
export interface MockOvoc {
  /** `http://127.0.0.1:PORT` and the base path. */
  readonly url: string;
  /** `GET /state`, `GET /received`, `GET|POST|DELETE /faults`. */
  readonly control: string;
  /** Ends all connections. May be called again. */
  stop(): Promise<void>;
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
  const basePath = options.basePath ?? "";
  const entities: Record<Kind, Entity[]> = { sites: [], links: [], devices: [] };
  const received: Received[] = [];
  const faults = createOvocFaults();
  const ending = new AbortController();
  let nextId = 1;

  function add(kind: Kind, fields: Fields): Entity {
    const id = nextId;
    nextId += 1;
    const entity = { ...fields, id, url: `/ovoc/v1/topology/${kind}/${id}` };
    entities[kind].push(entity);
    return entity;
  }

  for (const kind of kinds) for (const fields of options.entities?.[kind] ?? []) add(kind, fields);

  function isAdmitted(authorization = ""): boolean {
    const [, scheme, given] = /^(\w+)\s+(\S+)$/.exec(authorization) ?? [];
    if (options.token !== undefined) return scheme?.toLowerCase() === "bearer" && given === options.token;
    const account = `${options.user ?? "ovoc"}:${options.password ?? "ovoc"}`;
    return scheme?.toLowerCase() === "basic" && Buffer.from(given ?? "", "base64").toString("utf8") === account;
  }

  function route(request: IncomingMessage, body: string, url: URL): Answer {
    if (!isAdmitted(request.headers.authorization)) {
      const challenge = options.token === undefined ? 'Basic realm="ovoc"' : "Bearer";
      return { status: 401, headers: { "WWW-Authenticate": challenge } };
    }
    const tree = `${basePath}/ovoc/v1/topology/`;
    const match = url.pathname.startsWith(tree) ? /^(\w+)(?:\/(\d+))?\/?$/.exec(url.pathname.slice(tree.length)) : null;
    const kind = kinds.find((one) => one === match?.[1]);
    if (kind === undefined) return refuse(404, "Resource not found");
    const { method = "" } = request;
    if (match?.[2] === undefined) {
      if (method === "GET") return list(kind, url);
      return method === "POST" ? create(kind, body) : { status: 405 };
    }
    const entity = entities[kind].find(({ id }) => id === Number(match[2]));
    if (method !== "GET" && method !== "PUT") return { status: 405 };
    if (entity === undefined) return refuse(404, "Entity not found");
    return method === "GET" ? { status: 200, json: entity } : update(kind, entity, body);
  }

  function list(kind: Kind, url: URL): Answer {
    const occasion = { method: "GET", path: readable(url) };
    const query = url.searchParams;
    const filter = readFilter(query.get("filter"));
    if (filter === undefined) return refuse(400, "Filter is incorrect");
    const isFilterLost = filter.length > 0 && faults.take("no-filter", occasion) !== undefined;
    const found = entities[kind].filter(
      (entity) =>
        isFilterLost || filter.every(({ field, value }) => field in entity && String(entity[field]) === value),
    );
    if (found.length === 0) {
      const fault = faults.take("no-match", occasion);
      if (fault === undefined) return { status: 204 };
      return fault.answer === "list" ? { status: 200, json: { [kind]: [] } } : { status: 200 };
    }
    const fields = query.get("fields")?.split(",");
    const isDetailed = fields !== undefined || query.get("detail") === "1";
    const shown = fields ?? (isDetailed ? undefined : ["id", "name", "description", "url"]);
    return { status: 200, json: { [kind]: found.map((entity) => pick(entity, shown)) } };
  }

  /** What is wrong with an entity's fields; `self` is the one that is to get them. */
  function faultOf(kind: Kind, fields: Fields, self?: Entity): Answer | undefined {
    const { name } = fields;
    if (typeof name !== "string" || name === "") return refuse(400, "Field name is missing");
    const parent = parentOf(fields);
    const isTaken = entities[kind].some(
      (other) =>
        other !== self && String(other["name"]).toLowerCase() === name.toLowerCase() && parentOf(other) === parent,
    );
    return isTaken ? refuse(400, `Name ${name} already exists`) : undefined;
  }

  function create(kind: Kind, body: string): Answer {
    const fields = readObject(body);
    if (fields === undefined) return refuse(400, "Body is not a JSON object");
    const fault = faultOf(kind, fields);
    if (fault !== undefined) return fault;
    const { id, url } = add(kind, fields);
    return { status: 201, json: { id, url: url.slice(1) } };
  }

  function update(kind: Kind, entity: Entity, body: string): Answer {
    const fields = readObject(body);
    if (fields === undefined) return refuse(400, "Body is not a JSON object");
    const changed = { ...entity, ...fields, id: entity.id, url: entity.url };
    const fault = faultOf(kind, changed, entity);
    if (fault !== undefined) return fault;
    entities[kind] = entities[kind].map((one) => (one === entity ? changed : one));
    return { status: 200 };
  }

  /** Where a fault can strike before and after the work: `work` is done at most once. */
  async function replyTo(occasion: { method: string; path: string }, work: () => Answer): Promise<Reply> {
    const slow = faults.take("slow", occasion);
    if (slow !== undefined) await sleep(slow.ms, undefined, { signal: ending.signal });
    if (faults.take("down", occasion) !== undefined) return refuse(503, "Service is unavailable");
    const lost = faults.take("hang", occasion) ?? faults.take("cut", occasion);
    const error = lost === undefined ? faults.take("error", occasion) : undefined;
    if (lost?.processed === true || error?.processed === true) work();
    if (lost !== undefined) return lost.name === "hang" ? "silence" : "cut";
    if (error !== undefined) return refuse(error.status, "Internal error");
    const answer = work();
    if (answer.json === undefined || faults.take("malformed", occasion) === undefined) return answer;
    const text = JSON.stringify(answer.json);
    return { status: answer.status, text: text.slice(0, text.length / 2) };
  }

  async function serve(request: IncomingMessage, body: string): Promise<Reply> {
    const { method = "", url: target = "/" } = request;
    const authorization = request.headers.authorization !== undefined;
    const entry: Received = { method, path: target, authorization, body, status: 0 };
    received.push(entry);
    if (received.length > ringSize) received.shift();
    const url = new URL(target, "http://ovoc.invalid");
    const reply = await replyTo({ method, path: readable(url) }, () => route(request, body, url));
    if (typeof reply !== "string") entry.status = reply.status;
    return reply;
  }

  function control(request: IncomingMessage, body: string): Answer {
    switch (`${request.method ?? ""} ${request.url ?? ""}`) {
      case "GET /state":
        return { status: 200, json: entities };
      case "GET /received":
        return { status: 200, json: { requests: received } };
      case "GET /faults":
        return { status: 200, json: faults.list() };
      case "POST /faults":
        faults.add(body);
        return { status: 200, json: faults.list() };
      case "DELETE /faults":
        faults.clear();
        return { status: 200, json: faults.list() };
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
    url: `http://127.0.0.1:${main.port}${basePath}`,
    control: `http://127.0.0.1:${side.port}`,
    stop: async () => {
      ending.abort();
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

/** As faults are narrowed to it: path and query, decoded. */
function readable(url: URL): string {
  return [url.pathname, ...url.searchParams.values()].join(" ");
}

function pick(entity: Entity, fields: readonly string[] | undefined): Fields {
  if (fields === undefined) return entity;
  return Object.fromEntries(Object.entries(entity).filter(([name]) => fields.includes(name)));
}

/** What a name must be unique in: the region or tenant of a site, the device of a link. */
function parentOf(fields: Fields): string {
  return JSON.stringify([fields["tenantId"], fields["regionId"], fields["deviceId"]]);
}

function readObject(text: string): Fields | undefined {
  try {
    const result = z.record(z.string(), z.unknown()).safeParse(JSON.parse(text));
    return result.success ? result.data : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
