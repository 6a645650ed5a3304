import { DriverError } from "../errors.ts";
import { linesOf } from "./lines.ts";

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

interface OpenBlock {
  block: Block;
  line: Line;
  /** How far its members are indented, known from the first one. */
  members: number | undefined;
}

const header = "# Running Configuration";

/**
 * Reads `show running-config` or `files/cliScript`; `take` gets each block that stands directly in a `configure` block,
 * with that one's root (`voip`, `network`...). Takes every indent width, CRLF and LF. Returns the roots that it
 * found. Throws DriverError `protocol` unless the text has the header, a `configure voip` block, and an `exit` for
 * every block that it opens: what was taken until then counts for nothing. Whether whole `configure` blocks are missing
 * cannot be seen here (see `Dialect.usualRoots`).
 */
export function parseRunningConfiguration(
  text: string,
  take: (root: string, block: Block) => void,
): ReadonlySet<string> {
  const roots = new Set<string>();
  const open: OpenBlock[] = [];
  const lines = significantLines(text);
  let next = lines.next();
  while (next.done !== true) {
    const line = next.value;
    next = lines.next();
    const current = open.at(-1);
    if (current === undefined) {
      roots.add(rootOf(line));
      open.push({ block: newBlock(line), line, members: undefined });
    } else if (line.words === "exit") {
      if (line.indent !== current.line.indent) throw incomplete(`line ${line.number}: "exit" closes nothing`);
      open.pop();
      const [top, inside] = open;
      if (top !== undefined && inside === undefined) take(rootOf(top.line), current.block);
      else open.at(-1)?.block.children.push(current.block);
    } else {
      current.members ??= line.indent;
      if (line.indent <= current.line.indent || line.indent !== current.members)
        throw incomplete(`line ${line.number} stands where an "exit" was expected`);
      if (next.done !== true && opensBlock(line, next.value))
        open.push({ block: newBlock(line), line, members: undefined });
      else addParameter(current.block, line.words);
    }
  }
  const unclosed = open.at(-1);
  if (unclosed !== undefined) throw incomplete(`the block of line ${unclosed.line.number} is not closed`);
  if (!roots.has("voip")) throw incomplete('its "configure voip" block is missing');
  return roots;
}

/** What follows the header line, which names the device. The text must have one. */
export function afterHeader(text: string): string {
  const start = text.indexOf(header);
  const length = text.slice(start).search(/[\r\n]/);
  return length === -1 ? "" : text.slice(start + length);
}

function* significantLines(text: string): Generator<Line, void, undefined> {
  let headed = false;
  let inactive = false;
  let number = 0;
  for (const raw of linesOf(text)) {
    number += 1;
    const line = raw.trimEnd();
    const words = line.trimStart();
    if (!headed) headed = words.startsWith(header);
    else if (words.startsWith("#")) inactive = words === "# The following line is not activated";
    else if (words !== "") {
      yield { number, indent: line.length - words.length, words, inactive };
      inactive = false;
    }
  }
  if (!headed) throw incomplete(`the header "${header}" is missing`);
}

function rootOf(line: Line): string {
  const root = /^configure (\S+)$/.exec(line.words)?.[1];
  if (root === undefined) throw incomplete(`line ${line.number} stands outside of every configure block`);
  return root;
}

function opensBlock(line: Line, next: Line): boolean {
  return next.indent > line.indent || (next.words === "exit" && next.indent === line.indent);
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
