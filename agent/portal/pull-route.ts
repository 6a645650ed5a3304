import type { FastifyRequest } from "fastify";
import { z } from "zod";
import { commonProblems, Problem, problemResponse } from "./problem.ts";

/** What the routes of the pull API have in common. */

export const pullPrefix = "/api/pull/v1";
export const tags = ["pull"];
export const deviceParams = z.object({ device: z.string().describe("one that the token is bound to") });
export const pullProblems = { ...commonProblems, 400: problemResponse, 413: problemResponse };

/** So that links of a whole device, and results of a whole batch, fit in. */
const bodyLimitBytes = 16 * 1024 * 1024;

async function demandTls(request: FastifyRequest): Promise<void> {
  // Behind a proxy it is the proxy's word that counts: it knows how it was called itself.
  if (request.protocol !== "https")
    throw new Problem(
      403,
      "The pull API answers over TLS only, as it carries secrets: set portal.tls, or put a proxy with TLS before it, set portal.behindProxy, and let it send 'X-Forwarded-Proto: https'.",
      { title: "TLS needed" },
    );
}

/** For agents alone, over TLS alone. */
export const pullRoute = {
  config: { access: "agent" as const },
  bodyLimit: bodyLimitBytes,
  onRequest: demandTls,
};
