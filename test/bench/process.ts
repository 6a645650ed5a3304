import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** A child process that runs until it is told to stop. */
export interface Child {
  pid: number;
  /** The first line of its output. Throws with the end of its log when it ends before. */
  firstLine: Promise<string>;
  /** SIGTERM, and after ten seconds SIGKILL. May be called again. */
  stop(): Promise<void>;
}

const killMs = 10_000;

/** Starts Node on a built file. Its standard error goes to `log`. Its standard input ends when this process does. */
export function startNode(
  args: readonly string[],
  options: { cwd: string; log: string; env?: Record<string, string> },
): Child {
  const log = openSync(options.log, "a");
  const child = spawn(process.execPath, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", log],
  });
  closeSync(log);
  const { pid, stdout } = child;
  if (pid === undefined || stdout === null) throw new Error(`${args.join(" ")} could not be started`);
  const ended = once(child, "close");
  const line = once(createInterface(stdout), "line").then(([text]) => text as string);
  const early = ended.then(([code]) => {
    const tail = readFileSync(options.log, "utf8").slice(-2_000);
    throw new Error(`${args.join(" ")} ended with code ${String(code)}:\n${tail}`);
  });
  const firstLine = Promise.race([line, early]);
  // It may end before anybody asks for its line, and after.
  for (const promise of [early, firstLine]) promise.catch(() => undefined);
  return {
    pid,
    firstLine,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), killMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

export interface Usage {
  cpuSeconds: number;
  /** The most that was resident at any moment since its start; 10^6 bytes. */
  peakRssMb: number;
}

/** The unit of /proc/PID/stat on every Linux that Node runs on. */
const ticksPerSecond = 100;

export function readUsage(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The second field is the name in brackets, which may hold blanks.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return { cpuSeconds: ticks / ticksPerSecond, peakRssMb: (Number(peak) * 1_024) / 1e6 };
}
