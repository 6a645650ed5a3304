import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { startRelay, type Relay } from "./relay.ts";

let server: Server | undefined;
let relay: Relay | undefined;
afterEach(async () => {
  await relay?.close();
  server?.close();
});

/** A relay to a server that sends back what it gets. */
async function startEcho(oneWayMs: number): Promise<number> {
  server = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  relay = await startRelay({ targetPort: (server.address() as AddressInfo).port, oneWayMs });
  return relay.port;
}

function openConnections(): Promise<number> {
  return new Promise((resolve) => server?.getConnections((_error, count) => resolve(count)));
}

describe("the relay", () => {
  it("carries more than may be under way at once, whole and in order, and the end of the stream after it", async () => {
    const sent = randomBytes(20 * 1024 * 1024);
    const client = connect(await startEcho(2), "127.0.0.1");
    client.end(sent);
    expect((await buffer(client)).equals(sent)).toBe(true);
  });

  it("takes a round trip to set a connection up, and another one for each exchange", async () => {
    const oneWayMs = 50;
    const port = await startEcho(oneWayMs);
    const client = connect(port, "127.0.0.1");
    for (const roundTrips of [2, 1]) {
      const startedMs = performance.now();
      client.write("x");
      await once(client, "data");
      // Never sooner; how much later depends on the machine.
      expect(performance.now() - startedMs).toBeGreaterThan(roundTrips * 2 * oneWayMs - 10);
    }
    client.destroy();
    expect(relay?.takeMoments().map(({ kind }) => kind)).toEqual(["opened", "sent", "answered", "sent", "answered"]);
  });

  it("ends the connection of one side with that of the other", async () => {
    const client = connect(await startEcho(1), "127.0.0.1");
    client.write("x");
    await once(client, "data");
    expect(await openConnections()).toBe(1);
    client.resetAndDestroy();
    // Never true where the other side stays open: the test then times out.
    while ((await openConnections()) > 0) await new Promise((resolve) => setImmediate(resolve));
  });
});
