import type { Command } from "commander";
import type { ConfigFinding } from "./config-finding.ts";
import { checkConfiguration } from "./config-finding.ts";
import type { Output } from "./output.ts";
import { count, table } from "./output.ts";
import { configFile } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addEpilogue } from "./invocation.ts";

export function addConfigCheck(program: Command, perform: Perform): void {
  const config = program.command("config").description("Look at the configuration.");
  const command = config
    .command("check")
    .description("Name every fault of the configuration, with its path, and what is missing around it.")
    .option("--json", "print the findings as JSON")
    .action((_options: object, self: Command) => perform(self, check));
  addEpilogue(command, "sbc-agent config check --config /etc/sbc-agent/agent.yaml", {
    0: "usable; there may be warnings",
    2: "faults were found",
  });
  addEpilogue(config, "sbc-agent config check");
}

async function check(invocation: Invocation): Promise<ExitCode> {
  const { context, output } = invocation;
  const finding = await checkConfiguration(configFile(invocation).file, context);
  if (invocation.json) output.json(finding);
  else printFinding(finding, output);
  return finding.faults.length > 0 ? exitCodes.usage : exitCodes.done;
}

function printFinding(finding: ConfigFinding, output: Output): void {
  const { paint } = output;
  if (finding.devices.length > 0) {
    const rows = finding.devices.flatMap((device) =>
      device.gateways.map((gateway, i) =>
        i === 0 ? [device.name, device.address, device.mode, device.trust, gateway] : ["", "", "", "", gateway],
      ),
    );
    output.print(`${table(["Device", "Address", "Mode", "Trust", "Gateways"], rows)}\n`);
  }
  if (finding.secrets.length > 0) {
    const rows = finding.secrets.map(({ path, reference, state }) => [path, reference, state]);
    output.print(`${table(["Secret", "Reference", "State"], rows)}\n`);
  }
  if (finding.warnings.length > 0)
    output.print([paint.yellow("Warnings"), ...finding.warnings.map((line) => `  ${line}`), ""].join("\n"));
  if (finding.faults.length > 0)
    output.note(
      [
        `${finding.file} has ${count(finding.faults.length, "fault")}:`,
        ...finding.faults.map((line) => `  ${line}`),
      ].join("\n"),
    );
  else output.print(`${finding.file}: ${paint.green("usable")}, ${count(finding.devices.length, "device")}`);
}
