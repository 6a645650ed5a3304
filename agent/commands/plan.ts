import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { Output } from "./output.ts";
import { printable } from "./output.ts";
import { changeSummary, planDetails, planScript } from "./plan-text.ts";
import type { PlanReport } from "../reports.ts";
import { planReport } from "../reports.ts";
import { withAgentOrAlone } from "./connection.ts";
import type { Alone, ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import { UsageError } from "./errors.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addAgentOptions, addEpilogue } from "./invocation.ts";

export function addPlan(program: Command, perform: Perform): void {
  const command = program
    .command("plan")
    .description(
      "Show what a conversion, or a task that waits, would change on its device, line by line. Writes nothing.",
    )
    .argument("[file]", "create-customer body, as for 'convert'")
    .option("--task <id>", "the conversion, change or removal of this task instead of a file")
    .action((file: string | undefined, options: { task?: string }, self: Command) =>
      perform(self, (invocation) => plan(invocation, file, options.task)),
    );
  addAgentOptions(command, "the plan");
  addEpilogue(command, "sbc-agent plan customer.json", {
    0: "nothing to change",
    1: "failed, or conflicts",
    3: "changes are pending",
  });
}

/** The text of a create-customer body. Throws UsageError when the file cannot be read. */
export function readBody(invocation: Invocation, file: string): string {
  try {
    return readFileSync(resolve(invocation.context.cwd, file), "utf8");
  } catch (error) {
    throw new UsageError(`${file} cannot be read`, { cause: error });
  }
}

async function plan(invocation: Invocation, file: string | undefined, task: string | undefined): Promise<ExitCode> {
  if ((file === undefined) === (task === undefined)) throw new UsageError("Give either a FILE or --task ID.");
  const report =
    file === undefined
      ? await planTask(invocation, task ?? "")
      : await planBody(invocation, readBody(invocation, file));
  return reportPlan(invocation, report);
}

/** Shows a plan; the exit code says whether there is something to do. */
export function reportPlan({ output, json }: Invocation, report: PlanReport): ExitCode {
  if (json) output.json(report);
  else printPlan(report, output);
  if (report.conflicts.length > 0) return exitCodes.failed;
  return report.changes.length > 0 ? exitCodes.pending : exitCodes.done;
}

function planTask(invocation: Invocation, taskId: string): Promise<PlanReport> {
  return withAgentOrAlone(invocation, {
    agent: (client) => client.plan({ taskId }),
    alone: (alone) => planAlone(alone, { taskId }),
  });
}

function planBody(invocation: Invocation, body: string): Promise<PlanReport> {
  try {
    JSON.parse(body);
  } catch (error) {
    throw new UsageError("The file is not JSON.", { cause: error });
  }
  return withAgentOrAlone(invocation, {
    agent: (client) => client.plan({ body }),
    alone: (alone) => planAlone(alone, { conversion: readConversion(alone, body) }),
  });
}

function readConversion(alone: Alone, body: string): ReturnType<Alone["toConversion"]> {
  try {
    return alone.toConversion(body);
  } catch (error) {
    throw new UsageError("The file is not a create-customer body.", { cause: error });
  }
}

async function planAlone(alone: Alone, subject: Parameters<Alone["operations"]["plan"]>[0]): Promise<PlanReport> {
  return planReport.parse(printable(await alone.operations.plan(subject)));
}

function printPlan(report: PlanReport, output: Output): void {
  const { paint } = output;
  const summary = report.changes.length === 0 ? "nothing to change" : changeSummary(report.changes);
  const details = planDetails(report, paint);
  output.print(
    [
      `${paint.bold(report.device)}: ${summary}`,
      ...(details.length === 0 ? [] : ["", ...details]),
      ...planScript(report, paint),
    ].join("\n"),
  );
}
