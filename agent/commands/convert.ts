import type { Command } from "commander";
import type { AgentClient } from "./client.ts";
import { withAgent } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import { AgentUnreachable, CommandError, Interrupted } from "./errors.ts";
import { exitCodeOfTask, followTask, printResult } from "./follow-task.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addAgentOptions, addEpilogue } from "./invocation.ts";
import { readBody } from "./plan.ts";

export function addConvert(program: Command, perform: Perform): void {
  const command = program
    .command("convert")
    .description("Convert a lead into a customer: post the request and follow its task to the end.")
    .argument("<file>", "create-customer body (JSON), posted as it is")
    .option("--no-follow", "only post it and print the task's id")
    .action((file: string, options: { follow: boolean }, self: Command) =>
      perform(self, (invocation) => convert(invocation, file, options.follow)),
    );
  addAgentOptions(command, "the task (its id alone with --no-follow)");
  addEpilogue(command, "sbc-agent convert customer.json", {
    0: "converted, or already converted",
    1: "the conversion failed, or was not followed to its end",
    2: "wrong usage or configuration, or a malformed file",
  });
}

async function convert(invocation: Invocation, file: string, follow: boolean): Promise<ExitCode> {
  const { context, output, json } = invocation;
  const body = readBody(invocation, file);
  return withAgent(invocation, async (client) => {
    const id = await post(client, body);
    if (!follow) {
      if (json) output.json({ taskId: id });
      else output.print(`Accepted as task ${output.paint.bold(id)}; look with: sbc-agent task ${id} --follow`);
      return exitCodes.done;
    }
    (json ? output.note : output.print)(`Accepted as task ${id}`);
    const task = await followTask(client, id, context, json ? output.note : output.print);
    if (json) output.json(task);
    else printResult(task, output);
    return exitCodeOfTask(task);
  });
}

async function post(client: AgentClient, body: string): Promise<string> {
  try {
    return await client.convert(body);
  } catch (error) {
    const isOpen = error instanceof Interrupted || (error instanceof AgentUnreachable && !error.refused);
    if (!isOpen) throw error;
    throw new CommandError(
      "Whether the conversion was accepted is not known. Converting again is safe: a tenant becomes a customer once.",
      { cause: error },
    );
  }
}
