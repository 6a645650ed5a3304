import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { AgentConfig } from "../../agent/settings/config.ts";
import { doorOf } from "../e2e/rig.ts";
import { clientOf, type Client, type Door } from "../e2e/client.ts";
import type { FromAgent, ToAgent } from "./agent-process.ts";

/** One running agent. */
export interface Agent {
  client: Client;
  door: Door;
  /** All that it printed. */
  output(): string;
  jump(ms: number): void;
  kill(): Promise<void>;
}

/** Starts agents from a process that was loaded beforehand. */
export interface Agents {
  start(config: AgentConfig, env: Readonly<Record<string, string>>): Promise<Agent>;
  /** Ends the process that waits for the next start. */
  stop(): Promise<void>;
}

interface Loaded {
  child: ChildProcess;
  exited: Promise<unknown>;
  loaded: Promise<unknown>;
  output(): string;
}

const source = fileURLToPath(new URL("./agent-process.ts", import.meta.url));

/** `program`: where agent-process stands built; without it, it is run from its source. */
export function prepareAgents(program?: string): Agents {
  let waiting: Loaded | undefined;

  function load(): Loaded {
    const child = fork(program ?? source, [], {
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: program === undefined ? ["--import", "tsx"] : [],
      env: { PATH: process.env["PATH"] },
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
    return { child, exited: once(child, "exit"), loaded: once(child, "message"), output: () => output };
  }

  async function kill({ child, exited }: Loaded): Promise<void> {
    child.kill("SIGKILL");
    await exited;
  }

  return {
    async start(config, env) {
      const agent = waiting ?? load();
      waiting = load();
      const { child, exited, loaded, output } = agent;
      const ended = exited.then(() => Promise.reject(new Error(`the agent ended: ${output()}`)));
      ended.catch(() => undefined);
      await Promise.race([loaded, ended]);
      const tell = (message: ToAgent): void => void child.send(message);
      const answered = once(child, "message");
      tell({ kind: "start", config, env });
      const [answer] = (await Promise.race([answered, ended])) as [FromAgent];
      if (answer.kind !== "up") {
        await kill(agent);
        throw new Error(`the agent did not start: ${JSON.stringify(answer)} ${output()}`);
      }
      const door = doorOf(config, answer.url);
      return {
        door,
        client: clientOf(door),
        output,
        jump: (ms) => tell({ kind: "jump", ms }),
        kill: () => kill(agent),
      };
    },
    async stop() {
      if (waiting !== undefined) await kill(waiting);
    },
  };
}
