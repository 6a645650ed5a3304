import { parseArgs } from "node:util";
import { fuzz } from "./fuzz.ts";
import { growthOf } from "./growth.ts";
import { createTargets } from "./targets.ts";

/** `npm run fuzz -- [--target NAME] [--runs N] [--seed S]`, or `-- --growth`: how the time grows with what is read. */
const { values } = parseArgs({
  options: {
    target: { type: "string" },
    runs: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
    growth: { type: "boolean", default: false },
  },
});

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const reportMs = 10_000;

function printGrowth(): boolean {
  const rows = growthOf();
  for (const { name, factor, ms } of rows)
    print(`${name.padEnd(40)} ${ms.toFixed(1).padStart(8)} ms   x ${factor.toFixed(2)} when doubled`);
  return rows.every(({ isLinear }) => isLinear);
}

async function fuzzAll(): Promise<boolean> {
  const { target: wanted } = values;
  const runs = Number(values.runs);
  const seed = Number(values.seed);
  if (!Number.isSafeInteger(runs) || !Number.isSafeInteger(seed))
    throw new Error("--runs and --seed are whole numbers");
  const all = await createTargets();
  const targets = all.filter(({ name }) => wanted === undefined || name === wanted);
  if (targets.length === 0)
    throw new Error(`no target is named ${wanted ?? ""}: ${all.map(({ name }) => name).join(", ")}`);
  for (const target of targets) {
    const begun = performance.now();
    let reported = begun;
    const tell = (done: number): void => {
      const seconds = (performance.now() - begun) / 1_000;
      print(`${target.name.padEnd(10)} ${done} inputs, seed ${seed}, ${Math.round(done / seconds)} a second`);
    };
    const failure = await fuzz(target, {
      runs,
      seed,
      onProgress(done) {
        if (done < runs && performance.now() - reported < reportMs) return;
        reported = performance.now();
        tell(done);
      },
    });
    if (failure === undefined) continue;
    print(`${target.name} failed: again with --target ${target.name} --runs 1 --seed ${failure.seed}`);
    print(failure.reason);
    print(`smallest input: ${JSON.stringify(failure.smallest)}`);
    return false;
  }
  return true;
}

if (!(values.growth ? printGrowth() : await fuzzAll())) process.exitCode = 1;
