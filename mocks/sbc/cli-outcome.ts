import type { Settings, TextName } from "./settings.ts";

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
  /** The next line is the password of `enable`. */
  readonly asksPassword?: boolean;
  /** The next line is the value of a secret parameter: what comes of it. */
  readonly asksSecret?: (given: string) => Answer;
  /** The connection breaks behind the output. */
  readonly cut?: boolean;
  /** To be called once the output has left: the device resets, or a session ends. */
  readonly afterwards?: () => void;
}

/** What a command comes to: output, or a refusal by the name of its text, or a text that refuses. */
export type Outcome = Partial<
  Pick<Answer, "output" | "until" | "meanwhile" | "asksPassword" | "asksSecret" | "cut" | "afterwards">
> & {
  readonly refusal?: TextName;
  readonly text?: string;
};

/** What a parameter prints in an interactive session. */
export const note = "Note: Changes to this parameter will take effect when applying the 'activate' or 'exit' command";

export const done: Outcome = {};
export const refuse = (refusal: TextName): Outcome => ({ refusal });
export const answerWith = (refusal: TextName | undefined): Outcome => (refusal === undefined ? done : { refusal });

/** What is printed for an outcome. */
export function describeOutcome(
  { refusal, text: refusing, ...outcome }: Outcome,
  texts: Settings["texts"],
): Omit<Answer, "empty" | "closed"> {
  const text = refusing ?? (refusal === undefined ? undefined : texts[refusal]);
  return { ...outcome, output: text === undefined ? (outcome.output ?? []) : [text], refused: text !== undefined };
}
