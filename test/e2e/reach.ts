import { writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { AgentConfig } from "../../agent/settings/config.ts";
import { formatHostKey, pinFile } from "../../agent/devices/pins.ts";
import type { MockSbc, MockSbcOptions } from "../../mocks/sbc/mock-sbc.ts";

/** The ways to a device; `auto` where both of its doors are open. */
export const routes = ["rest", "ssh", "auto"] as const;
export type Route = (typeof routes)[number];

/** What the inventory says of the way to one device. */
export interface Reach {
  driver: Route;
  address: string;
  ssh?: Record<string, unknown>;
}

/** The doors that a mock device has to have. */
export function doorsFor(route: Route): MockSbcOptions {
  return route === "rest" ? {} : { sshPort: 0 };
}

export function reachOf(mock: MockSbc, route: Route = "rest"): Reach {
  const shell = `ssh://${mock.ssh ?? "no-shell"}`;
  const ssh = { enablePassword: { env: "SBC_ENABLE" } };
  if (route === "ssh") return { driver: route, address: shell, ssh };
  if (route === "auto") return { driver: route, address: mock.rest, ssh: { address: shell, ...ssh } };
  return { driver: route, address: mock.rest };
}

/** Enrols all that the devices show. */
export async function pin(config: AgentConfig, mocks: readonly MockSbc[]): Promise<void> {
  await mkdir(join(config.dataDir, "pins"), { recursive: true, mode: 0o700 });
  for (const [i, { certificatePem, hostKeySha256 }] of mocks.entries()) {
    writeFileSync(pinFile(config.dataDir, `sbc${i}`), certificatePem, { mode: 0o600 });
    if (hostKeySha256 === "") continue;
    const key = formatHostKey({ algorithm: "ssh-rsa", sha256: hostKeySha256 });
    writeFileSync(pinFile(config.dataDir, `sbc${i}`, "host-key"), key, { mode: 0o600 });
  }
}

/** What one run that wrote something may cost a device, by its own count. */
export function costOfRun(route: Route): object {
  if (route === "ssh") return { uploads: 0, saves: 1, sshLogins: 1, shells: 1 };
  return { uploads: 1, saves: 1, mostWritersAtOnce: 1, sshLogins: 0 };
}
