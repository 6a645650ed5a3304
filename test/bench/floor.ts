import type { Bench } from "./bench.ts";
import { createCleanup } from "./cleanup.ts";
import { createDeviceClient } from "./device-client.ts";
import { startFleet } from "./fleet.ts";

/** The least that one run over REST can take. */
export interface Floor {
  /** Round trips, save and device time, one after the other. */
  ms: number;
  /** TCP, TLS, and the requests that wait for one another. */
  roundTrips: number;
  /** What a mock device needs to answer the run's requests when it has nothing else to do. */
  deviceMs: number;
  tls: string;
  /**
   * What a bare client, which neither parses nor stores anything, needs for the same runs on this machine: all devices
   * at once, over the same relays. Above `ms` by what the mock devices, which share one process, cost each other.
   */
  bareMs: number;
}

/** Status; running configuration and INI at once; script; both again; save; status. */
const dependentRequests = 6;
const replays = 5;

/** `scripts` are what each device was sent; the longest one counts for the floor. */
export async function measureFloor(bench: Bench, scripts: readonly (readonly string[])[]): Promise<Floor> {
  const script = [...scripts].sort((a, b) => b.length - a.length)[0] ?? [];
  const { deviceMs, tls } = await measureDevice(bench, script);
  const { line } = bench;
  const roundTrips = 1 + (tls === "TLSv1.3" ? 1 : 2) + dependentRequests;
  const bareMs = await measureBare(bench, scripts);
  return { ms: roundTrips * line.rttMs + line.saveMs + deviceMs, roundTrips, deviceMs, tls, bareMs };
}

/** On fresh mock devices without latency and without time to save, one device after the other. The median counts. */
async function measureDevice(bench: Bench, script: readonly string[]): Promise<{ deviceMs: number; tls: string }> {
  const { build } = bench;
  const cleanup = createCleanup(bench.cleanup);
  try {
    const { devices } = await startFleet(build, cleanup, { count: replays, saveMs: 0, oneWayMs: 0 });
    const times: number[] = [];
    let tls = "";
    for (const { restPort, certificatePem } of devices) {
      const client = createDeviceClient({ port: restPort, certificatePem });
      cleanup.add(() => client.close());
      // Both connections stand before the clock runs: their set-up is counted in round trips.
      await Promise.all([client.ask("GET", "status"), client.ask("GET", "status")]);
      const startedMs = performance.now();
      await replay(client, script);
      times.push(performance.now() - startedMs);
      tls = client.tlsVersion();
    }
    return { deviceMs: times.sort((a, b) => a - b)[Math.floor(replays / 2)] ?? 0, tls };
  } finally {
    await cleanup.run();
  }
}

async function measureBare(bench: Bench, scripts: readonly (readonly string[])[]): Promise<number> {
  const { build, line } = bench;
  const cleanup = createCleanup(bench.cleanup);
  try {
    const { devices } = await startFleet(build, cleanup, {
      count: scripts.length,
      saveMs: line.saveMs,
      oneWayMs: line.rttMs / 2,
    });
    const startedMs = performance.now();
    await Promise.all(
      devices.map(async ({ relay, certificatePem }, i) => {
        const client = createDeviceClient({ port: relay.port, certificatePem });
        cleanup.add(() => client.close());
        await replay(client, scripts[i] ?? []);
      }),
    );
    return performance.now() - startedMs;
  } finally {
    await cleanup.run();
  }
}

/** The requests of one run with one script. */
async function replay(client: ReturnType<typeof createDeviceClient>, script: readonly string[]): Promise<void> {
  const readBoth = async (): Promise<void> => {
    await Promise.all([client.ask("GET", "files/cliScript"), client.ask("GET", "files/ini")]);
  };
  await client.ask("GET", "status");
  await readBoth();
  await client.ask("PUT", "files/cliScript/incremental", uploadOf(script));
  await readBoth();
  await client.ask("POST", "actions/saveConfiguration");
  await client.ask("GET", "status");
}

function uploadOf(script: readonly string[]): { contentType: string; bytes: Buffer } {
  const boundary = "replay-of-a-script";
  const head = `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="cli.txt"\r\nContent-Type: text/plain\r\n\r\n`;
  const bytes = Buffer.from(`${head}${script.join("\r\n")}\r\n\r\n--${boundary}--\r\n`, "utf8");
  return { contentType: `multipart/form-data; boundary=${boundary}`, bytes };
}
