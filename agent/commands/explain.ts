import type { Command } from "commander";
import { withAgent } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addAgentOptions, addEpilogue } from "./invocation.ts";

export function addExplain(program: Command, perform: Perform): void {
  const command = program
    .command("explain")
    .description("Say what a task, device or customer waits for, what is next, and what you can do.")
    .argument("<subject>", "a task's id, a device's name, or a customer's GUID, short name or tenant id")
    .action((subject: string, _options: object, self: Command) =>
      perform(self, (invocation) => explain(invocation, subject)),
    );
  addAgentOptions(command, "the explanation");
  addEpilogue(command, "sbc-agent explain SIPTest4", {
    0: "explained, whatever state it is in",
    1: "not known here, or no agent answers",
  });
}

async function explain(invocation: Invocation, subject: string): Promise<ExitCode> {
  const { output } = invocation;
  const explained = await withAgent(invocation, (client) => client.explain(subject));
  if (invocation.json) output.json(explained);
  else output.print(explained.sentence);
  return exitCodes.done;
}
