import { Command, CommanderError } from "commander";
import { addAdopt } from "./adopt.ts";
import { openOutput } from "./output.ts";
import { addAudit } from "./audit.ts";
import { addConfigCheck } from "./config-check.ts";
import type { CommandContext, ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import { addChange } from "./change.ts";
import { addConvert } from "./convert.ts";
import { addDrift } from "./drift.ts";
import { addEnroll } from "./enroll.ts";
import { AgentRefusal, describeError, Interrupted, UsageError } from "./errors.ts";
import { addExplain } from "./explain.ts";
import { addFailures } from "./failures.ts";
import type { Perform } from "./invocation.ts";
import { addOffboard } from "./offboard.ts";
import { addPause, addResume } from "./pause.ts";
import { addPlan } from "./plan.ts";
import { addResync } from "./resync.ts";
import { addPortal, addRun } from "./run.ts";
import { addStatus } from "./status.ts";
import { addTask } from "./task.ts";

interface GlobalOptions {
  config?: string;
  url?: string;
  json?: true;
  debug?: true;
}

/** Runs one command line (without the program's name). Never throws; everything it says went to the context's streams. */
export async function runProgram(argv: readonly string[], context: CommandContext): Promise<ExitCode> {
  const output = openOutput(context);
  let exitCode: ExitCode = exitCodes.done;
  const program = createProgram(context, async (command, work) => {
    const options = command.optsWithGlobals<GlobalOptions>();
    const { config, url } = options;
    exitCode = await work({ context, output, config, url, json: options.json === true });
  });
  try {
    if (context.env["NODE_TLS_REJECT_UNAUTHORIZED"] === "0")
      throw new UsageError("NODE_TLS_REJECT_UNAUTHORIZED=0 would switch certificate checks off; unset it");
    await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has said it already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    const isAbort = context.signal.aborted && error instanceof Error && error.name === "AbortError";
    output.note(describeError(isAbort ? new Interrupted() : error, program.opts<GlobalOptions>().debug === true));
    return exitCodeOf(error);
  }
}

function exitCodeOf(error: unknown): ExitCode {
  const isConfiguration = error instanceof Error && "faults" in error;
  const isMalformed = error instanceof AgentRefusal && error.status === 400;
  return error instanceof UsageError || isConfiguration || isMalformed ? exitCodes.usage : exitCodes.failed;
}

function createProgram(context: CommandContext, perform: Perform): Command {
  const program = new Command("sbc-agent")
    .description("Provisions customer conversions on AudioCodes session border controllers, exactly once.")
    .version(context.version, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .option("--config <file>", "configuration (default: env SBC_AGENT_CONFIG, else ./agent.yaml)")
    .option("--debug", "print stacks with errors")
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError("Add --help for usage.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      getOutHelpWidth: () => 80,
      getErrHelpWidth: () => 80,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText(
      "after",
      [
        "",
        "Example:",
        "  sbc-agent config check && sbc-agent run",
        "",
        "Exit codes:",
        "  0  done",
        "  1  failed",
        "  2  wrong usage or configuration",
        "  3  drift, or changes that are pending",
      ].join("\n"),
    );
  addRun(program, perform);
  addPortal(program, perform);
  addPlan(program, perform);
  addResync(program, perform);
  addDrift(program, perform);
  addPause(program, perform);
  addResume(program, perform);
  addStatus(program, perform);
  addTask(program, perform);
  addExplain(program, perform);
  addFailures(program, perform);
  addAudit(program, perform);
  addConvert(program, perform);
  addChange(program, perform);
  addOffboard(program, perform);
  addAdopt(program, perform);
  addEnroll(program, perform);
  addConfigCheck(program, perform);
  program.helpCommand("help [command]", "print the help of a command");
  return program;
}
