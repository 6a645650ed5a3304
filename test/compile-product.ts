import { execFile } from "node:child_process";
import { copyFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Compiles a project of this repository into `folder`/dist, with all beside it that the product needs to run. */
export async function compileProduct(folder: string, project: string, signal?: AbortSignal): Promise<void> {
  await copyFile(join(root, "package.json"), join(folder, "package.json"));
  for (const name of ["node_modules", "config"]) await symlink(join(root, name), join(folder, name));
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const args = ["-p", join(root, project), "--noCheck", "--outDir", join(folder, "dist")];
  await promisify(execFile)(process.execPath, [tsc, ...args], { signal });
}
