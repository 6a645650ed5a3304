import { z } from "zod";
import { completeRequest, linksRequest, renewRequest, sentRequest } from "../pull-shapes.ts";
import type { Lease } from "../store/model.ts";
import type { PortalStore } from "../store/portal-store.ts";
import { Contradiction, LeaseLost } from "../store/store.ts";
import { requireBinding, type App } from "./access.ts";
import { Problem, problemResponse } from "./problem.ts";
import { deviceParams, pullPrefix, pullProblems, pullRoute, tags } from "./pull-route.ts";
import { readLink } from "./pull-wire.ts";

export const leaseLost = { ...problemResponse, description: "Problem details, title `Lease lost`: write nothing more" };
const mismatch = { ...problemResponse, description: "Problem details: it contradicts what is stored" };

/** Turns what the store says of leases and contradictions into problems. */
export async function underLease<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof LeaseLost) throw new Problem(409, `${error.message}.`, { title: "Lease lost" });
    if (error instanceof Contradiction) throw new Problem(422, `${error.message}. Nothing of the call was stored.`);
    throw error;
  }
}

interface LeaseCall<Body extends z.ZodType<{ fence: number }>> {
  method: "POST" | "PUT";
  name: string;
  summary: string;
  description: string;
  body: Body;
  /** That it can contradict what is stored. */
  refusable?: true;
  call(lease: Lease, body: z.output<Body>): Promise<void>;
}

function addLeaseRoute<Body extends z.ZodType<{ fence: number }>>(app: App, route: LeaseCall<Body>): void {
  app.route({
    ...pullRoute,
    method: route.method,
    url: `${pullPrefix}/leases/:device/${route.name}`,
    schema: {
      tags,
      summary: route.summary,
      description: route.description,
      params: deviceParams,
      body: route.body,
      response: {
        204: z.undefined().describe("done, durably"),
        409: leaseLost,
        ...(route.refusable === undefined ? {} : { 422: mismatch }),
        ...pullProblems,
      },
    },
    handler: async (request, reply) => {
      const { device } = request.params;
      const body = request.body as z.output<Body>;
      requireBinding(request, { devices: [device] });
      await underLease(route.call({ device, fence: body.fence, durationMs: 0 }, body));
      return reply.code(204).send();
    },
  });
}

/** What only the holder of a lease may do. The lease is its device and fence; its duration is nothing it tells. */
export function addLeaseRoutes(app: App, store: PortalStore): void {
  addLeaseRoute(app, {
    method: "POST",
    name: "renew",
    summary: "Start the lease's duration anew",
    description: "From the moment at which the portal takes the call. Count from before you sent it.",
    body: renewRequest,
    call: (lease) => store.renewLease(lease),
  });
  addLeaseRoute(app, {
    method: "POST",
    name: "release",
    summary: "Give the device back",
    description: "Conversions that were not completed are ready again. Also 204 where the lease is lost already.",
    body: renewRequest,
    call: (lease) => store.releaseLease(lease),
  });
  addLeaseRoute(app, {
    method: "POST",
    name: "sent",
    summary: "Say that a script which contains these conversions is about to leave, or that it never left",
    description:
      "Must be answered before the first line leaves for the device: from then on no deadline ends these conversions. Tasks of other devices are ignored.",
    body: sentRequest,
    call: (lease, { taskIds, sent }) => store.markSent(lease, taskIds, sent),
  });
  addLeaseRoute(app, {
    method: "POST",
    name: "complete",
    summary: "Report what became of conversions on their device",
    description:
      "All or nothing, and durable when answered. A repetition of what is stored is 204 while the lease lives; anything else for the same conversion, or for one that was not handed out under this lease, is 422, and nothing of the call happens. The time of linking is the portal's.",
    body: completeRequest,
    refusable: true,
    call: (lease, { completions }) => store.complete(lease, completions),
  });
  addLeaseRoute(app, {
    method: "PUT",
    name: "links",
    summary: "Replace the intents and secret hashes of links, after a re-render or a change",
    description: "Whose links they are, and since when, stays. A customer without a link on the device: 422.",
    body: linksRequest,
    refusable: true,
    call: (lease, { links }) => store.updateLinks(lease, links.map(readLink)),
  });
}
