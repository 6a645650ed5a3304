import type { Socket } from "node:net";
import type { DriverError } from "./errors.ts";

type Done = (fault: DriverError | undefined, socket: Socket) => void;

/** Connections that were set up before anybody needed them. */
export interface Spares {
  /** Sets up as many, in the background; those that fail are forgotten. */
  open(count: number): void;
  /** Hands over a spare connection, also one that is about to stand, else a new one. Calls `done` exactly once. */
  take(done: Done): void;
  /** Closes those that nobody took. */
  close(): void;
}

interface Spare {
  socket?: Socket;
  stoodAt?: number;
  taker?: Done;
  /** What is heard of it while nobody uses it. */
  onEnd(): void;
}

/** `connect` sets one up and calls back once. A spare that stood idle for `maxIdleMs` may be closing: it is not used. */
export function openSpares(connect: (done: Done) => void, maxIdleMs: number): Spares {
  const waiting = new Set<Spare>();

  // Bytes that nobody asked for would be taken for the answer to what is asked next.
  const isQuiet = (socket: Socket): boolean => !socket.destroyed && socket.readableLength === 0;
  const isUsable = ({ socket, stoodAt = performance.now() }: Spare): boolean =>
    (socket === undefined || isQuiet(socket)) && performance.now() - stoodAt < maxIdleMs;

  function drop(spare: Spare): void {
    waiting.delete(spare);
    // Destroying it ends in `close`, and what it says until then is no news.
    spare.socket?.destroy();
  }

  return {
    open(count) {
      for (let i = 0; i < count; i += 1) {
        const spare: Spare = { onEnd: () => drop(spare) };
        waiting.add(spare);
        connect((fault, socket) => {
          if (spare.taker !== undefined) spare.taker(fault, socket);
          else if (fault !== undefined || !waiting.has(spare)) {
            waiting.delete(spare);
            socket.destroy();
          } else {
            Object.assign(spare, { socket, stoodAt: performance.now() });
            socket.on("error", spare.onEnd).on("close", spare.onEnd);
          }
        });
      }
    },
    take(done) {
      for (const spare of waiting) {
        if (!isUsable(spare)) {
          drop(spare);
          continue;
        }
        waiting.delete(spare);
        if (spare.socket === undefined) spare.taker = done;
        else {
          spare.socket.off("error", spare.onEnd).off("close", spare.onEnd);
          done(undefined, spare.socket);
        }
        return;
      }
      connect(done);
    },
    close() {
      for (const spare of [...waiting]) drop(spare);
    },
  };
}
