import { LeaseLost } from "../store.ts";
import type { Lease } from "../model.ts";
import type { Connection } from "./connection.ts";

export interface LeaseRow {
  fence: number;
  held: number;
  holder: string;
  renewed_at: number;
  duration_ms: number;
  grace_ms: number;
}

export interface Fences {
  read: (device: string) => LeaseRow | undefined;
  /** Milliseconds until the device can be taken; 0 when nobody holds it. */
  remainingMs: (row: LeaseRow | undefined, graceMs?: number) => number;
  /** Throws LeaseLost unless this lease holds its device. Call it inside the transaction that it guards. */
  demand: (lease: Lease) => void;
}

/** Tells who holds which device. A lease lasts its duration and grace from the last renewal, or until it is released. */
export function openFences({ db, now }: Connection): Fences {
  const byDevice = db.prepare<[string], LeaseRow>("SELECT * FROM leases WHERE device = ?");

  const remainingMs: Fences["remainingMs"] = (row, graceMs = 0) =>
    row?.held === 1 ? Math.max(0, row.renewed_at + row.duration_ms + Math.max(row.grace_ms, graceMs) - now()) : 0;

  return {
    read: (device) => byDevice.get(device),
    remainingMs,
    demand(lease) {
      const row = byDevice.get(lease.device);
      const what = `lease ${lease.fence} of ${lease.device}`;
      if (row === undefined || row.fence < lease.fence) throw new LeaseLost(`${what} is not known to this store`);
      if (row.fence > lease.fence) throw new LeaseLost(`${what} was taken over (now ${row.fence})`);
      if (row.held === 0) throw new LeaseLost(`${what} was released`);
      if (remainingMs(row) === 0) throw new LeaseLost(`${what} has expired`);
    },
  };
}
