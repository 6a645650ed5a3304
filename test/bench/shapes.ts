import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatHostKey, pinFile } from "../../agent/devices/pins.ts";
import { createCertificate } from "../../mocks/sbc/certificate.ts";
import type { Build } from "./build.ts";
import type { Cleanup } from "./cleanup.ts";
import type { Door } from "./client.ts";
import { model, type Fleet } from "./fleet.ts";
import { startNode, type Child } from "./process.ts";

/** What a shape is put up for. */
export interface Site {
  build: Build;
  cleanup: Cleanup;
  /** Empty, and there. A second start in it finds the data of the first. */
  folder: string;
  fleet: Fleet;
  /** Of devices over SSH: settings of the shell that are not the defaults. */
  shell?: Readonly<Record<string, unknown>>;
  /** In place of the one that all customers share. */
  carriers?: readonly object[];
  /** `run` settings that are not the defaults. */
  run?: Readonly<Record<string, number>>;
  /** Of the portal; any free one by default. */
  port?: number;
}

/** sbc-agent in one of the shapes that it runs in, up and ready. */
export interface Installation {
  /** Of the portal API: leads, conversions, tasks. */
  portal: Door;
  /** Of the process that works on the devices: re-sync. */
  agent: Door;
  /** Each process that belongs to it, by what it is. */
  processes: readonly { role: string; pid: number }[];
  stop(): Promise<void>;
}

export interface Shape {
  name: string;
  start(site: Site): Promise<Installation>;
}

const passwordVariable = "BENCH_SBC_PASSWORD";
const sourceTokenVariable = "SBC_AGENT_SOURCE_TOKEN";
const sourceToken = randomBytes(32).toString("base64url");
const never = "0 0 29 2 *";

const common = {
  dataDir: "data",
  sealKey: { file: "seal.key" },
  log: { level: "info", format: "json" },
};

const sharedCarriers = [{ name: "SIPTrunk", addresses: [{ address: "192.0.2.60:5060", transport: "udp" }] }];

/** A bench posts in seconds what the limit allows a client in minutes. */
const requestsPerMinute = 10_000_000;

/** The configuration of one agent for the whole fleet, with the defaults wherever a measurement does not say otherwise. */
function agentConfig({
  fleet,
  run = {},
  port = 0,
  shell = {},
  carriers = sharedCarriers,
}: Site): Record<string, unknown> {
  return {
    ...common,
    portal: { port, requestsPerMinute },
    schedule: { drift: never, housekeeping: never },
    // Requests of a probe would count as those of what is measured.
    drift: { probe: "24h" },
    devices: fleet.devices.map(({ name, driver, address, gateway }) => ({
      name,
      driver,
      address,
      ...(driver === "ssh" ? { ssh: { enablePassword: { env: passwordVariable }, ...shell } } : {}),
      user: "Admin",
      password: { env: passwordVariable },
      model,
      gateways: [gateway],
      defaults: { srd: "DefaultSRD", sipInterface: "SIF_WAN", mediaRealm: "MR_WAN", ipProfile: "IPP_Trunk" },
    })),
    carriers,
    run,
  };
}

/** What starts a process of the product: its data, and arguments and environment of node. */
export interface Start {
  folder: string;
  args: string[];
  env: Record<string, string>;
}

function prepare({ build }: Site, folder: string, command: readonly string[], config: object): Start {
  mkdirSync(join(folder, "data"), { recursive: true, mode: 0o700 });
  const file = join(folder, "agent.yaml");
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(config));
  return {
    folder,
    args: [...build.nodeOptions, build.cli, ...command, "--config", file],
    env: { [passwordVariable]: "Admin", [sourceTokenVariable]: sourceToken },
  };
}

/** Writes the configuration of an agent of its own and what was enrolled of its devices. */
export function prepareAgent(site: Site, folder = site.folder, more: object = {}): Start {
  const start = prepare(site, folder, ["run"], { ...agentConfig(site), ...more });
  const dataDir = join(folder, "data");
  mkdirSync(join(dataDir, "pins"), { recursive: true, mode: 0o700 });
  for (const { name, certificatePem, hostKeySha256 } of site.fleet.devices) {
    writeFileSync(pinFile(dataDir, name), certificatePem, { mode: 0o600 });
    if (hostKeySha256 === "") continue;
    const hostKey = formatHostKey({ algorithm: "ssh-rsa", sha256: hostKeySha256 });
    writeFileSync(pinFile(dataDir, name, "host-key"), hostKey, { mode: 0o600 });
  }
  return start;
}

/** Resolves once the process says where it listens. */
async function launch({ cleanup }: Site, { folder, args, env }: Start): Promise<{ child: Child; door: Door }> {
  const child = startNode(args, { cwd: folder, log: join(folder, "log"), env });
  cleanup.add(() => child.stop());
  await child.firstLine;
  const { url } = JSON.parse(readFileSync(join(folder, "data/agent.json"), "utf8")) as { url: string };
  return { child, door: { url, token: readFileSync(join(folder, "data/admin.token"), "utf8").trim() } };
}

/** One process: portal API, store and worker. */
export const embedded: Shape = {
  name: "embedded",
  async start(site) {
    const { child, door } = await launch(site, prepareAgent(site));
    return {
      portal: door,
      agent: door,
      processes: [{ role: "agent", pid: child.pid }],
      stop: () => child.stop(),
    };
  },
};

/** Two processes: the portal with its store, and the agent that pulls from it over HTTPS, with no line between them. */
export const apart: Shape = {
  name: "apart",
  async start(site) {
    const names = site.fleet.devices.map(({ name }) => name);
    const gateways = site.fleet.devices.map(({ gateway }) => gateway);
    const place = join(site.folder, "portal");
    const tls = { cert: join(place, "cert.pem"), key: join(place, "key.pem") };
    const start = prepare(site, place, ["portal"], {
      ...common,
      portal: { port: 0, requestsPerMinute, tls },
      agents: [{ name: "near", token: { env: sourceTokenVariable }, devices: names, gateways }],
      schedule: { housekeeping: never },
    });
    // A second start in the same place is the same portal.
    if (!existsSync(tls.cert)) {
      const { certificatePem, keyPem } = createCertificate();
      writeFileSync(tls.cert, certificatePem);
      writeFileSync(tls.key, keyPem, { mode: 0o600 });
    }
    const portal = await launch(site, start);
    const source = { url: portal.door.url, ca: tls.cert };
    const agent = await launch(site, prepareAgent(site, join(site.folder, "near"), { source }));
    return {
      portal: { ...portal.door, ca: readFileSync(tls.cert, "utf8") },
      agent: agent.door,
      processes: [
        { role: "agent", pid: agent.child.pid },
        { role: "portal", pid: portal.child.pid },
      ],
      async stop() {
        await agent.child.stop();
        await portal.child.stop();
      },
    };
  },
};
