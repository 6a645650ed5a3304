import { rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { createSealKey, openSealer } from "../../agent/store/seal.ts";
import { openSqliteJournal } from "../../agent/store/sqlite/open.ts";
import { createFolder } from "./command-line.ts";
import { startSmallAgent } from "./small-agent.ts";

/** A folder with a store of three audit entries. No agent runs on it. */
async function prepare() {
  const folder = createFolder();
  const file = join(folder.path, "data/agent.db");
  const sealer = openSealer(createSealKey(join(folder.path, "seal.key")));
  const journal = openSqliteJournal({ file, sealer, now: () => Date.parse("2026-03-01T11:00:00Z") });
  for (const who of ["ann", "bob", "cho"])
    await journal.audit({ event: "write", device: "sbc-1", taskId: null, who, data: {} });
  await journal.close();
  const tamper = (sql: string): void => {
    const db = new Database(file);
    db.exec(`DROP TRIGGER audit_keeps_rows; DROP TRIGGER audit_keeps_words; ${sql}`);
    db.close();
  };
  return { folder, file, tamper };
}

it("verifies the trail of a data folder without an agent, and prints what to note of it", async () => {
  const { folder, file } = await prepare();
  const { code, stdout, stderr } = await folder.run(["audit", "verify"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(`The audit trail of ${file} is sound.\n  Entries  3\n  First    2026-03-01T11:00:00.000Z\n`);
  const [, head = ""] = /Head {5}(3:[0-9a-f]{64})\n/.exec(stdout) ?? [];
  expect(stdout).toContain(`  sbc-agent audit verify --expect ${head}\n`);
  expect((await folder.run(["audit", "verify", "--expect", head])).code).toBe(0);
});

it("exits 1 for a trail that was changed, and names the first entry that was", async () => {
  const { folder, tamper } = await prepare();
  tamper("UPDATE audit SET who = 'dan' WHERE seq = 2");
  const { code, stdout } = await folder.run(["audit", "verify"]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/broken\.\n {2}Entry 2: changed: it does not say .*\nSound before it:\n {2}Entries {2}1\n/);
  expect(stdout).not.toContain("--expect");
});

it("exits 1 for a head that was noted and is there no more", async () => {
  const { folder, tamper } = await prepare();
  const { stdout } = await folder.run(["audit", "verify", "--json"]);
  const { head } = JSON.parse(stdout) as { head: string };
  tamper("DELETE FROM audit WHERE seq = 3; UPDATE sqlite_sequence SET seq = 2");
  expect((await folder.run(["audit", "verify"])).code).toBe(0);
  const again = await folder.run(["audit", "verify", "--expect", head, "--json"]);
  expect(again.code).toBe(1);
  expect(JSON.parse(again.stdout)).toMatchObject({
    sound: false,
    entries: 2,
    fault: { seq: 3, kind: "missing", message: "entry 3 is gone" },
  });
});

it("exits 2 for a head that is none", async () => {
  const { folder } = await prepare();
  for (const head of ["", "3", "3:abc", `0:${"a".repeat(64)}`, `3:${"A".repeat(64)}`])
    expect((await folder.run(["audit", "verify", "--expect", head])).code).toBe(2);
});

it("says what is missing where there is no store, or no key to it", async () => {
  const { code, stderr } = await createFolder().run(["audit", "verify"]);
  expect([code, stderr]).toEqual([1, expect.stringContaining("agent.db: there is no store yet")]);
  const { folder } = await prepare();
  rmSync(join(folder.path, "seal.key"));
  const keyless = await folder.run(["audit", "verify"]);
  expect([keyless.code, keyless.stderr]).toEqual([1, expect.stringContaining("seal.key is missing")]);
});

const entries = [
  { at: "2026-03-01T11:59:30.123Z", event: "save", device: "sbc-1", taskId: null, who: "run-2", data: {} },
  {
    at: "2026-03-01T11:59:00.000Z",
    event: "write",
    device: "sbc-1",
    taskId: null,
    who: "run-2",
    data: { taskIds: ["wst_1", "wst_2"] },
  },
  {
    at: "2026-03-01T11:00:00.000Z",
    event: "pause",
    device: "sbc-1",
    taskId: null,
    who: "ann",
    data: { reason: "upgrade" },
  },
];

it("shows the newest entries, one a line, and all of them as JSON", async () => {
  const agent = await startSmallAgent({
    "GET /api/agent/v1/audit?limit=20": { body: entries },
    "GET /api/agent/v1/audit?limit=5&device=sbc-1&taskId=wst_1": { body: [] },
  });
  const folder = createFolder();
  folder.announce(agent.url);
  const { code, stdout } = await folder.run(["audit", "show"]);
  expect(code).toBe(0);
  expect(stdout.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["Time", "Event", "Device", "Who", "Task"],
    ["2026-03-01T11:59:30Z", "save", "sbc-1", "run-2", "-"],
    ["2026-03-01T11:59:00Z", "write", "sbc-1", "run-2", "2 tasks"],
    ["2026-03-01T11:00:00Z", "pause", "sbc-1", "ann", "-"],
    [""],
  ]);
  expect(JSON.parse((await folder.run(["audit", "show", "--json"])).stdout)).toEqual(entries);
  const filtered = await folder.run(["audit", "show", "--device", "sbc-1", "--task", "wst_1", "--limit", "5"]);
  expect(filtered).toMatchObject({ code: 0, stdout: "No entry.\n" });
  expect((await folder.run(["audit", "show", "--limit", "x"])).code).toBe(2);
});
