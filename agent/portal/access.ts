import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:https";
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { ZodTypeProvider } from "fastify-type-provider-zod";
import type { Scope } from "../config.ts";
import type { Identity, Tokens } from "../tokens.ts";
import { Problem } from "./problem.ts";

/** The server as routes see it. */
export type App = FastifyInstance<Server, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>;

/** Who may call a route: everybody, whoever has a token, or whoever has one of the scopes. */
type Access = "open" | "any token" | readonly Scope[];

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

/** The caller of a guarded route. Throws a 403 that names the scope when none of the scopes was granted. */
export function requireScope(request: FastifyRequest, scopes: readonly Scope[]): Identity {
  const { caller } = request;
  if (caller === undefined) throw new Problem(401, "This needs a bearer token.");
  if (!caller.may(scopes))
    throw new Problem(
      403,
      `Token '${caller.name}' lacks the scope ${scopes.map((scope) => `'${scope}'`).join(" or ")}.`,
    );
  return caller;
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
    if (access !== "any token") requireScope(request, access ?? ["admin"]);
  });
}
