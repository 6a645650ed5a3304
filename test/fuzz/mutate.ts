import type { Random } from "./random.ts";

/** A text that comes from outside, and what it was made of. */
export interface Input {
  text: string;
  /** Only the end of it is missing. */
  isCut: boolean;
  /** Of the sample that it was made from; -1 where it was made of nothing. */
  sample: number;
}

/** Texts that mean something to one of the readers. */
const pieces = [
  "exit",
  "\r\n",
  "\n",
  "\r",
  '"',
  '""',
  "'",
  "\\",
  " ",
  "\t",
  "\0",
  "\x1b[2J",
  "\x08",
  ";",
  ",",
  "=",
  "$$",
  "[",
  "]",
  "[ \\",
  "{",
  "}",
  ":",
  "#",
  ">",
  "*",
  "(",
  ")",
  "--MORE--",
  "Password: ",
  "no activate",
  "activate",
  "configure voip",
  "ip-group 1",
  "proxy-set 1",
  "proxy-ip 0",
  "FORMAT Index = ",
  "# Running Configuration",
  "__proto__",
  "constructor",
  "-1",
  "0",
  "1e999",
  "9999999999999999",
  "4294967296",
  "null",
  "true",
  "\\u0000",
  "\\ud800",
  "\ud800",
  "\u2028",
  "\u{1f4a3}",
  "é",
] as const;

type Mutation = (text: string, random: Random, others: readonly string[]) => string;

/** From a place in the text, what is nearly always a piece of a line or a few lines. */
function span(text: string, random: Random): [from: number, to: number] {
  const from = random.next(text.length + 1);
  const length = random.pick([1, 2, 8, 40, 200, 2_000]);
  return [from, Math.min(text.length, from + 1 + random.next(length))];
}

function lineSpan(text: string, random: Random): [from: number, to: number] {
  const at = random.next(text.length + 1);
  const end = text.indexOf("\n", at);
  return [text.lastIndexOf("\n", at - 1) + 1, end === -1 ? text.length : end + 1];
}

const replace = (text: string, from: number, to: number, by: string): string =>
  `${text.slice(0, from)}${by}${text.slice(to)}`;

const mutations: readonly Mutation[] = [
  // A piece goes, comes twice, or stands elsewhere.
  (text, random) => replace(text, ...span(text, random), ""),
  (text, random) => {
    const [from, to] = span(text, random);
    return replace(text, to, to, text.slice(from, to));
  },
  (text, random) => {
    const [from, to] = span(text, random);
    const at = random.next(text.length + 1);
    return replace(text, at, at, text.slice(from, to));
  },
  // So does a line.
  (text, random) => replace(text, ...lineSpan(text, random), ""),
  (text, random) => {
    const [from, to] = lineSpan(text, random);
    return replace(text, to, to, text.slice(from, to));
  },
  (text, random) => {
    const [from, to] = lineSpan(text, random);
    const line = text.slice(from, to);
    const rest = replace(text, from, to, "");
    const [at] = lineSpan(rest, random);
    return replace(rest, at, at, line);
  },
  // Something that means something comes in, or in place of something.
  (text, random) => {
    const at = random.next(text.length + 1);
    return replace(text, at, at, random.pick(pieces));
  },
  (text, random) => replace(text, ...span(text, random), random.pick(pieces)),
  // A character becomes another.
  (text, random) => {
    const at = random.next(text.length + 1);
    return replace(text, at, at + 1, String.fromCharCode(random.next(random.pick([128, 256, 65_536]))));
  },
  // A number becomes another.
  (text, random) => {
    const at = random.next(text.length + 1);
    const found = /\d+/.exec(text.slice(at, at + 200));
    if (found === null) return text;
    const from = at + found.index;
    return replace(text, from, from + found[0].length, String(random.pick([0, 1, -1, 7, 999, 2 ** 31, 2 ** 53])));
  },
  // The end of another sample.
  (text, random, others) => {
    const other = random.pick(others);
    return `${text.slice(0, random.next(text.length + 1))}${other.slice(random.next(other.length + 1))}`;
  },
];

function randomText(random: Random): string {
  const length = random.next(random.pick([4, 40, 400]));
  const below = random.pick([32, 128, 256, 65_536]);
  return Array.from({ length }, () =>
    random.next(4) === 0 ? random.pick(pieces) : String.fromCharCode(random.next(below)),
  ).join("");
}

/** One input: a sample that lost its end, one with up to six mutations, or a text without any sense. */
export function makeInput(samples: readonly string[], random: Random): Input {
  const sample = random.next(samples.length);
  const text = samples[sample] ?? "";
  const kind = random.next(10);
  if (kind === 0) return { text: randomText(random), isCut: false, sample: -1 };
  if (kind < 3) {
    const cut = text.slice(0, random.next(text.length));
    // Without the ends of its last lines it is still whole.
    return { text: cut, isCut: /[^\r\n]/.test(text.slice(cut.length)), sample };
  }
  let mutated = text;
  for (let left = 1 + random.next(6); left > 0; left -= 1) mutated = random.pick(mutations)(mutated, random, samples);
  return { text: mutated, isCut: false, sample };
}
