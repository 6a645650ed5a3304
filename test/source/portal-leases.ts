import { Refusal, type Json } from "./portal-words.ts";

interface Lease {
  fence: number;
  identity: string;
  durationMs: number;
  endsAt: number;
  graceMs: number;
}

/** One lease a device, by its fence. */
export function createPortalLeases() {
  const leases = new Map<string, Lease>();
  const holds = (device: string): boolean => (leases.get(device)?.endsAt ?? -Infinity) > Date.now();

  function demandLease(device: string, body: Json): Lease {
    const lease = leases.get(device);
    if (lease === undefined || lease.fence !== body["fence"] || lease.endsAt < Date.now())
      throw new Refusal(409, "Lease lost");
    return lease;
  }

  return {
    leases,
    holds,
    demandLease,
    renew(device: string, body: Json): void {
      const lease = demandLease(device, body);
      lease.endsAt = Date.now() + lease.durationMs;
    },
    release(device: string, body: Json): void {
      const lease = leases.get(device);
      if (lease !== undefined && lease.fence === body["fence"]) lease.endsAt = -Infinity;
    },
    free(identity: string): void {
      for (const lease of leases.values()) if (lease.identity === identity) lease.endsAt = -Infinity;
    },
    takeOver(device: string): void {
      const fence = (leases.get(device)?.fence ?? 0) + 1;
      const [durationMs, graceMs] = [60_000, 0];
      leases.set(device, { fence, identity: "somebody-else", durationMs, endsAt: Date.now() + durationMs, graceMs });
    },
  };
}
