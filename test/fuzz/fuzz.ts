import { makeInput, type Input } from "./mutate.ts";
import { createRandom } from "./random.ts";
import type { Target } from "./targets.ts";

export interface Failure {
  /** That made the input by itself: `--seed` of a run of one. */
  seed: number;
  input: Input;
  /** As short as it could be made. */
  smallest: string;
  reason: string;
}

/** Milliseconds after which one input counts as one that never ends; what is read has a few thousand characters. */
const hangMs = 5_000;

async function reasonOf(target: Target, input: Input): Promise<string | undefined> {
  const begun = performance.now();
  try {
    await target.check(input);
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  return performance.now() - begun > hangMs ? `it took longer than ${hangMs} ms` : undefined;
}

/** Leaves out ever smaller pieces for as long as it goes on failing. What was cut stays the beginning of its sample. */
async function shrink(target: Target, input: Input): Promise<string> {
  let { text } = input;
  if (input.isCut) return text;
  for (let size = Math.ceil(text.length / 2); size > 0; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let from = 0; from < text.length;) {
      const shorter = text.slice(0, from) + text.slice(from + size);
      if ((await reasonOf(target, { ...input, text: shorter })) === undefined) from += size;
      else text = shorter;
    }
  return text;
}

/** At once: a session of a terminal waits for its clock. */
const together = 100;

/** Feeds a target inputs that follow from the seed; stops at the first that it may not treat as it does. */
export async function fuzz(
  target: Target,
  { runs, seed, onProgress }: { runs: number; seed: number; onProgress?: (done: number) => void },
): Promise<Failure | undefined> {
  for (let run = 0; run < runs; run += together) {
    const size = Math.min(together, runs - run);
    const tries = await Promise.all(
      Array.from({ length: size }, async (_, i) => {
        const own = (seed + run + i) >>> 0;
        const input = makeInput(target.samples, createRandom(Math.imul(own, 2_654_435_761)));
        return { own, input, reason: await reasonOf(target, input) };
      }),
    );
    for (const { own, input, reason } of tries)
      if (reason !== undefined) return { seed: own, input, smallest: await shrink(target, input), reason };
    onProgress?.(run + size);
  }
  return undefined;
}
