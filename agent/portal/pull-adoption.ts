import { adoptableRequest, adoptAnswer, adoptRequest } from "../pull-shapes.ts";
import type { PortalStore } from "../store/portal-store.ts";
import { requireBinding, type App } from "./access.ts";
import { leaseLost, underLease } from "./pull-leases.ts";
import { deviceParams, pullPrefix, pullProblems, pullRoute, tags } from "./pull-route.ts";

/** How an agent links customers that stand on its device already. */
export function addAdoptionRoutes(app: App, store: Pick<PortalStore, "adopt" | "previewAdoptions">): void {
  app.route({
    ...pullRoute,
    method: "POST",
    url: `${pullPrefix}/devices/:device/adoptable`,
    schema: {
      tags,
      summary: "What an adoption would be answered now; changes nothing",
      description: "Each is judged for itself; that two of them want the same name is found when they are adopted.",
      params: deviceParams,
      body: adoptableRequest,
      response: { 200: adoptAnswer, ...pullProblems },
    },
    handler: async (request) => {
      const { device } = request.params;
      requireBinding(request, { devices: [device] });
      const adoptions = request.body.adoptions.map((adoption) => ({ ...adoption, device }));
      return { verdicts: await store.previewAdoptions(device, adoptions) };
    },
  });

  app.route({
    ...pullRoute,
    method: "POST",
    url: `${pullPrefix}/leases/:device/adopt`,
    schema: {
      tags,
      summary: "Link customers that stand on the device already",
      description:
        "Of tenants with an active lead that are no customers yet. One that is refused keeps no other from being adopted; all that are adopted are so durably when it is answered. A repetition with the same customer GUIDs is answered the same, and changes nothing.",
      params: deviceParams,
      body: adoptRequest,
      response: { 200: adoptAnswer, 409: leaseLost, ...pullProblems },
    },
    handler: async (request) => {
      const { device } = request.params;
      const { fence, by } = request.body;
      const agent = requireBinding(request, { devices: [device] });
      const adoptions = request.body.adoptions.map((adoption) => ({ ...adoption, device }));
      const lease = { device, fence, durationMs: 0 };
      return { verdicts: await underLease(store.adopt(lease, adoptions, `${by}@${agent.name}`)) };
    },
  });
}
