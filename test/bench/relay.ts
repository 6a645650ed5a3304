import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** What passed on the client's side of a connection, in milliseconds of `performance.now()`. */
export interface Moment {
  connection: number;
  /** `sent`: bytes came from the client; `answered`: bytes were handed to it. */
  kind: "opened" | "sent" | "answered";
  atMs: number;
}

export interface Relay {
  port: number;
  /** Since the start, or since they were last taken. */
  takeMoments(): Moment[];
  /** How late bytes left on average, beyond the delay that was asked for. */
  meanLagMs(): number;
  setDelay(oneWayMs: number): void;
  close(): Promise<void>;
}

export interface RelayOptions {
  /** A port of this machine. */
  targetPort: number;
  oneWayMs: number;
}

/** Bytes under way in one direction of one connection before the sender has to wait. */
const mostUnderWay = 4 * 1024 * 1024;
/** Timers have whole milliseconds: what is due this soon leaves now, or it would be late on average. */
const toleranceMs = 1;

interface Parcel {
  dueMs: number;
  /** Null is the end of the stream. */
  bytes: Buffer | null;
}

/**
 * A line of constant delay between a client and a server of this machine: each byte arrives `oneWayMs` after it was
 * sent, in order, and the end of a stream likewise. Setting up a connection costs one round trip: the system completes
 * a handshake with this relay at once, so nothing that the client sends sets out before a SYN and its answer would have
 * crossed the line; a TLS handshake then takes its own round trips by itself. Bandwidth is not limited and nothing is
 * lost, so slow start is not modelled: a long-lived or well tuned link.
 */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  let { oneWayMs } = options;
  let connections = 0;
  let moments: Moment[] = [];
  const lag = { sumMs: 0, count: 0 };
  const sockets = new Set<Socket>();

  function carry(from: Socket, to: Socket, notBeforeMs: number, note: { in?: () => void; out?: () => void }): void {
    const underWay: Parcel[] = [];
    let bytesUnderWay = 0;
    let timer: NodeJS.Timeout | undefined;
    let isBlocked = false;

    function deliver(): void {
      timer = undefined;
      while (!isBlocked) {
        const [parcel] = underWay;
        if (parcel === undefined) return;
        const waitMs = parcel.dueMs - performance.now();
        if (waitMs > toleranceMs) {
          timer = setTimeout(deliver, Math.floor(waitMs));
          return;
        }
        underWay.shift();
        lag.sumMs -= waitMs;
        lag.count += 1;
        if (parcel.bytes === null) {
          to.end();
          return;
        }
        bytesUnderWay -= parcel.bytes.length;
        note.out?.();
        isBlocked = !to.write(parcel.bytes);
        if (from.isPaused() && bytesUnderWay < mostUnderWay / 2) from.resume();
      }
    }

    function enqueue(bytes: Buffer | null): void {
      underWay.push({ dueMs: Math.max(performance.now(), notBeforeMs) + oneWayMs, bytes });
      bytesUnderWay += bytes?.length ?? 0;
      if (bytesUnderWay > mostUnderWay) from.pause();
      if (timer === undefined && !isBlocked) deliver();
    }

    from.on("data", (bytes: Buffer) => {
      note.in?.();
      enqueue(bytes);
    });
    from.once("end", () => enqueue(null));
    to.on("drain", () => {
      isBlocked = false;
      deliver();
    });
    to.once("close", (hadError: boolean) => {
      clearTimeout(timer);
      underWay.length = 0;
      // One that ended in order may leave answers behind that are still under way to the other side.
      if (hadError || !from.readableEnded) from.destroy();
    });
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const openedMs = performance.now();
    connections += 1;
    const connection = connections;
    const note = (kind: Moment["kind"]) => () => void moments.push({ connection, kind, atMs: performance.now() });
    moments.push({ connection, kind: "opened", atMs: openedMs });
    const device = connect({ port: options.targetPort, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    for (const socket of [client, device]) {
      sockets.add(socket);
      // Its close, which follows, ends the other side too.
      socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
    }
    carry(client, device, openedMs + 2 * oneWayMs, { in: note("sent") });
    carry(device, client, 0, { out: note("answered") });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    port: (server.address() as AddressInfo).port,
    takeMoments() {
      const taken = moments;
      moments = [];
      return taken;
    },
    meanLagMs: () => (lag.count === 0 ? 0 : lag.sumMs / lag.count),
    setDelay(ms) {
      oneWayMs = ms;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}
