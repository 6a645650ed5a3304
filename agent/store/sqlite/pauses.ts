import type { Store } from "../store.ts";
import type { AuditTrail } from "./audit.ts";
import type { Connection } from "./connection.ts";

export function keepPauses(
  { db, now, write }: Connection,
  append: AuditTrail["append"],
): Pick<Store, "pauseDevice" | "resumeDevice" | "deviceModes"> {
  const pause = db.prepare(
    `INSERT INTO pauses (device, reason, paused_by, since) VALUES (@device, @reason, @by, @at)
     ON CONFLICT (device) DO UPDATE SET reason = excluded.reason, paused_by = excluded.paused_by`,
  );
  const resume = db.prepare<[string]>("DELETE FROM pauses WHERE device = ?");
  const paused = db.prepare<[], { device: string; reason: string; by: string; since: number }>(
    "SELECT device, reason, paused_by AS by, since FROM pauses ORDER BY device",
  );

  return {
    async pauseDevice(device, reason, by) {
      await write(() => {
        pause.run({ device, reason, by, at: now() });
        append({ event: "pause", device, taskId: null, who: by, data: { reason } });
      });
    },

    async resumeDevice(device, reason, by) {
      await write(() => {
        if (resume.run(device).changes === 0) return;
        append({ event: "resume", device, taskId: null, who: by, data: { reason } });
      });
    },

    async deviceModes() {
      return paused.all().map(({ device, ...mode }) => ({ device, paused: mode }));
    },
  };
}
