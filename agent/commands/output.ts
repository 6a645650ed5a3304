import Table from "cli-table3";
import pc from "picocolors";
import type { CommandContext } from "./context.ts";

export type Paint = ReturnType<typeof pc.createColors>;

/** Where a command's words go: results to stdout, everything about the way there to stderr. */
export interface Output {
  /** Colours on a terminal without NO_COLOR; otherwise functions that change nothing. */
  paint: Paint;
  /** One or more lines of result. */
  print(text: string): void;
  /** One or more lines that are not the result: progress of `--json`, warnings, errors. */
  note(text: string): void;
  json(value: unknown): void;
}

export function openOutput(context: Pick<CommandContext, "stdout" | "stderr" | "env">): Output {
  const noColor = context.env["NO_COLOR"];
  const colours = context.stdout.isTTY && (noColor === undefined || noColor === "") && context.env["TERM"] !== "dumb";
  return {
    paint: pc.createColors(colours),
    print: (text) => context.stdout.write(`${text}\n`),
    note: (text) => context.stderr.write(`${text}\n`),
    json: (value) => context.stdout.write(`${JSON.stringify(value, null, 2)}\n`),
  };
}

function showCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

/**
 * The value with every control character but line feed and tab made visible (`\x1b`), and so whatever turns or hides
 * text (`\u{202e}`), at any depth: what devices and files say must not steer the terminal or its reader.
 */
export function printable(value: unknown): unknown {
  if (typeof value === "string") return value.replace(/[^\P{Cc}\n\t]|[\p{Cf}\p{Zl}\p{Zp}]/gu, showCharacter);
  if (Array.isArray(value)) return value.map(printable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, printable(inner)]));
}

/** cli-table3 compares every cell with every other one: long tables are drawn piece by piece. */
const rowsAtOnce = 20;

type Rows = readonly (readonly string[])[];

/** Columns without borders, two spaces apart (one where that saves 80 columns); columns named in `right` end flush. */
export function table(head: readonly string[], rows: Rows, right: readonly string[] = []): string {
  const all = [head, ...rows];
  const pieces = Array.from({ length: Math.ceil(all.length / rowsAtOnce) }, (_, i) =>
    all.slice(i * rowsAtOnce, (i + 1) * rowsAtOnce),
  );
  const widths = head.map((name, at) =>
    Math.max(...pieces.map((piece) => widthOf([name, ...piece.map((row) => row[at] ?? "")]))),
  );
  const width = widths.reduce((sum, one) => sum + one, 2 * (head.length - 1));
  const colAligns = head.map((name) => (right.includes(name) ? ("right" as const) : ("left" as const)));
  const columns = { colWidths: widths, colAligns, gap: width <= 80 ? 2 : 1 };
  const lines = pieces.flatMap((piece) => draw(piece, columns).split("\n"));
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** Of the widest cell, as a terminal shows it. The first one must be plain text. */
function widthOf([name = "", ...cells]: readonly string[]): number {
  const odd = cells.filter((cell) => !/^[ -~]*$/.test(cell));
  const [first = ""] = odd.length === 0 ? [] : draw([name, ...odd].map((cell) => [cell])).split("\n", 1);
  return Math.max(name.length, first.length, ...cells.map((cell) => (odd.includes(cell) ? 0 : cell.length)));
}

function draw(
  rows: Rows,
  { gap = 0, ...columns }: { gap?: number; colWidths?: number[]; colAligns?: ("left" | "right")[] } = {},
): string {
  const none = { top: "", "top-mid": "", "top-left": "", "top-right": "", mid: "", "left-mid": "", "mid-mid": "" };
  const noneEither = { "right-mid": "", bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" };
  const drawn = new Table({
    chars: { ...none, ...noneEither, left: "", right: "", middle: " ".repeat(gap) },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
    ...columns,
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn.toString();
}

/** Seconds in the largest unit that fits: `12s`, `5m`, `3h`, `2d`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3_600) return `${Math.floor(whole / 60)}m`;
  if (whole < 2 * 86_400) return `${Math.floor(whole / 3_600)}h`;
  return `${Math.floor(whole / 86_400)}d`;
}

/** How long ago an ISO 8601 time was: `5m ago`; `-` for null. */
export function ago(time: string | null, now: number): string {
  if (time === null) return "-";
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : `${duration((now - at) / 1_000)} ago`;
}

/** `1 customer`, `2 customers`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
