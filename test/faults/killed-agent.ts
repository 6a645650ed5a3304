import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startMockSbc, type MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { startDaemon, writeConfig, type Daemon } from "../e2e/daemon.ts";
import { doorsFor, pin, reachOf, type Reach } from "../e2e/reach.ts";
import { configFor, deviceFile } from "../e2e/rig.ts";

export type KillRoute = "rest" | "ssh";

/** What the device says over SSH when it takes nothing for the moment. */
export const busyWords = "HA synchronization in progress";

export interface Carrier {
  name: string;
  addresses: { address: string; transport: "udp" }[];
}

/** A Proxy Set for every case. */
export const carriers: readonly Carrier[] = Array.from({ length: 250 }, (_, i) => ({
  name: `Trunk${i}x`,
  addresses: [{ address: `192.0.2.${i + 1}:5070`, transport: "udp" }],
}));

/** A device, and an agent in a process of its own that ends itself where it is ordered to. */
export interface KilledAgent {
  readonly mock: MockSbc;
  readonly daemon: Daemon;
  /** What its customers are rendered with from the next start on. */
  ipProfile: string;
  /** From now on the daemon ends itself as the order says: see `armFailPoint`. */
  arm(order: string): void;
  /** Starts it again, with nothing armed. */
  restart(): Promise<void>;
  /** Starts it with this order in its environment; rejects with its end when it strikes before it is up. */
  startArmed(order: string): Promise<void>;
  stop(): Promise<void>;
}

function reach(mock: MockSbc, route: KillRoute): Reach {
  const { ssh, ...rest } = reachOf(mock, route);
  return ssh === undefined ? rest : { ...rest, ssh: { ...ssh, busyLine: busyWords } };
}

/** Nothing runs yet but the device. */
export async function openKilledAgent(
  route: KillRoute,
  program: readonly string[],
  overrides: Readonly<Record<string, unknown>> = {},
): Promise<KilledAgent> {
  const folder = mkdtempSync(join(tmpdir(), "sbc-agent-killed-"));
  const orders = join(folder, "orders");
  const mock = await startMockSbc({ ini: deviceFile, ...doorsFor(route) });
  let daemon: Daemon | undefined;

  async function start(order: string): Promise<void> {
    rmSync(orders, { force: true });
    // One run for what is posted in a row.
    const run = { lingerMs: 100 };
    const config = configFor(folder, [reach(mock, route)], { run, carriers, ...overrides });
    for (const { defaults } of config.devices) defaults.ipProfile = agent.ipProfile;
    await pin(config, [mock]);
    daemon = await startDaemon(writeConfig(folder, config), config, "run", {
      variables: { SBC_AGENT_FAIL_POINT: order },
      program,
    });
  }

  const agent: KilledAgent = {
    mock,
    ipProfile: "IPP_Trunk",
    get daemon() {
      if (daemon === undefined) throw new Error("the agent was not started");
      return daemon;
    },
    arm(order) {
      writeFileSync(`${orders}.new`, order);
      renameSync(`${orders}.new`, orders);
    },
    restart: () => start(`@${orders}`),
    startArmed: start,
    async stop() {
      await daemon?.kill("SIGKILL");
      await mock.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return agent;
}
