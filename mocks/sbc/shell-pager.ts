import type { LineReader } from "./shell-line.ts";
import { lineEndOf } from "./shell-line.ts";
import type { ShellSettings } from "./shell-settings.ts";
import type { Ended, Terminal } from "./shell-terminal.ts";

const marker = " --MORE--";
const erased = "\b".repeat(9) + " ".repeat(9) + "\b".repeat(9);

/** Rows of a page; 0 for no pager. */
export function pageRows(terminal: Terminal, settings: ShellSettings, windowHeight: number | "automatic"): number {
  if (windowHeight !== "automatic") return windowHeight;
  if (settings.pager === "off" || terminal.rows === undefined) return 0;
  if (settings.pager !== "pty") return settings.pager;
  return terminal.rows === 0 ? settings.rowsOfNone : terminal.rows;
}

/** Prints lines page by page, the marker in the last row. Resolves early when the reader quits or has gone. */
export async function printPaged(
  terminal: Terminal,
  reader: LineReader,
  settings: ShellSettings,
  rows: number,
  lines: readonly string[],
): Promise<{ ended: Ended } | undefined> {
  const lineEnd = lineEndOf(settings);
  const page = Math.max(1, rows - 1);
  let left = rows === 0 ? Infinity : page;
  for (const line of lines) {
    while (left <= 0) {
      terminal.print(marker);
      const pressed = await nextKey(reader, settings);
      if (typeof pressed !== "number") return pressed;
      terminal.print(erased);
      if (pressed === 0x71) return undefined;
      left = pressed === 0x0d ? 1 : page;
    }
    terminal.print(line + lineEnd);
    left -= 1;
  }
  return undefined;
}

/** The next key that means something here. */
async function nextKey(reader: LineReader, settings: ShellSettings): Promise<number | { ended: Ended }> {
  for (;;) {
    const pressed = await reader.key();
    if (typeof pressed !== "number" || pressed === 0x20) return pressed;
    if (settings.pagerKeys && (pressed === 0x0d || pressed === 0x71)) return pressed;
  }
}
