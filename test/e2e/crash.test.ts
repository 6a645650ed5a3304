import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { AgentConfig } from "../../agent/settings/config.ts";
import { startMockSbc, type MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { runCommand, startDaemon, writeConfig, type Daemon } from "./daemon.ts";
import { eventually } from "./client.ts";
import { configFor, control, deviceFile, drawTenant, named, stateOf } from "./rig.ts";
import { doorsFor, pin, reachOf, type Route } from "./reach.ts";

let folder: string;
let mock: MockSbc;
let config: AgentConfig;
let file: string;
let daemon: Daemon;

async function start(route: Route): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), "sbc-agent-crash-"));
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

interface Received {
  requests: { method: string; path: string }[];
  lines: { source: string; line: string }[];
}

/** A request is named by its method and path, a line of a shell by SHELL and what it begins with. */
async function hasReceived(method: string, path: string): Promise<void> {
  await eventually(
    async () => (await (await fetch(`${mock.control}/received`)).json()) as Received,
    ({ requests, lines }) => {
      const received =
        method === "SHELL"
          ? lines.filter(({ source, line }) => source === "shell" && line.trim().startsWith(path))
          : requests.filter((request) => request.method === method && request.path.includes(path));
      return received.length > 0;
    },
    () => `${method} ${path} was not received`,
  );
}

/** In the middle of what the device does; what lies between is in test/faults. */
type Place = [where: string, fault: object, method: string, path: string];

const overRest: Place[] = [
  ["during the upload", { name: "slow-lines", ms: 60 }, "PUT", "incremental"],
  ["when the device has the script and has not begun", { name: "hang", path: "incremental" }, "PUT", "incremental"],
  ["after the upload", { name: "hang", path: "incremental", processed: true }, "PUT", "incremental"],
  [
    "after the save, before its report",
    { name: "hang", path: "saveConfiguration", processed: true },
    "POST",
    "saveConfiguration",
  ],
];
const overSsh: Place[] = [
  ["in the middle of a row", { name: "shell-silence", match: "srd-name", when: "after" }, "SHELL", "srd-name"],
  ["between two rows", { name: "shell-silence", match: "ip-group" }, "SHELL", "proxy-set"],
  [
    "before the last row is activated",
    { name: "shell-silence", match: "media-realm-name", when: "after" },
    "SHELL",
    "media-realm-name",
  ],
  ["after the save, before its report", { name: "shell-silence", match: "write", when: "after" }, "SHELL", "write"],
];

describe.each<[Route, Place[]]>([
  ["rest", overRest],
  ["ssh", overSsh],
])("an agent that is killed with SIGKILL, over %s", (route, places) => {
  it.each(places)(
    "%s: the next start takes the work again, and it ends once and saved",
    async (_, fault, method, path) => {
      await start(route);
      await control(mock, "POST", "/faults", fault);
      const tenant = drawTenant();
      await daemon.client.addLead(tenant);
      const id = await daemon.client.post("Killed", tenant);
      await hasReceived(method, path);
      await daemon.kill("SIGKILL");
      await control(mock, "DELETE", "/faults");
      expect(mock.device.faults.list()).toEqual([]);

      daemon = await startDaemon(file, config);
      const task = await daemon.client.ended(id);
      expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
      const state = await stateOf(mock);
      expect(state.running["IPGroup"]).toHaveLength(3 + 1);
      expect(named(state.running["IPGroup"], "Name").get("Killed")?.active).toBe(true);
      expect((state.running["ProxySet"] ?? []).filter(({ fields }) => fields["ProxyName"] === "SIPTrunk")).toHaveLength(
        1,
      );
      expect(state.saveNeeded).toBe(false);
      expect(state.running).toEqual(state.startup);
      expect(await daemon.client.resync()).toMatchObject({ devices: [{ result: "in-sync", writes: 0, saves: 0 }] });
    },
  );
});

describe("a second agent on the same data folder", () => {
  it("is refused with a message that says why", async () => {
    await start("rest");
    const { code, output } = await runCommand(["run", "--config", file]);
    expect(code).not.toBe(0);
    expect(output).toMatch(/another sbc-agent uses the data folder/);
  });
});

describe("SIGTERM in mid-run", () => {
  it("ends the agent with code 0 within its grace, and the work is taken up again", async () => {
    await start("rest");
    await control(mock, "POST", "/faults", { name: "slow-lines", ms: 20 });
    const tenant = drawTenant();
    await daemon.client.addLead(tenant);
    const id = await daemon.client.post("Stopped", tenant);
    await hasReceived("PUT", "incremental");
    expect(await daemon.kill("SIGTERM")).toBe(0);
    await control(mock, "DELETE", "/faults");
    daemon = await startDaemon(file, config);
    expect((await daemon.client.ended(id)).details).toEqual(["Converted"]);
    expect((await stateOf(mock)).running["IPGroup"]).toHaveLength(3 + 1);
  });
});
