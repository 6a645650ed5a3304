/** One word of a command line, without its quotes. */
export interface Token {
  readonly text: string;
  readonly quoted: boolean;
}

/** A command line in words; `grep` is the text behind `| grep`. */
export interface CommandLine {
  readonly tokens: readonly Token[];
  readonly grep?: string;
}

/**
 * Splits a line at blanks. `"..."` and `'...'` hold blanks; there is no escape, so a value cannot hold its own quote.
 * Undefined when a quote stays open, sticks to other text, or the line holds control characters.
 */
export function splitLine(line: string): CommandLine | undefined {
  if (/[\u0000-\u001f\u007f]/.test(line)) return undefined;
  const tokens: Token[] = [];
  const pattern = /\s*(?:"([^"]*)"|'([^']*)'|([^\s"'][^\s"]*))(?=\s|$)/y;
  const text = line.trim();
  while (pattern.lastIndex < text.length) {
    const match = pattern.exec(text);
    if (match === null) return undefined;
    const quoted = match[1] ?? match[2];
    tokens.push(quoted === undefined ? { text: match[3] ?? "", quoted: false } : { text: quoted, quoted: true });
  }
  return splitGrep(tokens);
}

function splitGrep(tokens: readonly Token[]): CommandLine | undefined {
  const bar = tokens.findIndex((token) => !token.quoted && token.text === "|");
  if (bar < 0) return { tokens };
  const [word, wanted, ...more] = tokens.slice(bar + 1);
  if (word?.text !== "grep" || wanted === undefined || more.length > 0) return undefined;
  return { tokens: tokens.slice(0, bar), grep: wanted.text };
}

/** The candidate that a token means: itself, or the only one it is the beginning of. */
export function pickWord<W extends string>(token: Token | undefined, candidates: Iterable<W>): W | undefined {
  return createVocabulary(candidates)(token);
}

/** `pickWord` for candidates that are asked for again and again. */
export function createVocabulary<W extends string>(
  candidates: Iterable<W>,
): (token: Token | undefined) => W | undefined {
  const words = new Map<string, W>();
  for (const word of candidates) words.set(word, word);
  return (token) => {
    if (token === undefined || token.quoted) return undefined;
    const exact = words.get(token.text);
    if (exact !== undefined) return exact;
    let found: W | undefined;
    for (const word of words.values()) {
      if (!word.startsWith(token.text)) continue;
      if (found !== undefined) return undefined;
      found = word;
    }
    return found;
  };
}
