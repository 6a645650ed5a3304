import { z } from "zod";

export const explanation = z.object({
  /** As it was asked for. */
  subject: z.string(),
  kind: z.enum(["conversion", "change", "removal", "device", "customer", "lead"]),
  /** One word, for example `waiting`, `paused`, `in-sync`. */
  state: z.string(),
  /** Null where it waits for nothing. */
  waitsFor: z.string().nullable(),
  /** What happens by itself. */
  next: z.string().nullable(),
  /** What a human can do; null where nothing helps, or nothing needs to be done. */
  humanCan: z.string().nullable(),
  /** All of it. */
  sentence: z.string(),
});
export type Explanation = z.infer<typeof explanation>;

/** What keeps something from going on: parts of sentences, in small letters and without a full stop. */
export interface Reason {
  state: string;
  /** What it waits for, or null where it waits for nothing and `is` says how it stands. */
  waitsFor: string | null;
  /** How it stands; follows the subject's name, instead of what it waits for. */
  is?: string;
  next: string | null;
  humanCan: string | null;
}

/** `who` begins the sentence: `Device sbc-1`. */
export function tell(
  { subject, kind, who }: { subject: string; kind: Explanation["kind"]; who: string },
  { state, waitsFor, is = `waits for ${waitsFor ?? ""}`, next, humanCan }: Reason,
): Explanation {
  const nobody = waitsFor === null ? [] : ["nothing is needed of a human"];
  const parts = [
    `${who} ${is}`,
    ...(next === null ? [] : [next]),
    ...(humanCan === null ? nobody : [`a human can ${humanCan}`]),
  ];
  return { subject, kind, state, waitsFor, next, humanCan, sentence: `${parts.join("; ")}.` };
}

const longest = 300;

/** The first line of somebody's words, fit to stand inside a sentence. */
export function quote(text: string): string {
  const [line = ""] = text.trim().split("\n", 1);
  const cut = line.length > longest ? `${line.slice(0, longest)}...` : line;
  return cut.endsWith(".") && !cut.endsWith("..") ? cut.slice(0, -1) : cut;
}

/** To the second, in UTC. */
export function moment(at: number | string): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

/** `1 customer`, `2 customers`. */
export function number(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? "" : "s"}`;
}
