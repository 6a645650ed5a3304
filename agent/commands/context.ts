import type { AgentConfig, Role } from "../settings/config.ts";
import type { Operations } from "../operations/operations.ts";
import type { TrailVerdict } from "../store/audit-chain.ts";
import type { NewConversion } from "../store/judgement.ts";

/** What every command answers its caller with; `--help` prints them. */
export const exitCodes = { done: 0, failed: 1, usage: 2, pending: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export type Environment = Readonly<Record<string, string | undefined>>;

/** A place to write to. Colours and line widths follow from what it says of itself. */
export interface TextStream {
  write(text: string): void;
  isTTY: boolean;
}

/** The agent as `sbc-agent run` holds it. */
export interface RunningAgent {
  url: string;
  stop(): Promise<void>;
}

/** The parts of an agent that no daemon holds, opened for one command. */
export interface Alone {
  operations: Operations;
  /** Checks a create-customer body. Throws an Error that names every fault. */
  toConversion(body: string): NewConversion;
  close(): Promise<void>;
}

/** All that commands take from outside. Tests give their own; `agent/cli.ts` gives the process's. */
export interface CommandContext {
  env: Environment;
  cwd: string;
  version: string;
  stdout: TextStream;
  stderr: TextStream;
  /** Aborted by the first SIGINT or SIGTERM. */
  signal: AbortSignal;
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
  /** Asks a human to agree; undefined where nobody sits at the terminal. */
  confirm: ((question: string, signal: AbortSignal) => Promise<boolean>) | undefined;
  startAgent(
    config: AgentConfig,
    options: { role: Role; env: Environment; logFormat: "json" | "text" },
  ): Promise<RunningAgent>;
  /** Takes the lock of the data folder; throws an Error that says who holds it. */
  openAlone(config: AgentConfig, env: Environment): Promise<Alone>;
  /** Of the store in the data folder, beside a daemon or without one. See checkAudit. */
  verifyAudit(
    config: AgentConfig,
    env: Environment,
    expected: { seq: number; hash: string } | undefined,
  ): Promise<TrailVerdict>;
  /** Throws an Error with `faults` when a blueprint cannot be used. */
  loadBlueprints(folder: string | undefined): Promise<ReadonlyMap<string, unknown>>;
}
