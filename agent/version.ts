import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";

/** The product's version. `package.json` stands one level up in the sources, two in the build. */
export function readVersion(): string {
  const fromSources = new URL("../package.json", import.meta.url);
  const file = existsSync(fromSources) ? fromSources : new URL("../../package.json", import.meta.url);
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, "utf8"))).version;
}
