import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import type { AgentConfig } from "../../agent/settings/config.ts";
import { startMockSbc, type MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { eventually } from "../e2e/client.ts";
import { startDaemon, writeConfig, type Daemon } from "../e2e/daemon.ts";
import { doorsFor, pin, reachOf, type Route } from "../e2e/reach.ts";
import { configFor, control, deviceFile } from "../e2e/rig.ts";
import { convert, expectConverted, received } from "./conversions.ts";
import { assertInvariants } from "./invariants.ts";

let folder: string;
let mock: MockSbc;
let config: AgentConfig;
let file: string;
let daemon: Daemon;

async function start(route: Route): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), "sbc-agent-faults-"));
  mock = await startMockSbc({ ini: deviceFile, ...doorsFor(route) });
  config = configFor(folder, [reachOf(mock, route)]);
  await pin(config, [mock]);
  file = writeConfig(folder, config);
  daemon = await startDaemon(file, config);
}
afterEach(async () => {
  await daemon.kill("SIGTERM");
  await mock.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A conversion that is under way: the device has begun to work on it. */
async function begin(shortName: string): Promise<string> {
  await control(mock, "POST", "/faults", { name: "slow-lines", ms: 30 });
  const task = await convert(daemon, shortName);
  await eventually(
    () => received(mock),
    ({ lines }) => lines.some(({ line }) => line.includes("proxy-set")),
    () => `nothing was written; ${daemon.output()}`,
  );
  return task;
}

async function beginAgain(task: string, shortName: string): Promise<void> {
  await control(mock, "DELETE", "/faults");
  daemon = await startDaemon(file, config);
  await expectConverted(daemon, task);
  await assertInvariants({ mocks: [mock], client: daemon.client }, [[shortName]]);
}

it.each(["rest", "ssh"] as const)(
  "F2 F9 a storm of SIGTERM in mid-write over %s: the next start, of whatever version, ends the work once",
  async (route) => {
    await start(route);
    const task = await begin("Stormy");
    for (let count = 0; count < 20; count += 1) daemon.signal("SIGTERM");
    expect(await daemon.kill("SIGINT")).toBeTypeOf("number");
    await beginAgain(task, "Stormy");
  },
);

it("F4 memory that runs out in mid-write: the next start ends the work once", async () => {
  await start("rest");
  const task = await begin("Starved");
  const { pid } = daemon;
  // From here on the process gets not one page more.
  execFileSync("prlimit", ["--as=1", "--pid", String(pid)]);
  const ended = daemon.kill("SIGCONT");
  const ask = async (): Promise<void> => {
    while (daemon.isRunning()) await daemon.client.ask("GET", "/openapi.json").catch(() => undefined);
  };
  await Promise.all([ended, ...Array.from({ length: 8 }, ask)]);
  expect(daemon.output()).toMatch(/out of memory|allocation failed/i);
  await beginAgain(task, "Starved");
});
