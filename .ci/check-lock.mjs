// `npm ci` must find every package in the lock file, and the lock file must not name a download host.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const dryRun = execFileSync("npm", ["ci", "--dry-run"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const missing = dryRun.split("\n").filter((line) => line.includes("Missing:"));
const resolved = readFileSync("package-lock.json", "utf8")
  .split("\n")
  .filter((line) => line.includes('"resolved": "http'));
for (const line of [...missing, ...resolved]) console.error(line.trim());
if (missing.length + resolved.length > 0) process.exitCode = 1;
else console.log("lock file complete");
