import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildProduct } from "../bench/build.ts";
import { createCleanup } from "../bench/cleanup.ts";
import { prepareAgents } from "./agents.ts";
import { walk, type WalkResult } from "./walk.ts";

const usage = `Random walks over three mock devices, two by REST and one by SSH: customers come, change and go while devices,
connections, the clock, other administrators and the agent misbehave. Then the devices must be what the model says.

  --runs N      walks, with the seeds S, S+1, ... (100)
  --seed S      first seed (1)
  --steps N     steps of a walk (16)
  --jobs N      walks at once (2)
  --seeds FILE  writes a line for each walk: seed, steps, violations
  --verbose     prints the steps of every walk, and what the agents printed of those that failed
  --help        this text

A seed repeats the steps of a walk; when they meet the agent's work differs from one time to the next.
Ends with 1 when there was a violation.

Example: npm run chaos -- --runs 1 --seed 17 --verbose
`;

function readCount(value: string | undefined, fallback: number, name: string): number {
  const count = value === undefined ? fallback : Number(value);
  if (!Number.isSafeInteger(count) || count < 0) throw new Error(`--${name} takes a whole number`);
  return count;
}

function report({ seed, steps, violations, output }: WalkResult, verbose: boolean): void {
  if (violations.length === 0 && !verbose) return;
  const shown = [
    `seed ${seed}: ${violations.length === 0 ? "ok" : `${violations.length} violation(s)`}`,
    ...steps.map((step, i) => `  ${String(i + 1).padStart(2)}. ${step}`),
    ...violations.map((violation) => `  VIOLATION ${violation}`),
    ...(verbose && violations.length > 0 ? [output] : []),
  ];
  process.stdout.write(`${shown.join("\n")}\n`);
}

async function main(): Promise<number> {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values } = parseArgs({
    options: { runs: text, seed: text, steps: text, jobs: text, seeds: text, verbose: flag, help: flag },
  });
  if (values.help === true) {
    process.stdout.write(usage);
    return 0;
  }
  const runs = readCount(values.runs, 100, "runs");
  const first = readCount(values.seed, 1, "seed");
  const length = readCount(values.steps, 16, "steps");
  const jobs = Math.max(1, readCount(values.jobs, 2, "jobs"));
  const cleanup = createCleanup();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void cleanup.run().finally(() => process.exit(1)));
  const folder = mkdtempSync(join(tmpdir(), "sbc-agent-chaos-build-"));
  cleanup.add(() => rmSync(folder, { recursive: true, force: true }));
  try {
    const build = await buildProduct(folder, cleanup);
    const agents = prepareAgents(join(build.folder, "dist/test/chaos/agent-process.js"));
    cleanup.add(() => agents.stop());
    const results: WalkResult[] = [];
    let next = first;
    const work = async (): Promise<void> => {
      while (next < first + runs) {
        const seed = next;
        next += 1;
        const result = await walk(agents, seed, length);
        report(result, values.verbose === true);
        results.push({ ...result, output: "" });
        if (results.length % 50 === 0) process.stderr.write(`${results.length} of ${runs} walks\n`);
      }
    };
    await Promise.all(Array.from({ length: jobs }, work));
    results.sort((a, b) => a.seed - b.seed);
    const failed = results.filter(({ violations }) => violations.length > 0);
    const steps = results.reduce((sum, one) => sum + one.steps.length, 0);
    if (values.seeds !== undefined)
      writeFileSync(
        values.seeds,
        results.map((one) => `${one.seed}\t${one.steps.length}\t${one.violations.length}\n`).join(""),
      );
    process.stdout.write(
      `${results.length} walks, seeds ${first} to ${first + runs - 1}, ${steps} steps: ${failed.length} with violations` +
        `${failed.length === 0 ? "" : ` (seeds ${failed.map(({ seed }) => seed).join(", ")})`}\n`,
    );
    return failed.length === 0 ? 0 : 1;
  } finally {
    await cleanup.run();
  }
}

process.exitCode = await main();
