import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import type { AgentConfig } from "../../agent/config.ts";
import { clientOf, type Client, type Door } from "./client.ts";
import { doorOf, environment } from "./rig.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** `sbc-agent run` or `portal` as a process of its own, which a test may kill. */
export interface Daemon {
  door: Door;
  /** Of this daemon alone. */
  client: Client;
  /** What it printed so far. */
  output(): string;
  /** Does not wait for an end. */
  signal(signal: NodeJS.Signals): void;
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

/** The configuration as a file; a checked one is a valid one again. */
export function writeConfig(folder: string, config: AgentConfig): string {
  const file = join(folder, "agent.yaml");
  const run = { ...config.run, conversionDeadline: `${config.run.conversionDeadline}ms` };
  const portal = { ...config.portal, gatewayWait: `${config.portal.gatewayWait}ms` };
  const drift = { ...config.drift, probe: `${config.drift.probe}ms`, maxAge: `${config.drift.maxAge}ms` };
  writeFileSync(file, stringify({ ...config, run, portal, drift }));
  return file;
}

export interface CommandResult {
  code: number | null;
  output: string;
}

/** Runs one command of the CLI to its end. */
export async function runCommand(args: readonly string[]): Promise<CommandResult> {
  const child = spawn(process.execPath, ["--import", "tsx", "agent/cli.ts", ...args], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

/** Resolves when the daemon has announced itself. */
export async function startDaemon(
  file: string,
  config: AgentConfig,
  command: "run" | "portal" = "run",
): Promise<Daemon> {
  const child = spawn(process.execPath, ["--import", "tsx", "agent/cli.ts", command, "--config", file], {
    cwd: root,
    env: { ...process.env, ...environment },
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
    child.once("exit", (code) => reject(new Error(`the daemon ended with code ${String(code)}: ${output}`)));
  });
  const { url } = JSON.parse(readFileSync(join(config.dataDir, "agent.json"), "utf8")) as { url: string };
  const door = doorOf(config, url);
  return {
    door,
    client: clientOf(door),
    output: () => output,
    signal: (signal) => void child.kill(signal),
    async kill(signal) {
      child.kill(signal);
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}
