import fc from "fast-check";
import { eventually } from "../e2e/client.ts";
import type { Agents } from "./agents.ts";
import { drawCustomerSteps, type Step } from "./customer-commands.ts";
import { bringToRest, judge, rememberBeginning } from "./judgement.ts";
import { createModel } from "./model.ts";
import { drawNeighbourSteps } from "./neighbour-commands.ts";
import { drawTroubleSteps } from "./trouble-commands.ts";
import { openWorld, routes } from "./world.ts";

export interface WalkResult {
  seed: number;
  /** What was done, in order. */
  steps: readonly string[];
  violations: readonly string[];
  /** What the agents printed. */
  output: string;
}

const tenants = Array.from({ length: 5 }, (_, i) => `00000000-0000-4000-8000-00000000000${i}`);

/** The steps of a seed: the same for the same seed and length. */
export function drawSteps(seed: number, length: number): readonly Step[] {
  const step = fc.oneof(...drawCustomerSteps(tenants), ...drawNeighbourSteps(tenants), ...drawTroubleSteps());
  const [steps = []] = fc.sample(fc.array(step, { minLength: length, maxLength: length, size: "max" }), {
    seed,
    numRuns: 1,
  });
  return steps;
}

/**
 * One random walk over several devices, by both drivers, and then the comparison of the devices with the model. A seed
 * repeats the steps; how they fall into the agent's work differs from one time to the next.
 */
export async function walk(agents: Agents, seed: number, length: number): Promise<WalkResult> {
  const steps = drawSteps(seed, length);
  const done: string[] = [];
  const world = await openWorld(agents);
  try {
    const model = createModel(tenants, routes.length);
    const beginning = rememberBeginning(world);
    for (const tenant of tenants) await world.agent.client.addLead(tenant);
    const violations: string[] = [];
    try {
      for (const step of steps) {
        if (!step.check(model)) continue;
        done.push(step.toString());
        await step.run(model, world);
      }
      violations.push(...(await bringToRest(world, model)));
      // What customers that were given up left behind goes by itself.
      if (violations.length === 0)
        violations.push(
          ...(await eventually(
            () => judge(world, model, beginning),
            (left) => left.length === 0,
            (left) => left.join("\n"),
          )),
        );
    } catch (error) {
      violations.push(`the walk broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    return { seed, steps: done, violations, output: world.output() };
  } finally {
    await world.stop();
  }
}
