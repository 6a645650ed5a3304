// Fills a folder with what the Dockerfiles' target `runtime` copies: the packages of this machine's node_modules that
// run without the development ones (staged-packages), the compiled agent (staged-agent) and mocks (staged-mock), and the
// configuration files of each: the agent's are those that package.json lets npm pack.
// usage: node .ci/stage-runtime.mjs FOLDER
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

const [, , name] = process.argv;
if (name === undefined) throw new Error("usage: stage-runtime.mjs FOLDER");
const folder = resolve(name);
const root = resolve(import.meta.dirname, "..");
// Nothing of an earlier build stays; what is not ours stays.
for (const part of ["package.json", "staged-packages", "staged-agent", "staged-mock"])
  rmSync(join(folder, part), { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const pack = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
  cwd: root,
  encoding: "utf8",
  stdio: ["ignore", "pipe", "inherit"],
});
const [{ files }] = JSON.parse(pack);
const packed = files.map(({ path }) => path).filter((path) => path.startsWith("config/"));
for (const [from, to] of [
  ["package.json", "package.json"],
  ...packed.map((path) => [path, join("staged-agent", path)]),
  ["config/devices", "staged-mock/config/devices"],
]) {
  mkdirSync(dirname(join(folder, to)), { recursive: true });
  cpSync(join(root, from), join(folder, to), { recursive: true });
}
// Types are checked elsewhere.
const tsc = (project, outDir) =>
  execFileSync(
    process.execPath,
    [
      join(root, "node_modules/typescript/bin/tsc"),
      "-p",
      join(root, project),
      "--noCheck",
      "--outDir",
      join(folder, outDir),
    ],
    { stdio: ["ignore", "inherit", "inherit"] },
  );
tsc("tsconfig.build.json", "staged-agent/dist");
tsc("mocks/tsconfig.build.json", "staged-mock/mocks/dist");

const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
for (const [path, { dev }] of Object.entries(packages)) {
  const from = join(root, path);
  if (path === "" || dev === true || !existsSync(from)) continue;
  cpSync(from, join(folder, "staged-packages", path), {
    recursive: true,
    filter: (file) => file === from || isNeeded(file),
  });
}

/** Packages within a package have entries of their own; what compilers and editors read does not run. */
function isNeeded(file) {
  return (
    basename(file) !== "node_modules" &&
    !/\.(d\.[cm]?ts|map|md)$/.test(file) &&
    !/\/(better-sqlite3\/(deps|src)|Release\/(obj|obj\.target|\.deps))$/.test(file)
  );
}
