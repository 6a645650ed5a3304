import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import type { Duplex } from "node:stream";

/** How output leaves: pieces of `size` bytes (0: as it comes), `ms` apart. */
export interface Pace {
  readonly size: number;
  readonly ms: number;
}

/** Why no more keys come: nobody is there, or nobody typed for too long. */
export type Ended = "gone" | "idle";

/** The far end of a shell: keys in, text out, on any byte stream. */
export interface Terminal {
  /** Rows of the window; undefined where the client asked for no terminal. */
  rows: number | undefined;
  readonly isOpen: boolean;
  /** Overrides the pace: single bytes, so many milliseconds apart. */
  msPerByte: number | undefined;
  /** Next byte. Only where none has arrived yet, output is flushed and the call waits, `idleMs` at most (0: for ever). */
  read(idleMs: number): number | Promise<number | Ended>;
  /** Keeps text until the next `flush`. */
  print(text: string): void;
  /** The same for a byte as it was typed. */
  echo(byte: number): void;
  flush(): Promise<void>;
  /** Resolves when the other side has gone. */
  readonly gone: Promise<void>;
}

/** A terminal on a stream, which stays the caller's to end. `pace` is asked anew for each piece. */
export function createTerminal(stream: Duplex, rows: number | undefined, pace: () => Pace): Terminal {
  let arrived: Buffer = Buffer.alloc(0);
  let position = 0;
  /** A character a byte. */
  let output = "";
  let isOpen = true;
  let isEnded = false;
  let wake: (() => void) | undefined;

  const gone = new Promise<void>((resolve) => {
    const end = (): void => {
      isOpen = false;
      resolve();
      wake?.();
    };
    for (const event of ["close", "error"] as const) stream.once(event, end);
  });
  // Who sends lines from a file ends the input before all of them are run.
  stream.once("end", () => {
    isEnded = true;
    wake?.();
  });
  stream.on("error", () => undefined);
  stream.on("data", (chunk: Buffer) => {
    arrived = position < arrived.length ? Buffer.concat([arrived.subarray(position), chunk]) : chunk;
    position = 0;
    wake?.();
  });

  async function wait(idleMs: number): Promise<number | Ended> {
    await terminal.flush();
    while (position >= arrived.length) {
      if (isEnded || !isOpen) return "gone";
      if ((await nextEvent(idleMs)) === "idle") return "idle";
    }
    return take();
  }

  /** Resolves when something arrives or ends, or with `idle`. */
  function nextEvent(idleMs: number): Promise<"idle" | undefined> {
    return new Promise((resolve) => {
      const timer = idleMs > 0 ? setTimeout(() => settle("idle"), idleMs) : undefined;
      const settle = (why?: "idle"): void => {
        clearTimeout(timer);
        wake = undefined;
        resolve(why);
      };
      wake = () => settle();
    });
  }

  function take(): number {
    const byte = arrived[position] ?? 0;
    position += 1;
    return byte;
  }

  async function leave(bytes: Buffer): Promise<void> {
    let sent = 0;
    while (sent < bytes.length && isOpen) {
      const { size, ms } = terminal.msPerByte === undefined ? pace() : { size: 1, ms: terminal.msPerByte };
      const piece = bytes.subarray(sent, size === 0 ? bytes.length : sent + size);
      if (stream.writable) stream.write(piece);
      sent += piece.length;
      if (sent >= bytes.length) return;
      if (ms > 0) await Promise.race([sleep(ms, undefined, { ref: false }), gone]);
      else await nextTurn();
    }
  }

  const terminal: Terminal = {
    rows,
    msPerByte: undefined,
    gone,
    get isOpen() {
      return isOpen;
    },
    read: (idleMs) => (position < arrived.length ? take() : wait(idleMs)),
    print(text) {
      output += Buffer.from(text, "utf8").toString("latin1");
    },
    echo(byte) {
      output += String.fromCharCode(byte);
    },
    async flush() {
      const bytes = Buffer.from(output, "latin1");
      output = "";
      if (bytes.length > 0) await leave(bytes);
    },
  };
  return terminal;
}
