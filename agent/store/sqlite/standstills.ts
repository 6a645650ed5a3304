import type { Connection } from "./connection.ts";

export interface Standstills {
  stands: (device: string) => boolean;
  /** Inside `write` only. Idempotent; at its end the time of standstill is added to the deadlines. */
  set: (device: string, standing: boolean) => void;
}

/** Devices whose deadlines stand still. */
export function openStandstills({ db, now }: Connection): Standstills {
  const read = db.prepare<[string], { since: number }>("SELECT since FROM standstills WHERE device = ?");
  const stand = db.prepare<[string, number]>(
    "INSERT INTO standstills (device, since) VALUES (?, ?) ON CONFLICT (device) DO NOTHING",
  );
  const go = db.prepare<[string], { since: number }>("DELETE FROM standstills WHERE device = ? RETURNING since");
  const postpone = db.prepare<[{ device: string; since: number; at: number }]>(
    `UPDATE conversions SET deadline_at = deadline_at + max(0, @at - max(@since, accepted_at))
     WHERE device = @device AND state <> 'ended'`,
  );

  return {
    stands: (device) => read.get(device) !== undefined,
    set(device, standing) {
      if (standing) {
        stand.run(device, now());
        return;
      }
      const stood = go.get(device);
      if (stood !== undefined) postpone.run({ device, since: stood.since, at: now() });
    },
  };
}
