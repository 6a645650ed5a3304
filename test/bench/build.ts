import { readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { compileProduct } from "../compile-product.ts";
import type { Cleanup } from "./cleanup.ts";

/** The product as it is published, in a folder of its own. */
export interface Build {
  folder: string;
  /** `sbc-agent`. */
  cli: string;
  /** What the first line of `cli` gives to node, as it starts for its users. */
  nodeOptions: readonly string[];
  /** A file of this folder, built. */
  benchFile(name: string): string;
}

/** Compiles the sources into `folder`: what is measured is plain JavaScript under node, as users run it. */
export async function buildProduct(folder: string, cleanup: Cleanup): Promise<Build> {
  await mkdir(folder, { recursive: true });
  const stopping = new AbortController();
  cleanup.add(() => stopping.abort());
  await compileProduct(folder, "test/bench/tsconfig.build.json", stopping.signal);
  const cli = join(folder, "dist/agent/cli.js");
  return {
    folder,
    cli,
    nodeOptions: (readFileSync(cli, "utf8").split("\n", 1)[0] ?? "").split(" ").slice(3),
    benchFile: (name) => join(folder, "dist/test/bench", `${name}.js`),
  };
}
