import { DriverError } from "../errors.ts";
import { runningConfigurationRoots } from "./dialects.ts";

/** One block of a running configuration: a row, a group of settings, or anything else that `exit` closes. */
export interface Block {
  /** The words that open it, without the index. */
  path: string;
  /** The last word where that is a number or `a/b`. */
  index: string | undefined;
  /** The line that opens it. */
  header: string;
  parameters: Parameter[];
  children: Block[];
  /** False where it holds `no activate` or is announced as not activated. */
  active: boolean;
}

interface Parameter {
  name: string;
  /** Without its quotes; `undefined` for a lone word. */
  value: string | undefined;
}

interface Line {
  number: number;
  indent: number;
  words: string;
  /** Whether the comment before it says that what follows is not activated. */
  inactive: boolean;
}

/**
 * Reads `show running-config` or `files/cliScript` into its blocks, by root (`voip`, `network`...). Takes every indent
 * width, CRLF and LF. Throws DriverError `protocol` unless the text is complete: the header, every expected
 * `configure` block, every `exit`.
 */
export function parseRunningConfiguration(text: string): ReadonlyMap<string, readonly Block[]> {
  const lines = significantLines(text);
  const roots = new Map<string, Block[]>();
  let at = 0;
  while (at < lines.length) {
    const block = readBlock(lines, at);
    if (block.root === undefined) throw incomplete(`line ${block.line} stands outside of every configure block`);
    roots.set(block.root, [...(roots.get(block.root) ?? []), ...block.children]);
    at = block.next;
  }
  for (const root of runningConfigurationRoots)
    if (!roots.has(root)) throw incomplete(`its "configure ${root}" block is missing`);
  return roots;
}

function significantLines(text: string): Line[] {
  const lines: Line[] = [];
  let headed = false;
  let inactive = false;
  for (const [at, raw] of text.split("\n").entries()) {
    const line = raw.trimEnd();
    const words = line.trimStart();
    if (!headed) headed = words.startsWith("# Running Configuration");
    else if (words.startsWith("#")) inactive = words === "# The following line is not activated";
    else if (words !== "") {
      lines.push({ number: at + 1, indent: line.length - words.length, words, inactive });
      inactive = false;
    }
  }
  if (!headed) throw incomplete('the header "# Running Configuration" is missing');
  return lines;
}

interface OpenBlock {
  block: Block;
  line: Line;
  /** How far its members are indented, known from the first one. */
  members: number | undefined;
}

/** Reads one top-level block; `root` is undefined where the line opens none. */
function readBlock(
  lines: readonly Line[],
  start: number,
): { root: string | undefined; children: readonly Block[]; next: number; line: number } {
  const first = lines[start];
  const root = first === undefined ? undefined : /^configure (\S+)$/.exec(first.words)?.[1];
  if (first === undefined || root === undefined)
    return { root: undefined, children: [], next: start, line: first?.number ?? 0 };
  const top: OpenBlock = { block: newBlock(first), line: first, members: undefined };
  const open: OpenBlock[] = [top];
  for (let at = start + 1; at < lines.length; at += 1) {
    const line = lines[at];
    const current = open.at(-1);
    if (line === undefined || current === undefined) break;
    if (line.words === "exit") {
      if (line.indent !== current.line.indent) throw incomplete(`line ${line.number}: "exit" closes nothing`);
      open.pop();
      if (open.length === 0) return { root, children: top.block.children, next: at + 1, line: first.number };
      continue;
    }
    current.members ??= line.indent;
    if (line.indent <= current.line.indent || line.indent !== current.members)
      throw incomplete(`line ${line.number} stands where an "exit" was expected`);
    if (opensBlock(line, lines[at + 1])) {
      const block = newBlock(line);
      current.block.children.push(block);
      open.push({ block, line, members: undefined });
    } else addParameter(current.block, line.words);
  }
  throw incomplete(`the block of line ${open.at(-1)?.line.number ?? first.number} is not closed`);
}

function opensBlock(line: Line, next: Line | undefined): boolean {
  return next !== undefined && (next.indent > line.indent || (next.words === "exit" && next.indent === line.indent));
}

function newBlock(line: Line): Block {
  const space = line.words.lastIndexOf(" ");
  const last = line.words.slice(space + 1);
  const indexed = space > 0 && /^\d+(?:\/\d+)?$/.test(last);
  return {
    path: indexed ? line.words.slice(0, space).trimEnd() : line.words,
    index: indexed ? last : undefined,
    header: line.words,
    parameters: [],
    children: [],
    active: !line.inactive,
  };
}

function addParameter(block: Block, words: string): void {
  if (words === "activate") return;
  if (words === "no activate") {
    block.active = false;
    return;
  }
  const space = words.indexOf(" ");
  if (space === -1) block.parameters.push({ name: words, value: undefined });
  else block.parameters.push({ name: words.slice(0, space), value: unquoted(words.slice(space + 1).trimStart()) });
}

function unquoted(value: string): string {
  if (value === "''") return "";
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function incomplete(reason: string): DriverError {
  return new DriverError("protocol", `the running configuration is not complete: ${reason}`);
}
