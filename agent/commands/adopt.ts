import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { AdoptReport, AdoptRequest } from "../reports.ts";
import { adoptReport } from "../reports.ts";
import { withAgentOrAlone } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import { UsageError } from "./errors.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addAgentOptions, addEpilogue } from "./invocation.ts";
import { parseMapping, type Mapping } from "./mapping-file.ts";
import type { Output } from "./output.ts";
import { count, printable, table } from "./output.ts";

interface Options {
  device: string;
  mapping?: string;
  dryRun?: true;
}

export function addAdopt(program: Command, perform: Perform): void {
  const command = program
    .command("adopt")
    .description(
      "Link the customers that stand on a device already. Reads the device and writes nothing to it. Whose an IP Group is, its tag Trunk=TENANT says, or a mapping file; a tenant must have an active lead.",
    )
    .requiredOption("--device <name>", "its name in the configuration")
    .option(
      "--mapping <file>",
      "list of ipGroup, tenantId, and perhaps gateway, fullName: YAML, or CSV with a head line",
    )
    .option("--dry-run", "link nothing: show what would be linked")
    .action((options: Options, self: Command) => perform(self, (invocation) => adopt(invocation, options)));
  addAgentOptions(command, "the report");
  addEpilogue(command, "sbc-agent adopt --device sbc-ams-1 --dry-run", {
    0: "done, also where there was nothing to link",
    1: "the device could not be read, or the links not be stored",
    3: "a dry run found customers to link",
  });
}

async function adopt(invocation: Invocation, options: Options): Promise<ExitCode> {
  const request: AdoptRequest = {
    device: options.device,
    mapping: options.mapping === undefined ? [] : readMapping(invocation, options.mapping),
    dryRun: options.dryRun === true,
  };
  const report = await withAgentOrAlone(invocation, {
    agent: (client) => client.adopt(request),
    alone: async (alone) => adoptReport.parse(printable(await alone.operations.adopt(request, "command line"))),
  });
  if (invocation.json) invocation.output.json(report);
  else printAdoption(report, invocation.output);
  if (report.result !== "done") return exitCodes.failed;
  return report.dryRun && report.adopted.length > 0 ? exitCodes.pending : exitCodes.done;
}

function readMapping({ context }: Invocation, file: string): Mapping {
  let text: string;
  try {
    text = readFileSync(resolve(context.cwd, file), "utf8");
  } catch (error) {
    throw new UsageError(`${file} cannot be read`, { cause: error });
  }
  try {
    return parseMapping(text, file);
  } catch (error) {
    throw new UsageError(`${file} is no mapping:\n${error instanceof Error ? error.message : String(error)}`);
  }
}

function printAdoption(report: AdoptReport, output: Output): void {
  const { paint } = output;
  const { device, adopted, skipped, linked, unnamed, dryRun } = report;
  if (report.result !== "done") {
    const word = report.result === "failed" ? paint.red("failed") : paint.yellow("put off");
    output.print(`${paint.bold(device)}: ${word}: ${report.reason ?? "no reason given"}`);
    return;
  }
  output.print(`${paint.bold(device)}: ${count(adopted.length, "customer")} ${dryRun ? "to link" : "linked"}`);
  if (adopted.length > 0) {
    const rows = adopted.map((one) => [one.shortName, one.tenantId, one.ipGroups.join(", "), one.gateway]);
    output.print(`\n${table(["Customer", "Tenant", "IP Groups", "Gateway"], rows)}`);
  }
  if (skipped.length > 0)
    output.print(
      [
        "",
        paint.yellow("Skipped"),
        ...skipped.map(({ ipGroup, tenantId, reason }) => {
          const whose = tenantId === null || tenantId === "" || reason.includes(tenantId) ? "" : ` (${tenantId})`;
          return `  ${ipGroup}${whose}: ${reason}`;
        }),
      ].join("\n"),
    );
  const rest = [
    ...(linked === 0 ? [] : [`${count(linked, "IP Group")} of customers that were linked before.`]),
    ...(unnamed === 0 ? [] : [`${count(unnamed, "IP Group")} left alone: no tag and no mapping says whose.`]),
    ...untagged(report),
  ];
  if (rest.length > 0) output.print(["", ...rest].join("\n"));
}

function untagged({ device, adopted, dryRun }: AdoptReport): string[] {
  const bare = adopted.filter(({ tagged }) => !tagged).length;
  if (bare === 0) return [];
  const says = dryRun ? "would be linked" : "linked";
  return [
    `${count(bare, "customer")} ${says} by the mapping alone, without a tag on the device. This writes the tag, in place of`,
    "other tags in the field, and all else that the blueprint sets; look at what it would write first:",
    `  sbc-agent resync --device ${device} --rerender --dry-run`,
  ];
}
