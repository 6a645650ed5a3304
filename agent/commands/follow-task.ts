import type { AgentClient, TaskAnswer } from "./client.ts";
import type { Output, Paint } from "./output.ts";
import type { CommandContext, ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import { AgentRefusal, AgentUnreachable, CommandError, Interrupted } from "./errors.ts";
import type { Invocation } from "./invocation.ts";

/** How a task stands: a success may say that nothing was created. */
type TaskState = "in-progress" | "converted" | "already-converted" | "completed" | "failed";

/** Any status word that is not known to be an end means: still running. */
function taskState(task: TaskAnswer): TaskState {
  const word = task.status.replace(/\s/g, "");
  const details = task.details ?? [];
  if (word === "CompletedFailed") return "failed";
  if (word !== "CompletedSuccess") return "in-progress";
  if (details.includes("CustomerAlreadyConverted")) return "already-converted";
  return details.includes("Converted") ? "converted" : "completed";
}

export function exitCodeOfTask(task: TaskAnswer): ExitCode {
  return taskState(task) === "failed" ? exitCodes.failed : exitCodes.done;
}

const firstWaitMs = 250;
const longestWaitMs = 2_000;
/** How often in a row the agent may stay silent: about a minute. */
const silencesBorne = 30;

/**
 * Asks until the task has ended, every 250 ms to 2 s, and shows each new message once. A restart of the agent in between
 * is waited for. Throws CommandError when it stays away or the signal aborts; the task goes on without this command.
 */
export async function followTask(
  client: AgentClient,
  id: string,
  context: Pick<CommandContext, "wait" | "signal">,
  show: (line: string) => void,
): Promise<TaskAnswer> {
  const shown = new Map<string, number>();
  let silences = 0;
  try {
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(longestWaitMs, waitMs * 1.5)) {
      try {
        const task = await client.task(id);
        if (silences > 0) show("the agent answers again");
        silences = 0;
        for (const line of newMessages(task, shown)) show(line);
        if (taskState(task) !== "in-progress") return task;
      } catch (error) {
        if (!isSilence(error) || ++silences > silencesBorne) throw error;
        if (silences === 1) show(`${error.message}; asking again`);
      }
      await context.wait(waitMs, context.signal);
    }
  } catch (error) {
    const reason = context.signal.aborted ? new Interrupted() : error;
    throw new CommandError(`Not followed to its end. The task goes on; look again:\n  sbc-agent task ${id} --follow`, {
      cause: reason,
    });
  }
}

function isSilence(error: unknown): error is Error {
  return error instanceof AgentUnreachable || (error instanceof AgentRefusal && [502, 503, 504].includes(error.status));
}

function newMessages(task: TaskAnswer, shown: Map<string, number>): string[] {
  const seen = new Map<string, number>();
  const lines: string[] = [];
  for (const { level, message } of task.executionMessages ?? []) {
    const line = messageLine(level, message);
    const times = (seen.get(line) ?? 0) + 1;
    seen.set(line, times);
    if (times <= (shown.get(line) ?? 0)) continue;
    shown.set(line, times);
    lines.push(line);
  }
  return lines;
}

function messageLine(level: string, message: string): string {
  return `  ${level.padEnd(11)}  ${message.replaceAll("\n", `\n${" ".repeat(15)}`)}`;
}

/** The task's messages as lines, then what became of it. */
export function printTask(task: TaskAnswer, output: Output): void {
  const { paint } = output;
  output.print(`Task ${paint.bold(task.id)}`);
  for (const { level, message } of task.executionMessages ?? []) output.print(messageLine(level, message));
  printResult(task, output);
}

/** What became of the task; for one that has not ended, its status word. */
export function printResult(task: TaskAnswer, output: Output): void {
  output.print(resultText(task, output.paint));
}

function resultText(task: TaskAnswer, paint: Paint): string {
  const guid = task.outputData?.umpCustomerGuid ?? "";
  const details = (task.details ?? []).filter((detail) => detail !== null && detail !== "");
  const because = details.length === 0 ? "." : `: ${details.join(", ")}`;
  switch (taskState(task)) {
    case "converted":
      return `${paint.green("Converted.")}${guid === "" ? "" : ` Customer ${guid}`}`;
    case "already-converted":
      return `${paint.yellow("Already converted:")} the tenant is a customer already. Nothing was created or changed.`;
    case "completed":
      return `${paint.green("Completed")}${because}`;
    case "failed":
      return `${paint.red("Failed")}${because}`;
    case "in-progress":
      return `${paint.yellow(task.status)}: not ended; follow it: sbc-agent task ${task.id} --follow`;
  }
}

/** Ends a command whose request was accepted as a task: follows it, or says how it can be followed. */
export async function reportAccepted(
  { context, output, json }: Invocation,
  client: AgentClient,
  id: string,
  follow: boolean,
): Promise<ExitCode> {
  if (!follow) {
    if (json) output.json({ taskId: id });
    else output.print(`Accepted as task ${output.paint.bold(id)}; look with: sbc-agent task ${id} --follow`);
    return exitCodes.done;
  }
  const say = json ? output.note : output.print;
  say(`Accepted as task ${id}`);
  const task = await followTask(client, id, context, say);
  if (json) output.json(task);
  else printResult(task, output);
  return exitCodeOfTask(task);
}
