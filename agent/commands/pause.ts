import type { Command } from "commander";
import { withAgent } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import { UsageError } from "./errors.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addAgentOptions, addEpilogue } from "./invocation.ts";

export function addPause(program: Command, perform: Perform): void {
  const command = program
    .command("pause")
    .description("Write nothing more to a device; its conversions are accepted and wait. Survives restarts.")
    .argument("<device>", "its name in the configuration")
    .requiredOption("--reason <text>", "why; kept in the audit trail and shown in 'status'")
    .action((device: string, options: { reason: string }, self: Command) =>
      perform(self, (invocation) => pause(invocation, device, options.reason)),
    );
  addAgentOptions(command, "the result");
  addEpilogue(command, 'sbc-agent pause sbc-ams-1 --reason "firmware upgrade tonight"');
}

export function addResume(program: Command, perform: Perform): void {
  const command = program
    .command("resume")
    .description("End a pause. Also forgets the device's counted log-in failures and waiting times.")
    .argument("<device>", "its name in the configuration")
    .requiredOption("--reason <text>", "why; kept in the audit trail")
    .action((device: string, options: { reason: string }, self: Command) =>
      perform(self, (invocation) => resume(invocation, device, options.reason)),
    );
  addAgentOptions(command, "the result");
  addEpilogue(command, 'sbc-agent resume sbc-ams-1 --reason "upgrade done"');
}

async function pause(invocation: Invocation, device: string, given: string): Promise<ExitCode> {
  const { output } = invocation;
  const reason = checkReason(given);
  await withAgent(invocation, (client) => client.pause(device, reason));
  if (invocation.json) output.json({ device, paused: true, reason });
  else
    output.print(
      [
        `${device} is paused: ${reason}`,
        "  Conversions for it are accepted and wait; their deadlines stand still.",
        `  To end this: sbc-agent resume ${device} --reason TEXT`,
      ].join("\n"),
    );
  return exitCodes.done;
}

async function resume(invocation: Invocation, device: string, given: string): Promise<ExitCode> {
  const { output } = invocation;
  const reason = checkReason(given);
  await withAgent(invocation, (client) => client.resume(device, reason));
  if (invocation.json) output.json({ device, paused: false, reason });
  else output.print(`${device} is resumed; counted log-in failures and waiting times are forgotten.`);
  return exitCodes.done;
}

function checkReason(reason: string): string {
  if (reason.trim() === "") throw new UsageError("--reason: say why, for whoever reads the audit trail");
  return reason.trim();
}
