import { request } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Bench } from "./bench.ts";
import { createCleanup } from "./cleanup.ts";
import { startFleet } from "./fleet.ts";
import { startNode } from "./process.ts";
import { prepareAgent } from "./shapes.ts";

export interface ReadinessFigures {
  /** From the start of the process to the first 200 of `/readyz`, each time; the first start makes the data folder. */
  startsMs: number[];
  medianMs: number;
}

const starts = 5;
const pollMs = 5;
const patienceMs = 30_000;

/** Starts the built agent for ten devices, again and again on the same data folder. */
export async function measureReadiness(bench: Bench): Promise<ReadinessFigures> {
  const { build } = bench;
  const cleanup = createCleanup(bench.cleanup);
  try {
    const folder = await mkdtemp(join(build.folder, "site-"));
    const fleet = await startFleet(build, cleanup, { count: 10, saveMs: 0, oneWayMs: 0 });
    const startsMs: number[] = [];
    for (let i = 0; i < starts; i += 1) {
      const port = await findPort();
      const { args, env } = prepareAgent({ build, cleanup, folder, fleet, port });
      const startedMs = performance.now();
      const child = startNode(args, { cwd: folder, log: join(folder, "agent.log"), env });
      cleanup.add(() => child.stop());
      while (!(await isReady(port))) {
        if (performance.now() - startedMs > patienceMs) throw new Error("the agent did not become ready");
        await sleep(pollMs);
      }
      startsMs.push(performance.now() - startedMs);
      await child.stop();
    }
    const medianMs = [...startsMs].sort((a, b) => a - b)[Math.floor(starts / 2)] ?? 0;
    return { startsMs, medianMs };
  } finally {
    await cleanup.run();
  }
}

/** A port that was free a moment ago. */
async function findPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    request({ host: "127.0.0.1", port, path: "/readyz", agent: false }, (response) => {
      response.resume().once("close", () => resolve(response.statusCode === 200));
    })
      .once("error", () => resolve(false))
      .end();
  });
}
