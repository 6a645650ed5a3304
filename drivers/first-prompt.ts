import type { LearntPrompt } from "./cli-prompt.ts";
import { learnPrompt } from "./cli-prompt.ts";

export interface LearnTimes {
  /**
   * Quiet after which what looks like the first prompt is taken for it: a whole one with the space behind its sign, and
   * one without. A greeting that was taken for a prompt is found out behind the first line.
   */
  learnMs: { whole: number; bare: number };
  /** Quiet after which one more Enter is typed: some commands of some models want it. */
  nudgeMs: number;
}

/** Finds the first prompt of a session in what is printed before anything was asked. */
export interface FirstPrompt {
  /** More was printed, and `line` has not ended. */
  look(line: string): void;
  /** Whether a line that goes on is the prompt: where a log is printed behind every prompt, none is ever last. */
  recognise(line: string): boolean;
}

/** `whenQuiet` calls back once nothing was printed for so long, and only for its latest call. `typeEnter` types Enter. */
export function findFirstPrompt(
  times: LearnTimes,
  whenQuiet: (ms: number, then: () => void) => void,
  typeEnter: () => void,
  found: (prompt: LearntPrompt) => void,
): FirstPrompt {
  /** Names of what looked like a prompt before Enter was typed to see it again. */
  const candidates = new Set<string>();
  let nudged = false;

  return {
    look(line) {
      const seen = learnPrompt(line);
      if (seen !== undefined)
        whenQuiet(seen.shape.spaced ? times.learnMs.whole : times.learnMs.bare, () => found(seen));
      else
        whenQuiet(times.nudgeMs, () => {
          nudged = true;
          typeEnter();
        });
    },
    recognise(line) {
      const seen = learnPrompt(line);
      if (seen?.shape.spaced !== true) return false;
      // What comes again behind Enter is one.
      if (!nudged || !candidates.has(seen.shape.name)) {
        candidates.add(seen.shape.name);
        return false;
      }
      found(seen);
      return true;
    },
  };
}
