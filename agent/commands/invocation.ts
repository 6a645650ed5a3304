import type { Command } from "commander";
import type { Output } from "./output.ts";
import type { CommandContext, ExitCode } from "./context.ts";

/** One call of a command. */
export interface Invocation {
  context: CommandContext;
  output: Output;
  /** `--config` as it was given. */
  config: string | undefined;
  /** `--url` as it was given. */
  url: string | undefined;
  json: boolean;
}

/** Runs a command's work and keeps its exit code. */
export type Perform = (command: Command, work: (invocation: Invocation) => Promise<ExitCode>) => Promise<void>;

const meanings = {
  0: "done",
  1: "failed",
  2: "wrong usage or configuration",
  3: "drift, or changes that are pending",
} as const;

/** Adds the example and the exit codes to a command's help; `special` says what a code means for this command. */
export function addEpilogue(
  command: Command,
  example: string,
  special: Partial<Record<ExitCode, string>> = {},
): Command {
  const shown = ([0, 1, 2, 3] as const).filter((code) => code !== 3 || special[code] !== undefined);
  return command.addHelpText(
    "after",
    [
      "",
      "Example:",
      `  ${example}`,
      "",
      "Exit codes:",
      ...shown.map((code) => `  ${code}  ${special[code] ?? meanings[code]}`),
    ].join("\n"),
  );
}

/** `--json` and `--url`, for commands that ask the agent. */
export function addAgentOptions(command: Command, jsonIs: string): Command {
  return command
    .option("--url <url>", "where the agent listens (default: as DATADIR/agent.json says); token: SBC_AGENT_TOKEN")
    .option("--json", `print ${jsonIs} as JSON`);
}
