import type { Command } from "commander";
import type { Output, Paint } from "./output.ts";
import { count, duration, printable, table } from "./output.ts";
import type { DriftDeviceReport, DriftReport } from "../reports.ts";
import { driftReport } from "../reports.ts";
import { withAgentOrAlone } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addAgentOptions, addEpilogue } from "./invocation.ts";

interface Options {
  device?: string;
  check?: true;
}

type Row = DriftDeviceReport["rows"][number];
type Finding = Row["findings"][number];

export function addDrift(program: Command, perform: Perform): void {
  const command = program
    .command("drift")
    .description("Show how devices differ from what their customers need, and how old that evidence is.")
    .option("--device <name>", "only this device")
    .option("--check", "compare now; restores only what the policy says")
    .action((options: Options, self: Command) => perform(self, (invocation) => drift(invocation, options)));
  addAgentOptions(command, "the report");
  addEpilogue(command, "sbc-agent drift --device sbc-ams-1 --check", {
    0: "in sync",
    1: "a device could not be checked",
    3: "a device has drifted, or it is not known whether it has",
  });
}

async function drift(invocation: Invocation, { device, check }: Options): Promise<ExitCode> {
  const report = await withAgentOrAlone(invocation, {
    agent: (client) => (check === true ? client.checkDrift(device) : client.drift(device)),
    alone: async ({ operations }) =>
      driftReport.parse(
        printable(
          await (check === true ? operations.checkDrift({ device }, "command line") : operations.drift({ device })),
        ),
      ),
  });
  if (invocation.json) invocation.output.json(report);
  else printDrift(report, invocation.output);
  if (report.devices.some(({ trouble }) => trouble !== null)) return exitCodes.failed;
  return report.devices.every(({ state }) => state === "in-sync") ? exitCodes.done : exitCodes.pending;
}

const words = { "in-sync": "in sync", drifted: "drifted", unknown: "unknown" } as const;

function printDrift({ devices }: DriftReport, output: Output): void {
  const { paint } = output;
  const rows = devices.map((device) => {
    const colour = device.state === "in-sync" ? paint.green : paint.yellow;
    return [
      device.device,
      colour(words[device.state]),
      device.ageSeconds === null ? "never" : `${duration(device.ageSeconds)} ago`,
      String(device.customers),
      String(device.drifted),
      String(device.kept),
    ];
  });
  const head = ["Device", "State", "Checked", "Customers", "Drifted", "Kept"];
  output.print(table(head, rows, ["Customers", "Drifted", "Kept"]));
  for (const device of devices) {
    const lines = detailsOf(device, paint);
    if (lines.length > 0) output.print(["", ...lines].join("\n"));
  }
}

function detailsOf(device: DriftDeviceReport, paint: Paint): string[] {
  const { restore, rows, unlisted, trouble, due, afterRestart, updatedAt } = device;
  const lines = [
    ...(trouble === null ? [] : [`not checked: ${trouble}`]),
    ...(due ? ["a check is due: the device started anew, or what was to be restored was put off"] : []),
    ...(updatedAt === null
      ? []
      : [`since the check, runs brought single customers up to date, the last at ${updatedAt}`]),
    ...(afterRestart ? ["checked because the device had started anew, or is another unit"] : []),
    ...(restore === null
      ? []
      : [
          `restore: ${restore.result}, ${count(restore.rows, "row")}${restore.reason === null ? "" : ` (${restore.reason})`}`,
        ]),
    ...[...groupRows(rows)].flatMap(([customers, members]) => [
      `  ${customers}`,
      ...members.flatMap((row) => [
        `    ${paint.yellow(row.row)}`,
        ...row.findings.map((one) => findingLine(one, paint)),
      ]),
    ]),
    ...(unlisted === 0 ? [] : [`  and ${count(unlisted, "row")} more`]),
  ];
  return lines.length === 0 ? [] : [paint.bold(device.device), ...lines];
}

/** Rows of the same customers stand together. */
function groupRows(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const shown = row.customers.slice(0, 3).join(", ");
    const more = row.customers.length - 3;
    const key = more > 0 ? `${shown} and ${count(more, "customer")} more` : shown;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return groups;
}

function findingLine({ kind, field, wanted, found, policy }: Finding, paint: Paint): string {
  const text = (value: string | null): string => (value === null ? "(absent)" : value === "" ? "(empty)" : value);
  const mark = policy === "restore" ? "  (to be restored)" : "";
  const what = {
    field: `${field ?? ""}: ${paint.red(text(found))}, wanted ${paint.green(text(wanted))}`,
    "row-missing": paint.red("is missing"),
    "row-inactive": paint.red("is not active"),
    "row-twice": paint.red("stands more than once"),
    "foreign-tag": `belongs to tenant ${paint.red(text(found))}, wanted ${paint.green(text(wanted))}`,
    "address-missing": `address ${paint.green(text(wanted))} is missing`,
    "address-foreign": `address ${paint.red(text(found))} is not the carrier's`,
  }[kind];
  return `      ${what}${mark}`;
}
