import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished, vi } from "vitest";
import { loadConfig } from "../../agent/settings/config.ts";
import { startMockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { createFolder, settings, type Folder } from "./command-line.ts";
import { startSmallAgent } from "./small-agent.ts";
import { makeDevice, makeHealth } from "./reports.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const env = { PATH: process.env["PATH"] ?? "", SBC_1_PASSWORD: "Admin" };

function start(argv: readonly string[]) {
  const child = spawn(process.execPath, ["--import", "tsx", join(root, "agent/cli.ts"), ...argv], {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

async function run(argv: readonly string[]) {
  const child = start(argv);
  const [stdout, stderr, closed] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: closed[0] as unknown, stdout, stderr };
}

/** A running daemon and its folder; the line is the first that it prints. */
async function startDaemon(options: { latencyMs?: number } = {}) {
  const sbc = await startMockSbc({ ...options, ini: readFileSync(join(root, "config/devices/oc1-7.40.ini"), "utf8") });
  onTestFinished(() => sbc.stop());
  const demo = loadConfig(join(root, "config/demo.yaml"));
  const folder = createFolder({
    ...settings,
    portal: { port: 0 },
    carriers: demo.carriers,
    devices: [
      {
        ...settings.devices[0],
        address: sbc.rest,
        user: "Admin",
        gateways: demo.devices[0]?.gateways,
        defaults: demo.devices[0]?.defaults,
      },
    ],
  });
  folder.write("data/admin.token", `${"a".repeat(43)}\n`);
  const enrolled = await folder.run(["enroll", "sbc-1", "--fingerprint", sbc.fingerprint256]);
  expect(enrolled.stderr).toBe("");
  const child = start(["run", "--config", join(folder.path, "agent.yaml")]);
  const closed = once(child, "close");
  child.stderr.resume();
  const first = await Promise.race([once(createInterface(child.stdout), "line"), closed]);
  return { folder, child, closed, line: String(first[0]) };
}

async function post(folder: Folder, path: string, body: object): Promise<number> {
  const { url } = JSON.parse(readFileSync(join(folder.path, "data/agent.json"), "utf8")) as { url: string };
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { authorization: `Bearer ${"a".repeat(43)}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return answer.status;
}

it("starts from the shell, prints its version and ends", async () => {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  expect(await run(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

it("begins with the line that lets the built file be run", () => {
  expect(readFileSync(join(root, "agent/cli.ts"), "utf8")).toMatch(/^#!\/usr\/bin\/env -S node( --[\w=-]+)*\n/);
});

it("gives the shell the exit code of the command", async () => {
  expect((await run(["resync", "--nonsense"])).code).toBe(2);
});

it("prints everything of a long answer into a pipe before it ends", async () => {
  const health = makeHealth(Array.from({ length: 3_000 }, (_, i) => makeDevice({ device: `sbc-${i}` })));
  const agent = await startSmallAgent({ "GET /api/agent/v1/health": { body: health } });
  const folder = createFolder();
  folder.announce(agent.url);
  const { code, stdout } = await run(["status", "--json", "--config", join(folder.path, "agent.yaml")]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual(health);
});

it("interrupts a command that waits for an agent", async () => {
  const agent = await startSmallAgent({
    "GET /api/v2/task/wst_1": {
      body: { id: "wst_1", status: "InProgress", executionMessages: [{ level: "Information", message: "at work" }] },
    },
  });
  const folder = createFolder();
  folder.announce(agent.url);
  const child = start(["task", "wst_1", "--follow", "--config", join(folder.path, "agent.yaml")]);
  const errors = text(child.stderr);
  const closed = once(child, "close");
  for await (const line of createInterface(child.stdout)) if (line.includes("at work")) child.kill("SIGINT");
  expect((await closed)[0]).toBe(1);
  expect(await errors).toContain("The task goes on; look again:");
});

it("serves its commands from enrolment to re-sync, stops at SIGTERM, and leaves them to work alone", async () => {
  const { folder, child, closed, line } = await startDaemon();
  expect(line).toMatch(/^sbc-agent listens on http:\/\/127\.0\.0\.1:\d+$/);
  const body = JSON.parse(readFileSync(join(root, "config/examples/siptest4.json"), "utf8")) as {
    msTenantId: string;
    scriptParameters: object;
  };
  await post(folder, "/api/v2/oc/lead", { tenantId: body.msTenantId, companyName: "SIPTest4" });
  const file = folder.write("customer.json", JSON.stringify(body));

  const plan = await folder.run(["plan", file]);
  expect(plan).toMatchObject({ code: 3, stderr: "" });
  expect(plan.stdout).toContain('"SIPTest4"');
  const conversion = await folder.run(["convert", file], { wait: waitTruly });
  expect(conversion.stdout).toContain("SBC sbc-onboarding done for site SIPTest4.");
  expect(conversion).toMatchObject({ code: 0, stderr: "" });
  expect((await folder.run(["convert", file], { wait: waitTruly })).stdout).toContain("Already converted");
  expect(await folder.run(["resync"])).toMatchObject({ code: 0, stdout: expect.stringContaining("in sync") as string });
  expect((await folder.run(["pause", "sbc-1", "--reason", "test"])).code).toBe(0);
  expect((await folder.run(["status"])).stdout).toMatch(/sbc-1 +paused/);
  expect((await folder.run(["resume", "sbc-1", "--reason", "test"])).code).toBe(0);
  expect((await folder.run(["resync", "--device", "sbc-9"])).code).toBe(1);

  child.kill("SIGTERM");
  expect((await closed)[0]).toBe(0);
  expect(existsSync(join(folder.path, "data/agent.json"))).toBe(false);
  const alone = await run(["resync", "--config", join(folder.path, "agent.yaml")]);
  expect(alone).toMatchObject({ code: 0, stdout: expect.stringMatching(/sbc-1 +in sync +1 +0 +0/) as string });
  expect(alone.stderr).toContain("working without one");
});

it("is ended at once by a second signal while it waits for a device", async () => {
  const { folder, child, closed } = await startDaemon({ latencyMs: 20_000 });
  const resync = folder.run(["resync"]);
  await vi.waitFor(async () => {
    expect((await folder.run(["status"])).stdout).toMatch(/sbc-1 +manage +running/);
  }, 10_000);
  child.kill("SIGTERM");
  await vi.waitFor(() => {
    expect(existsSync(join(folder.path, "data/agent.json"))).toBe(false);
  }, 5_000);
  expect(child.exitCode).toBeNull();
  child.kill("SIGINT");
  expect((await closed)[0]).toBe(1);
  expect((await resync).code).toBe(1);
});

/** Real time: the daemon is another process. */
async function waitTruly(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  signal.throwIfAborted();
}
