import { connect as connectTcp } from "node:net";
import { once } from "node:events";
import ssh2 from "ssh2";
import { describe, expect, it } from "vitest";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { startDevice } from "./device.ts";

const cycles = 1_000;
/** As many as the device takes at once. */
const lanes = 5;

/** What keeps this process busy, by kind. */
function openThings(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

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
  ] as const)("%s leave no socket, timer or session behind", async (_way, visit) => {
    const mock = await startDevice({ sshPort: 0, plainPort: 0 });
    await visit(mock);
    await expect.poll(() => openThings()["TCPSocketWrap"] ?? 0).toBe(0);
    const before = openThings();
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
    expect(mock.device.recorder.stats.shells).toBe(cycles + 1);
  });
});
