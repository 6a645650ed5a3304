import type { Announcement } from "../model.ts";
import { silentMs } from "../../silence.ts";
import type { Store } from "../store.ts";
import type { Connection } from "./connection.ts";
import type { AnnouncedRow, ConversionRow } from "./rows.ts";
import type { Standstills } from "./standstills.ts";
import type { Turns } from "./turns.ts";

type Part = Pick<Store, "announce" | "announcedDevices" | "missingGateways">;

/** How much later a repeated word must come to be worth a write to disk. */
const refreshMs = 10_000;

/** What agents elsewhere serve, as they said last. */
export function keepAnnouncements({ db, now, write }: Connection, standstills: Standstills, turns: Turns): Part {
  const all = db.prepare<[], AnnouncedRow>("SELECT * FROM announced_devices ORDER BY device");
  const gatewaysOf = db.prepare<[string], { gateway: string }>(
    "SELECT gateway FROM announced_gateways WHERE device = ? ORDER BY gateway",
  );
  const ofIdentity = db.prepare<[string], AnnouncedRow>(
    "SELECT * FROM announced_devices WHERE identity = ? ORDER BY device",
  );
  const byDevice = db.prepare<[string], AnnouncedRow>("SELECT * FROM announced_devices WHERE device = ?");
  const byGateway = db.prepare<[string], AnnouncedRow>(
    "SELECT announced_devices.* FROM announced_gateways JOIN announced_devices USING (device) WHERE gateway = ?",
  );
  const insertDevice = db.prepare(
    `INSERT INTO announced_devices (device, agent, identity, version, heard_at)
     VALUES (@device, @agent, @identity, @version, @at)`,
  );
  const insertGateway = db.prepare<[string, string]>("INSERT INTO announced_gateways (gateway, device) VALUES (?, ?)");
  const removeGateway = db.prepare<[string]>("DELETE FROM announced_gateways WHERE gateway = ?");
  const removeGateways = db.prepare<[string]>("DELETE FROM announced_gateways WHERE device = ?");
  const removeDevice = db.prepare<[string]>("DELETE FROM announced_devices WHERE device = ?");
  const comeBack = db.prepare<[{ at: number }]>("UPDATE announced_devices SET heard_at = @at WHERE heard_at > @at");
  const freeLeases = db.prepare<[string]>("UPDATE leases SET held = 0 WHERE holder = ?");
  const unplaced = db.prepare<[string], ConversionRow>(
    "SELECT * FROM conversions WHERE state = 'unplaced' AND gateway = ? ORDER BY seq",
  );
  const missing = db.prepare<[], { gateway: string; waiting: number; oldestAcceptedAt: number }>(
    `SELECT gateway, count(*) AS waiting, min(accepted_at) AS oldestAcceptedAt
     FROM conversions WHERE state = 'unplaced' GROUP BY gateway ORDER BY gateway`,
  );

  function refusalOf({ identity, devices }: Announcement): string | undefined {
    const held = (row: AnnouncedRow | undefined): row is AnnouncedRow =>
      row !== undefined && row.identity !== identity && now() - row.heard_at < silentMs;
    const refusals = devices.flatMap(({ device, gateways }) => {
      const holder = byDevice.get(device);
      return [
        ...(held(holder) ? [`device ${device} is announced by another agent, '${holder.agent}'`] : []),
        ...gateways.flatMap((gateway) => {
          const other = byGateway.get(gateway);
          return held(other)
            ? [`gateway ${gateway} is announced by another agent, '${other.agent}', for device ${other.device}`]
            : [];
        }),
      ];
    });
    return [...contradictionsOf(devices), ...refusals].join("; ") || undefined;
  }

  function isNews({ agent, identity, version, fresh, devices }: Announcement): boolean {
    const known = ofIdentity.all(identity);
    return (
      fresh ||
      known.length !== devices.length ||
      devices.some(({ device, gateways, standing }) => {
        const row = known.find((one) => one.device === device);
        return (
          row?.agent !== agent ||
          row.version !== version ||
          Math.abs(now() - row.heard_at) >= refreshMs ||
          standstills.stands(device) !== standing ||
          JSON.stringify(gatewaysOf.all(device).map((one) => one.gateway)) !==
            JSON.stringify([...new Set(gateways)].sort())
        );
      })
    );
  }

  function take({ agent, identity, version, fresh, devices }: Announcement): void {
    if (fresh) freeLeases.run(identity);
    for (const { device } of ofIdentity.all(identity)) {
      removeGateways.run(device);
      removeDevice.run(device);
    }
    for (const { device, gateways, standing } of devices) {
      removeGateways.run(device);
      removeDevice.run(device);
      insertDevice.run({ device, agent, identity, version, at: now() });
      for (const gateway of gateways) {
        removeGateway.run(gateway);
        insertGateway.run(gateway, device);
      }
      standstills.set(device, standing);
    }
    for (const gateway of devices.flatMap(({ gateways }) => gateways))
      for (const row of unplaced.all(gateway)) turns.take(row);
  }

  return {
    async announce(announcement) {
      if (!isNews(announcement)) return { kind: "heard" };
      return write(() => {
        // The clock was set back: counted anew from here, a word ages all the same.
        comeBack.run({ at: now() });
        const reason = refusalOf(announcement);
        if (reason !== undefined) return { kind: "refused", reason };
        take(announcement);
        return { kind: "heard" };
      });
    },

    async announcedDevices() {
      return all.all().map(({ device, agent, identity, version, heard_at }) => ({
        device,
        agent,
        identity,
        version,
        gateways: gatewaysOf.all(device).map(({ gateway }) => gateway),
        standing: standstills.stands(device),
        heardAt: heard_at,
      }));
    },

    async missingGateways() {
      return missing.all();
    },
  };
}

function contradictionsOf(devices: Announcement["devices"]): string[] {
  const names = devices.map(({ device }) => device);
  const twice = new Set(names.filter((name, at) => names.indexOf(name) !== at));
  const serving = new Map<string, Set<string>>();
  for (const { device, gateways } of devices)
    for (const gateway of gateways) serving.set(gateway, new Set([...(serving.get(gateway) ?? []), device]));
  const shared = [...serving].filter(([, by]) => by.size > 1);
  return [
    ...[...twice].map((device) => `device ${device} is announced twice`),
    ...shared.map(([gateway, by]) => `gateway ${gateway} is announced for more than one device: ${[...by].join(", ")}`),
  ];
}
