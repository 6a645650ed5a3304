import type { Command } from "commander";
import { requireRole, type AgentConfig, type Role } from "../settings/config.ts";
import { configFile, readConfig } from "./connection.ts";
import type { CommandContext, ExitCode, RunningAgent } from "./context.ts";
import { exitCodes } from "./context.ts";
import { UsageError } from "./errors.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addEpilogue } from "./invocation.ts";

/** What is under way at the first signal gets this long; with what the process needs to end it stays within 10 s. */
const stopMs = 9_000;

export function addRun(program: Command, perform: Perform): void {
  const command = program
    .command("run")
    .description("Run the agent until SIGTERM or SIGINT; a second signal ends it at once.")
    .option("--portal <url>", "pull conversions from this portal (default: source.url, else its own portal API)")
    .option("--json", "print where it listens as JSON")
    .action((options: { portal?: string }, self: Command) =>
      perform(self, (invocation) => {
        const config = withPortal(readConfig(invocation), options.portal);
        return runUntilAborted(invocation, config, config.source.url === undefined ? "embedded" : "agent");
      }),
    );
  addEpilogue(command, "sbc-agent run --config /etc/sbc-agent/agent.yaml", startCodes);
}

export function addPortal(program: Command, perform: Perform): void {
  const command = program
    .command("portal")
    .description("Run the portal alone, for agents elsewhere that pull from it; until SIGTERM or SIGINT.")
    .option("--json", "print where it listens as JSON")
    .action((_options: object, self: Command) =>
      perform(self, (invocation) => runUntilAborted(invocation, readConfig(invocation), "portal")),
    );
  addEpilogue(command, "sbc-agent portal --config /etc/sbc-agent/portal.yaml", startCodes);
}

const startCodes = {
  0: "stopped by a signal, in order",
  1: "could not start, or did not stop in time",
} as const;

function withPortal(config: AgentConfig, url: string | undefined): AgentConfig {
  if (url === undefined) return config;
  if (!URL.canParse(url) || new URL(url).protocol !== "https:")
    throw new UsageError(`--portal '${url}': give https://HOST[:PORT]; conversions carry secrets`);
  return { ...config, source: { ...config.source, url } };
}

async function runUntilAborted(invocation: Invocation, config: AgentConfig, role: Role): Promise<ExitCode> {
  const { context, output } = invocation;
  requireRole(config, role, configFile(invocation).file);
  const { format } = config.log;
  const agent = await context.startAgent(config, {
    role,
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
