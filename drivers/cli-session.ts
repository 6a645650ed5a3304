import type { Duplex } from "node:stream";
import type { Answer } from "./cli-answer.ts";
import { isEcho, trimmed } from "./cli-answer.ts";
import type { LearntPrompt, Prompt, PromptShape } from "./cli-prompt.ts";
import { learnPrompt, readPrompt } from "./cli-prompt.ts";
import { openScreen } from "./cli-screen.ts";
import { DriverError } from "./errors.ts";
import type { LearnTimes } from "./first-prompt.ts";
import { findFirstPrompt } from "./first-prompt.ts";

export interface LineOptions {
  /** Milliseconds from when the lines before it are answered until the prompt must stand. */
  deadlineMs: number;
  /** Milliseconds without a byte after which it is given up; by default only the deadline counts. */
  idleMs?: number;
  /** What is typed, once, when the device asks `Password:`. */
  secret?: string;
  /** Called when it is typed. */
  onSecret?: () => void;
}

/** A dialogue with a device's shell. Errors are DriverErrors without the device's name. */
export interface CliSession {
  /** Waits for the first prompt and learns the device's name from it. Throws `timeout`, `unreachable`. */
  start(deadlineMs: number): Promise<Prompt>;
  /**
   * Types one line and resolves when its echo and the prompt behind it were seen. Lines may be typed before earlier
   * ones are answered; those of one turn of the event loop leave together. After any failure the session is broken.
   */
  run(line: string, options: LineOptions): Promise<Answer>;
  /** The latest prompt. */
  prompt(): Prompt;
  /** What was heard since the last prompt, for messages. */
  heard(): string;
  /** Why it cannot be used any more. */
  broken(): DriverError | undefined;
  /** Breaks it: everything under way fails with the error, and nothing leaves any more. */
  fail(error: DriverError): void;
  /** Types `exit` until the device closes the stream, for at most so many milliseconds. Never throws. */
  leave(withinMs: number): Promise<void>;
}

export const defaultTimes: LearnTimes = { learnMs: { whole: 10, bare: 150 }, nudgeMs: 3_000 };

/** Bytes of one write: devices may take no more than 550 in one SSH packet (device CLI guide, packet limits). */
const maxWrite = 512;
/** Levels that `exit` leaves at most. */
const maxLevels = 10;
/** Characters that are kept of what is said between answers. */
const maxHeard = 2_000;
/** Lines that are kept of what is said between a prompt and the next echo. */
const maxStray = 20;
/** Characters of the longest answer that is taken. */
const maxAnswer = 64 * 1024 * 1024;
/** Characters of a line that are looked at for noise: what somebody configured may be slow on long ones. */
const maxNoise = 300;

interface Pending {
  line: string;
  options: LineOptions;
  echoed: boolean;
  stray: string[];
  output: string[];
  /** Characters of `output`. */
  size: number;
  secretAsked: boolean;
  resolve: (answer: Answer) => void;
  reject: (error: DriverError) => void;
}

/**
 * Speaks with a shell over any stream of bytes. Enter is CR; the stream's end breaks the session. Lines that are `noise`,
 * which the device prints of its own accord, are in no output.
 */
export function openCliSession(stream: Duplex, times: LearnTimes = defaultTimes, noise?: RegExp): CliSession {
  let shape: PromptShape | undefined;
  let prompt: Prompt = { mode: undefined, starred: false, privileged: false };
  let broken: DriverError | undefined;
  let answered = false;
  let ended = false;
  let heard = "";
  let stray: string[] = [];
  let typed = "";
  let starting: { resolve: (prompt: Prompt) => void; reject: (error: DriverError) => void } | undefined;
  const pending: Pending[] = [];
  const timers: Partial<Record<"deadline" | "quiet" | "idle" | "secret", NodeJS.Timeout | undefined>> = {};

  const screen = openScreen({
    line: takeLine,
    partial: takePartial,
    page: () => {
      if (broken === undefined) stream.write(" ");
    },
  });

  const first = findFirstPrompt(
    times,
    (ms, then) => arm("quiet", ms, then),
    () => void stream.write("\r"),
    begin,
  );

  function arm(name: keyof typeof timers, ms: number | undefined, then: () => void): void {
    clearTimeout(timers[name]);
    timers[name] = ms === undefined ? undefined : setTimeout(then, ms);
  }

  function disarm(): void {
    for (const timer of Object.values(timers)) clearTimeout(timer);
  }

  function fail(error: DriverError): void {
    if (broken !== undefined) return;
    broken = error;
    typed = "";
    disarm();
    starting?.reject(error);
    starting = undefined;
    for (const { reject } of pending.splice(0)) reject(error);
  }

  function takeLine(line: string): void {
    const [head, ...rest] = pending;
    if (head === undefined) hear(line);
    else if (!head.echoed) {
      // Something may have been printed behind the prompt before the echo.
      if (isEcho(line, head.line)) {
        head.echoed = true;
        head.stray = stray;
        stray = [];
      } else hear(line);
    } else if (isQuestionWithNoise(head, line)) answerQuestion(head);
    else if (!isNoise(line)) {
      const next = rest.find(({ echoed }) => !echoed);
      // Typed ahead: some shells echo when they receive, others when they read.
      if (next !== undefined && line === next.line) next.echoed = true;
      else if (head.output.length > 0 || line !== head.line) add(head, line);
    }
  }

  function add(head: Pending, line: string): void {
    head.output.push(line);
    // Its end counts as well: empty lines take room too.
    head.size += line.length + 1;
    if (head.size > maxAnswer)
      fail(
        new DriverError("protocol", `${JSON.stringify(head.line)} was answered with more than ${maxAnswer} characters`),
      );
  }

  const isNoise = (line: string): boolean => noise?.test(line.slice(0, maxNoise)) === true;

  function hear(line: string): void {
    if (line.trim() === "") return;
    heard = `${heard}${line}\n`.slice(-maxHeard);
    if (!isNoise(line)) stray = [...stray, line].slice(-maxStray);
  }

  function takePartial(text: string): boolean {
    if (shape === undefined) return starting !== undefined && first.recognise(text);
    const [head] = pending;
    const seen = readPrompt(text, shape);
    if (seen === undefined) return false;
    prompt = seen;
    heard = "";
    if (head?.echoed === true) {
      answered = true;
      pending.shift();
      watch();
      const { line, stray: before, secretAsked } = head;
      head.resolve({ line, output: trimmed(head.output), stray: before, prompt, secretAsked });
    }
    return true;
  }

  /** What only begins like the question, such as a word about the password's age, goes on at once: a secret waits that long. */
  function watchForQuestion(head: Pending): void {
    const asks = head.echoed && head.options.secret !== undefined && /^password: ?$/i.test(screen.current());
    arm("secret", asks ? times.learnMs.whole : undefined, () => {
      screen.forget();
      answerQuestion(head);
    });
  }

  function answerQuestion(head: Pending): void {
    const { secret = "", onSecret } = head.options;
    // A second question means that the secret was wrong; nothing else may be typed as one.
    if (head.secretAsked) {
      fail(new DriverError("auth", `${JSON.stringify(head.line)}: the device refused the secret`));
      return;
    }
    head.secretAsked = true;
    onSecret?.();
    stream.write(`${secret}\r`);
  }

  /** Where a log is printed behind every question, it never stands alone. */
  function isQuestionWithNoise({ options, secretAsked }: Pending, line: string): boolean {
    const rest = /^password: ?(.+)$/i.exec(line)?.[1];
    return options.secret !== undefined && !secretAsked && rest !== undefined && isNoise(rest);
  }

  /** Sets the clocks for the line that is now answered first. */
  function watch(): void {
    const [head] = pending;
    if (head === undefined) {
      disarm();
      return;
    }
    const { deadlineMs } = head.options;
    arm("deadline", deadlineMs, () =>
      fail(late(`${JSON.stringify(head.line)} was not answered within ${deadlineMs} ms`)),
    );
    watchQuiet(head);
  }

  function watchQuiet(head: Pending): void {
    const { idleMs, secret } = head.options;
    arm("idle", idleMs, () => fail(late(`${JSON.stringify(head.line)}: nothing came for ${idleMs ?? 0} ms`)));
    arm("quiet", times.nudgeMs, () => {
      if (!answered && head.echoed && relearn()) return;
      // An Enter too many would be a wrong secret.
      if (pending.length === 1 && secret === undefined) stream.write("\r");
    });
  }

  /** A greeting that ends like a prompt may have been taken for one; what stands behind the first answer is one. */
  function relearn(): boolean {
    const found = learnPrompt(screen.current());
    if (found === undefined) return false;
    shape = found.shape;
    takePartial(screen.current());
    screen.forget();
    return true;
  }

  function begin(found: LearntPrompt): void {
    ({ shape, prompt } = found);
    screen.forget();
    disarm();
    heard = "";
    starting?.resolve(prompt);
    starting = undefined;
  }

  function flush(): void {
    const text = Buffer.from(typed, "utf8");
    typed = "";
    if (ended) return;
    for (let from = 0; from < text.length; from += maxWrite) stream.write(text.subarray(from, from + maxWrite));
  }

  function onEnd(): void {
    ended = true;
    hear(screen.current());
    fail(new DriverError("unreachable", "the device closed the session"));
  }

  stream.on("data", (bytes: Buffer) => {
    screen.feed(bytes);
    const [head] = pending;
    if (broken !== undefined) return;
    if (shape === undefined && starting !== undefined) first.look(screen.current());
    else if (head !== undefined) {
      watchQuiet(head);
      watchForQuestion(head);
    }
  });
  stream.on("end", onEnd).on("close", onEnd).on("error", onEnd);

  function run(line: string, options: LineOptions): Promise<Answer> {
    if (broken !== undefined) return Promise.reject(broken);
    return new Promise((resolve, reject) => {
      pending.push({
        line,
        options,
        echoed: false,
        stray: [],
        output: [],
        size: 0,
        secretAsked: false,
        resolve,
        reject,
      });
      if (pending.length === 1) watch();
      if (typed === "") queueMicrotask(flush);
      typed += `${line}\r`;
    });
  }

  return {
    start(deadlineMs) {
      if (broken !== undefined) return Promise.reject(broken);
      return new Promise((resolve, reject) => {
        starting = { resolve, reject };
        arm("deadline", deadlineMs, () => fail(late(`no prompt came within ${deadlineMs} ms`)));
        first.look(screen.current());
      });
    },
    run,
    prompt: () => prompt,
    heard: () => heard.trim(),
    broken: () => broken,
    fail,
    async leave(withinMs) {
      // Behind a line that is still under way, `exit` has no clock of its own.
      const timer = setTimeout(() => fail(late(`it was not left within ${withinMs} ms`)), withinMs);
      try {
        for (let level = 0; level < maxLevels && broken === undefined; level += 1)
          await run("exit", { deadlineMs: withinMs });
      } catch {
        // Closed, which is what was wanted, or silent, and then there is nobody to take leave of.
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function late(reason: string): DriverError {
  return new DriverError("timeout", reason);
}
