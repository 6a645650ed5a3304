import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getContainerRuntimeClient, Network, type StartedNetwork, type StartedTestContainer } from "testcontainers";
import { stringify } from "yaml";
import { clientOf, gatewayOf, type Client } from "../e2e/client.ts";
import type { DeviceState } from "../e2e/rig.ts";
import { ConfinedContainer } from "./confined-container.ts";

/** A mock device in a container, which can be cut off and reached all the same. */
export interface ContainedDevice {
  name: string;
  container: StartedTestContainer;
  /** Asks its control side from within: a cut does not reach there. Resolves with the JSON that it answers. */
  control(method: string, path: string, body?: unknown): Promise<unknown>;
  state(): Promise<DeviceState>;
  /** Takes it off the network. */
  cut(): Promise<void>;
  /** Puts it back. */
  mend(): Promise<void>;
}

export interface Fleet {
  devices: readonly ContainedDevice[];
  agent: StartedTestContainer;
  client(): Client;
  /** Ends the agent without a chance to stop in order. Resolves with its exit code. */
  killAgent(): Promise<number>;
  /** Starts it again on the same data. */
  restartAgent(): Promise<void>;
  /** Ends everything; may be called after a start that failed. */
  stop(): Promise<void>;
}

type Releasers = (() => unknown)[];

const ask = `
  const [, method, path, body] = process.argv;
  const answer = await fetch("http://127.0.0.1:8081" + path, { method, ...(body === undefined ? {} : { body }) });
  process.stdout.write(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;`;

async function startDevice(name: string, serial: number, network: StartedNetwork): Promise<ContainedDevice> {
  const container = await new ConfinedContainer("sbc-agent-mock-sbc:local")
    .withName(name)
    .withNetwork(network)
    .withCommand(["--ini", "config/devices/oc1-7.40.ini", "--name", name, "--serial", String(serial)])
    .start();
  const { container: engine } = await getContainerRuntimeClient();
  const link = engine.dockerode.getNetwork(network.getId());
  const control: ContainedDevice["control"] = async (method, path, body) => {
    const args = [method, path, ...(body === undefined ? [] : [JSON.stringify(body)])];
    const { exitCode, stdout, output } = await container.exec(["node", "--input-type=module", "-e", ask, ...args]);
    if (exitCode !== 0) throw new Error(`${name}: ${method} ${path} failed: ${output}`);
    return JSON.parse(stdout) as unknown;
  };
  return {
    name,
    container,
    control,
    state: async () => (await control("GET", "/state")) as DeviceState,
    async cut() {
      await link.disconnect({ Container: container.getId(), Force: true });
    },
    async mend() {
      await link.connect({ Container: container.getId() });
    },
  };
}

/** Two devices over REST, the third over its shell. */
function reachOf(host: string, device: number): object {
  if (device < 2) return { address: `https://${host}:8443` };
  return { driver: "ssh", address: `ssh://${host}:2222`, ssh: { enablePassword: { env: "SBC_PASSWORD" } } };
}

function configFor(names: readonly string[]): unknown {
  return {
    dataDir: "/var/lib/sbc-agent",
    sealKey: { credential: "seal-key" },
    portal: {
      host: "0.0.0.0",
      behindProxy: true,
      requestsPerMinute: 10_000_000,
      tokens: [{ name: "test", scopes: ["admin"], token: { credential: "token" } }],
    },
    devices: names.map((name, i) => ({
      name: `sbc-${i + 1}`,
      ...reachOf(name, i),
      user: "Admin",
      password: { env: "SBC_PASSWORD" },
      model: "ve-4gb",
      gateways: [gatewayOf(i)],
      defaults: { srd: "DefaultSRD", sipInterface: "SIF_WAN", mediaRealm: "MR_WAN", ipProfile: "IPP_Trunk" },
    })),
    carriers: [{ name: "SIPTrunk", addresses: [{ address: "192.0.2.60:5060", transport: "udp" }] }],
    // A silent device is given up within the test.
    run: {
      ...{ pollMs: 200, lingerMs: 20, settleMs: 300, retryMinMs: 100, retryMaxMs: 500 },
      ...{ connectMs: 1_000, requestMs: 2_000, writeDeadlineMs: 5_000, saveMs: 2_000, leaseMs: 10_000 },
    },
  };
}

async function startAgent(
  network: StartedNetwork,
  devices: readonly ContainedDevice[],
  token: string,
  releasers: Releasers,
): Promise<StartedTestContainer> {
  const folder = mkdtempSync(join(tmpdir(), "sbc-agent-containers-"));
  releasers.push(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "agent.yaml"), stringify(configFor(devices.map(({ name }) => name))));
  mkdirSync(join(folder, "secrets"));
  writeFileSync(join(folder, "secrets", "seal-key"), randomBytes(32).toString("base64"));
  writeFileSync(join(folder, "secrets", "token"), token);
  const container = await new ConfinedContainer("sbc-agent:local")
    .withName(`${network.getName()}-agent`)
    .withNetwork(network)
    .withExposedPorts(8080)
    .withEnvironment({ SBC_PASSWORD: "Admin" })
    .withBindMounts([
      { source: join(folder, "agent.yaml"), target: "/etc/sbc-agent/agent.yaml", mode: "ro" },
      { source: join(folder, "secrets"), target: "/run/secrets", mode: "ro" },
    ])
    .start();
  releasers.push(() => container.stop());
  return container;
}

/** Runs a command of the CLI in the agent's container. Throws an Error with what it printed, where it fails. */
async function runCommand(agent: StartedTestContainer, ...args: string[]): Promise<string> {
  const { exitCode, output } = await agent.exec(["sbc-agent", ...args]);
  if (exitCode !== 0) throw new Error(`sbc-agent ${args.join(" ")} ended with code ${exitCode}: ${output}`);
  return output;
}

async function release(releasers: Releasers): Promise<void> {
  for (const give of releasers.splice(0).reverse()) await give();
}

/** Three devices, two over REST and one over SSH, and an agent, on a network of their own; the devices enrolled. */
export async function startFleet(): Promise<Fleet> {
  const releasers: Releasers = [];
  try {
    const network = await new Network().start();
    releasers.push(() => network.stop());
    const started = await Promise.allSettled(
      [1, 2, 3].map(async (number) => {
        const device = await startDevice(`${network.getName()}-sbc-${number}`, 1_000 + number, network);
        releasers.push(() => device.container.stop());
        return device;
      }),
    );
    const devices = started.map((result) => {
      if (result.status === "rejected") throw result.reason;
      return result.value;
    });
    const token = randomBytes(32).toString("base64url");
    const agent = await startAgent(network, devices, token, releasers);
    for (const number of [1, 2, 3]) await runCommand(agent, "enroll", `sbc-${number}`, "--yes");
    const { container: engine } = await getContainerRuntimeClient();
    return {
      devices,
      agent,
      client: () => clientOf({ url: `http://${agent.getHost()}:${agent.getMappedPort(8080)}`, token }),
      async killAgent() {
        const container = engine.dockerode.getContainer(agent.getId());
        await container.kill({ signal: "SIGKILL" });
        const { StatusCode } = (await container.wait()) as { StatusCode: number };
        return StatusCode;
      },
      restartAgent: () => agent.restart(),
      stop: () => release(releasers),
    };
  } catch (error) {
    await release(releasers);
    throw error;
  }
}
