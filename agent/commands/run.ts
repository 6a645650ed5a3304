import type { Command } from "commander";
import { readConfig } from "./connection.ts";
import type { CommandContext, ExitCode, RunningAgent } from "./context.ts";
import { exitCodes } from "./context.ts";
import type { Perform } from "./invocation.ts";
import { addEpilogue } from "./invocation.ts";

/** What is under way at the first signal gets this long; with what the process needs to end it stays within 10 s. */
const stopMs = 9_000;

export function addRun(program: Command, perform: Perform): void {
  const command = program
    .command("run")
    .description("Run the agent until SIGTERM or SIGINT; a second signal ends it at once.")
    .option("--json", "print where it listens as JSON")
    .action((_options: object, self: Command) => perform(self, run));
  addEpilogue(command, "sbc-agent run --config /etc/sbc-agent/agent.yaml", {
    0: "stopped by a signal, in order",
    1: "could not start, or did not stop in time",
  });
}

async function run(invocation: Parameters<Parameters<Perform>[1]>[0]): Promise<ExitCode> {
  const { context, output } = invocation;
  const config = readConfig(invocation);
  const { format } = config.log;
  const agent = await context.startAgent(config, {
    env: context.env,
    logFormat: format === "auto" ? (context.stderr.isTTY ? "text" : "json") : format,
  });
  if (invocation.json) output.json({ url: agent.url });
  else output.print(`sbc-agent listens on ${agent.url}`);
  await untilAborted(context.signal);
  const stopped = await stopInTime(agent, context);
  if (!stopped)
    output.note(`sbc-agent did not stop within ${stopMs / 1_000} s; what is unfinished goes on at the next start`);
  return stopped ? exitCodes.done : exitCodes.failed;
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

async function stopInTime(agent: RunningAgent, context: CommandContext): Promise<boolean> {
  const inTime = new AbortController();
  try {
    return await Promise.race([
      agent.stop().then(() => true),
      context.wait(stopMs, inTime.signal).then(
        () => false,
        // Only the agent's end, below, stops this clock.
        () => true,
      ),
    ]);
  } finally {
    inTime.abort();
  }
}
