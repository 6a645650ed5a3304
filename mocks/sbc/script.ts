import { setTimeout as sleep } from "node:timers/promises";
import { createCli } from "./cli.ts";
import type { Configuration } from "./configuration.ts";
import type { Device } from "./device.ts";
import { createDevice } from "./device.ts";
import type { Occasion } from "./faults.ts";
import { createFaults } from "./faults.ts";
import type { ReceivedLine } from "./recorder.ts";
import { createRecorder } from "./recorder.ts";

/** A line that the device refused, with what it said. */
export interface RefusedLine {
  readonly number: number;
  readonly line: string;
  readonly text: string;
}

/** What became of a script. */
export interface ScriptResult {
  readonly refused: readonly RefusedLine[];
  /** All that the lines printed, CRLF between them. */
  readonly output: string;
  /** A fault ended the script after so many lines. */
  readonly brokenOff: boolean;
}

export interface ScriptOptions {
  readonly source: ReceivedLine["source"];
  readonly occasion?: Occasion;
  /** Run only so many lines, as if the device had stopped there. */
  readonly lines?: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs the lines of a script on the device, as the setting `onRefusedLine` says. Without the fault `slow-lines` and
 * without a slow flash everything happens before the call returns, so that nobody else can get in between.
 */
export async function runScript(device: Device, text: string, options: ScriptOptions): Promise<ScriptResult> {
  const policy = device.settings.onRefusedLine;
  if (policy === "reject-all") {
    const { result: trial } = await rehearseScript(device, device.running, text, options);
    if (trial.refused.length > 0) {
      for (const { line, text: output } of trial.refused) {
        device.recorder.line({ source: options.source, line, result: "refused", output });
      }
      return trial;
    }
  }
  device.beginWrite();
  return runLines(device, text, options);
}

/**
 * Runs a script over a copy of the given configuration, going on after refused lines, and hands the copy back. The
 * device stays as it is.
 */
export async function rehearseScript(
  device: Device,
  configuration: Configuration,
  text: string,
  options: ScriptOptions,
): Promise<{ result: ScriptResult; configuration: Configuration }> {
  const faults = createFaults();
  faults.add([...device.faults.peek("reject-line"), ...device.faults.peek("normalise")]);
  const copy = createDevice({
    identity: device.identity,
    settings: { ...device.settings, onRefusedLine: "continue" },
    faults,
    recorder: createRecorder(),
    configuration,
    saveMs: 0,
    bootMs: 0,
  });
  const result = await runLines(copy, text, options);
  return { result, configuration: copy.running };
}

async function runLines(device: Device, text: string, options: ScriptOptions): Promise<ScriptResult> {
  const cli = createCli(device, { notes: device.settings.scriptNotes, occasion: options.occasion });
  const refused: RefusedLine[] = [];
  const output: string[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  let run = 0;
  let brokenOff = false;
  for (const [position, line] of lines.entries()) {
    if (line.trim() === "" || line.trim().startsWith("#")) continue;
    if (options.lines !== undefined && run >= options.lines) {
      brokenOff = true;
      break;
    }
    const slow = device.faults.take("slow-lines", options.occasion);
    if (slow !== undefined)
      await sleep(slow.ms, undefined, options.signal === undefined ? {} : { signal: options.signal });
    const answer = cli.execute(line);
    run += 1;
    if (answer.until !== undefined) await answer.until;
    const printed = answer.output.join("\r\n");
    device.recorder.line({
      source: options.source,
      line: line.trim(),
      result: answer.refused ? "refused" : "ok",
      output: printed,
    });
    output.push(...answer.output);
    if (!answer.refused) continue;
    refused.push({ number: position + 1, line: line.trim(), text: printed });
    if (device.settings.onRefusedLine === "stop") break;
  }
  cli.end();
  return { refused, output: output.join("\r\n"), brokenOff };
}
