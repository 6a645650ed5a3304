import type { FailuresReport } from "../reports.ts";
import type { ExecutionMessage } from "../store/model.ts";
import type { FailedTask, PortalStore } from "../store/portal-store.ts";

/** Failed tasks that one report reads at most. */
const mostTasks = 10_000;
const mostExamples = 5;
const longestCause = 500;
/** What stands for everything that names, counts or quotes. */
const gap = "…";

/**
 * A message with all struck out that differs from task to task: what is quoted, tokens that hold a digit, `_`, `@` or
 * an inner `.`, `:` or `/`, and the given names. In time that grows with its length alone.
 */
export function causeOf(message: string, names: ReadonlySet<string>): string {
  const words = withoutQuotes(message)
    .split(/\s+/u)
    .filter((word) => word !== "")
    .map((word) => strikeWord(word, names));
  // A gap beside a gap says no more than one does.
  return words.filter((word, i) => word !== gap || words[i - 1] !== gap).join(" ");
}

/** Quotes open before a word and close behind one: an apostrophe inside a word is none. */
function withoutQuotes(text: string): string {
  let kept = "";
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    const opens = (char === "'" || char === '"') && !isInWord(text, at - 1);
    const end = opens ? closing(text, char, at + 1) : -1;
    if (end === -1) kept += char;
    else {
      kept += gap;
      at = end;
    }
  }
  return kept;
}

/** No quote is longer than this: looking for its end must not cost more than the text is long. */
const longestQuote = 200;

function closing(text: string, quote: string, from: number): number {
  const until = Math.min(text.length, from + longestQuote);
  for (let at = from; at < until; at += 1) if (text.charAt(at) === quote && !isInWord(text, at + 1)) return at;
  return -1;
}

function isInWord(text: string, at: number): boolean {
  return /[\p{L}\p{N}]/u.test(text.charAt(at));
}

const opening = new Set("([{<".split(""));
const ending = new Set(")]}>.,;:!?".split(""));

function strikeWord(word: string, names: ReadonlySet<string>): string {
  let from = 0;
  let to = word.length;
  while (from < to && opening.has(word.charAt(from))) from += 1;
  while (to > from && ending.has(word.charAt(to - 1))) to -= 1;
  const core = word.slice(from, to);
  const isStruck = /[\d_@=]|[\p{L}…][.:/\\][\p{L}…]/u.test(core) || names.has(core.toLowerCase());
  return isStruck ? `${word.slice(0, from)}${gap}${word.slice(to)}` : word;
}

/** The Errors that a task ended with, or what it said last. */
function reasonOf(messages: readonly ExecutionMessage[]): string {
  const errors = messages.filter(({ level }) => level === "Error");
  const told = errors.length > 0 ? errors : messages.slice(-1);
  return told.map(({ message }) => message.trim()).join(" ") || "no reason was kept";
}

/** Failures with equal causes together, the most frequent first. `tasks`: latest first. */
function groupFailures(tasks: readonly FailedTask[]): FailuresReport["groups"] {
  const groups = new Map<string, FailuresReport["groups"][number]>();
  for (const { taskId, shortName, tenantId, device, gateway, messages, endedAt } of tasks) {
    const names = new Set([shortName, tenantId, device, gateway].flatMap((name) => name?.toLowerCase() ?? []));
    const example = reasonOf(messages);
    const cause = causeOf(example, names).slice(0, longestCause);
    const at = new Date(endedAt).toISOString();
    const group = groups.get(cause);
    if (group === undefined) {
      const devices = device === null ? [] : [device];
      groups.set(cause, { cause, example, count: 1, firstAt: at, lastAt: at, devices, tasks: [taskId] });
      continue;
    }
    group.count += 1;
    group.firstAt = at;
    if (group.tasks.length < mostExamples) group.tasks.push(taskId);
    if (device !== null && !group.devices.includes(device)) group.devices.push(device);
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || (a.lastAt < b.lastAt ? 1 : -1));
}

/** The failed tasks of the last `sinceMs`, grouped. */
export async function reportFailures(
  store: Pick<PortalStore, "failedTasks">,
  sinceMs: number,
  now: number,
): Promise<FailuresReport> {
  const since = Math.max(0, now - sinceMs);
  const tasks = await store.failedTasks(since, mostTasks + 1);
  const shown = tasks.slice(0, mostTasks);
  return {
    since: new Date(since).toISOString(),
    failed: shown.length,
    complete: shown.length === tasks.length,
    groups: groupFailures(shown),
  };
}
