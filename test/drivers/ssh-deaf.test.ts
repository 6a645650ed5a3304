import type { AddressInfo, Socket } from "node:net";
import net from "node:net";
import { expect, it, onTestFinished } from "vitest";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { faultOf, never } from "./fake-device.ts";
import { startOddSsh } from "./odd-ssh-server.ts";
import { openSshDriver, startSshMock } from "./ssh-device.ts";

const deadlines = { connectMs: 1_000, requestMs: 1_000, writeMs: 1_000, saveMs: 1_000 };
/** Milliseconds in which everything has to be over, its deadlines included. */
const boundMs = 6_000;

/** Something between driver and device that can stop to carry and to close, whatever either side does. */
async function startRelay(target: Pick<MockSbc, "ssh" | "hostKeySha256">) {
  const sockets = new Set<Socket>();
  let deaf = false;
  const port = Number(target.ssh?.split(":").at(-1));
  const server = net.createServer({ allowHalfOpen: true }, (client) => {
    const device = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    for (const [from, to] of [
      [client, device],
      [device, client],
    ] as const) {
      sockets.add(from);
      from.on("data", (bytes) => deaf || to.write(bytes));
      from.on("end", () => deaf || to.end());
      from.on("error", () => undefined);
      from.on("close", () => sockets.delete(from));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const relayed = { ssh: `127.0.0.1:${(server.address() as AddressInfo).port}`, hostKeySha256: target.hostKeySha256 };
  return { target: relayed as MockSbc, goDeaf: () => (deaf = true) };
}

it(
  "a call to a device that swallows everything ends at its deadline, and the driver can be closed",
  async () => {
    const mock = await startSshMock({ firmware: "7.40A.250.440" });
    onTestFinished(() => mock.stop());
    const { target, goDeaf } = await startRelay(mock);
    const driver = openSshDriver(target, { deadlines });
    await driver.status(never);
    goDeaf();
    expect(await faultOf(driver.read(never))).toMatchObject({ code: "timeout", mayHaveActed: false });
    await driver.close();
  },
  boundMs,
);

it(
  "a driver whose device swallows its leave-taking is closed all the same",
  async () => {
    const mock = await startSshMock({ firmware: "7.40A.250.440" });
    onTestFinished(() => mock.stop());
    const { target, goDeaf } = await startRelay(mock);
    const driver = openSshDriver(target, { deadlines });
    await driver.status(never);
    goDeaf();
    await driver.close();
  },
  boundMs,
);

it(
  "a device that takes the log-in and opens no shell is late",
  async () => {
    const { target, goDeaf } = await startRelay((await startOddSsh({ onShell: () => goDeaf() })).target);
    const driver = openSshDriver(target, { deadlines });
    const fault = await faultOf(driver.status(never));
    expect(fault).toMatchObject({ code: "timeout", mayHaveActed: false });
    expect(fault.message).toContain("no shell");
    await driver.close();
  },
  boundMs,
);
