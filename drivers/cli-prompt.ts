/** What a prompt tells of the shell: `NAME(mode)*# ` (device CLI guide, prompt grammar). */
export interface Prompt {
  /** The text between the parentheses, only the last level; `undefined` at the root. */
  mode: string | undefined;
  /** The `*`. What it means is not settled, so nothing follows from it. */
  starred: boolean;
  /** `#` rather than `>`. */
  privileged: boolean;
}

/** What all prompts of one session begin with. */
export interface PromptShape {
  name: string;
  /** Whether a space follows the sign. */
  spaced: boolean;
}

/** Longest text between name and sign. */
const maxRest = 100;

const unknownPrompt = /^([^\r\n]{1,64}?)((?:\([^()]+\))?\*?[>#])( ?)$/;
const restOfPrompt = /^(?:\(([^()]+)\))?(\*)?([>#])$/;

export interface LearntPrompt {
  shape: PromptShape;
  prompt: Prompt;
}

/** Takes a line for a prompt of a name that is not known yet. */
export function learnPrompt(line: string): LearntPrompt | undefined {
  if (line.length > 64 + maxRest) return undefined;
  const [, name, rest, space] = unknownPrompt.exec(line) ?? [];
  if (name === undefined || rest === undefined) return undefined;
  const shape = { name, spaced: space === " " };
  const prompt = readPrompt(line, shape);
  return prompt === undefined ? undefined : { shape, prompt };
}

/** The prompt that a line is from its first to its last character. */
export function readPrompt(line: string, { name, spaced }: PromptShape): Prompt | undefined {
  if (line.length > name.length + maxRest || !line.startsWith(name)) return undefined;
  if (spaced && !line.endsWith(" ")) return undefined;
  const found = restOfPrompt.exec(line.slice(name.length, spaced ? -1 : undefined));
  return found === null ? undefined : { mode: found[1], starred: found[2] !== undefined, privileged: found[3] === "#" };
}
