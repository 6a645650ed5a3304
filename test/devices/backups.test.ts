import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { keepBackup } from "../../agent/devices/backups.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sbc-agent-backups-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const noon = Date.UTC(2026, 0, 1, 12);

function kept(): string[] {
  const files = join(folder, "backups", "sbc1");
  return readdirSync(files).map((name) => readFileSync(join(files, name), "utf8"));
}

it("keeps the last backups of a device, and no more", async () => {
  for (const hour of [0, 1, 2, 3]) await keepBackup(folder, "sbc1", `of hour ${hour}`, 2, noon + hour * 3_600_000);
  expect(kept().sort()).toEqual(["of hour 2", "of hour 3"]);
});

it.each([1, 2])("keeps the backup that it just made although the clock was set back (of %d)", async (keep) => {
  for (const hour of [0, 1]) await keepBackup(folder, "sbc1", `of hour ${hour}`, keep, noon + hour * 3_600_000);
  await keepBackup(folder, "sbc1", "of before the clock", keep, noon - 86_400_000);
  expect(kept()).toHaveLength(keep);
  expect(kept()).toContain("of before the clock");
});
