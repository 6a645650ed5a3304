import { Duplex } from "node:stream";

/** What a shell prints for a line that was typed; a number in place of a text prints nothing and says nothing. */
export type Reply = (line: string) => string | undefined;

export interface FakeShell {
  /** The client's side. */
  stream: Duplex;
  /** All that the client wrote. */
  written: () => string;
  /** The writes, one by one. */
  writes: string[];
  print: (text: string) => void;
  /** Ends the stream. */
  hangUp: () => void;
}

/** A shell in memory: hands each line that ends with CR to `reply` and prints the result in chunks. */
export function openFakeShell(reply: Reply, chunkSizes: readonly number[] = [], greeting = ""): FakeShell {
  const writes: string[] = [];
  let typed = "";
  const stream = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      const text = chunk.toString("utf8");
      writes.push(text);
      for (const character of text) {
        if (character !== "\r") typed += character;
        else {
          const line = typed;
          typed = "";
          print(reply(line) ?? "");
        }
        if (typed === " ") {
          typed = "";
          print(reply(" ") ?? "");
        }
      }
      done();
    },
  });
  let turn = 0;
  function print(text: string): void {
    const bytes = Buffer.from(text, "utf8");
    for (let from = 0; from < bytes.length;) {
      const size = chunkSizes.length === 0 ? bytes.length : Math.max(1, chunkSizes[turn++ % chunkSizes.length] ?? 1);
      stream.push(bytes.subarray(from, from + size));
      from += size;
    }
  }
  print(greeting);
  return { stream, written: () => writes.join(""), writes, print, hangUp: () => void stream.push(null) };
}
