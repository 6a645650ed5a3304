import { reportAmendments } from "./amendment-reports.ts";
import { isStale } from "../drift/drift-report.ts";
import type { Lane } from "../lanes/lane.ts";
import type { DeviceReport, HealthReport } from "../reports.ts";
import type { ConversionSource } from "../source/source.ts";
import type { JournalStore } from "../store/journal-store.ts";
import { silentMs } from "../silence.ts";

export interface HealthDependencies {
  lanes: ReadonlyMap<string, Pick<Lane, "device" | "state">>;
  taken: ReadonlyMap<string, NonNullable<DeviceReport["taken"]>>;
  source: Pick<ConversionSource, "queues" | "countLinks">;
  journal: Pick<JournalStore, "deviceModes" | "unsavedSince" | "loginFailures" | "driftSummaries">;
  /** Where changes and removals are kept; undefined where the portal is elsewhere. */
  amendments: Parameters<typeof reportAmendments>[0];
  /** After this time a drift check says nothing any more. */
  driftMaxAgeMs: number;
  /** How the portal is reached, where it is elsewhere. */
  portal: (() => NonNullable<HealthReport["portal"]>) | undefined;
  version: string;
  startedAt: number;
  now(): number;
}

function remarksOnDrift({ device, drift, driftDue, linked }: DeviceReport): string[] {
  const due = driftDue
    ? [`${device}: a drift check is due: the device started anew, or what was to be restored was put off`]
    : [];
  if (drift === null || drift.stale) {
    const since = drift === null ? "it was never checked" : `it was last checked at ${drift.checkedAt}`;
    return linked === 0
      ? due
      : [...due, `${device}: drift is not known, ${since}; 'sbc-agent drift --check' checks it`];
  }
  if (drift.drifted === 0) return due;
  const found = drift.afterRestart ? ", found after the device started anew" : "";
  return [
    ...due,
    `${device}: ${drift.drifted} customer(s) differ from their intent${found}; 'sbc-agent drift --device ${device}' tells how, 'sbc-agent resync --device ${device}' puts them right`,
  ];
}

function remarksOn(report: DeviceReport): string[] {
  const { device, lastError, nextTryAt, loginFailures, unsavedSeconds, queue, pause } = report;
  return [
    ...(pause === null ? [] : [`${device}: paused by ${pause.by} since ${pause.since} (${pause.reason})`]),
    ...(lastError === null ? [] : [`${device}: ${lastError.message}`]),
    ...(lastError !== null && nextTryAt === null
      ? [`${device}: waits for an operator; 'sbc-agent resume ${device} --reason ...' tries again`]
      : []),
    ...(loginFailures === 0 ? [] : [`${device}: ${loginFailures} failed log-in(s) counted`]),
    ...(unsavedSeconds < 60 ? [] : [`${device}: written ${Math.round(unsavedSeconds)} s ago and not saved yet`]),
    ...remarksOnDrift(report),
    ...(queue === 0 || report.oldestPendingSeconds < 900
      ? []
      : [`${device}: a conversion has been waiting for ${Math.round(report.oldestPendingSeconds / 60)} min`]),
  ];
}

function remarksOnPortal({ url, reachedAt, trouble }: NonNullable<HealthReport["portal"]>, now: number): string[] {
  if (trouble !== null) return [`portal ${url}: ${trouble}`];
  if (reachedAt === null) return [`portal ${url} was never reached: nothing is pulled`];
  const silent = now - Date.parse(reachedAt);
  return silent < silentMs ? [] : [`portal ${url} was last reached ${Math.round(silent / 1_000)} s ago`];
}

/** The state of every device of the inventory, and one remark for each thing that a human should look at. */
export async function reportHealth(dependencies: HealthDependencies): Promise<HealthReport> {
  const { lanes, taken, source, journal, driftMaxAgeMs, version, startedAt, now } = dependencies;
  const [modes, queues, links, unsaved, logins, checks] = await Promise.all([
    journal.deviceModes(),
    source.queues(),
    source.countLinks(),
    journal.unsavedSince(),
    journal.loginFailures(),
    journal.driftSummaries({}),
  ]);
  const seconds = (since: number | undefined): number =>
    since === undefined ? 0 : Math.max(0, (now() - since) / 1_000);
  const devices = [...lanes.values()].map((lane): DeviceReport => {
    const { name, driver, address, gateways, mode } = lane.device;
    const paused = modes.find(({ device }) => device === name)?.paused;
    const queue = queues.find(({ device }) => device === name);
    const check = checks.find(({ device }) => device === name);
    return {
      device: name,
      driver,
      taken: taken.get(name) ?? null,
      address,
      gateways,
      mode: paused === undefined ? mode : "paused",
      pause: paused === undefined ? null : { ...paused, since: new Date(paused.since).toISOString() },
      ...lane.state(),
      drift:
        check?.latest === undefined
          ? null
          : {
              ...check.latest,
              checkedAt: new Date(check.latest.checkedAt).toISOString(),
              updatedAt: check.latest.updatedAt === undefined ? null : new Date(check.latest.updatedAt).toISOString(),
              stale: isStale(check.latest.checkedAt, now(), driftMaxAgeMs),
            },
      driftDue: check?.due ?? false,
      unsavedSeconds: seconds(unsaved.find(({ device }) => device === name)?.since),
      queue: queue?.waiting ?? 0,
      oldestPendingSeconds: seconds(queue?.oldestAcceptedAt),
      linked: links.find(({ device }) => device === name)?.linked ?? 0,
      loginFailures: logins.filter(({ device }) => device === name).reduce((sum, { failures }) => sum + failures, 0),
    };
  });
  const portal = dependencies.portal?.() ?? null;
  const remarks = [...(portal === null ? [] : remarksOnPortal(portal, now())), ...devices.flatMap(remarksOn)];
  return {
    status: remarks.length === 0 ? "ok" : "degraded",
    version,
    startedAt: new Date(startedAt).toISOString(),
    remarks,
    devices,
    portal,
    amendments: await reportAmendments(dependencies.amendments),
    announced: [],
  };
}
