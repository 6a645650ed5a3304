import { reportAmendments } from "./amendment-reports.ts";
import type { AnnouncedReport, HealthReport } from "../reports.ts";
import { silentMs } from "../silence.ts";
import type { PortalStore } from "../store/portal-store.ts";

export interface PortalHealthDependencies {
  store: Pick<
    PortalStore,
    "announcedDevices" | "missingGateways" | "queues" | "countLinks" | "namedDevices" | "openAmendments"
  >;
  version: string;
  startedAt: number;
  now(): number;
}

const longWaitSeconds = 900;

const minutes = (seconds: number): number => Math.round(seconds / 60);

/** The state of a portal whose devices agents elsewhere work on. */
export async function reportPortalHealth(dependencies: PortalHealthDependencies): Promise<HealthReport> {
  const { store, version, startedAt, now } = dependencies;
  const [announced, missing, queues, links, named] = await Promise.all([
    store.announcedDevices(),
    store.missingGateways(),
    store.queues(),
    store.countLinks(),
    store.namedDevices(),
  ]);
  const secondsSince = (at: number): number => Math.max(0, (now() - at) / 1_000);
  const reports = announced.map((word): AnnouncedReport => {
    const { device, agent, gateways, standing, heardAt } = word;
    const queue = queues.find((one) => one.device === device);
    return {
      device,
      agent,
      version: word.version,
      standing,
      gateways: [...gateways],
      heardAt: new Date(heardAt).toISOString(),
      queue: queue?.waiting ?? 0,
      oldestPendingSeconds: queue === undefined ? 0 : secondsSince(queue.oldestAcceptedAt),
      linked: links.find((one) => one.device === device)?.linked ?? 0,
    };
  });
  const remarks = [
    ...reports.flatMap((report) => remarksOn(report, now())),
    ...named
      .filter((device) => !announced.some((one) => one.device === device))
      .map((device) => `${device}: has linked customers or conversions, and no agent ever announced it`),
    ...missing.map(
      ({ gateway, waiting, oldestAcceptedAt }) =>
        `gateway ${gateway}: announced by no agent; ${waiting} conversion(s) wait for it, the oldest for ${minutes(secondsSince(oldestAcceptedAt))} min`,
    ),
  ];
  return {
    status: remarks.length === 0 ? "ok" : "degraded",
    version,
    startedAt: new Date(startedAt).toISOString(),
    remarks,
    devices: [],
    portal: null,
    amendments: await reportAmendments(store),
    announced: reports,
  };
}

function remarksOn({ device, agent, heardAt, queue, oldestPendingSeconds }: AnnouncedReport, now: number): string[] {
  const silent = now - Date.parse(heardAt);
  return [
    ...(silent < silentMs
      ? []
      : [`${device}: its agent '${agent}' was last heard of ${Math.round(silent / 1_000)} s ago`]),
    ...(queue === 0 || oldestPendingSeconds < longWaitSeconds
      ? []
      : [`${device}: a conversion has been waiting for ${minutes(oldestPendingSeconds)} min`]),
  ];
}
