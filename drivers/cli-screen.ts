import { StringDecoder } from "node:string_decoder";

/** What is told of a stream of terminal output, character by character, whatever its chunks. */
export interface ScreenEvents {
  /** A line has ended; without its line end. */
  line(text: string): void;
  /** The last line may be a prompt or a question. True when it was one: it is then forgotten. */
  partial(text: string): boolean;
  /** The pager waits for a key. */
  page(): void;
}

export interface Screen {
  feed(bytes: Buffer): void;
  /** The line that has not ended. */
  current(): string;
  /** Drops the line that has not ended. */
  forget(): void;
}

const pagerMark = "--MORE--";

/** Characters of the longest line that may be the pager's: looking at each end of a longer one takes the square of it. */
const maxPagerLine = 200;

/** Characters after which a line is taken for ended. */
const maxLine = 1024 * 1024;

/** The characters that prompts, questions and the pager end with: only behind them `partial` is asked. */
const ends = new Set([" ", ">", "#", ":"]);

/**
 * Makes lines of what a device prints. CR LF, CR CR LF, LF and a lone CR end a line; the pager's mark and the exact
 * backspaces and spaces that erase it disappear, and the indentation of what follows stays (device CLI guide, pager).
 * Other control characters and escape sequences are dropped.
 */
export function openScreen(events: ScreenEvents): Screen {
  const decoder = new StringDecoder("utf8");
  let current = "";
  let returned = false;
  let erasing = "";
  let escape: "none" | "begun" | "sequence" = "none";

  function endLine(): void {
    const line = current;
    current = "";
    events.line(line);
  }

  function take(character: string): void {
    if (erasing !== "") {
      const expected = erasing.startsWith(character);
      erasing = expected ? erasing.slice(1) : "";
      if (expected) return;
    }
    if (returned && character !== "\r") {
      returned = false;
      endLine();
      if (character === "\n") return;
    }
    if (escape !== "none") {
      if (escape === "begun") escape = character === "[" ? "sequence" : "none";
      else if (character >= "@" && character <= "~") escape = "none";
    } else if (character === "\r") returned = true;
    else if (character === "\n") endLine();
    else if (character === "\u001b") escape = "begun";
    else if (character >= " ") print(character);
  }

  function print(character: string): void {
    if (current.length >= maxLine) endLine();
    current += character;
    if (character === "-" && current.length <= maxPagerLine && current.trimStart() === pagerMark) {
      const width = current.length;
      erasing = "\b".repeat(width) + " ".repeat(width) + "\b".repeat(width);
      current = "";
      events.page();
    } else if (ends.has(character) && events.partial(current)) current = "";
  }

  return {
    feed(bytes) {
      for (const character of decoder.write(bytes)) take(character);
    },
    current: () => current,
    forget() {
      current = "";
    },
  };
}
