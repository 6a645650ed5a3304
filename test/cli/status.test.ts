import { expect, it } from "vitest";
import { createFolder } from "./command-line.ts";
import { makeDevice, makeHealth } from "./reports.ts";
import { startSmallAgent } from "./small-agent.ts";

const troubled = makeDevice({
  device: "sbc-lon-east-2",
  mode: "paused",
  pause: { reason: "upgrade", by: "admin", since: "2026-03-01T11:00:00Z" },
  state: "waiting",
  breaker: "open",
  nextTryAt: "2026-03-01T12:00:30Z",
  lastError: { at: "2026-03-01T11:55:00Z", code: "unreachable", message: "no connection" },
  queue: 7,
  oldestPendingSeconds: 610,
  linked: 5_000,
  drift: { checkedAt: "2026-03-01T03:00:00Z", updatedAt: null, drifted: 3, stale: false, afterRestart: false },
});

async function status(argv: readonly string[], health: unknown, code?: number) {
  const agent = await startSmallAgent({
    "GET /api/agent/v1/health": { ...(code === undefined ? {} : { status: code }), body: health },
  });
  const folder = createFolder();
  folder.announce(agent.url);
  return { agent, folder, ...(await folder.run(argv)) };
}

it("shows a device a line, with queue, links, drift and when it last went well", async () => {
  const { code, stdout, stderr } = await status(["status"], makeHealth([makeDevice(), troubled]));
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const lines = stdout.split("\n");
  expect(lines.find((line) => line.startsWith("Device"))?.split(/ +/)).toEqual(
    "Device Mode State Breaker Queue Oldest Linked Drift Success Error".split(" "),
  );
  expect(lines.find((line) => line.startsWith("sbc-1"))?.split(/ +/)).toEqual(
    "sbc-1 manage idle closed 0 - 120 0 2m ago -".split(" "),
  );
  expect(lines.find((line) => line.startsWith("sbc-lon-east-2"))?.split(/ +/)).toEqual(
    "sbc-lon-east-2 paused waiting open 7 10m 5000 3 2m ago 5m ago".split(" "),
  );
});

it("keeps to 80 columns with usual names", async () => {
  const { stdout } = await status(["status"], makeHealth([makeDevice(), troubled]));
  expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
});

it("shows the agent's remarks, and what was last and comes next, below the table", async () => {
  const { stdout } = await status(["status"], makeHealth([troubled], ["sbc-lon-east-2: no connection"]));
  expect(stdout).toContain("sbc-agent 1.2.3: degraded, started 3h ago");
  expect(stdout).toContain("Remarks\n  sbc-lon-east-2: no connection\n");
  expect(stdout).toContain("  sbc-lon-east-2: last error (unreachable) 5m ago, next try in 30s\n");
});

it("exits 0 for a degraded agent that answers 503, for it did answer", async () => {
  const { code, stdout } = await status(["status"], makeHealth([makeDevice()], ["x"]), 503);
  expect(code).toBe(0);
  expect(stdout).toContain("degraded");
});

it("lists who is being changed or removed and whose rows are owed, with the task, below the devices", async () => {
  const amendment = (shortName: string, kind: "change" | "removal", state: "ready" | "owed", taskId: string) => ({
    ...{ shortName, kind, state, taskId },
    customerGuid: "0c1f7a55-0f7e-4b0e-9d55-0b8f3a3c6a01",
    device: "sbc-1",
    acceptedAt: "2026-03-01T11:58:00Z",
  });
  const amendments = [
    amendment("Butcher", "change", "ready", "tsk_1"),
    amendment("Draper", "removal", "ready", "tsk_2"),
    amendment("Tailor", "removal", "owed", "tsk_3"),
  ];
  const { stdout } = await status(["status"], { ...makeHealth([makeDevice()]), amendments });
  const lines = stdout.split("\n").map((line) => line.trim().split(/ {2,}/));
  expect(lines.slice(lines.findIndex(([first]) => first === "Customer")).slice(0, 4)).toEqual([
    ["Customer", "Device", "State", "Task", "Since"],
    ["Butcher", "sbc-1", "being changed", "tsk_1", "2m ago"],
    ["Draper", "sbc-1", "being removed", "tsk_2", "2m ago"],
    ["Tailor", "sbc-1", "rows owed", "tsk_3", "2m ago"],
  ]);
  expect((await status(["status"], makeHealth([makeDevice()]))).stdout).not.toContain("Customer");
});

it("prints the health report with --json and nothing else", async () => {
  const health = makeHealth([makeDevice(), troubled]);
  const { stdout } = await status(["status", "--json"], health);
  expect(JSON.parse(stdout)).toEqual(health);
});

it("makes control characters of an answer visible instead of passing them to the terminal", async () => {
  const { stdout } = await status(["status"], makeHealth([makeDevice()], ["sbc-1: \u001b[2J\u009b1m"]));
  expect(stdout).toContain("sbc-1: \\x1b[2J\\x9b1m");
});

it("says so when the answer is not a health report", async () => {
  const { code, stderr } = await status(["status"], { devices: 3 });
  expect(code).toBe(1);
  expect(stderr).toContain("this version of sbc-agent understands");
  expect(stderr).toContain("devices:");
});

it("colours on a terminal only, and never with NO_COLOR", async () => {
  const { folder } = await status(["status"], makeHealth([troubled]));
  const speak = async (isTTY: boolean, env: Record<string, string>) => {
    let out = "";
    await folder.run(["status"], { env, stdout: { write: (text) => void (out += text), isTTY } });
    return out.includes("\u001b[");
  };
  expect([await speak(true, {}), await speak(false, {}), await speak(true, { NO_COLOR: "1" })]).toEqual([
    true,
    false,
    false,
  ]);
});

it("says by which driver a device is reached, where that is left open, and why", async () => {
  const device = makeDevice({ driver: "auto", taken: { driver: "ssh", reason: "REST: no connection" } });
  const { stdout } = await status(["status"], makeHealth([device]));
  expect(stdout).toContain("  sbc-1: reached over ssh (REST: no connection)\n");
});
