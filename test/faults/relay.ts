import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** How bytes go one way, on connections that stand as on new ones. Nothing is ever reordered: it is TCP. */
export interface Flow {
  /** Bytes arrive this much later, and up to `jitterMs` on top of that. */
  delayMs: number;
  jitterMs: number;
  /** The share of segments that a lossy path loses, as TCP shows it: they come again after `retransmitMs`, twice that and so on. */
  loss: number;
  retransmitMs: number;
  drip: { bytes: number; everyMs: number } | null;
  /** A partition: bytes, and the end of the stream, wait until it is over. */
  isHeld: boolean;
  /** Both ends are reset behind so many bytes of a connection. */
  cutAfterBytes: number | null;
  /** All bytes arrive twice. */
  isDoubled: boolean;
}

export type Direction = "toServer" | "toClient";

/** A TCP relay on the loopback address that stays, whatever becomes of the server behind it and of the line to it. */
export interface Relay {
  port: number;
  /** Where new connections go from now on; null: nowhere, they are reset at once. */
  lead(port: number | null): void;
  /** Changes how bytes go from now on; what is not named stays as it is. */
  shape(direction: Direction | "both", change: Partial<Flow>): void;
  /** All goes its plain way again, and what was held goes on; what was forgotten stays so. */
  calm(): void;
  /** Connections that stand carry nothing more this way, and nobody is told; new ones are not touched. */
  forget(direction: Direction | "both"): void;
  /** Resets all connections that stand. */
  cut(): void;
  /** What the clients sent so far, once more on connections of its own; resolves when the server has closed them all. */
  replay(): Promise<void>;
  /** Connections so far, those of them that were cut behind so many bytes, and the bytes that left. */
  carried(): { connections: number; cuts: number } & Record<Direction, number>;
  /** Resets all that stands. */
  stop(): Promise<void>;
}

const plainFlow: Flow = {
  delayMs: 0,
  jitterMs: 0,
  loss: 0,
  retransmitMs: 200,
  drip: null,
  isHeld: false,
  cutAfterBytes: null,
  isDoubled: false,
};
/** Bytes under way in one direction before the sender has to wait. */
const mostUnderWay = 4 * 1024 * 1024;

type Parcel = { dueMs: number } & ({ bytes: Buffer } | { end: "finish" | "reset" });

interface Way {
  pump(): void;
  forget(): void;
}

/** Leads to `target` on this machine, or nowhere until told. */
export async function startRelay(target: number | null = null): Promise<Relay> {
  const flows: Record<Direction, Flow> = { toServer: { ...plainFlow }, toClient: { ...plainFlow } };
  const ways: Record<Direction, Set<Way>> = { toServer: new Set(), toClient: new Set() };
  const sockets = new Set<Socket>();
  const recordings: Buffer[][] = [];
  const carried = { connections: 0, cuts: 0, toServer: 0, toClient: 0 };
  const random = createRandom();

  function keep(socket: Socket): void {
    sockets.add(socket);
    // Its close, which follows, tells the other side.
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
  }

  function lateness({ delayMs, jitterMs, loss, retransmitMs }: Flow): number {
    let late = delayMs + jitterMs * random();
    for (let wait = retransmitMs; random() < loss; wait *= 2) late += wait;
    return late;
  }

  function carry(direction: Direction, from: Socket, to: Socket): void {
    const queue: Parcel[] = [];
    let timer: NodeJS.Timeout | undefined;
    let latestDueMs = 0;
    let dripAtMs = 0;
    let bytesUnderWay = 0;
    let bytesLeft = 0;
    let isForgotten = false;

    function enqueue(what: { bytes: Buffer } | { end: "finish" | "reset" }): void {
      if (isForgotten || to.destroyed) return;
      latestDueMs = Math.max(latestDueMs, performance.now() + lateness(flows[direction]));
      queue.push({ ...what, dueMs: latestDueMs });
      if ("bytes" in what) bytesUnderWay += what.bytes.length;
      if (bytesUnderWay > mostUnderWay) from.pause();
      pump();
    }

    function cutBoth(): void {
      if (!from.destroyed || !to.destroyed) carried.cuts += 1;
      reset(from);
      reset(to);
    }

    function write(bytes: Buffer): void {
      const { cutAfterBytes, isDoubled } = flows[direction];
      const whole = isDoubled ? Buffer.concat([bytes, bytes]) : bytes;
      const part = cutAfterBytes === null ? whole : whole.subarray(0, Math.max(0, cutAfterBytes - bytesLeft));
      bytesLeft += part.length;
      carried[direction] += part.length;
      if (part.length === whole.length && bytesLeft !== cutAfterBytes) to.write(part);
      else to.write(part, cutBoth);
    }

    function deliver(parcel: Parcel): void {
      if ("end" in parcel) {
        queue.shift();
        if (parcel.end === "finish") to.end();
        else reset(to);
        return;
      }
      const { drip } = flows[direction];
      const bytes = drip === null ? parcel.bytes : parcel.bytes.subarray(0, drip.bytes);
      if (drip !== null) dripAtMs = performance.now() + drip.everyMs;
      parcel.bytes = parcel.bytes.subarray(bytes.length);
      if (parcel.bytes.length === 0) queue.shift();
      bytesUnderWay -= bytes.length;
      if (bytesUnderWay < mostUnderWay / 2) from.resume();
      write(bytes);
    }

    function pump(): void {
      clearTimeout(timer);
      for (;;) {
        const [parcel] = queue;
        const { isHeld, drip } = flows[direction];
        if (parcel === undefined || isHeld || isForgotten || to.destroyed) return;
        const waitMs = Math.max(parcel.dueMs, drip === null ? 0 : dripAtMs) - performance.now();
        if (waitMs > 0) {
          timer = setTimeout(pump, waitMs);
          return;
        }
        deliver(parcel);
      }
    }

    const way = {
      pump,
      forget() {
        isForgotten = true;
        queue.length = 0;
      },
    };
    ways[direction].add(way);
    from.on("data", (bytes: Buffer) => enqueue({ bytes }));
    from.once("end", () => enqueue({ end: "finish" }));
    from.once("close", () => {
      if (!from.readableEnded) enqueue({ end: "reset" });
    });
    to.once("close", () => {
      clearTimeout(timer);
      ways[direction].delete(way);
      // What still comes has nowhere to go.
      from.resume();
    });
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    keep(client);
    carried.connections += 1;
    if (target === null) {
      reset(client);
      return;
    }
    const device = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    keep(device);
    const recording: Buffer[] = [];
    recordings.push(recording);
    client.on("data", (bytes: Buffer) => recording.push(bytes));
    carry("toServer", client, device);
    carry("toClient", device, client);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  const eachOf = (direction: Direction | "both"): Direction[] =>
    direction === "both" ? ["toServer", "toClient"] : [direction];
  const cut = (): void => {
    for (const socket of sockets) reset(socket);
  };
  function shape(direction: Direction | "both", change: Partial<Flow>): void {
    for (const one of eachOf(direction)) {
      Object.assign(flows[one], change);
      for (const way of ways[one]) way.pump();
    }
  }

  return {
    port: (server.address() as AddressInfo).port,
    lead(port) {
      target = port;
    },
    shape,
    calm: () => shape("both", plainFlow),
    forget(direction) {
      for (const one of eachOf(direction)) for (const way of ways[one]) way.forget();
    },
    cut,
    async replay() {
      const port = target;
      if (port === null) throw new Error("the relay leads nowhere");
      await Promise.all(
        recordings.map(async (recording) => {
          const device = connect(port, "127.0.0.1");
          keep(device);
          device.resume();
          device.end(Buffer.concat(recording));
          await new Promise((resolve) => device.once("close", resolve));
        }),
      );
    },
    carried: () => ({ ...carried }),
    async stop() {
      const closed = once(server, "close");
      server.close();
      cut();
      await closed;
    },
  };
}

/** `resetAndDestroy` ends the stream in order first: the other side would take it for an end and hear of no reset. */
function reset(socket: Socket): void {
  Object.assign(socket, { resetAndClosing: true }).destroy();
}

/** The same numbers in every process: mulberry32. */
function createRandom(): () => number {
  let state = 1;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
