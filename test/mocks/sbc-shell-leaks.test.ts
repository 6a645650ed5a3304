import { createHook } from "node:async_hooks";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import ssh2 from "ssh2";
import { describe, expect, it, onTestFinished } from "vitest";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { startDevice } from "./device.ts";
import { openShell } from "./shell-client.ts";

const cycles = 1_000;
/** As many as the device takes at once. */
const lanes = 5;

/** What keeps this process busy, by kind. */
function openThings(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Timers that were set and neither ran out nor were cleared since the call, those that keep nothing busy included. */
function watchTimers(): { count(): number } {
  const open = new Set<number>();
  const hook = createHook({
    init: (id, kind) => {
      if (kind === "Timeout") open.add(id);
    },
    destroy: (id) => void open.delete(id),
  });
  hook.enable();
  onTestFinished(() => void hook.disable());
  return { count: () => open.size };
}

const listeners = (): number => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);

async function visitOverSsh(mock: MockSbc): Promise<void> {
  const [host = "", port = ""] = (mock.ssh ?? "").split(":");
  const client = new ssh2.Client();
  const closed = once(client, "close");
  client.connect({ host, port: Number(port), username: "Admin", password: "Admin" });
  client.setNoDelay(true);
  await once(client, "ready");
  await new Promise<void>((resolve, reject) => {
    client.shell({ rows: 24, cols: 80 }, (error, channel) => {
      if (error !== undefined) {
        reject(error);
        return;
      }
      channel.resume();
      channel.once("close", () => resolve());
      channel.write("show system uptime\rexit\r");
    });
  });
  client.end();
  await closed;
}

async function visitPlain(mock: MockSbc): Promise<void> {
  const [host = "", port = ""] = (mock.plain ?? "").split(":");
  const socket = connectTcp(Number(port), host);
  socket.resume();
  socket.write("Admin\rAdmin\rshow system uptime\rexit\r");
  await once(socket, "close");
}

describe("a thousand visits", () => {
  it.each([
    ["over SSH", visitOverSsh],
    ["over bare TCP", visitPlain],
  ] as const)("%s leave no socket, timer, listener or session behind", async (_way, visit) => {
    const mock = await startDevice({ sshPort: 0, plainPort: 0 });
    await visit(mock);
    await expect.poll(() => openThings()["TCPSocketWrap"] ?? 0).toBe(0);
    const before = openThings();
    const listening = listeners();
    const timers = watchTimers();
    let left = cycles;
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await visit(mock);
      }
    };
    await Promise.all(Array.from({ length: lanes - 1 }, lane));
    await expect.poll(() => openThings()["TCPSocketWrap"] ?? 0).toBe(0);
    await expect.poll(() => openThings()["Timeout"] ?? 0).toBe(before["Timeout"] ?? 0);
    // The test's own poll has one or two; a thousand visits would have left a thousand.
    await expect.poll(() => timers.count(), { timeout: 10_000 }).toBeLessThan(50);
    expect(listeners()).toBe(listening);
    const own = await openShell(mock);
    await own.waitFor("> ");
    expect(await own.run("show users")).not.toContain("[1]");
    expect(mock.device.recorder.stats.shells).toBe(cycles + 2);
  });
});
