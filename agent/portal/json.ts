/** What is wrong with a JSON text, and where. `path` is that of the reference: `scriptParameters.ProxySet`, `list[0]`. */
export interface JsonFault {
  path: string;
  message: string;
}

const deepest = 32;
const longestName = 100;

const blanks = /[ \t\n\r]*/y;
const string = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\u0000-\u001f]*)*"/y;
const scalar = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null/y;

type Frame = { kind: "object"; names: Set<string>; name: string } | { kind: "array"; index: number };
type State = "value" | "value or end" | "name" | "name or end" | "colon" | "after value";

function pathOf(frames: readonly Frame[]): string {
  let path = "";
  for (const frame of frames) {
    if (frame.kind === "array") path += `[${frame.index}]`;
    else if (frame.name !== "") path += `${path === "" ? "" : "."}${frame.name.slice(0, longestName)}`;
  }
  return path;
}

/**
 * Finds the first fault of a JSON text in one pass: what the grammar (RFC 8259) refuses, a name that stands twice in one
 * object however it is escaped, and nesting beyond 32 levels. Undefined for a text that JSON.parse takes and that says
 * each thing once. Messages follow the wording of Live Platform's own reader and never repeat values.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  const frames: Frame[] = [];
  let state: State = "value";
  let at = 0;

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text)?.[0];
    if (match !== undefined) at += match.length;
    return match;
  };
  const fault = (message: string): JsonFault => {
    const path = pathOf(frames);
    const lines = text.slice(0, at).split("\n");
    const position = lines.at(-1)?.length ?? 0;
    return { path, message: `${message}. Path '${path}', line ${lines.length}, position ${position}.` };
  };
  const unexpected = (what: string): JsonFault =>
    at < text.length
      ? fault(`${what}: ${String.fromCodePoint(text.codePointAt(at) ?? 0)}`)
      : fault("Unexpected end when reading JSON");
  const close = () => {
    at += 1;
    frames.pop();
    state = "after value";
  };

  for (;;) {
    take(blanks);
    const frame = frames.at(-1);
    const next = text[at];
    if (state === "after value") {
      if (frame === undefined)
        return at === text.length
          ? undefined
          : unexpected("Additional text encountered after finished reading JSON content");
      if (next === ",") {
        at += 1;
        if (frame.kind === "array") frame.index += 1;
        state = frame.kind === "array" ? "value" : "name";
      } else if (next === (frame.kind === "array" ? "]" : "}")) close();
      else return unexpected("After parsing a value an unexpected character was encountered");
    } else if (state === "colon") {
      if (next !== ":") return unexpected("Invalid character after parsing property name. Expected ':' but got");
      at += 1;
      state = "value";
    } else if (frame?.kind === "object" && (state === "name" || state === "name or end")) {
      if (next === "}" && state === "name or end") close();
      else {
        const written = take(string);
        if (written === undefined)
          return next === '"'
            ? fault("Unterminated string, bad escape or control character in a property name")
            : unexpected("Invalid property identifier character");
        frame.name = String(JSON.parse(written));
        if (frame.names.has(frame.name)) return fault("The property stands more than once");
        frame.names.add(frame.name);
        state = "colon";
      }
    } else if (next === "{" || next === "[") {
      if (frames.length === deepest) return fault(`Nested deeper than ${deepest} levels`);
      at += 1;
      frames.push(next === "{" ? { kind: "object", names: new Set(), name: "" } : { kind: "array", index: 0 });
      state = next === "{" ? "name or end" : "value or end";
    } else if (next === "]" && state === "value or end") close();
    else if (next === '"') {
      if (take(string) === undefined) return fault("Unterminated string, bad escape or control character in a string");
      state = "after value";
    } else {
      if (take(scalar) === undefined) return unexpected("Unexpected character encountered while parsing value");
      state = "after value";
    }
  }
}
