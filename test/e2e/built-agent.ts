import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileProduct } from "../compile-product.ts";

/** The command as plain JavaScript: where it starts many times, that costs less than to compile it each time. */
export interface BuiltAgent {
  /** What node is given to run it. */
  program: readonly string[];
  remove(): void;
}

export async function buildAgent(): Promise<BuiltAgent> {
  const folder = mkdtempSync(join(tmpdir(), "sbc-agent-built-"));
  await compileProduct(folder, "tsconfig.build.json");
  return {
    program: [join(folder, "dist/agent/cli.js")],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
