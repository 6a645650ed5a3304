import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pid } from "node:process";
import { z } from "zod";

/** What a daemon writes into its data folder, so that commands on this machine find it. */
export const announcement = z.object({ pid: z.int(), url: z.url(), startedAt: z.string() });

export function announcementFile(dataDir: string): string {
  return join(dataDir, "agent.json");
}

/** `startedAtMs`: milliseconds since 1970. */
export async function announce(dataDir: string, url: string, startedAtMs: number): Promise<void> {
  const file = announcementFile(dataDir);
  const content: z.infer<typeof announcement> = { pid, url, startedAt: new Date(startedAtMs).toISOString() };
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await writeFile(`${file}.part`, JSON.stringify(content), { mode: 0o600 });
  await rename(`${file}.part`, file);
}

export async function withdrawAnnouncement(dataDir: string): Promise<void> {
  await rm(announcementFile(dataDir), { force: true });
}
