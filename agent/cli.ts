#!/usr/bin/env -S node --max-semi-space-size=2 --heap-growing-percent=30
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { setTimeout as wait } from "node:timers/promises";
import type { CommandContext } from "./commands/context.ts";
import { runProgram } from "./commands/program.ts";
import { readVersion } from "./version.ts";

/** What a stop may leave behind (sockets, timers) keeps the process no longer than this. */
const lingerMs = 1_000;

async function confirm(question: string, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  try {
    // The end of input (Ctrl-D) is no answer, and no is what stands for it.
    const silence = once(lines, "close").then(() => "");
    const answer = await Promise.race([lines.question(question, { signal }), silence]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

/** The first signal asks for an end, the second one forces it. */
function listenToSignals(): AbortSignal {
  const asked = new AbortController();
  const onSignal = (): void => {
    if (asked.signal.aborted) process.exit(1);
    asked.abort();
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return asked.signal;
}

function openContext(): CommandContext {
  // A reader that went away (`| head`) is no fault of ours.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
  return {
    env: process.env,
    cwd: process.cwd(),
    version: readVersion(),
    stdout: { write: (text) => void process.stdout.write(text), isTTY: process.stdout.isTTY },
    stderr: { write: (text) => void process.stderr.write(text), isTTY: process.stderr.isTTY },
    signal: listenToSignals(),
    now: () => Date.now(),
    wait: (ms, signal) => wait(ms, undefined, { signal }),
    confirm: process.stdin.isTTY && process.stderr.isTTY ? confirm : undefined,
    startAgent: async (config, options) => (await import("./main.ts")).startAgent(config, options),
    openAlone: async (config, env) => (await import("./main.ts")).openAlone(config, env),
    verifyAudit: async (...subject) => (await import("./audit-check.ts")).checkAudit(...subject),
    loadBlueprints: async (folder) => (await import("./provisioning/blueprint.ts")).loadBlueprints(folder),
  };
}

async function main(): Promise<void> {
  const exitCode = await runProgram(process.argv.slice(2), openContext());
  process.exitCode = exitCode;
  setTimeout(() => process.exit(exitCode), lingerMs).unref();
}

await main();
