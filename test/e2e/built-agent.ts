import { execFile } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The command as plain JavaScript: where it starts many times, that costs less than to compile it each time. */
export interface BuiltAgent {
  /** What node is given to run it. */
  program: readonly string[];
  remove(): void;
}

export async function buildAgent(): Promise<BuiltAgent> {
  const folder = mkdtempSync(join(tmpdir(), "sbc-agent-built-"));
  copyFileSync(join(root, "package.json"), join(folder, "package.json"));
  for (const name of ["node_modules", "config"]) symlinkSync(join(root, name), join(folder, name));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const args = ["-p", join(root, "tsconfig.build.json"), "--noCheck", "--outDir", join(folder, "dist")];
  await promisify(execFile)(process.execPath, [tsc, ...args]);
  return {
    program: [join(folder, "dist/agent/cli.js")],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
