import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import type { AgentConfig } from "../../agent/settings/config.ts";
import { clientOf, type Client, type Door } from "./client.ts";
import { doorOf, environment } from "./rig.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** `sbc-agent run` or `portal` as a process of its own, which a test may kill. */
export interface Daemon {
  door: Door;
  pid: number;
  isRunning(): boolean;
  /** Of this daemon alone. */
  client: Client;
  /** What it printed so far. */
  output(): string;
  /** Does not wait for an end. */
  signal(signal: NodeJS.Signals): void;
  kill(signal: NodeJS.Signals): Promise<number | null>;
  /** Whether a signal has suspended it. */
  isStopped(): boolean;
  /** Settles at its end: the signal that ended it, null when it ended by itself. */
  ended: Promise<NodeJS.Signals | null>;
}

/** The configuration as a file; a checked one is a valid one again. */
export function writeConfig(folder: string, config: AgentConfig): string {
  const file = join(folder, "agent.yaml");
  const run = { ...config.run, conversionDeadline: `${config.run.conversionDeadline}ms` };
  const portal = { ...config.portal, gatewayWait: `${config.portal.gatewayWait}ms` };
  const drift = { ...config.drift, probe: `${config.drift.probe}ms`, maxAge: `${config.drift.maxAge}ms` };
  const { bearer, password, ...ovoc } = config.ovoc ?? {};
  const secret = bearer === true ? { token: password } : { password };
  const site = config.ovoc === undefined ? {} : { ovoc: { ...ovoc, ...secret } };
  writeFileSync(file, stringify({ ...config, run, portal, drift, ...site }));
  return file;
}

export interface CommandResult {
  code: number | null;
  output: string;
}

/** Runs one command of the CLI to its end. Without colours, which it has wherever `CI` is set. */
export async function runCommand(args: readonly string[]): Promise<CommandResult> {
  const child = spawn(process.execPath, [...sources, ...args], {
    cwd: root,
    env: { ...process.env, ...environment, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

export interface DaemonOptions {
  /** Of its environment. */
  variables?: Readonly<Record<string, string>>;
  /** Of node's own, before the program. */
  nodeArgs?: readonly string[];
  /** What node is given before the command. Default: the sources, through tsx. */
  program?: readonly string[];
  /** A command that becomes node once it has done its own; its process id is the daemon's. */
  within?: readonly string[];
}

const sources = ["--import", "tsx", "agent/cli.ts"] as const;

/** Resolves when the daemon has announced itself. Throws when it ended before, with what it said. */
export async function startDaemon(
  file: string,
  config: AgentConfig,
  command: "run" | "portal" = "run",
  { variables = {}, nodeArgs = [], program = sources, within = [] }: DaemonOptions = {},
): Promise<Daemon> {
  const [executable = process.execPath, ...args] = [...within, process.execPath, ...nodeArgs, ...program];
  const child = spawn(executable, [...args, command, "--config", file], {
    cwd: root,
    env: { ...process.env, ...environment, ...variables },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  let output = "";
  await new Promise<void>((resolve, reject) => {
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("listens on")) resolve();
    });
    child.once("exit", (code, signal) =>
      reject(new Error(`the daemon ended with ${signal ?? `code ${String(code)}`}: ${output}`)),
    );
  });
  const { url } = JSON.parse(readFileSync(join(config.dataDir, "agent.json"), "utf8")) as { url: string };
  const door = doorOf(config, url);
  return {
    door,
    pid: child.pid ?? 0,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    client: clientOf(door),
    output: () => output,
    signal: (signal) => void child.kill(signal),
    async kill(signal) {
      child.kill(signal);
      const [code] = (await exited) as [number | null];
      return code;
    },
    // Behind the command's name, which may hold anything: the state (see proc(5)).
    isStopped: () =>
      readFileSync(`/proc/${String(child.pid)}/stat`, "utf8")
        .split(") ")
        .at(-1)
        ?.startsWith("T") === true,
    ended: exited.then(([, signal]: unknown[]) => signal as NodeJS.Signals | null),
  };
}
