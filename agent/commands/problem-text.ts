import { z } from "zod";
import { printable } from "./output.ts";

const object = z.record(z.string(), z.unknown());
const shownElsewhere: ReadonlySet<string> = new Set(["title", "detail", "errors", "status", "type", "instance"]);

/**
 * What an answer that refuses says: its status, title and detail of the ProblemDetails, and every further field, one a
 * line. `value` is the answer's JSON, `text` what stood there where it is none.
 */
export function describeProblem(status: number, value: unknown, text: string, tokenSource: string): string {
  const problem = object.safeParse(value).data;
  const lines = problem === undefined ? [describeText(status, value, text)] : describeFields(status, problem);
  return [...lines, ...tokenHint(status, tokenSource)].join("\n");
}

function describeText(status: number, value: unknown, text: string): string {
  const words = typeof value === "string" ? value : String(printable(text.slice(0, 500)));
  return words === "" ? `answered ${status}` : `answered ${status}: ${words}`;
}

function describeFields(status: number, problem: Readonly<Record<string, unknown>>): string[] {
  const { title, detail, errors } = problem;
  const words = [title, detail].filter((word) => typeof word === "string").filter((word) => word !== "");
  const sentence = words.map((word, i) => (i < words.length - 1 ? word.replace(/\.$/, "") : word));
  const fields = [
    ...Object.entries(object.safeParse(errors).data ?? {}),
    ...Object.entries(problem).filter(([field]) => !shownElsewhere.has(field)),
  ];
  return [
    [`answered ${status}`, ...sentence].join(": "),
    ...fields.flatMap(([field, said]) => fieldLines(field, said)),
  ];
}

function fieldLines(field: string, said: unknown): string[] {
  if (said === null || said === undefined || said === "") return [];
  const all: unknown[] = Array.isArray(said) ? said : [said];
  const name = field === "" ? "" : `${field}: `;
  return all.map((one) => `  ${name}${typeof one === "string" ? one : JSON.stringify(one)}`);
}

function tokenHint(status: number, tokenSource: string): string[] {
  if (status === 401) return [`  the token was not taken (${tokenSource})`];
  if (status === 403) return [`  the token lacks the scope for this (${tokenSource})`];
  return [];
}
