import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:https";
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { Scope } from "../settings/config.ts";
import type { AgentBinding, Identity, Tokens } from "../tokens.ts";
import { Problem } from "./problem.ts";

/** The server as routes see it. */
export type App = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

/**
 * Who may call a route: everybody, whoever has a token that is no agent's, agents alone, or whoever has one of the
 * scopes.
 */
type Access = "open" | "any token" | "agent" | readonly Scope[];

const mostNames = 20;

declare module "fastify" {
  interface FastifyContextConfig {
    access?: Access;
  }
  interface FastifyRequest {
    caller: Identity | undefined;
  }
}

function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer +([^ ]+) *$/i.exec(request.headers.authorization ?? "")?.[1];
}

function requireCaller({ caller }: FastifyRequest): Identity {
  if (caller === undefined) throw new Problem(401, "This needs a bearer token.");
  return caller;
}

/** The caller of a guarded route. Throws a 403 that names the scope when none of the scopes was granted. */
export function requireScope(request: FastifyRequest, scopes: readonly Scope[]): Identity {
  const caller = requireCaller(request);
  if (!caller.may(scopes))
    throw new Problem(
      403,
      `Token '${caller.name}' lacks the scope ${scopes.map((scope) => `'${scope}'`).join(" or ")}.`,
    );
  return caller;
}

/**
 * The agent that calls a route of access `agent`. Throws a 403 that says why for the token of anybody else, be it an
 * administrator's: it is bound to no device.
 */
export function requireAgent(request: FastifyRequest): { name: string; binding: AgentBinding } {
  const { name, agent } = requireCaller(request);
  if (agent === undefined)
    throw new Problem(
      403,
      `Token '${name}' is bound to no device: this is for tokens of agents alone, and scope 'admin' does not stand in for them.`,
    );
  return { name, binding: agent };
}

function list(names: readonly string[]): string {
  const more = names.length - mostNames;
  return `${names.slice(0, mostNames).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** Throws a 403 that names each device and gateway that the calling agent's token is not bound to. */
export function requireBinding(
  request: FastifyRequest,
  wanted: { devices: readonly string[]; gateways?: readonly string[] },
): { name: string; binding: AgentBinding } {
  const agent = requireAgent(request);
  const { devices, gateways = [] } = wanted;
  const strange = [
    ...devices.filter((device) => !agent.binding.devices.has(device)).map((device) => `device '${device}'`),
    ...gateways.filter((fqdn) => !agent.binding.gateways.has(fqdn)).map((fqdn) => `gateway '${fqdn}'`),
  ];
  if (strange.length > 0) throw new Problem(403, `Token '${agent.name}' is not bound to ${list(strange)}.`);
  return agent;
}

/** Guards every route of the server by its `config.access`. A route that does not say who may call it cannot be added. */
export function guardRoutes(app: App, tokens: Tokens): void {
  app.decorateRequest("caller", undefined);
  app.addHook("onRoute", (route) => {
    if (route.config?.access === undefined)
      throw new Error(`route ${String(route.method)} ${route.url} does not say who may call it`);
  });
  app.addHook("onRequest", async (request: FastifyRequest, reply: FastifyReply) => {
    const access = request.routeOptions.config.access;
    if (access === "open" || request.is404) return;
    const token = bearerOf(request);
    const caller = token === undefined ? undefined : tokens.identify(token);
    if (caller === undefined) {
      void reply.header("www-authenticate", "Bearer");
      throw new Problem(
        401,
        token === undefined
          ? "This needs a bearer token: send 'Authorization: Bearer <token>'."
          : "The bearer token is not known here.",
      );
    }
    request.caller = caller;
    if (access === "agent") requireAgent(request);
    else if (access !== "any token") requireScope(request, access ?? ["admin"]);
    else if (caller.agent !== undefined)
      throw new Problem(403, `Token '${caller.name}' is an agent's: it may call the pull API and nothing else.`);
  });
}
