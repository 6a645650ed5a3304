import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pinFile } from "../../agent/devices.ts";
import type { Build } from "./build.ts";
import type { Cleanup } from "./cleanup.ts";
import { model, type Fleet } from "./fleet.ts";
import { startNode } from "./process.ts";

/** What a shape is put up for. */
export interface Site {
  build: Build;
  cleanup: Cleanup;
  /** Empty, and there. A second start in it finds the data of the first. */
  folder: string;
  fleet: Fleet;
  /** `run` settings that are not the defaults. */
  run?: Readonly<Record<string, number>>;
  /** Of the portal; any free one by default. */
  port?: number;
}

/** sbc-agent in one of the shapes that it runs in, up and ready. */
export interface Installation {
  /** Of the portal API. */
  url: string;
  adminToken: string;
  /** Each process that belongs to it, by what it is. */
  processes: readonly { role: string; pid: number }[];
  stop(): Promise<void>;
}

export interface Shape {
  name: string;
  start(site: Site): Promise<Installation>;
}

const passwordVariable = "BENCH_SBC_PASSWORD";
const never = "0 0 29 2 *";

/** The configuration of one agent for the whole fleet, with the defaults wherever a measurement does not say otherwise. */
function configOf({ fleet, run = {}, port = 0 }: Site): Record<string, unknown> {
  return {
    dataDir: "data",
    sealKey: { file: "seal.key" },
    // A bench posts in seconds what the limit allows a client in minutes.
    portal: { port, requestsPerMinute: 10_000_000 },
    log: { level: "info", format: "json" },
    schedule: { drift: never, housekeeping: never },
    devices: fleet.devices.map(({ name, address, gateway }) => ({
      name,
      address,
      user: "Admin",
      password: { env: passwordVariable },
      model,
      gateways: [gateway],
      defaults: { srd: "DefaultSRD", sipInterface: "SIF_WAN", mediaRealm: "MR_WAN", ipProfile: "IPP_Trunk" },
    })),
    carriers: [{ name: "SIPTrunk", addresses: [{ address: "192.0.2.60:5060", transport: "udp" }] }],
    run,
  };
}

/** Writes configuration and enrolled certificates; resolves with what starts the agent. */
export function prepareEmbedded(site: Site): { args: string[]; env: Record<string, string>; dataDir: string } {
  const dataDir = join(site.folder, "data");
  mkdirSync(join(dataDir, "pins"), { recursive: true, mode: 0o700 });
  for (const { name, certificatePem } of site.fleet.devices)
    writeFileSync(pinFile(dataDir, name), certificatePem, { mode: 0o600 });
  const file = join(site.folder, "agent.yaml");
  writeFileSync(file, JSON.stringify(configOf(site)));
  return {
    args: [site.build.cli, "run", "--config", file],
    env: { [passwordVariable]: "Admin" },
    dataDir,
  };
}

/** One process: portal API, store and worker. */
const embedded: Shape = {
  name: "embedded",
  async start(site) {
    const { args, env, dataDir } = prepareEmbedded(site);
    const child = startNode(args, { cwd: site.folder, log: join(site.folder, "agent.log"), env });
    site.cleanup.add(() => child.stop());
    await child.firstLine;
    const { url } = JSON.parse(readFileSync(join(dataDir, "agent.json"), "utf8")) as { url: string };
    return {
      url,
      adminToken: readFileSync(join(dataDir, "admin.token"), "utf8").trim(),
      processes: [{ role: "agent", pid: child.pid }],
      stop: () => child.stop(),
    };
  },
};

export const shapes: readonly Shape[] = [embedded];
