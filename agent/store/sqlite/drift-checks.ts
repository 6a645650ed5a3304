import type { DriftSummary, JournalStore } from "../journal-store.ts";
import type { Connection } from "./connection.ts";
import { readJson } from "./json.ts";

interface SummaryRow {
  device: string;
  checked_at: number | null;
  updated_at: number | null;
  drifted: number | null;
  after_restart: number | null;
  due: number;
}

/** Stands for an up-time that no status has told. */
const untold = -1;

export function keepDriftChecks({
  db,
  now,
  write,
}: Connection): Pick<
  JournalStore,
  "noteLife" | "demandCheck" | "keepDrift" | "updateDrift" | "drift" | "driftSummaries"
> {
  const life = db.prepare<[string], { serial_number: string; up_time: number }>(
    "SELECT serial_number, up_time FROM device_lives WHERE device = ?",
  );
  const live = db.prepare<[{ device: string; serialNumber: string; upTime: number; at: number; due: number }]>(
    `INSERT INTO device_lives (device, serial_number, up_time, seen_at, check_due)
     VALUES (@device, @serialNumber, @upTime, @at, @due)
     ON CONFLICT (device) DO UPDATE SET serial_number = excluded.serial_number, up_time = excluded.up_time,
       seen_at = excluded.seen_at, check_due = max(check_due, excluded.check_due)`,
  );
  const demand = db.prepare<[{ device: string; upTime: number; at: number }]>(
    `INSERT INTO device_lives (device, serial_number, up_time, seen_at, check_due) VALUES (@device, '', @upTime, @at, 1)
     ON CONFLICT (device) DO UPDATE SET check_due = 1`,
  );
  const settle = db.prepare<[string]>("UPDATE device_lives SET check_due = 0 WHERE device = ?");
  const keep = db.prepare<[{ device: string; at: number; report: string }]>(
    `INSERT INTO drift_checks (device, checked_at, report) VALUES (@device, @at, @report)
     ON CONFLICT (device) DO UPDATE SET checked_at = excluded.checked_at, updated_at = NULL, report = excluded.report`,
  );
  const update = db.prepare<[{ device: string; at: number; report: string }]>(
    "UPDATE drift_checks SET updated_at = @at, report = @report WHERE device = @device",
  );
  const byDevice = db.prepare<[string], { checked_at: number; updated_at: number | null; report: string }>(
    "SELECT checked_at, updated_at, report FROM drift_checks WHERE device = ?",
  );
  const summarise = (devices: string): string =>
    `SELECT device, checked_at, updated_at, json_extract(report, '$.drifted') AS drifted,
       json_extract(report, '$.afterRestart') AS after_restart, coalesce(check_due, 0) AS due
     FROM (${devices}) LEFT JOIN drift_checks USING (device) LEFT JOIN device_lives USING (device)`;
  const known = "SELECT device FROM device_lives UNION SELECT device FROM drift_checks";
  const summaries = db.prepare<[], SummaryRow>(`${summarise(known)} ORDER BY device`);
  const summary = db.prepare<[{ device: string }], SummaryRow>(
    summarise(`SELECT device FROM (${known}) WHERE device = @device`),
  );

  return {
    async noteLife(device, { serialNumber, upTime }) {
      if (serialNumber === undefined && upTime === undefined) return "same";
      return write(() => {
        const before = life.get(device) ?? { serial_number: "", up_time: untold };
        // What this status does not tell stays as an earlier one told it.
        const after = {
          serialNumber: serialNumber ?? before.serial_number,
          upTime: upTime === undefined ? before.up_time : Math.floor(upTime),
        };
        const isOther = before.serial_number !== "" && after.serialNumber !== before.serial_number;
        const startedAnew = upTime !== undefined && after.upTime < before.up_time;
        live.run({ device, ...after, at: now(), due: isOther || startedAnew ? 1 : 0 });
        return isOther ? "replaced" : startedAnew ? "restarted" : "same";
      });
    },

    async demandCheck(device) {
      await write(() => demand.run({ device, upTime: untold, at: now() }));
    },

    async keepDrift(device, evidence, stillDue) {
      await write(() => {
        keep.run({ device, at: now(), report: JSON.stringify(evidence) });
        if (!stillDue) settle.run(device);
        else demand.run({ device, upTime: untold, at: now() });
      });
    },

    async updateDrift(device, evidence) {
      await write(() => update.run({ device, at: now(), report: JSON.stringify(evidence) }));
    },

    async drift(device) {
      const row = byDevice.get(device);
      return (
        row && {
          checkedAt: row.checked_at,
          updatedAt: row.updated_at ?? undefined,
          evidence: readJson.drift(row.report),
        }
      );
    },

    async driftSummaries({ device }) {
      return (device === undefined ? summaries.all() : summary.all({ device })).map(toSummary);
    },
  };
}

function toSummary({ device, checked_at, updated_at, drifted, after_restart, due }: SummaryRow): DriftSummary {
  return {
    device,
    latest:
      checked_at === null
        ? undefined
        : {
            checkedAt: checked_at,
            updatedAt: updated_at ?? undefined,
            drifted: drifted ?? 0,
            afterRestart: after_restart === 1,
          },
    due: due === 1,
  };
}
