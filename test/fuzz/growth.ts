import { findJsonFault } from "../../agent/portal/json.ts";
import { openScreen } from "../../drivers/cli-screen.ts";
import { learnPrompt, readPrompt } from "../../drivers/cli-prompt.ts";
import { DriverError } from "../../drivers/errors.ts";
import { refusal } from "../../drivers/mediant/grammar.ts";
import { parseIni } from "../../drivers/mediant/parse-ini.ts";
import { runningRows } from "../../drivers/mediant/rows.ts";
import { mediantTables } from "../../drivers/mediant/tables.ts";
import { parseVersion } from "../../drivers/mediant/version-text.ts";
import { defaultRefusedLine } from "../../drivers/refused-line.ts";
import { requireTaken } from "../../drivers/rest-answer.ts";

interface Growth {
  name: string;
  /** Of the larger input. */
  ms: number;
  /** How many times longer twice as much takes. */
  factor: number;
  isLinear: boolean;
}

type Read = (text: string) => unknown;

const screen: Read = (text) => {
  const drawn = openScreen({ line: () => undefined, partial: () => false, page: () => undefined });
  drawn.feed(Buffer.from(text, "utf8"));
};
const prompts: Read = (text) => [learnPrompt(text), readPrompt(text, { name: text.slice(0, 5), spaced: true })];
const running: Read = (text) => runningRows(`# Running Configuration\n${text}`, mediantTables);
const ini: Read = (text) => parseIni(text, new Map());
const answer: Read = (text) =>
  requireTaken(
    { status: 200, text: JSON.stringify({ status: "success", output: text }), lengthKnown: true },
    { what: "sending", method: "PUT", path: "files", body: undefined, deadlineMs: 1 },
    { device: "edge", user: "agent", strike: (said) => said },
    defaultRefusedLine,
  );
const grammars: Read = (text) =>
  [...mediantTables.values()].flatMap(({ fields }) =>
    fields.map((field) => (field.grammar.kind === "text" ? field.grammar.pattern.test(text) : refusal(field, text))),
  );

/** What each reader would be slowest on. */
const worst: readonly (readonly [name: string, read: Read, unit: string])[] = [
  ["screen: a line of hyphens", screen, "-"],
  ["screen: a line of blanks", screen, " "],
  ["screen: a line of prompt signs", screen, "a# "],
  ["screen: escape sequences without end", screen, "\x1b[1;"],
  ["screen: carriage returns", screen, "\r"],
  ["screen: pager marks", screen, "--MORE--"],
  ["prompts", prompts, "a(b)*"],
  ["prompts: brackets", prompts, "("],
  ["running: blank lines", running, "   \n"],
  ["running: one long line", running, "a "],
  ["running: open blocks", running, "configure voip\n"],
  ["running: comments", running, "# x\n"],
  ["ini: one long line", ini, "a, "],
  ["ini: comments", ini, "; *** TABLE \n"],
  ["ini: brackets", ini, "[ a ]\n[ \\a ]\n"],
  ["version: semicolons", (text) => parseVersion([text]), ";"],
  ["version: colons", (text) => parseVersion([text]), "a: "],
  ["answer: line ends", answer, "\r\n"],
  ["answer: one long line", answer, "not an err"],
  ["answer: blanks", answer, " "],
  ["grammar: letters", grammars, "a"],
  ["grammar: dots", grammars, "a."],
  ["grammar: tags", grammars, "a=b;"],
  ["grammar: blanks", grammars, "a "],
  ["grammar: hyphens", grammars, "a-"],
  ["grammar: codes", grammars, "500,"],
  ["JSON: blanks", findJsonFault, " "],
  ["JSON: an open string", findJsonFault, '"\\u0000'],
  ["JSON: digits", findJsonFault, "1"],
  ["JSON: a list", findJsonFault, '[],"a",'],
];

/** Of about so many characters each. What may refuse its input does so. */
export function worstInputs(characters: number): { name: string; read: () => void }[] {
  return worst.map(([name, read, unit]) => {
    const text = unit.repeat(Math.ceil(characters / unit.length));
    return {
      name,
      read() {
        try {
          read(text);
        } catch (error) {
          if (!(error instanceof DriverError)) throw error;
        }
      },
    };
  });
}

function msOf(read: () => void): number {
  const tries = Array.from({ length: 3 }, () => {
    const begun = performance.now();
    read();
    return performance.now() - begun;
  });
  return Math.min(...tries);
}

/** How the time of each reader grows with the worst that it may be given. A square would be four times, not twice. */
export function growthOf(characters = 200_000): Growth[] {
  const doubled = worstInputs(2 * characters);
  return worstInputs(characters).map(({ name, read }, i) => {
    const before = msOf(read);
    const ms = msOf(() => doubled[i]?.read());
    const factor = ms / Math.max(before, 0.01);
    return { name, ms, factor, isLinear: ms < 20 || factor < 3.2 };
  });
}
