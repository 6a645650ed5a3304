import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { keepBackup } from "../../agent/devices/backups.ts";
import { startServer, tokenOf } from "../portal/server.ts";

const at = Date.parse("2026-03-01T10:00:00Z");

function prepare(): { dataDir: string; files: () => string[]; folder: string } {
  const dataDir = mkdtempSync(join(tmpdir(), "sbc-agent-backups-"));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const folder = join(dataDir, "backups", "sbc1");
  return { dataDir, folder, files: () => readdirSync(folder).sort() };
}

describe("rule 9: backups of a device's configuration", () => {
  it("are for their owner alone, whatever the umask is", async () => {
    const { dataDir, folder, files } = prepare();
    const mask = process.umask(0);
    try {
      await keepBackup(dataDir, "sbc1", "secret", 5, at);
    } finally {
      process.umask(mask);
    }
    expect(files().map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([0o600]);
    for (const above of [folder, join(dataDir, "backups")]) expect(statSync(above).mode & 0o777).toBe(0o700);
  });

  it("are the last few and no more, and leave no part of one that was broken off", async () => {
    const { dataDir, folder, files } = prepare();
    for (let i = 0; i < 5; i += 1) {
      await keepBackup(dataDir, "sbc1", `backup ${i}`, 3, at + i * 1_000);
      writeFileSync(join(folder, "broken.ini.part"), "secret");
    }
    await keepBackup(dataDir, "sbc1", "backup 5", 3, at + 5_000);
    expect(files().map((name) => readFileSync(join(folder, name), "utf8"))).toEqual([
      "backup 3",
      "backup 4",
      "backup 5",
    ]);
  });

  it.each(["embedded", "portal", "agent"] as const)("are served by no route of role %s", async (role) => {
    const server = await startServer({ role });
    const { text } = await server.call("GET", "/openapi.json", { token: tokenOf("admin") });
    expect(text).not.toMatch(/backup/i);
    for (const path of ["/backups/sbc1", "/api/agent/v1/backups", "/api/agent/v1/devices/sbc1/backup", "/..%2fbackups"])
      expect((await server.call("GET", path, { token: tokenOf("admin") })).status, path).toBe(404);
  });
});
