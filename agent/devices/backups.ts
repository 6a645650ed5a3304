import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { reach } from "../fail-points.ts";

/**
 * Keeps the device's configuration of before a run's first write in `backups/DEVICE/`, mode 0600, and deletes all but
 * the last `keep`. Backups hold secrets and are never served.
 */
export async function keepBackup(
  dataDir: string,
  device: string,
  text: string,
  keep: number,
  now: number,
): Promise<void> {
  const folder = join(dataDir, "backups", device);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, `${new Date(now).toISOString().replaceAll(":", "-")}.ini`);
  await writeFile(`${file}.part`, text, { mode: 0o600, flush: true });
  reach("backup-drafted");
  await rename(`${file}.part`, file);
  const files = await readdir(folder);
  for (const name of files.filter((name) => name.endsWith(".part"))) await rm(join(folder, name), { force: true });
  // Not by its name's age: the clock may have been set back since the others were made.
  const others = files.filter((name) => name.endsWith(".ini") && name !== basename(file)).sort();
  const old = others.slice(0, Math.max(0, others.length - (keep - 1)));
  for (const name of old) await rm(join(folder, name), { force: true });
}
