import { connect, type Socket } from "node:net";
import { expect, it, onTestFinished } from "vitest";
import { openSpares } from "../../drivers/spare-connections.ts";
import { startTcp } from "./fake-device.ts";

/** Spares to a server on this machine; both ends of each connection, in the order in which they were set up. */
async function start() {
  const far: Socket[] = [];
  const near: Socket[] = [];
  const server = await startTcp((socket) => far.push(socket));
  const spares = openSpares((done) => {
    const socket = connect(server.port, "127.0.0.1", () => done(undefined, socket));
    near.push(socket);
  }, 2_000);
  onTestFinished(async () => {
    spares.close();
    for (const socket of near) socket.destroy();
    await server.close();
  });
  const take = (): Promise<Socket> => new Promise((resolve) => spares.take((_fault, socket) => resolve(socket)));
  return { far, near, spares, take };
}

it("hands over a connection that stands", async () => {
  const { far, near, spares, take } = await start();
  spares.open(1);
  await expect.poll(() => far.length).toBe(1);
  expect(await take()).toBe(near[0]);
});

it("does not hand over one on which the other side has said something that nobody asked for", async () => {
  const { far, near, spares, take } = await start();
  spares.open(1);
  await expect.poll(() => far.length).toBe(1);
  far[0]?.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  await expect.poll(() => near[0]?.readableLength).toBeGreaterThan(0);
  expect(await take()).toBe(near[1]);
  expect(near[0]?.destroyed).toBe(true);
});
