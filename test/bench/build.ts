import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Cleanup } from "./cleanup.ts";
import { copyFile, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

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
  await copyFile(join(root, "package.json"), join(folder, "package.json"));
  for (const name of ["node_modules", "config"]) await symlink(join(root, name), join(folder, name));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const project = join(root, "test/bench/tsconfig.build.json");
  const args = [tsc, "-p", project, "--noCheck", "--outDir", join(folder, "dist")];
  const stopping = new AbortController();
  cleanup.add(() => stopping.abort());
  await promisify(execFile)(process.execPath, args, { signal: stopping.signal });
  const cli = join(folder, "dist/agent/cli.js");
  return {
    folder,
    cli,
    nodeOptions: (readFileSync(cli, "utf8").split("\n", 1)[0] ?? "").split(" ").slice(3),
    benchFile: (name) => join(folder, "dist/test/bench", `${name}.js`),
  };
}
