/**
 * The lines of a text, one after the other, so that none outlives its use: configurations have hundreds of thousands.
 * Lines end with LF, or with CR where the text has no LF; the CR of a CRLF stays on its line.
 */
export function* linesOf(text: string): Generator<string, void, undefined> {
  const lineEnd = text.includes("\n") ? "\n" : "\r";
  let start = 0;
  while (start < text.length) {
    const found = text.indexOf(lineEnd, start);
    const end = found === -1 ? text.length : found;
    yield text.slice(start, end);
    start = end + 1;
  }
}
