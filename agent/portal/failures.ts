import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import { StoreTrouble } from "../store/trouble.ts";
import type { App } from "./access.ts";
import { findJsonFault } from "./json.ts";
import { invalid, isProblemStatus, Problem, sendProblem, type FieldErrors } from "./problem.ts";

const longestField = 200;

/** One entry for each field; an unknown property is a field of its own. */
function fieldErrors(
  issues: readonly { keyword: string; instancePath: string; message?: string; params: Record<string, unknown> }[],
): FieldErrors {
  const errors = new Map<string, string[]>();
  const add = (field: string, message: string) => {
    const shown = field.slice(0, longestField);
    errors.set(shown, [...(errors.get(shown) ?? []), message]);
  };
  for (const { keyword, instancePath, message, params } of issues) {
    const path = instancePath.slice(1).replaceAll("/", ".");
    if (keyword === "unrecognized_keys" && Array.isArray(params["keys"]))
      for (const key of params["keys"]) add(path === "" ? String(key) : `${path}.${String(key)}`, "is not known here");
    else add(path, message ?? "is not valid");
  }
  return Object.fromEntries(errors);
}

function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (hasZodFastifySchemaValidationErrors(error)) return invalid(fieldErrors(error.validation));
  if (error instanceof StoreTrouble)
    return new Problem(503, `The store cannot be used: ${error.reason}. Nothing was stored; repeat it later.`);
  if (!(error instanceof Error)) return undefined;
  const status = (error as Partial<FastifyError>).statusCode ?? 500;
  return status < 500 && isProblemStatus(status) ? new Problem(status, error.message) : undefined;
}

/** Makes every answer that is not a success one of problem details, and tells `failed` of those that are the server's fault. */
export function answerFailures(
  app: App,
  failed: (error: unknown, request: FastifyRequest, traceId: string) => void,
): void {
  const answer = (error: unknown, request: FastifyRequest, reply: FastifyReply) => {
    const problem = problemOf(error);
    if (problem !== undefined) sendProblem(request, reply, problem);
    else
      failed(
        error,
        request,
        sendProblem(request, reply, new Problem(500, "The server failed; its log has the trace id.")),
      );
  };
  app.setErrorHandler(answer);
  app.setNotFoundHandler((request, reply) => {
    sendProblem(request, reply, new Problem(404, `There is no ${request.method} route at this path.`));
  });
}

/** Answers a request whose path no route can read. */
export function answerBadPath(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode === 414 ? 414 : 400;
  sendProblem(request, reply, new Problem(status, "No route can read this path: it is too long or badly encoded."));
}

/** Reads request bodies as JSON, strictly: see findJsonFault. A body that is not JSON at all is refused by its type. */
export function parseBodies(app: App): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => {
    try {
      done(null, readJson(body));
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function readJson(body: string | Buffer): unknown {
  if (body.length === 0) return undefined;
  const text = typeof body === "string" ? body : decode(body);
  const fault = findJsonFault(text);
  if (fault !== undefined) throw invalid({ [fault.path]: [fault.message] });
  return JSON.parse(text);
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw invalid({ "": ["The text is not valid UTF-8."] });
  }
}
