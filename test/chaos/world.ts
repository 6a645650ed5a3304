import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentConfig } from "../../agent/settings/config.ts";
import { startMockSbc, type MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { configFor, deviceFile } from "../e2e/rig.ts";
import { pin, reachOf, type Route } from "../e2e/reach.ts";
import type { Agent, Agents } from "./agents.ts";

/** How the devices of a walk are reached. */
export const routes: readonly Route[] = ["rest", "ssh", "rest"];
export const carriers = ["CarrierA", "CarrierB", "CarrierC"] as const;

/** What the agent knows and must never print. */
export const secrets = { SBC_PASSWORD: "canary-of-the-device-7Qx", SBC_ENABLE: "canary-of-enable-9Zk" };

/** The real things that a walk drives: devices, and an agent that may be killed. */
export interface World {
  mocks: readonly MockSbc[];
  agent: Agent;
  /** SIGKILL, and a new start on the same data. */
  killAgent(): Promise<void>;
  /** What all agents of this walk printed. */
  output(): string;
  stop(): Promise<void>;
}

/** Quick deadlines: what never answers is waited for by every run that meets it. */
const run = {
  pollMs: 50,
  lingerMs: 5,
  lingerMaxMs: 50,
  settleMs: 100,
  retryMinMs: 20,
  retryMaxMs: 100,
  connectMs: 1_000,
  requestMs: 1_500,
  writeDeadlineMs: 2_000,
  saveMs: 2_000,
  leaseMs: 10_000,
  foreignEditsWaitMs: 100,
  maxChangesPerRun: 1_000,
};

export async function openWorld(agents: Agents): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), "sbc-agent-chaos-"));
  const mocks = await Promise.all(
    routes.map((route, i) =>
      startMockSbc({
        ini: deviceFile,
        serialNumber: String(1_000 + i),
        http: true,
        password: secrets.SBC_PASSWORD,
        enablePassword: secrets.SBC_ENABLE,
        ...(route === "ssh" ? { sshPort: 0 } : {}),
      }),
    ),
  );
  const reaches = mocks.map((mock, i) => {
    const reach = reachOf(mock, routes[i]);
    return reach.ssh === undefined ? reach : { ...reach, ssh: { ...reach.ssh, lineMs: 1_500, idleMs: 1_500 } };
  });
  const config: AgentConfig = configFor(folder, reaches, {
    run,
    log: { level: "debug", format: "json" },
    carriers: carriers.map((name, i) => ({
      name,
      addresses: [{ address: `192.0.2.${60 + i}:5060`, transport: "udp" }],
    })),
  });
  await pin(config, mocks);
  const outputs: (() => string)[] = [];
  const start = async (): Promise<Agent> => {
    const agent = await agents.start(config, secrets);
    outputs.push(agent.output);
    return agent;
  };
  const world: World = {
    mocks,
    agent: await start(),
    async killAgent() {
      await world.agent.kill();
      world.agent = await start();
    },
    output: () => outputs.map((output) => output()).join(""),
    async stop() {
      await world.agent.kill();
      await Promise.all(mocks.map((mock) => mock.stop()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return world;
}
