import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import type { CommandContext } from "../../agent/commands/context.ts";
import { runProgram } from "../../agent/commands/program.ts";
import { checkAudit } from "../../agent/audit-check.ts";
import { loadBlueprints } from "../../agent/provisioning/blueprint.ts";

export interface Spoken {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Folder {
  path: string;
  /** Writes below the folder; returns the whole path. */
  write(name: string, text: string, mode?: number): string;
  /** What a running agent leaves for commands on its machine. */
  announce(url: string): void;
  /** Runs one command line in this folder; `overrides` replace parts of the context. */
  run(argv: readonly string[], overrides?: Partial<CommandContext>): Promise<Spoken>;
}

export const now = Date.parse("2026-03-01T12:00:00Z");

export const settings = {
  dataDir: "./data",
  sealKey: { file: "./seal.key" },
  devices: [
    {
      name: "sbc-1",
      address: "https://127.0.0.1:8443",
      user: "sbc-agent",
      password: { env: "SBC_1_PASSWORD" },
      gateways: ["oc1.example.com"],
    },
  ],
};

/** A folder with a configuration and the admin token in it, gone after the test. JSON is YAML. */
export function createFolder(config: object = settings): Folder {
  const path = mkdtempSync(join(tmpdir(), "sbc-agent-cli-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const write = (name: string, text: string, mode = 0o600): string => {
    const file = join(path, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { mode });
    return file;
  };
  write("agent.yaml", JSON.stringify(config));
  write("data/admin.token", "the-admin-token\n");
  return {
    path,
    write,
    announce: (url) =>
      void write("data/agent.json", JSON.stringify({ pid: 4711, url, startedAt: "2026-03-01T00:00:00Z" })),
    run: (argv, overrides) => runCommand(argv, path, overrides),
  };
}

export async function runCommand(
  argv: readonly string[],
  cwd: string,
  overrides: Partial<CommandContext> = {},
): Promise<Spoken> {
  let stdout = "";
  let stderr = "";
  const missing = (what: string) => async () => {
    throw new Error(`this test gave no ${what}`);
  };
  const code = await runProgram(argv, {
    env: {},
    cwd,
    version: "1.2.3",
    stdout: { write: (text) => void (stdout += text), isTTY: false },
    stderr: { write: (text) => void (stderr += text), isTTY: false },
    signal: new AbortController().signal,
    now: () => now,
    wait: async (_ms, signal) => signal.throwIfAborted(),
    confirm: undefined,
    startAgent: missing("startAgent"),
    openAlone: missing("openAlone"),
    verifyAudit: async (...subject) => checkAudit(...subject),
    loadBlueprints: async (folder) => loadBlueprints(folder),
    ...overrides,
  });
  return { code, stdout, stderr };
}
