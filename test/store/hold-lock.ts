import { writeSync } from "node:fs";
import { lockDataFolder } from "../../agent/lock.ts";

/** A process that locks the folder it is given, says so, and stays until its standard input ends. */
const [folder = ""] = process.argv.slice(2);
try {
  lockDataFolder(folder);
  writeSync(1, "locked\n");
  process.stdin.resume();
} catch (error) {
  writeSync(1, `${error instanceof Error ? error.message : String(error)}\n`);
}
