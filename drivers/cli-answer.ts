import type { Prompt } from "./cli-prompt.ts";

/** What a device said to one line. */
export interface Answer {
  line: string;
  /** The lines between the echo and the prompt, without empty ones at either end. */
  output: readonly string[];
  /** What was printed between the prompt before it and its echo: a log, or the end of an earlier answer. */
  stray: readonly string[];
  /** The prompt behind it. */
  prompt: Prompt;
  /** Whether the device asked for the secret that came with the line. */
  secretAsked: boolean;
}

/** Whether a line is the echo of what was typed. Something may stand before it, and some shells print each character twice. */
export function isEcho(text: string, line: string): boolean {
  return text.endsWith(line) || text.endsWith(line.replace(/./gu, "$&$&"));
}

/** Without the empty lines at either end. */
export function trimmed(lines: readonly string[]): readonly string[] {
  const isText = (line: string) => line.trim() !== "";
  const first = lines.findIndex(isText);
  return first === -1 ? [] : lines.slice(first, lines.findLastIndex(isText) + 1);
}
