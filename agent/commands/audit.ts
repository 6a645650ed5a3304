import type { Command } from "commander";
import type { AuditReport } from "../reports.ts";
import { storeFile } from "../seal-key.ts";
import type { TrailVerdict } from "../store/audit-chain.ts";
import { readConfig, withAgent } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import { UsageError } from "./errors.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addAgentOptions, addEpilogue } from "./invocation.ts";
import type { Output } from "./output.ts";
import { count, table } from "./output.ts";

export function addAudit(program: Command, perform: Perform): void {
  const audit = program.command("audit").description("Look at the record of who did what, and prove it.");
  const verify = audit
    .command("verify")
    .description("Prove that no entry was changed, taken out, moved or put in. Reads the store's file alone.")
    .option("--expect <seq:hash>", "also that it still holds this head, noted from an earlier 'audit verify'")
    .option("--json", "print the verdict as JSON")
    .action((options: { expect?: string }, self: Command) =>
      perform(self, (invocation) => verifyTrail(invocation, options.expect)),
    );
  addEpilogue(verify, "sbc-agent audit verify --config /etc/sbc-agent/agent.yaml", {
    0: "every entry is as it was written",
    1: "an entry is not, or the file or the seal key cannot be read",
  });
  const show = audit
    .command("show")
    .description("Show the newest entries.")
    .option("--device <name>", "only what was done on this device")
    .option("--task <id>", "only what was done for this task")
    .option("--limit <n>", "entries at most (default: 20)")
    .action((options: ShowOptions, self: Command) => perform(self, (invocation) => showTrail(invocation, options)));
  addAgentOptions(show, "the entries, with all that they say,");
  addEpilogue(show, "sbc-agent audit show --device sbc-ams-1 --limit 50");
  addEpilogue(audit, "sbc-agent audit verify");
}

async function verifyTrail(invocation: Invocation, expect: string | undefined): Promise<ExitCode> {
  const { context, output } = invocation;
  const expected = expect === undefined ? undefined : parseHead(expect);
  const config = readConfig(invocation);
  const verdict = await context.verifyAudit(config, context.env, expected);
  if (invocation.json) output.json(verdictReport(verdict));
  else printVerdict(storeFile(config.dataDir), verdict, output);
  return verdict.fault === null ? exitCodes.done : exitCodes.failed;
}

function parseHead(text: string): { seq: number; hash: string } {
  const [, seq = "", hash = ""] = /^([1-9][0-9]{0,14}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (hash === "") throw new UsageError("--expect: give SEQ:HASH, as 'audit verify' prints it behind Head");
  return { seq: Number(seq), hash };
}

const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());
const headText = ({ head }: TrailVerdict): string | null => (head === null ? null : `${head.seq}:${head.hash}`);

function verdictReport(verdict: TrailVerdict): object {
  const { entries, covered, coveredAt, firstAt, lastAt, fault } = verdict;
  return {
    sound: fault === null,
    entries,
    firstAt: iso(firstAt),
    lastAt: iso(lastAt),
    head: headText(verdict),
    covered,
    coveredAt: iso(coveredAt),
    fault,
  };
}

function printVerdict(file: string, verdict: TrailVerdict, output: Output): void {
  const { paint } = output;
  const { entries, covered, coveredAt, firstAt, lastAt, fault } = verdict;
  const head = headText(verdict);
  const rows = [
    ["Entries", String(entries)],
    ...(covered === 0
      ? []
      : [["Covered", `the first ${covered} by the entry of ${iso(coveredAt) ?? ""}, unproven before it`]]),
    ["First", iso(firstAt) ?? "-"],
    ["Last", iso(lastAt) ?? "-"],
    ["Head", head ?? "-"],
  ];
  const width = 9;
  const lines = rows.map(([name = "", value = ""]) => `  ${name.padEnd(width)}${value}`);
  if (fault !== null) {
    output.print(
      [
        `The audit trail of ${file} is ${paint.red("broken")}.`,
        `  Entry ${fault.seq}: ${fault.kind}: ${fault.message}.`,
        entries === 0
          ? "No entry before it is sound."
          : fault.kind === "unlisted"
            ? "Sound are all entries:"
            : "Sound before it:",
        ...(entries === 0 ? [] : lines),
      ].join("\n"),
    );
    return;
  }
  output.print([`The audit trail of ${file} is ${paint.green("sound")}.`, ...lines].join("\n"));
  if (head !== null)
    output.print(
      [
        "Note the head elsewhere; whether the end was cut off since is then told by:",
        `  sbc-agent audit verify --expect ${head}`,
      ].join("\n"),
    );
}

interface ShowOptions {
  device?: string;
  task?: string;
  limit?: string;
}

async function showTrail(invocation: Invocation, { device, task, limit = "20" }: ShowOptions): Promise<ExitCode> {
  const { output } = invocation;
  if (!/^[1-9][0-9]{0,3}$/.test(limit)) throw new UsageError("--limit: give a number from 1 to 9999");
  const entries = await withAgent(invocation, (client) =>
    client.audit({
      limit,
      ...(device === undefined ? {} : { device }),
      ...(task === undefined ? {} : { taskId: task }),
    }),
  );
  if (invocation.json) output.json(entries);
  else printEntries(entries, output);
  return exitCodes.done;
}

function printEntries(entries: AuditReport, output: Output): void {
  if (entries.length === 0) {
    output.print("No entry.");
    return;
  }
  const rows = entries.map(({ at, event, device, who, taskId, data }) => [
    at.replace(/\.\d+Z$/, "Z"),
    event,
    device ?? "-",
    who,
    taskId ?? tasksIn(data) ?? "-",
  ]);
  output.print(table(["Time", "Event", "Device", "Who", "Task"], rows));
}

/** An entry that concerns several tasks lists them. */
function tasksIn({ taskIds }: Readonly<Record<string, unknown>>): string | undefined {
  if (!Array.isArray(taskIds) || taskIds.length === 0) return undefined;
  return taskIds.length === 1 ? String(taskIds[0]) : count(taskIds.length, "task");
}
