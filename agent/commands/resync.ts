import type { Command } from "commander";
import type { Output } from "./output.ts";
import { printable, table } from "./output.ts";
import { changeSummary, planDetails, planScript } from "./plan-text.ts";
import type { ResyncDeviceReport, ResyncReport, ResyncRequest } from "../reports.ts";
import { resyncReport } from "../reports.ts";
import { withAgentOrAlone } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addAgentOptions, addEpilogue } from "./invocation.ts";

interface Options {
  device?: string;
  customer?: string;
  dryRun?: true;
  endCalls?: true;
  rerender?: true;
}

export function addResync(program: Command, perform: Perform): void {
  const command = program
    .command("resync")
    .description("Bring devices back to what their linked customers need. Writes only what differs.")
    .option("--device <name>", "only this device")
    .option("--customer <name>", "only this customer: GUID or short name")
    .option("--dry-run", "stop after the plan: write nothing")
    .option("--end-calls", "consent to steps that end active calls")
    .option("--rerender", "render the rows anew from today's blueprints")
    .action((options: Options, self: Command) => perform(self, (invocation) => resync(invocation, options)));
  addAgentOptions(command, "the report");
  addEpilogue(command, "sbc-agent resync --device sbc-ams-1 --dry-run", {
    0: "in sync, or brought back in sync",
    1: "a device failed, was put off, or has conflicts",
    3: "changes are pending (dry run, or a device in observe mode)",
  });
}

async function resync(invocation: Invocation, options: Options): Promise<ExitCode> {
  const request: ResyncRequest = {
    ...(options.device === undefined ? {} : { device: options.device }),
    ...(options.customer === undefined ? {} : { customer: options.customer }),
    dryRun: options.dryRun === true,
    endCalls: options.endCalls === true,
    rerender: options.rerender === true,
  };
  const report = await withAgentOrAlone(invocation, {
    agent: (client) => client.resync(request),
    alone: async (alone) => resyncReport.parse(printable(await alone.operations.resync(request, "command line"))),
  });
  if (invocation.json) invocation.output.json(report);
  else printResync(report, invocation.output);
  return exitCodeOf(report);
}

function exitCodeOf(report: ResyncReport): ExitCode {
  const words = report.devices.map(wordOf);
  if (words.some((word) => word === "failed" || word === "put off" || word === "conflicts")) return exitCodes.failed;
  return words.includes("pending") ? exitCodes.pending : exitCodes.done;
}

function wordOf(device: ResyncDeviceReport): "in sync" | "changed" | "pending" | "conflicts" | "put off" | "failed" {
  switch (device.result) {
    case "failed":
      return "failed";
    case "put-off":
      return "put off";
    case "in-sync":
    case "pending":
    case "changed":
      if (device.conflicts.length > 0) return "conflicts";
      return device.result === "in-sync" ? "in sync" : device.result;
  }
}

function printResync(report: ResyncReport, output: Output): void {
  const { paint } = output;
  if (report.devices.length === 0) {
    output.print("No device was asked: no customer is linked to one.");
    return;
  }
  const colours = {
    "in sync": paint.green,
    changed: paint.green,
    pending: paint.yellow,
    "put off": paint.yellow,
    conflicts: paint.red,
    failed: paint.red,
  };
  const rows = report.devices.map((device) => {
    const word = wordOf(device);
    return [device.device, colours[word](word), String(device.customers), String(device.writes), String(device.saves)];
  });
  const head = ["Device", "Result", "Customers", "Writes", "Saves"];
  output.print(table(head, rows, ["Customers", "Writes", "Saves"]));
  for (const device of report.devices) {
    const lines = detailsOf(device, output);
    if (lines.length > 0) output.print(["", ...lines].join("\n"));
  }
}

function detailsOf(device: ResyncDeviceReport, output: Output): string[] {
  const { paint } = output;
  const details = planDetails(device, paint);
  const reason = device.reason === null ? [] : [`${wordOf(device)}: ${device.reason}`];
  if (details.length === 0 && reason.length === 0) return [];
  const heading = device.changes.length === 0 ? device.device : `${device.device}: ${changeSummary(device.changes)}`;
  // Lines that were sent already are in the audit trail; here they would only be pasted twice.
  const script = device.result === "pending" ? planScript(device, paint) : [];
  return [paint.bold(heading), ...reason, ...details, ...script];
}
