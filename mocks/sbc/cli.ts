import { grammarOfRoot, grammarOfRow } from "./cli-grammar.ts";
import { pickWord, splitLine } from "./cli-line.ts";
import type { Token } from "./cli-line.ts";
import type { Table } from "./columns.ts";
import { rowsOf, shapeOf } from "./configuration.ts";
import type { Device } from "./device.ts";
import { printRow, roots } from "./print-running-config.ts";
import type { Root } from "./print-running-config.ts";
import {
  abandonRow,
  activateRow,
  dropRow,
  holdRow,
  leaveRow,
  openRow,
  resetParameter,
  setParameter,
} from "./row-mode.ts";
import type { OpenRow } from "./row-mode.ts";
import type { TextName } from "./settings.ts";
import { show } from "./show.ts";
import { childTables, tableNamed } from "./tables.ts";

const note = "Note: Changes to this parameter will take effect when applying the 'activate' or 'exit' command";

/** What the device made of one line. */
export interface Answer {
  /** Printed lines, without line ends. */
  readonly output: readonly string[];
  readonly refused: boolean;
  /** The line held nothing to do: blank or a comment. */
  readonly empty: boolean;
  /** The session has ended. */
  readonly closed: boolean;
  /** Resolves when the line has had its effect; only `write` on a slow flash takes longer than the call. */
  readonly until?: Promise<unknown>;
}

/** One command-line session, for a script or a shell. */
export interface Cli {
  /** Runs one line. Never throws; what the device refuses comes back as `refused`. */
  execute(line: string): Answer;
  /** Text between the parentheses of the prompt; undefined at the top. */
  readonly mode: string | undefined;
  /** `<name>[(<mode>)]# `. */
  readonly prompt: string;
  /** Ends the session; a row that is still open is treated by the setting `unfinishedRow`. */
  end(): void;
}

type Frame = { kind: "top" } | { kind: "root"; root: Root } | { kind: "row"; open: OpenRow };

type Outcome = { output?: readonly string[]; refusal?: TextName; text?: string; until?: Promise<unknown> };

const done: Outcome = {};
const refuse = (refusal: TextName): Outcome => ({ refusal });
const answerWith = (refusal: TextName | undefined): Outcome => (refusal === undefined ? done : { refusal });

/** A session in privileged mode at the top. `notes` prints the `Note:` of an interactive session per parameter. */
export function createCli(device: Device, options: { readonly notes: boolean }): Cli {
  const frames: Frame[] = [{ kind: "top" }];
  let closed = false;

  const top = (): Frame => frames.at(-1) ?? { kind: "top" };
  const parentRow = (): OpenRow | undefined => {
    const frame = frames.at(-1);
    return frame?.kind === "row" ? frame.open : undefined;
  };

  function run(tokens: readonly Token[], frame: Frame): Outcome {
    switch (frame.kind) {
      case "top":
        return runAtTop(tokens);
      case "root":
        return runInRoot(tokens, frame.root);
      case "row":
        return runInRow(tokens, frame.open);
    }
  }

  function runAtTop(tokens: readonly Token[]): Outcome {
    const [first, ...rest] = tokens;
    switch (pickWord(first, ["configure", "exit", "show", "write"])) {
      case "configure":
        return enterRoot(rest);
      case "exit":
        closed = true;
        return done;
      case "show":
        return runShow(rest);
      case "write":
        return rest.length === 0 ? write() : refuse("invalidCommand");
      case undefined:
        return refuse("invalidCommand");
    }
  }

  function enterRoot([name, ...more]: readonly Token[]): Outcome {
    if (name === undefined) return refuse("incompleteCommand");
    const root = roots.find((one) => one === pickWord(name, roots));
    if (root === undefined || more.length > 0) return refuse("invalidCommand");
    frames.push({ kind: "root", root });
    return done;
  }

  function runShow(tokens: readonly Token[]): Outcome {
    if (tokens.length === 0) return refuse("incompleteCommand");
    const output = show(device, tokens);
    return output === undefined ? refuse("invalidCommand") : { output };
  }

  function write(): Outcome {
    const saved = device.save();
    if (saved === false) return refuse("saveFailed");
    const output = ["Writing configuration...done"];
    return saved === true ? { output } : { output, until: saved };
  }

  function runInRoot(tokens: readonly Token[], root: Root): Outcome {
    const { tables, pick } = grammarOfRoot(root, device.running.generation.oldCli);
    const [first, ...rest] = tokens;
    switch (pick(first)) {
      case "do":
        return runShowOrWrite(rest);
      case "exit":
        return leave(rest);
      case "no":
        return withTable(rest, tables, (table, words) =>
          withIndex(table, words, (index, parent) => answerWith(dropRow(device, table, index, parent))),
        );
      case undefined:
        return refuse("invalidCommand");
      default:
        return withTable(tokens, tables, (table, words) => runOnTable(table, words));
    }
  }

  function runShowOrWrite(tokens: readonly Token[]): Outcome {
    const word = pickWord(tokens[0], ["show", "write"]);
    return word === undefined ? refuse("invalidCommand") : runAtTop(tokens);
  }

  function runOnTable(table: Table, words: readonly Token[]): Outcome {
    if (words[0]?.text === "display" && words.length === 1) return display(table);
    return withIndex(table, words, (index, parent) => enterRow(table, index, parent));
  }

  /** Reads the index of a row; one inside another has that row open around it, or stands in the index: `4/0`. */
  function withIndex(
    table: Table,
    tokens: readonly Token[],
    use: (index: number, parent: OpenRow | undefined) => Outcome,
  ): Outcome {
    const [token, ...more] = tokens;
    if (token === undefined) return refuse("incompleteCommand");
    const around = parentRow();
    const isFlat = table.parent !== undefined && around === undefined;
    const match = (isFlat ? /^(\d{1,6})\/(\d{1,6})$/ : /^()(\d{1,6})$/).exec(token.text);
    if (more.length > 0 || match === null) return refuse("invalidCommand");
    if (!isFlat) return use(Number(match[2]), around);
    const parent = openRow(device, tableNamed(table.parent.table), Number(match[1]));
    return typeof parent === "string" ? refuse(parent) : use(Number(match[2]), parent);
  }

  function enterRow(table: Table, index: number, parent: OpenRow | undefined): Outcome {
    const open = openRow(device, table, index, parent);
    if (typeof open === "string") return refuse(open);
    frames.push({ kind: "row", open });
    return done;
  }

  /** The shape of `display` is invented: the rows as the running configuration prints them. */
  function display(table: Table): Outcome {
    const configuration = device.look();
    return {
      output: rowsOf(configuration, table).flatMap((row) => printRow(configuration, table, row, {}, 0).split("\r\n")),
    };
  }

  function runInRow(tokens: readonly Token[], open: OpenRow): Outcome {
    const { pick, childWords } = grammarOfRow(shapeOf(device.running, open.table));
    const [first, ...rest] = tokens;
    const word = pick(first);
    switch (word) {
      case undefined:
        return refuse("invalidCommand");
      case "activate": {
        if (rest.length > 0) return refuse("invalidCommand");
        const refusal = activateRow(device, open);
        return refusal === undefined ? { output: ["Done"] } : refuse(refusal);
      }
      case "do":
        return runShowOrWrite(rest);
      case "exit":
        return leave(rest);
      case "no":
        return runNoInRow(rest, open);
    }
    if (childWords.includes(word)) return withTable(tokens, childTables(open.table), runOnTable);
    return withColumn(open, word, (column) => setParameter(device, open, column, rest));
  }

  function runNoInRow(tokens: readonly Token[], open: OpenRow): Outcome {
    const [first, ...rest] = tokens;
    if (first === undefined) return refuse("incompleteCommand");
    const { pickAfterNo, childWords } = grammarOfRow(shapeOf(device.running, open.table));
    const word = pickAfterNo(first);
    if (word === undefined) return refuse("invalidCommand");
    if (childWords.includes(word)) {
      return withTable(tokens, childTables(open.table), (table, more) =>
        withIndex(table, more, (index, parent) => answerWith(dropRow(device, table, index, parent))),
      );
    }
    if (rest.length > 0) return refuse("invalidCommand");
    if (word === "activate") {
      holdRow(device, open);
      return done;
    }
    return withColumn(open, word, (column) => resetParameter(device, open, column));
  }

  function withColumn(
    open: OpenRow,
    word: string,
    change: (column: OpenRow["table"]["columns"][number]) => TextName | undefined,
  ): Outcome {
    const column = shapeOf(device.running, open.table).parameter(word);
    if (column === undefined) return refuse("invalidCommand");
    const refusal = change(column);
    if (refusal !== undefined) return refuse(refusal);
    return options.notes ? { output: [note] } : done;
  }

  function leave(more: readonly Token[]): Outcome {
    if (more.length > 0) return refuse("invalidCommand");
    const frame = frames.pop();
    return frame?.kind === "row" ? answerWith(leaveRow(device, frame.open)) : done;
  }

  return {
    execute(line) {
      const text = line.trim();
      if (text === "" || text.startsWith("#")) return { output: [], refused: false, empty: true, closed };
      const outcome = closed ? refuse("sessionClosed") : interpret(text);
      return { ...describe(outcome), empty: false, closed };
    },
    get mode() {
      const frame = top();
      if (frame.kind === "top") return undefined;
      return frame.kind === "root" ? `config-${frame.root}` : frame.open.label;
    },
    get prompt() {
      return `${device.identity.name}${this.mode === undefined ? "" : `(${this.mode})`}# `;
    },
    end() {
      for (const frame of frames.splice(1).reverse()) {
        if (frame.kind === "row") abandonRow(device, frame.open);
      }
      closed = true;
    },
  };

  function interpret(text: string): Outcome {
    const rejected = device.faults.take("reject-line", undefined, (fault) => {
      if (fault.match !== undefined && text.includes(fault.match)) return true;
      return fault.pattern !== undefined && new RegExp(fault.pattern).test(text);
    });
    if (rejected !== undefined) return { text: rejected.text };
    const line = splitLine(text);
    if (line === undefined) return refuse("badValue");
    const { grep } = line;
    if (grep !== undefined && !line.tokens.some((token) => pickWord(token, ["show"]) === "show")) {
      return refuse("invalidCommand");
    }
    const outcome = run(line.tokens, top());
    if (grep === undefined) return outcome;
    return { ...outcome, output: (outcome.output ?? []).filter((printed) => printed.includes(grep)) };
  }

  function describe(outcome: Outcome): Pick<Answer, "output" | "refused" | "until"> {
    const text = outcome.text ?? (outcome.refusal === undefined ? undefined : device.settings.texts[outcome.refusal]);
    const until = outcome.until === undefined ? {} : { until: outcome.until };
    return { output: text === undefined ? (outcome.output ?? []) : [text], refused: text !== undefined, ...until };
  }
}

/** Finds the table whose words stand at the beginning; what follows goes to `use`. */
function withTable(
  tokens: readonly Token[],
  tables: readonly Table[],
  use: (table: Table, rest: readonly Token[]) => Outcome,
): Outcome {
  let candidates = tables;
  for (let depth = 0; ; depth += 1) {
    const complete = candidates.find((table) => table.cli.length === depth);
    if (complete !== undefined) return use(complete, tokens.slice(depth));
    const token = tokens[depth];
    if (token === undefined) return refuse("incompleteCommand");
    const word = pickWord(
      token,
      candidates.map((table) => table.cli[depth] ?? ""),
    );
    if (word === undefined) return refuse("invalidCommand");
    candidates = candidates.filter((table) => table.cli[depth] === word);
  }
}
