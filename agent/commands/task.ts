import type { Command } from "commander";
import { withAgent } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodeOfTask, followTask, printResult, printTask } from "./follow-task.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addAgentOptions, addEpilogue } from "./invocation.ts";

export function addTask(program: Command, perform: Perform): void {
  const command = program
    .command("task")
    .description("Show how a conversion's task stands: status, messages, customer GUID.")
    .argument("<id>", "as 'convert' printed it, for example wst_...")
    .option("--follow", "wait until it has ended")
    .action((id: string, options: { follow?: true }, self: Command) =>
      perform(self, (invocation) => task(invocation, id, options.follow === true)),
    );
  addAgentOptions(command, "the task");
  addEpilogue(command, "sbc-agent task wst_9a7ff916-aab2-41d1-a9fe-0e9baacf4a15 --follow", {
    0: "converted, already converted, or (without --follow) still in progress",
    1: "the task failed, or could not be asked for",
  });
}

async function task(invocation: Invocation, id: string, follow: boolean): Promise<ExitCode> {
  const { context, output, json } = invocation;
  return withAgent(invocation, async (client) => {
    if (follow && !json) output.print(`Task ${output.paint.bold(id)}`);
    const answer = follow
      ? await followTask(client, id, context, json ? output.note : output.print)
      : await client.task(id);
    if (json) output.json(answer);
    else if (follow) printResult(answer, output);
    else printTask(answer, output);
    return exitCodeOfTask(answer);
  });
}
