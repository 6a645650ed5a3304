import { grammarOfRoot, grammarOfRow } from "./cli-grammar.ts";
import { pickWord, splitLine } from "./cli-line.ts";
import type { Token } from "./cli-line.ts";
import type { Answer, Outcome } from "./cli-outcome.ts";
import { answerWith, describeOutcome, done, note, refuse } from "./cli-outcome.ts";
import type { Group } from "./cli-groups.ts";
import { groupsOf, isGroup, openGroup } from "./cli-groups.ts";
import type { CliLogin } from "./cli-login.ts";
import type { Frame } from "./cli-mode.ts";
import { modeOf, promptOf } from "./cli-mode.ts";
import { display, withTable } from "./cli-tables.ts";
import { runTopCommand, wordsAtTop } from "./cli-top.ts";
import type { Column, Table } from "./columns.ts";
import { shapeOf } from "./configuration.ts";
import type { Device } from "./device.ts";
import type { Occasion } from "./faults.ts";
import { shellLine, takeRejection } from "./faults.ts";
import { roots } from "./print-running-config.ts";
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
import { childTables, tableNamed } from "./tables.ts";

/** One command-line session, for a script or a shell. */
export interface Cli {
  /** Runs one line. Never throws; what the device refuses comes back as `refused`. */
  execute(line: string): Answer;
  /** Text between the parentheses of the prompt; undefined at the top. */
  readonly mode: string | undefined;
  /** `<name>[(<mode>)][*]# ` or, in Basic mode, `> `. */
  readonly prompt: string;
  /** Ends the session; a row that is still open is treated by the setting `unfinishedRow`. */
  end(): void;
}

export interface CliOptions {
  /** Prints the `Note:` of an interactive session per parameter. */
  readonly notes: boolean;
  /** Who sits there. Without it, it is a script: in Privileged mode, and without the commands that only people use. */
  readonly session?: CliLogin;
  /** The request whose script it is. */
  readonly occasion?: Occasion | undefined;
}

/** A session at the top. */
export function createCli(device: Device, options: CliOptions): Cli {
  const { session } = options;
  const frames: Frame[] = [{ kind: "top" }];
  let closed = false;
  let occasion = options.occasion;

  const top = (): Frame => frames.at(-1) ?? { kind: "top" };

  function run(tokens: readonly Token[], frame: Frame): Outcome {
    switch (frame.kind) {
      case "top":
        return runAtTop(tokens);
      case "root":
        return runInRoot(tokens, frame.root);
      case "row":
        return runInRow(tokens, frame.open);
      case "group":
        return runInGroup(tokens, frame.group);
    }
  }

  function runAtTop(tokens: readonly Token[]): Outcome {
    const [first, ...rest] = tokens;
    const word = pickWord(first, wordsAtTop(session));
    if (word === undefined) return refuse("invalidCommand");
    if (word === "configure") return enterRoot(rest);
    if (word !== "exit" && word !== "quit") return runTopCommand({ device, login: session, occasion }, word, rest);
    closed = true;
    return done;
  }

  function enterRoot([name, ...more]: readonly Token[]): Outcome {
    if (name === undefined) return refuse("incompleteCommand");
    const root = roots.find((one) => one === pickWord(name, roots));
    if (root === undefined || more.length > 0) return refuse("invalidCommand");
    if (session !== undefined) device.beginWrite();
    frames.push({ kind: "root", root });
    return done;
  }

  function runInRoot(tokens: readonly Token[], root: Root): Outcome {
    const groups = groupsOf(device, root, session);
    const { tables, pick } = grammarOfRoot(root, device.running.generation.oldCli, groups);
    const [first, ...rest] = tokens;
    const word = pick(first);
    if (word !== undefined && groups.includes(word)) return enterGroup(word, rest);
    switch (word) {
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

  function enterGroup(word: string, rest: readonly Token[]): Outcome {
    const opened = openGroup(device, session, word, rest);
    if (!isGroup(opened)) return opened;
    frames.push({ kind: "group", group: opened });
    return { output: opened.output };
  }

  function runInGroup(tokens: readonly Token[], group: Group): Outcome {
    const [first, ...rest] = tokens;
    switch (pickWord(first, ["exit", "do"])) {
      case "exit":
        return leave(rest);
      case "do":
        return runShowOrWrite(rest);
      case undefined:
        return group.run(tokens);
    }
  }

  function runShowOrWrite(tokens: readonly Token[]): Outcome {
    const word = pickWord(tokens[0], ["show", "write"]);
    return word === undefined ? refuse("invalidCommand") : runAtTop(tokens);
  }

  function runOnTable(table: Table, words: readonly Token[]): Outcome {
    if (words[0]?.text === "display" && words.length === 1) return display(device, table, occasion);
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
    const frame = top();
    const around = frame.kind === "row" ? frame.open : undefined;
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

  function runInRow(tokens: readonly Token[], open: OpenRow): Outcome {
    const { pick, childWords } = grammarOfRow(shapeOf(device.running, open.table));
    const isSet = session !== undefined && device.settings.shell.dialect === "6.6";
    if (isSet && tokens[0]?.text === "set") return runParameter(open, tokens.slice(1));
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
    return isSet ? refuse("invalidCommand") : runParameter(open, tokens);
  }

  function runParameter(open: OpenRow, [first, ...rest]: readonly Token[]): Outcome {
    if (first === undefined) return refuse("incompleteCommand");
    const word = grammarOfRow(shapeOf(device.running, open.table)).pick(first);
    if (word === undefined) return refuse("invalidCommand");
    return withColumn(
      open,
      word,
      (column, given) =>
        setParameter(device, open, column, given === undefined ? rest : [{ text: given, quoted: true }]),
      rest.length === 0,
    );
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
    change: (column: Column, given?: string) => TextName | undefined,
    isBare = false,
  ): Outcome {
    const column = shapeOf(device.running, open.table).parameter(word);
    if (column === undefined) return refuse("invalidCommand");
    const tell = (refusal: TextName | undefined): Outcome =>
      refusal !== undefined ? refuse(refusal) : options.notes ? { output: [note] } : done;
    const asks = isBare && column.kind === "secret" && device.settings.shell.secretPrompt === "on";
    if (asks && session !== undefined) return { asksSecret: (given) => answer(tell(change(column, given))) };
    return tell(change(column));
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
      return answer(outcome);
    },
    get mode() {
      return modeOf(top());
    },
    get prompt() {
      return promptOf(device, top(), session);
    },
    end() {
      for (const frame of frames.splice(1).reverse()) {
        if (frame.kind === "row") abandonRow(device, frame.open);
      }
      closed = true;
    },
  };

  function interpret(text: string): Outcome {
    if (session !== undefined) occasion = shellLine(text);
    const rejected = takeRejection(device.faults, text, occasion);
    if (rejected !== undefined) return { text: rejected.text };
    const line = splitLine(text);
    if (line === undefined) return refuse("badValue");
    const { grep } = line;
    if (grep !== undefined && !line.tokens.some((token) => pickWord(token, ["show"]) === "show")) {
      return refuse("invalidCommand");
    }
    if (session !== undefined && isConfiguration(line.tokens) && device.faults.take("ha-sync", occasion))
      return refuse("synchronizing");
    const outcome = run(line.tokens, top());
    if (grep === undefined) return outcome;
    return { ...outcome, output: (outcome.output ?? []).filter((printed) => printed.includes(grep)) };
  }

  /** Whether the line changes the configuration, opens the way to it, or saves it. */
  function isConfiguration([first]: readonly Token[]): boolean {
    const { kind } = top();
    if (kind === "top")
      return pickWord(first, wordsAtTop(session)) === "configure" || pickWord(first, ["write"]) !== undefined;
    return kind !== "group" && pickWord(first, ["exit", "do"]) === undefined;
  }

  function answer(outcome: Outcome): Answer {
    return { ...describeOutcome(outcome, device.settings.texts), empty: false, closed };
  }
}
