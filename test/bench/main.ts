import { mkdtemp, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { measureAcceptance, measureStore } from "./acceptance.ts";
import type { Bench, Line } from "./bench.ts";
import { buildProduct } from "./build.ts";
import { createCleanup, type Cleanup } from "./cleanup.ts";
import { measureConversions, type Way } from "./conversions.ts";
import { measureDrift } from "./drift.ts";
import { measureIsolation } from "./isolation.ts";
import { measurePlanning } from "./planning.ts";
import { measureReadiness } from "./readiness.ts";
import { describeWay, printReport, type Figures } from "./report.ts";
import { apart, embedded, type Shape } from "./shapes.ts";

/** For the measurement under way, after everything it uses was stopped. */
const endGraceMs = 1_000;
const line: Line = { rttMs: 40, saveMs: 300 };

const shapes: readonly Shape[] = [embedded, apart];
const names = (all: readonly Shape[]): string => all.map(({ name }) => name).join(", ");

type Measurement = (figures: Figures, bench: Bench, options: Options) => Promise<void>;

/** In the order in which they are done. */
const measurements: Readonly<Record<string, Measurement>> = {
  async conversions(figures, bench, { shapes, customers, ways }) {
    for (const shape of shapes)
      for (const way of ways)
        for (const count of customers) {
          note(`conversions: ${count}, ${describeWay(way)}, ${shape.name}`);
          figures.conversions.push(await measureConversions(bench, shape, count, way));
        }
  },
  async isolation(figures, bench, { shapes: [shape = embedded] }) {
    figures.isolation = await measureIsolation(bench, shape);
  },
  async drift(figures, bench, { shapes: [shape = embedded] }) {
    figures.drift = await measureDrift(bench, shape);
  },
  async planning(figures, bench) {
    figures.planning = await measurePlanning(bench);
  },
  async acceptance(figures, bench, { shapes: [shape = embedded] }) {
    figures.acceptance = await measureAcceptance(bench, shape);
  },
  async store(figures, bench) {
    figures.store = await measureStore(bench);
  },
  async readiness(figures, bench) {
    figures.readiness = await measureReadiness(bench);
  },
};

const usage = `Measures sbc-agent against mock devices on this machine (Linux). Nothing is asserted.

  --only NAMES    ${Object.keys(measurements).join(", ")}: one or more, joined by commas (all);
                  they may also be given as arguments
  --n COUNTS      conversions of each run, joined by commas (1,50,1000)
  --driver NAMES  of conversions: rest, ssh, blind (ssh, with rows that leave unconfirmed), joined by commas (rest)
  --proxy-sets    of conversions: shared, own (one for each customer), or both, joined by a comma (shared)
  --shape NAMES   ${names(shapes)}, joined by commas; drift, isolation and acceptance take the first one (all)
  --json          print the line of JSON only
  --help          this text

Examples: npm run bench -- --only conversions --n 1,50
          npm run bench -- isolation
`;

interface Options {
  only: readonly string[];
  customers: readonly number[];
  shapes: readonly Shape[];
  ways: readonly Way[];
  json: boolean;
}

function readOptions(args: string[]): Options | "help" {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { only: text, n: text, driver: text, "proxy-sets": text, shape: text, json: flag, help: flag },
  });
  if (values.help === true) return "help";
  const named = [...(values.only?.split(",") ?? []), ...positionals];
  const only = named.length > 0 ? named : Object.keys(measurements);
  const unknown = only.filter((name) => measurements[name] === undefined);
  if (unknown.length > 0) throw new Error(`--only: there is no ${unknown.join(", ")}`);
  const customers = (values.n ?? "1,50,1000").split(",").map(Number);
  if (!customers.every((count) => Number.isInteger(count) && count > 0 && count <= 10_000))
    throw new Error("--n takes numbers from 1 to 10000, joined by commas");
  const ways = waysOf((values.driver ?? "rest").split(","), (values["proxy-sets"] ?? "shared").split(","));
  const chosen = (values.shape ?? names(shapes)).split(/, ?/).map((wanted) => {
    const shape = shapes.find(({ name }) => name === wanted);
    if (shape === undefined) throw new Error(`--shape: there is no ${wanted}`);
    return shape;
  });
  return { only, customers, shapes: chosen, ways, json: values.json ?? false };
}

function waysOf(names: readonly string[], proxySets: readonly string[]): Way[] {
  const strange = [
    ...names.filter((name) => !["rest", "ssh", "blind"].includes(name)),
    ...proxySets.filter((name) => !["shared", "own"].includes(name)),
  ];
  if (strange.length > 0) throw new Error(`--driver, --proxy-sets: there is no ${strange.join(", ")}`);
  return names.flatMap((name) =>
    proxySets.map((sets) => ({
      driver: name === "rest" ? "rest" : "ssh",
      ownProxySets: sets === "own",
      blindRows: name === "blind",
    })),
  );
}

function note(text: string): void {
  process.stderr.write(`${text} ...\n`);
}

async function measureAll(options: Options, cleanup: Cleanup): Promise<Figures> {
  const figures: Figures = {
    machine: {
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: cpus().length,
      memoryMb: totalmem() / 1e6,
      node: process.versions.node,
      load: loadavg()[0] ?? 0,
    },
    line,
    conversions: [],
  };
  const folder = await mkdtemp(join(tmpdir(), "sbc-agent-bench-"));
  cleanup.add(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  try {
    note("building");
    const bench: Bench = { build: await buildProduct(folder, cleanup), line, cleanup };
    for (const [name, measure] of Object.entries(measurements)) {
      if (!options.only.includes(name)) continue;
      note(name);
      await measure(figures, bench, options);
    }
  } finally {
    await cleanup.run();
  }
  return figures;
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") {
    process.stdout.write(usage);
    return;
  }
  const cleanup = createCleanup();
  const measuring = measureAll(options, cleanup);
  const onSignal = (code: number) => (): void => void end(code, measuring, cleanup);
  process.once("SIGINT", onSignal(130)).once("SIGTERM", onSignal(143));
  const figures = await measuring;
  if (!options.json) process.stdout.write(`${printReport(figures)}\n\n`);
  process.stdout.write(`${JSON.stringify(figures, (_key, value: unknown) => rounded(value))}\n`);
}

/** What is measured ends by itself when all that it uses is gone; what it started meanwhile is stopped as well. */
async function end(code: number, measuring: Promise<Figures>, cleanup: Cleanup): Promise<never> {
  process.exitCode = code;
  await cleanup.run();
  await Promise.race([measuring.catch(() => undefined), sleep(endGraceMs)]);
  await cleanup.run();
  process.exit(code);
}

function rounded(value: unknown): unknown {
  return typeof value === "number" ? Math.round(value * 100) / 100 : value;
}

main().catch((error: unknown) => {
  // Ended by a signal: what failed then failed because of it.
  if (process.exitCode !== undefined) return;
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
