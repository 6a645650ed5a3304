import type { Command } from "commander";
import type { FailuresReport } from "../reports.ts";
import { withAgent } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addAgentOptions, addEpilogue } from "./invocation.ts";
import type { Output } from "./output.ts";
import { ago, count } from "./output.ts";

export function addFailures(program: Command, perform: Perform): void {
  const command = program
    .command("failures")
    .description("Show what failed lately, those of equal cause together.")
    .option("--since <age>", "how far back, with its unit: 90m, 12h, 7d", "7d")
    .action((options: { since: string }, self: Command) =>
      perform(self, (invocation) => failures(invocation, options.since)),
    );
  addAgentOptions(command, "the report");
  addEpilogue(command, "sbc-agent failures --since 24h", { 0: "the agent answered, whatever failed" });
}

async function failures(invocation: Invocation, since: string): Promise<ExitCode> {
  const { context, output } = invocation;
  const report = await withAgent(invocation, (client) => client.failures(since));
  if (invocation.json) output.json(report);
  else printFailures(report, since, output, context.now());
  return exitCodes.done;
}

function printFailures(report: FailuresReport, since: string, output: Output, now: number): void {
  const { paint } = output;
  const { failed, complete, groups } = report;
  if (failed === 0) {
    output.print(`No task failed in the last ${since}.`);
    return;
  }
  const tasks = complete ? count(failed, "task") : `More than ${count(failed, "task")}`;
  output.print(`${tasks} failed in the last ${since}, of ${count(groups.length, "cause")}.`);
  for (const { example, count: times, firstAt, lastAt, devices, tasks: examples } of groups) {
    const when = times === 1 ? ago(lastAt, now) : `first ${ago(firstAt, now)}, last ${ago(lastAt, now)}`;
    const where = devices.length === 0 ? [] : [`on ${list(devices)}`];
    output.print(
      [
        "",
        `${paint.bold(`${times} x`)} ${example.replaceAll("\n", "\n    ")}`,
        `    ${[when, ...where].join(", ")}`,
        `    for example: sbc-agent task ${examples[0] ?? ""}`,
      ].join("\n"),
    );
  }
}

const mostDevices = 5;

function list(devices: readonly string[]): string {
  const more = devices.length - mostDevices;
  return [...devices.slice(0, mostDevices), ...(more > 0 ? [`${more} more`] : [])].join(", ");
}
