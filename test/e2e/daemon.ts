import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import type { AgentConfig } from "../../agent/config.ts";
import { clientOf, environment, type Client } from "./rig.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** `sbc-agent run` as a process of its own, which a test may kill. */
export interface Daemon {
  client: Client;
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

/** The configuration as a file; a checked one is a valid one again. */
export function writeConfig(folder: string, config: AgentConfig): string {
  const file = join(folder, "agent.yaml");
  const run = { ...config.run, conversionDeadline: `${config.run.conversionDeadline}ms` };
  const portal = { ...config.portal, gatewayWait: `${config.portal.gatewayWait}ms` };
  writeFileSync(file, stringify({ ...config, run, portal }));
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
export async function startDaemon(file: string, dataDir: string): Promise<Daemon> {
  const child = spawn(process.execPath, ["--import", "tsx", "agent/cli.ts", "run", "--config", file], {
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
  const { url } = JSON.parse(readFileSync(join(dataDir, "agent.json"), "utf8")) as { url: string };
  const token = readFileSync(join(dataDir, "admin.token"), "utf8").trim();
  return {
    client: clientOf(url, token),
    async kill(signal) {
      child.kill(signal);
      const [code] = (await exited) as [number | null];
      return code;
    },
  };
}
