import { randomBytes } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";

/** RFC 7807 problem details, with the members that Live Platform shows. `errors`: field → what is wrong with it. */
const problemDetails = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string().describe("the path that was asked for, without its query"),
  errors: z.record(z.string(), z.array(z.string())).optional(),
  traceId: z.string().describe("stands in the log line of a failure as well"),
});
type ProblemDetails = z.infer<typeof problemDetails>;

export type FieldErrors = Readonly<Record<string, readonly string[]>>;

const longestPath = 500;
const validationTitle = "One or more validation errors occurred.";

const kinds = {
  400: { type: "https://tools.ietf.org/html/rfc7231#section-6.5.1", title: "Bad Request" },
  401: { type: "https://tools.ietf.org/html/rfc7235#section-3.1", title: "Unauthorized" },
  403: { type: "https://tools.ietf.org/html/rfc7231#section-6.5.3", title: "Forbidden" },
  404: { type: "https://tools.ietf.org/html/rfc7231#section-6.5.4", title: "Not Found" },
  409: { type: "https://tools.ietf.org/html/rfc7231#section-6.5.8", title: "Conflict" },
  413: { type: "https://tools.ietf.org/html/rfc7231#section-6.5.11", title: "Payload Too Large" },
  414: { type: "https://tools.ietf.org/html/rfc7231#section-6.5.12", title: "URI Too Long" },
  415: { type: "https://tools.ietf.org/html/rfc7231#section-6.5.13", title: "Unsupported Media Type" },
  422: { type: "https://tools.ietf.org/html/rfc4918#section-11.2", title: "Unprocessable Entity" },
  429: { type: "https://tools.ietf.org/html/rfc6585#section-4", title: "Too Many Requests" },
  500: { type: "https://tools.ietf.org/html/rfc7231#section-6.6.1", title: "Internal Server Error" },
  502: { type: "https://tools.ietf.org/html/rfc7231#section-6.6.3", title: "Bad Gateway" },
  503: { type: "https://tools.ietf.org/html/rfc7231#section-6.6.4", title: "Service Unavailable" },
} as const;
export type ProblemStatus = keyof typeof kinds;

export function isProblemStatus(status: number): status is ProblemStatus {
  return status in kinds;
}

/** A request that ends without success. Thrown by handlers; the message is shown to the caller as `detail`. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: ProblemStatus;
  readonly title: string;
  readonly errors: FieldErrors | undefined;

  constructor(status: ProblemStatus, detail: string, more: { title?: string; errors?: FieldErrors } = {}) {
    super(detail);
    this.status = status;
    this.title = more.title ?? (more.errors === undefined ? kinds[status].title : validationTitle);
    this.errors = more.errors;
  }
}

/** A 400 that names each field. */
export function invalid(errors: FieldErrors, detail = "The request was refused and nothing was stored."): Problem {
  return new Problem(400, detail, { errors });
}

/** `00-<32 hex>-<16 hex>-00`, new at every call. */
function drawTraceId(): string {
  return `00-${randomBytes(16).toString("hex")}-${randomBytes(8).toString("hex")}-00`;
}

/** Answers with problem details. Returns the trace id that the caller was shown. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): string {
  const traceId = drawTraceId();
  const body: ProblemDetails = {
    type: kinds[problem.status].type,
    title: problem.title,
    status: problem.status,
    detail: problem.message,
    instance: (request.url.split("?", 1)[0] ?? "").slice(0, longestPath),
    ...(problem.errors === undefined
      ? {}
      : {
          errors: Object.fromEntries(
            // A JSON member of this name is easily lost, here and at the reader's.
            Object.entries(problem.errors).map(([field, texts]) => [
              field === "__proto__" ? "['__proto__']" : field,
              [...texts],
            ]),
          ),
        }),
    traceId,
  };
  void reply.code(problem.status).type("application/problem+json").send(body);
  return traceId;
}

const shown = {
  description: "Problem details",
  content: { "application/problem+json": { schema: problemDetails } },
};

/** The response schemas that every guarded route has: refused tokens, too many requests, a failure of the server or store. */
export const commonProblems = { 401: shown, 403: shown, 429: shown, 500: shown, 503: shown };
export const problemResponse = shown;

/** A 404 whose body is a bare JSON string, as Live Platform prints it, beside problem details. */
export const literalNotFound = {
  description: "Not known here",
  content: { "application/json": { schema: z.string() }, "application/problem+json": { schema: problemDetails } },
};

/** Answers 404 with a bare JSON string. */
export function sendLiteral(reply: FastifyReply, literal: string): void {
  void reply.code(404).type("application/json").send(JSON.stringify(literal));
}
