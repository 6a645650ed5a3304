import type { App } from "./access.ts";
import { Problem } from "./problem.ts";

/** Where an agent shows plans, a portal without devices says who can. */
export function pointToPlans(app: App): void {
  app.route({
    method: "POST",
    url: "/api/agent/v1/plan",
    config: { access: "any token" },
    schema: { hide: true },
    handler: async () => {
      throw new Problem(
        404,
        "The devices of this portal are elsewhere, and so are plans: ask the agent near the device, with 'sbc-agent change --dry-run', 'sbc-agent offboard --dry-run' or 'sbc-agent plan' there.",
      );
    },
  });
}
