import type { TextName } from "./settings.ts";

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
  readonly until?: Promise<boolean>;
  /** The beginning of the output that is there before `until`. */
  readonly meanwhile?: string;
  /** The next line is the password of `enable`, to be given to `Cli.enable`. */
  readonly asksPassword?: boolean;
  /** To be called once the output has left: the device resets, or a session ends. */
  readonly afterwards?: () => void;
}

/** What a command comes to: output, or a refusal by the name of its text, or a text that refuses. */
export type Outcome = Partial<Pick<Answer, "output" | "until" | "meanwhile" | "asksPassword" | "afterwards">> & {
  readonly refusal?: TextName;
  readonly text?: string;
};

export const done: Outcome = {};
export const refuse = (refusal: TextName): Outcome => ({ refusal });
export const answerWith = (refusal: TextName | undefined): Outcome => (refusal === undefined ? done : { refusal });
