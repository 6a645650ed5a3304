import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import { startRelay, type Relay } from "./relay.ts";

let server: Server;
let relay: Relay;
let accepted: Socket[];
const clients: Socket[] = [];

/** What each connection brought to the server, which sends it back. */
let received: Buffer[][];

async function startEcho(): Promise<void> {
  accepted = [];
  received = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    const chunks: Buffer[] = [];
    received.push(chunks);
    accepted.push(socket);
    socket.on("error", () => undefined).on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  relay = await startRelay((server.address() as AddressInfo).port);
}

function open(): Socket {
  const client = connect({ port: relay.port, host: "127.0.0.1", allowHalfOpen: true });
  client.on("error", () => undefined);
  clients.push(client);
  return client;
}

/** A reset right behind data looks to Node like an end in order. */
const ended = (socket: Socket): Promise<unknown> =>
  new Promise((resolve) => socket.once("close", resolve).once("end", resolve));
const atServer = (connection = 0): Buffer => Buffer.concat(received[connection] ?? []);
const hasArrived = (count: number) => expect.poll(() => atServer().length).toBe(count);

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await relay.stop();
  const closed = once(server, "close");
  server.close();
  await closed;
});

describe("the relay", () => {
  it("carries much, whole and in order, and the end of the stream behind it", async () => {
    await startEcho();
    const sent = randomBytes(20 * 1024 * 1024);
    const client = open();
    client.end(sent);
    expect((await buffer(client)).equals(sent)).toBe(true);
    expect(relay.carried()).toEqual({ connections: 1, cuts: 0, toServer: sent.length, toClient: sent.length });
  });

  it("delays, jitters, loses and drips without a byte in another place", async () => {
    await startEcho();
    relay.shape("both", { delayMs: 5, jitterMs: 20, loss: 0.1 });
    relay.shape("toClient", { drip: { bytes: 700, everyMs: 1 } });
    const sent = randomBytes(20_000);
    const client = open();
    const startedMs = performance.now();
    client.end(sent);
    expect((await buffer(client)).equals(sent)).toBe(true);
    // Never sooner; how much later depends on the machine.
    expect(performance.now() - startedMs).toBeGreaterThan(2 * 5 + sent.length / 700 - 5);
  });

  it("holds one way only, and lets go on what was held, on connections that stand", async () => {
    await startEcho();
    const client = open();
    client.write("a");
    await once(client, "data");
    relay.shape("toClient", { isHeld: true });
    client.write("b");
    await hasArrived(2);
    expect(client.read()).toBe(null);
    const heard = once(client, "data");
    relay.calm();
    expect(String((await heard)[0])).toBe("b");
  });

  it("tells nobody of an end while it holds that way", async () => {
    await startEcho();
    const client = open();
    client.write("a");
    await once(client, "data");
    relay.shape("toServer", { isHeld: true });
    client.resetAndDestroy();
    await ended(client);
    expect(accepted[0]?.destroyed).toBe(false);
    const gone = ended(accepted[0] as Socket);
    relay.calm();
    await gone;
  });

  it("forgets connections that stand, for good, and no others", async () => {
    await startEcho();
    const client = open();
    client.write("a");
    await once(client, "data");
    relay.forget("toServer");
    client.write("b");
    const other = open();
    other.write("c");
    expect(String((await once(other, "data"))[0])).toBe("c");
    relay.calm();
    expect(atServer().toString()).toBe("a");
    expect(client.destroyed).toBe(false);
  });

  it.each(["toServer", "toClient"] as const)("resets both ends behind so many bytes %s", async (direction) => {
    await startEcho();
    relay.shape(direction, { cutAfterBytes: 5 });
    const client = open();
    const heard: Buffer[] = [];
    client.on("data", (chunk: Buffer) => heard.push(chunk));
    client.write("abcdefgh");
    await ended(client);
    if (direction === "toServer") expect(atServer().toString()).toBe("abcde");
    else expect(Buffer.concat(heard).toString()).toBe("abcde");
    expect(relay.carried()).toMatchObject({ [direction]: 5, cuts: 1 });
    await expect.poll(() => accepted[0]?.destroyed).toBe(true);
  });

  it("doubles what a client sends", async () => {
    await startEcho();
    relay.shape("toServer", { isDoubled: true });
    open().write("abc");
    await hasArrived(6);
    expect(atServer().toString()).toBe("abcabc");
  });

  it("sends once more on another connection what clients sent", async () => {
    await startEcho();
    const client = open();
    client.write("abc");
    await once(client, "data");
    await relay.replay();
    expect(atServer(1).toString()).toBe("abc");
  });

  it("resets what stands, and at once what it leads nowhere", async () => {
    await startEcho();
    const client = open();
    client.write("a");
    await once(client, "data");
    relay.cut();
    await ended(client);
    relay.lead(null);
    const refused = open();
    await ended(refused);
    expect(relay.carried().connections).toBe(2);
    expect(received).toHaveLength(1);
  });
});
