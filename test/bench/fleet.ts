import { join } from "node:path";
import type { Build } from "./build.ts";
import type { Cleanup } from "./cleanup.ts";
import type { DeviceAddress, DevicesOrder } from "./devices-process.ts";
import { startNode } from "./process.ts";
import { startRelay, type Relay } from "./relay.ts";

export interface FleetDevice extends DeviceAddress {
  name: string;
  gateway: string;
  driver: DriverName;
  /** The agent's way to it, over the relay. */
  address: string;
  relay: Relay;
}

/** Mock devices, each behind a relay. */
export interface Fleet {
  devices: readonly FleetDevice[];
  /** Of the process that all of them live in. */
  pid: number;
}

export interface DeviceStats {
  requests: number;
  sshLogins: number;
  shellLines: number;
  uploads: number;
  saves: number;
}

export type DriverName = "rest" | "ssh";

export const model = "ve-32gb";

export async function startFleet(
  build: Build,
  cleanup: Cleanup,
  options: { count: number; saveMs: number; oneWayMs: number; iniFile?: string; driver?: DriverName },
): Promise<Fleet> {
  const {
    count,
    saveMs,
    oneWayMs,
    driver = "rest",
    iniFile = join(build.folder, "config/devices/oc1-7.40.ini"),
  } = options;
  const order: DevicesOrder = { count, iniFile, model, saveMs, ssh: driver === "ssh" };
  const child = startNode([build.benchFile("devices-process"), JSON.stringify(order)], {
    cwd: build.folder,
    log: join(build.folder, "devices.log"),
  });
  cleanup.add(() => child.stop());
  const addresses = JSON.parse(await child.firstLine) as DeviceAddress[];
  const devices: FleetDevice[] = [];
  for (const [i, address] of addresses.entries()) {
    const relay = await startRelay({ targetPort: driver === "ssh" ? address.sshPort : address.restPort, oneWayMs });
    cleanup.add(() => relay.close());
    devices.push({
      ...address,
      name: `sbc${i}`,
      gateway: `gw${i}.example.com`,
      driver,
      address: `${driver === "ssh" ? "ssh" : "https"}://127.0.0.1:${relay.port}`,
      relay,
    });
  }
  return { devices, pid: child.pid };
}

export async function readStats(device: FleetDevice): Promise<DeviceStats> {
  const response = await fetch(`${device.control}/stats`);
  return (await response.json()) as DeviceStats;
}

/** The lines of all scripts that the device was sent, in order. */
export async function readScript(device: FleetDevice): Promise<string[]> {
  const response = await fetch(`${device.control}/received`);
  const { lines } = (await response.json()) as { lines: { source: string; line: string }[] };
  return lines.filter(({ source }) => source === "script").map(({ line }) => line);
}
