import type { Answer } from "./cli-answer.ts";
import type { CliSession } from "./cli-session.ts";
import type { Fields, Step } from "./driver.ts";
import { DriverError } from "./errors.ts";
import type { RenderedLine } from "./mediant/render.ts";
import type { ShellDialect } from "./shell-dialects.ts";

export interface RowOptions {
  dialect: ShellDialect;
  /** Most lines under way at once. */
  depth: number;
  /** Whether the lines of new rows wait for nothing but `depth`. */
  blind: boolean;
  /** Milliseconds for each line. */
  lineMs: number;
  /** A line that tells of a refusal wherever it stands. */
  refusedLine: RegExp;
  /** Whether a line says that the device takes nothing now. */
  isBusy(text: string): boolean;
  /** Whether the device asks for a secret whose value is left out. */
  secretPrompts: boolean;
  /** The lines that give fields of an existing row back the values that they had. */
  before(step: Step, fields: readonly string[]): readonly RenderedLine[];
}

/** What came of the lines. */
export interface RowsResult {
  /** The device's words. */
  output: readonly string[];
  /** The line that it refused first; the session then stands at the root again, or is broken. */
  refused: string | undefined;
  /** Whether it took a line that touches a row. */
  touched: boolean;
}

interface UnderWay {
  line: RenderedLine;
  answer: Promise<Answer>;
}

/** Levels that are left at most. */
const maxLevels = 10;

/**
 * Types a script line by line. What applies a row leaves only behind lines that are confirmed: `activate` and `exit`
 * once every parameter was taken, and what follows an existing row once its `exit` was seen. Behind a new row the next
 * one may already be under way: what goes wrong there can only ever land in rows of this run. After a refusal nothing
 * more of the script leaves; fields of an existing row get back what they were, and the row is left.
 */
export async function carryRows(
  session: CliSession,
  lines: readonly RenderedLine[],
  options: RowOptions,
): Promise<RowsResult> {
  const { dialect, lineMs } = options;
  const output: string[] = [];
  const underWay: UnderWay[] = [];
  const sent: RenderedLine[] = [];
  /** The mode of each level that was entered, as the prompt showed it. */
  const modes: (string | undefined)[] = [session.prompt().mode];
  let refused: { line: RenderedLine; mode: string | undefined } | undefined;
  let touched = false;
  let next = 0;
  /** The mode in which rows are opened, and the one before the line that is judged. */
  let rootMode: string | undefined;
  let modeBefore = session.prompt().mode;

  const type = (line: RenderedLine): Promise<Answer> => {
    const words = line.text.trim();
    return session.run(line.does === "set" ? dialect.setPrefix + words : words, { deadlineMs: lineMs });
  };

  function send(): void {
    for (let line = lines[next]; line !== undefined && mayLeave(line, underWay, options); line = lines[next]) {
      next += 1;
      sent.push(line);
      const answer = isAsked(line, options) ? answerSecret(session, line, options, type) : type(line);
      // Awaited in its turn; until then a failure of the session has somebody who handles it.
      answer.catch(() => undefined);
      underWay.push({ line, answer });
    }
  }

  /** Whether the device may have done something to a row: it took the line, was or went into a row, or did not refuse to delete one. */
  function touches(
    line: RenderedLine,
    words: readonly string[],
    wrong: string | undefined,
    mode: string | undefined,
  ): boolean {
    const inRow = modeBefore !== rootMode || mode !== rootMode;
    if (line.does === "enter") rootMode = mode;
    modeBefore = mode;
    if (line.does === "enter") return false;
    return wrong === undefined || inRow || (line.does === "delete" && !words.some((text) => options.isBusy(text)));
  }

  function judge(line: RenderedLine, answer: Answer): void {
    const words = answer.output.filter((text) => text.trim() !== "");
    if (words.length > 0) output.push(...(isExpected(line, words, dialect) ? words : [`${answer.line}:`, ...words]));
    // What looked like a prompt may have cut an answer short: the rest of it stands before the next echo. What
    // stands before the first one was printed before any of these lines was typed.
    const late = line === lines[0] ? [] : answer.stray.filter((text) => options.refusedLine.test(text));
    if (late.length > 0) output.push(`before ${answer.line}:`, ...late);
    const wrong = late.length > 0 ? "" : wrongWords(line, words, dialect);
    touched ||= touches(line, words, wrong, answer.prompt.mode);
    if (refused !== undefined) return;
    const reason = wrong ?? wrongMode(line, answer, modes);
    if (reason === undefined) return;
    if (reason !== "") output.push(`${answer.line}: ${reason}`);
    refused = { line, mode: answer.prompt.mode };
  }

  /** Gives fields of an existing row back what they were; resolves with the device's words, and with what could not be. */
  async function restore(step: Step, names: readonly string[]): Promise<string[]> {
    const lines = options.before(step, names);
    const said: string[] = [];
    const missing = new Set(names);
    for (const line of lines) {
      const { output: words } = await type(line);
      said.push(...words);
      if (
        line.field !== undefined &&
        wrongWords(
          line,
          words.filter((text) => text.trim() !== ""),
          dialect,
        ) === undefined
      )
        missing.delete(line.field.name);
    }
    if (missing.size > 0) said.push(`not given back what it was: ${[...missing].join(", ")}`);
    return said;
  }

  send();
  for (let first = underWay[0]; first !== undefined; first = underWay[0]) {
    const answer = await first.answer;
    underWay.shift();
    judge(first.line, answer);
    if (refused === undefined) send();
  }
  if (refused === undefined) return { output, refused: undefined, touched };

  const { step } = refused.line;
  const row = modes.at(-1);
  if (step?.kind === "update" && row !== undefined && session.prompt().mode === row && refused.line.does !== "open") {
    const fields = sent.flatMap((line) => (line.step === step && line.field !== undefined ? [line.field.name] : []));
    output.push(...(await restore(step, fields)));
  }
  for (let level = 0; level < maxLevels && session.prompt().mode !== undefined; level += 1)
    output.push(...(await session.run("exit", { deadlineMs: lineMs })).output);
  const { mode } = session.prompt();
  // Whatever is typed next would land in there.
  if (mode !== undefined)
    session.fail(new DriverError("protocol", `the device does not leave ${JSON.stringify(mode)}`));
  return { output, refused: refused.line.text.trim(), touched };
}

/** Whether a line may be typed while these are not answered yet. */
function mayLeave(line: RenderedLine, underWay: readonly UnderWay[], options: RowOptions): boolean {
  if (underWay.length === 0) return true;
  if (underWay.length >= options.depth || !options.dialect.typeAhead || isAsked(line, options)) return false;
  if (underWay.some((one) => one.line.does === "delete" || isAsked(one.line, options))) return false;
  const others = underWay.map((one) => one.line);
  const isOurs = (one: RenderedLine) => one.step?.kind === "create" || one.does === "enter";
  switch (line.does) {
    case "activate":
      return (options.blind && isOurs(line)) || others.every(isClosing);
    case "leave":
      return others.every((one) => isOurs(one) && (options.blind || isClosing(one)));
    case "open":
    case "set":
      return others.every((one) => isOurs(one) || (one.step === line.step && !isClosing(one)));
    case "enter":
    case "delete":
      return false;
  }
}

function isClosing({ does }: RenderedLine): boolean {
  return does === "activate" || does === "leave";
}

function isAsked({ field }: RenderedLine, { secretPrompts }: RowOptions): boolean {
  return secretPrompts && field?.secret === true;
}

/** Lets the device ask for the secret, so that it is not echoed; a device that does not ask gets it on the line. */
async function answerSecret(
  session: CliSession,
  line: RenderedLine,
  { dialect, lineMs }: RowOptions,
  type: (line: RenderedLine) => Promise<Answer>,
): Promise<Answer> {
  const name = line.field?.name ?? "";
  const value = line.text.trim().slice(name.length).trim();
  const secret = value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  const answer = await session.run(`${dialect.setPrefix}${name}`, { deadlineMs: lineMs, secret });
  return answer.secretAsked ? answer : type(line);
}

function isExpected(line: RenderedLine, words: readonly string[], dialect: ShellDialect): boolean {
  return wrongWords(line, words, dialect) === undefined;
}

/** Undefined where the words are those of a line that was taken (device CLI guide, success rule). */
function wrongWords(line: RenderedLine, words: readonly string[], dialect: ShellDialect): string | undefined {
  switch (line.does) {
    case "enter":
    case "open":
      return words.every((text) => dialect.entered.test(text)) ? undefined : "";
    case "activate":
      if (words.length === 0) return "it was not confirmed";
      return words.every((text) => dialect.activated.test(text)) ? undefined : "";
    case "set":
    case "leave":
    case "delete":
      return words.every((text) => dialect.accepted.test(text)) ? undefined : "";
  }
}

/** Keeps `modes` up to date; says what is wrong with the prompt behind a line. */
function wrongMode(line: RenderedLine, { prompt }: Answer, modes: (string | undefined)[]): string | undefined {
  const { mode } = prompt;
  const top = modes.at(-1);
  if (line.does === "enter" || line.does === "open") {
    const index = line.does === "open" && line.step?.parent === undefined ? /\d+$/.exec(line.text)?.[0] : undefined;
    if (mode === undefined || mode === top || (index !== undefined && !mode.endsWith(`-${index}`)))
      return `the prompt then shows ${mode === undefined ? "no mode" : JSON.stringify(mode)}`;
    modes.push(mode);
    return undefined;
  }
  if (line.does === "leave") modes.pop();
  const wanted = modes.at(-1);
  return mode === wanted
    ? undefined
    : `the prompt then shows ${JSON.stringify(mode)} and not ${JSON.stringify(wanted)}`;
}

/** The values of some fields of a row, as far as they are known. */
export function knownFields(fields: Fields | undefined, names: readonly string[]): Fields {
  return Object.fromEntries(Object.entries(fields ?? {}).filter(([name]) => names.includes(name)));
}
