import type { ShellSettings } from "./shell-settings.ts";
import type { Ended, Terminal } from "./shell-terminal.ts";

const key = {
  nul: 0,
  interrupt: 3,
  backspace: 8,
  tab: 9,
  lf: 10,
  cr: 13,
  kill: 21,
  escape: 27,
  quote: 34,
  delete: 127,
};
const help = 63;

/** Reads keys as a line editor does. */
export interface LineReader {
  /**
   * One line without its end, echoed key by key; `secret` echoes nothing but the line end. Undefined where Ctrl-C gives
   * it up.
   */
  line(prompt: string, secret?: boolean): Promise<string | undefined | { ended: Ended }>;
  /** One key; the LF of a CR LF counts for nothing. */
  key(): Promise<number | { ended: Ended }>;
}

/** The line end as it leaves. */
export function lineEndOf({ lineEnd }: ShellSettings): string {
  return lineEnd === "CRLF" ? "\r\n" : "\r\r\n";
}

/** One reader a session: what was typed ahead stays for the next line. `idleMs` is asked anew for each key. */
export function createLineReader(terminal: Terminal, settings: ShellSettings, idleMs: () => number): LineReader {
  let wasCr = false;

  async function readKey(): Promise<number | { ended: Ended }> {
    for (;;) {
      const next = terminal.read(idleMs());
      const byte = typeof next === "number" ? next : await next;
      if (typeof byte !== "number") return { ended: byte };
      const isTail = byte === key.lf && wasCr;
      wasCr = byte === key.cr;
      if (isTail || byte === key.nul) continue;
      return byte;
    }
  }

  /** The rest of an escape sequence, such as that of an arrow key. */
  async function skipSequence(): Promise<void> {
    let byte = await readKey();
    if (byte !== 0x5b && byte !== 0x4f) return;
    do byte = await readKey();
    while (typeof byte === "number" && (byte < 0x40 || byte > 0x7e));
  }

  return {
    key: readKey,
    async line(prompt, secret = false) {
      const bytes: number[] = [];
      const isQuoted = (): boolean => bytes.filter((byte) => byte === key.quote).length % 2 === 1;
      const isEchoed = !secret && settings.echo !== "off" && terminal.rows !== undefined;
      const times = !isEchoed ? 0 : settings.echo === "double" ? 2 : 1;
      for (;;) {
        const byte = await readKey();
        if (typeof byte !== "number") return byte;
        switch (byte) {
          case key.cr:
            break;
          case key.lf:
            if (settings.enter === "strict") continue;
            break;
          case key.backspace:
          case key.delete:
            if (bytes.pop() !== undefined) terminal.print("\b \b".repeat(times));
            continue;
          case key.kill:
            terminal.print("\b \b".repeat(bytes.length * times));
            bytes.length = 0;
            continue;
          case key.interrupt:
            if (terminal.rows !== undefined) terminal.print(lineEndOf(settings));
            return undefined;
          case key.escape:
            await skipSequence();
            continue;
          case key.tab:
            continue;
          case help:
            if (secret || isQuoted()) break;
            // What the device lists is not known; that it takes the key away from the line is what bites.
            terminal.print(`${lineEndOf(settings)}${prompt}${Buffer.from(bytes).toString("utf8")}`);
            continue;
        }
        if (byte === key.cr || byte === key.lf) break;
        bytes.push(byte);
        for (let count = 0; count < times; count += 1) terminal.echo(byte);
      }
      if (terminal.rows !== undefined) terminal.print(lineEndOf(settings));
      return Buffer.from(bytes).toString("utf8");
    },
  };
}
