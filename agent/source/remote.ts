import { reach } from "../fail-points.ts";
import type { Log } from "../log.ts";
import { startLeaseClock, type LeaseClock } from "../provisioning/lease-clock.ts";
import type { ClaimedAmendment } from "../store/amendment.ts";
import type { ClaimedConversion, Lease } from "../store/model.ts";
import type { DetachedJournal, JournalStore } from "../store/journal-store.ts";
import type { StoreEvent } from "../store/portal-store.ts";
import { createAnnouncer } from "./announcer.ts";
import { realPace, type Pace } from "./pace.ts";
import type { PortalClient } from "./portal-client.ts";
import { createProgressNotes } from "./progress-notes.ts";
import { openRemoteJournal } from "./remote-journal.ts";
import { createResultReports } from "./result-reports.ts";
import type { ConversionSource } from "./source.ts";
import { createLongSignal } from "./time-limit.ts";
import { claimWhole } from "./whole-claim.ts";

export interface RemoteSourceOptions {
  client: PortalClient;
  journal: DetachedJournal;
  /** This installation of the agent: the same over restarts, and another one for any copy of its data. */
  identity: string;
  /** All that this agent serves. `standing`: only observed; what the journal says is paused stands still as well. */
  devices: readonly { device: string; gateways: readonly string[]; standing: boolean }[];
  version: string;
  log: Log;
  /** Milliseconds since 1970. */
  now(): number;
  pace?: Pace;
}

/** A portal elsewhere, and the journal that goes with it. */
export interface RemoteSource {
  source: ConversionSource;
  journal: JournalStore;
  /** From here on the portal hears of this agent; before, nothing can be claimed. Does not wait for the portal. */
  start(): Promise<void>;
  /** Nothing is claimed any more; after `graceMs` what is under way is cut short. To be called while the lanes stop. */
  drain(graceMs: number): void;
  /** Last: sends what progress it can within a second, and closes the connections. The journal stays open. */
  stop(): Promise<void>;
  /** When the portal last answered a poll, in milliseconds since 1970. */
  reachedAt(): number | undefined;
  /** Why the portal does not take what this agent announces, and what to do. */
  refusal(): string | undefined;
  /** Why the latest poll failed, refusals included. */
  trouble(): string | undefined;
  /** Devices that the portal has work for and that neither this agent nor another one announces. */
  missing(): readonly string[];
}

/** How long a claim waits for the portal to hear this agent. */
const hearingMs = 5_000;
/** How long a result waits for the progress messages before it. */
const notesMs = 5_000;
const lastNotesMs = 1_200;
const linksAtOnce = 500;
const mostTasks = 5_000;

/**
 * A ConversionSource over the pull API. Its lease clocks start before the portal is asked, so they never run behind the
 * portal's. Methods throw PortalError where the portal cannot be had.
 */
export function createRemoteSource(options: RemoteSourceOptions): RemoteSource {
  const { client, journal, identity, version, log, now, pace = realPace } = options;
  const gateways = new Map(
    options.devices.flatMap(({ device, gateways }) =>
      gateways.map((gateway) => [gateway.toLowerCase(), device] as const),
    ),
  );
  const listeners = new Set<(event: StoreEvent) => void>();
  const leases = new Map<string, { fence: number; clock: LeaseClock }>();
  const notes = createProgressNotes(client, log, pace);
  const report = createResultReports(client, journal, remainingMs, log);
  const draining = createLongSignal();
  const standing = new Map(options.devices.map(({ device, standing }) => [device, standing]));
  let hurry: NodeJS.Timeout | undefined;
  let announcer: ReturnType<typeof createAnnouncer> | undefined;

  function remainingMs({ device, fence, durationMs }: Lease): number {
    const known = leases.get(device);
    return known?.fence === fence ? Math.max(0, durationMs - known.clock.usedMs()) : 0;
  }

  function tellArrival(device: string): void {
    for (const listener of listeners) {
      try {
        listener({ kind: "ready", device });
      } catch (error) {
        log.error("a listener of the source failed", { reason: String(error) });
      }
    }
  }

  async function start(): Promise<void> {
    if (announcer !== undefined) return;
    for (const { device } of await journal.deviceModes()) if (standing.has(device)) standing.set(device, true);
    announcer = createAnnouncer({
      client,
      identity,
      version,
      devices: options.devices.map(({ device, gateways }) => ({
        device,
        gateways,
        standing: standing.get(device) ?? false,
      })),
      onArrival: tellArrival,
      log,
      pace,
      now,
    });
    announcer.start();
  }

  /** The portal knows of this agent, and has freed what an earlier process of it held. */
  async function heard(): Promise<string> {
    if (draining.signal.aborted) throw client.fault("stopped", "this agent stops: nothing is claimed any more");
    if (announcer === undefined) throw new Error("the source was not started");
    await announcer.untilHeard(hearingMs, draining.signal);
    return identity;
  }

  /** What the portal gave out for another device of ours must not come to stand on two. */
  function isOurs({ taskId, gateway }: ClaimedConversion, device: string, recorded: ReadonlySet<string>): boolean {
    const server = gateways.get(gateway?.toLowerCase() ?? "");
    if (server === undefined || server === device || recorded.has(taskId)) return true;
    log.error("a conversion came for the wrong device and is left alone", { device, task: taskId, gateway });
    return false;
  }

  /** Rows are removed and changed by the link: it must be the same customer's. */
  function isWhole({ taskId, kind, customerGuid, tenantId, change, link }: ClaimedAmendment, device: string): boolean {
    const same = link.customerGuid === customerGuid && link.tenantId === tenantId;
    if (same && (kind === "removal" || change !== null)) return true;
    log.error("an amendment came that contradicts itself and is left alone", { device, task: taskId });
    return false;
  }

  async function claimDevice(
    device: string,
    claim: Parameters<ConversionSource["claimDevice"]>[1],
  ): ReturnType<ConversionSource["claimDevice"]> {
    const identity = await heard();
    const { durationMs, graceMs, max, links = true, amendments: wanted = true } = claim;
    const recorded = await journal.unreported(device);
    const asked = recorded.slice(0, mostTasks);
    const clock = startLeaseClock(now);
    const answer = await claimWhole(
      client,
      device,
      { identity, durationMs, graceMs, max, links, amendments: max > 0 && wanted, openTasks: asked },
      draining.signal,
    );
    if (answer.kind === "held") return answer;
    reach("claim-answered");
    const { lease } = answer;
    leases.set(device, { fence: lease.fence, clock });
    try {
      // What was not asked about may be open as well.
      const unresolved = await journal.noteLease(lease, [...answer.openTasks, ...recorded.slice(mostTasks)]);
      const known = new Set(recorded);
      const conversions = answer.conversions.filter((conversion) => isOurs(conversion, device, known));
      const amendments = answer.amendments.filter((amendment) => isWhole(amendment, device));
      return { kind: "claimed", claim: { lease, conversions, amendments, links: answer.links, unresolved } };
    } catch (error) {
      await client.release(lease).catch(() => undefined);
      throw error;
    }
  }

  async function peekLinks(device: string): ReturnType<ConversionSource["links"]> {
    return (await client.peek(device, true, draining.signal)).links;
  }

  const source: ConversionSource = {
    claimDevice,

    async peekDevice(device, { links = true } = {}) {
      const waiting = await client.peek(device, links, draining.signal);
      return { ...waiting, unresolved: await journal.unresolved(device), secretsStruckOut: true };
    },

    async renewLease(lease) {
      const known = leases.get(lease.device);
      const asked = known?.clock.mark();
      await client.renew(lease, remainingMs(lease));
      if (known?.fence === lease.fence && asked !== undefined) known.clock.restartFrom(asked);
      await journal.noteRenewal(lease);
    },

    async releaseLease(lease) {
      await journal.noteRelease(lease);
      leases.delete(lease.device);
      try {
        await client.release(lease);
      } catch (error) {
        // It ends by itself, and this agent can claim the device at once all the same.
        const reason = error instanceof Error ? error.message : String(error);
        log.debug("a lease could not be given back", { device: lease.device, reason });
      }
    },

    async complete(lease, completions) {
      if (completions.length === 0) return;
      await notes.flush(Math.min(notesMs, remainingMs(lease) / 4));
      await report(lease, completions);
    },

    async updateLinks(lease, links) {
      for (let from = 0; from < links.length; from += linksAtOnce)
        await client.updateLinks(lease, links.slice(from, from + linksAtOnce), remainingMs(lease));
    },

    async previewAdoptions(device, adoptions) {
      const verdicts = [];
      for (let from = 0; from < adoptions.length; from += linksAtOnce)
        verdicts.push(
          ...(await client.previewAdoptions(device, adoptions.slice(from, from + linksAtOnce), draining.signal)),
        );
      return verdicts;
    },

    adopt: (lease, adoptions, by) => client.adopt(lease, adoptions, by, remainingMs(lease)),

    async noteProgress(taskIds, message) {
      notes.note(taskIds, message);
    },

    async setStandstill(device, stands) {
      standing.set(device, stands);
      announcer?.setStandstill(device, stands);
    },

    async queues() {
      return [...(announcer?.work().values() ?? [])]
        .filter(({ waiting, amendments, owed }) => waiting + amendments + owed > 0)
        .map(({ device, waiting, amendments, owed, arrived, oldestAcceptedAt }) => ({
          device,
          waiting: waiting + amendments,
          amendments,
          owed,
          arrived,
          oldestAcceptedAt: oldestAcceptedAt === null ? now() : Date.parse(oldestAcceptedAt),
        }));
    },

    async countLinks() {
      return [...(announcer?.work().values() ?? [])]
        .filter(({ linked }) => linked > 0)
        .map(({ device, linked }) => ({ device, linked }));
    },

    async namedDevices() {
      const withWork = [...(announcer?.work().values() ?? [])].filter(
        ({ waiting, amendments, owed, linked }) => waiting + amendments + owed + linked > 0,
      );
      const unsaved = await journal.unsavedSince();
      const named = [...withWork, ...unsaved].map(({ device }) => device);
      return [...new Set([...named, ...(announcer?.missing() ?? [])])].sort();
    },

    async links({ device, customerGuid }) {
      const devices = device === undefined ? options.devices.map((each) => each.device) : [device];
      const found = [];
      for (const each of devices) found.push(...(await peekLinks(each)));
      return customerGuid === undefined ? found : found.filter((link) => link.customerGuid === customerGuid);
    },

    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };

  return {
    source,
    journal: openRemoteJournal(journal, client, remainingMs, log),
    start,
    drain(graceMs) {
      if (draining.signal.aborted) return;
      draining.abort();
      hurry = setTimeout(() => client.hurry(), graceMs);
      void announcer?.stop();
    },
    async stop() {
      draining.abort();
      clearTimeout(hurry);
      await announcer?.stop();
      await notes.flush(lastNotesMs);
      client.close();
      await notes.stop();
    },
    reachedAt: () => announcer?.reachedAt(),
    refusal: () => announcer?.refusal(),
    trouble: () => announcer?.trouble(),
    missing: () => announcer?.missing() ?? [],
  };
}
