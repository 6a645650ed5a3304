import type { Command } from "commander";
import type { Output, Paint } from "./output.ts";
import { ago, duration, table } from "./output.ts";
import type { AnnouncedReport, DeviceReport, HealthReport } from "../reports.ts";
import { withAgent } from "./connection.ts";
import type { ExitCode } from "./context.ts";
import { exitCodes } from "./context.ts";
import type { Invocation, Perform } from "./invocation.ts";
import { addAgentOptions, addEpilogue } from "./invocation.ts";

export function addStatus(program: Command, perform: Perform): void {
  const command = program
    .command("status")
    .description("Show how the agent and its devices are.")
    .action((_options: object, self: Command) => perform(self, status));
  addAgentOptions(command, "the health report");
  addEpilogue(command, "sbc-agent status", { 0: "the agent answered, whatever state its devices are in" });
}

async function status(invocation: Invocation): Promise<ExitCode> {
  const { context, output } = invocation;
  const health = await withAgent(invocation, (client) => client.health());
  if (invocation.json) output.json(health);
  else printHealth(health, output, context.now());
  return exitCodes.done;
}

const announcedHead = ["Device", "Agent", "Version", "Heard", "Mode", "Queue", "Oldest", "Linked"] as const;
const head = ["Device", "Mode", "State", "Breaker", "Queue", "Oldest", "Linked", "Drift", "Success", "Error"] as const;

function printHealth(health: HealthReport, output: Output, now: number): void {
  const { paint } = output;
  const word = health.status === "ok" ? paint.green(health.status) : paint.yellow(health.status);
  const since = ago(health.startedAt, now);
  output.print(`sbc-agent ${health.version}: ${word}, started ${since}\n`);
  if (health.portal !== null)
    output.print(`pulls from ${health.portal.url}, reached ${ago(health.portal.reachedAt, now)}\n`);
  const rows = health.devices.map((device) => deviceRow(device, paint, now));
  if (rows.length > 0) output.print(table(head, rows, ["Queue", "Oldest", "Linked", "Drift"]));
  const announced = health.announced.map((device) => announcedRow(device, paint, now));
  if (announced.length > 0) output.print(table(announcedHead, announced, ["Queue", "Oldest", "Linked"]));
  if (rows.length + announced.length === 0) output.print("No agent has announced a device yet.");
  if (health.amendments.length > 0) output.print(`\n${amendmentTable(health.amendments, paint, now)}`);
  const remarks = [
    ...health.remarks,
    ...health.devices.flatMap((device) => [...timesOf(device, now), ...takenBy(device)]),
  ];
  if (remarks.length > 0)
    output.print(["", paint.bold("Remarks"), ...remarks.map((remark) => `  ${remark}`)].join("\n"));
}

/** Customers that are being changed or removed, and what is owed of those that were given up. */
function amendmentTable(amendments: HealthReport["amendments"], paint: Paint, now: number): string {
  const words = { change: "being changed", removal: "being removed" } as const;
  const rows = amendments.map(({ shortName, device, kind, state, taskId, acceptedAt }) => [
    shortName,
    device,
    state === "owed" ? paint.yellow("rows owed") : words[kind],
    taskId,
    ago(acceptedAt, now),
  ]);
  return table(["Customer", "Device", "State", "Task", "Since"], rows);
}

function announcedRow(report: AnnouncedReport, paint: Paint, now: number): string[] {
  return [
    report.device,
    report.agent,
    report.version,
    ago(report.heardAt, now),
    report.standing ? paint.yellow("stands") : "manage",
    String(report.queue),
    report.queue === 0 ? "-" : duration(report.oldestPendingSeconds),
    String(report.linked),
  ];
}

/** Success and Error are how long ago; what the error was stands in the remarks. */
function deviceRow(device: DeviceReport, paint: Paint, now: number): string[] {
  const { drifted, stale } = device.drift ?? {};
  const known = drifted === undefined ? "-" : drifted > 0 ? paint.yellow(String(drifted)) : "0";
  const drift = stale === true ? paint.yellow("?") : known;
  return [
    device.device,
    device.mode === "manage" ? device.mode : paint.yellow(device.mode),
    device.state === "waiting" ? paint.yellow(device.state) : device.state,
    device.breaker === "closed" ? device.breaker : paint.red(device.breaker),
    String(device.queue),
    device.queue === 0 ? "-" : duration(device.oldestPendingSeconds),
    String(device.linked),
    drift,
    ago(device.lastSuccessAt, now),
    ago(device.lastError?.at ?? null, now),
  ];
}

/** What the remarks of the agent leave to the reader's clock: when it failed last, and when it is tried again. */
function timesOf(device: DeviceReport, now: number): string[] {
  const { lastError, nextTryAt } = device;
  const times = [
    ...(lastError === null ? [] : [`last error (${lastError.code}) ${ago(lastError.at, now)}`]),
    ...(nextTryAt === null ? [] : [`next try in ${duration((Date.parse(nextTryAt) - now) / 1_000)}`]),
  ];
  return times.length === 0 ? [] : [`${device.device}: ${times.join(", ")}`];
}

function takenBy({ device, taken }: DeviceReport): string[] {
  return taken === null ? [] : [`${device}: reached over ${taken.driver} (${taken.reason})`];
}
