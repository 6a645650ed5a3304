import { expect, it } from "vitest";
import { createFolder } from "./command-line.ts";
import { startSmallAgent } from "./small-agent.ts";

async function prepare() {
  const agent = await startSmallAgent({
    "POST /api/agent/v1/devices/sbc-1/pause": { body: {} },
    "POST /api/agent/v1/devices/sbc-1/resume": { status: 204, body: undefined },
  });
  const folder = createFolder();
  folder.announce(agent.url);
  return { agent, folder };
}

it("pauses a device with its reason, and says how to end it", async () => {
  const { agent, folder } = await prepare();
  const { code, stdout } = await folder.run(["pause", "sbc-1", "--reason", " upgrade tonight "]);
  expect(code).toBe(0);
  expect(stdout).toContain("sbc-1 is paused: upgrade tonight\n");
  expect(stdout).toContain("sbc-agent resume sbc-1 --reason TEXT");
  expect(agent.asked).toMatchObject([
    { path: "/api/agent/v1/devices/sbc-1/pause", body: '{"reason":"upgrade tonight"}' },
  ]);
});

it("resumes a device, and says that log-in failures are forgotten", async () => {
  const { agent, folder } = await prepare();
  const { code, stdout } = await folder.run(["resume", "sbc-1", "--reason", "done"]);
  expect(code).toBe(0);
  expect(stdout).toContain("counted log-in failures and waiting times are forgotten");
  expect(agent.asked).toMatchObject([{ path: "/api/agent/v1/devices/sbc-1/resume", body: '{"reason":"done"}' }]);
});

it.each(["pause", "resume"])("does not %s without a reason", async (command) => {
  const { agent, folder } = await prepare();
  expect((await folder.run([command, "sbc-1"])).code).toBe(2);
  expect((await folder.run([command, "sbc-1", "--reason", "  "])).code).toBe(2);
  expect(agent.asked).toEqual([]);
});

it("prints what was done with --json", async () => {
  const { folder } = await prepare();
  const { stdout } = await folder.run(["pause", "sbc-1", "--reason", "x", "--json"]);
  expect(JSON.parse(stdout)).toEqual({ device: "sbc-1", paused: true, reason: "x" });
});

it("exits 1 for a device that the agent does not know", async () => {
  const { folder } = await prepare();
  expect((await folder.run(["pause", "sbc-9", "--reason", "x"])).code).toBe(1);
});
