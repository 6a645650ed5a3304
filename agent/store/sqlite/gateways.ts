import type { Connection } from "./connection.ts";

export interface Gateways {
  /** The device that a gateway (lower case) was announced for, lately enough; null where nobody did. */
  deviceOf: (gateway: string | null) => string | null;
  /** Whether a conversion that was accepted then still waits for somebody to announce its gateway. */
  isAwaited: (acceptedAt: number) => boolean;
}

/** Which device a gateway belongs to, by the word of agents elsewhere. A word holds for `waitMs`; 0: there are none. */
export function openGateways({ db, now }: Connection, waitMs: number): Gateways {
  const byGateway = db.prepare<[string | null, number], { device: string }>(
    `SELECT device FROM announced_gateways JOIN announced_devices USING (device)
     WHERE gateway = ? AND heard_at > ?`,
  );
  return {
    deviceOf: (gateway) => byGateway.get(gateway, now() - waitMs)?.device ?? null,
    isAwaited: (acceptedAt) => now() < acceptedAt + waitMs,
  };
}
