import type { Log } from "../log.ts";
import type { PollAnswer } from "../pull-shapes.ts";
import { fullJitter, type Pace } from "./pace.ts";
import type { PortalClient } from "./portal-client.ts";
import { PortalError } from "./portal-error.ts";
import { createLongSignal } from "./time-limit.ts";

export interface AnnouncerDependencies {
  client: Pick<PortalClient, "poll" | "fault">;
  identity: string;
  version: string;
  devices: readonly { device: string; gateways: readonly string[]; standing: boolean }[];
  /** Called for every conversion that arrived, once. */
  onArrival(device: string): void;
  log: Log;
  pace: Pace;
  /** Milliseconds since 1970. */
  now(): number;
}

type DeviceWork = PollAnswer["devices"][number];

/** Tells the portal what this agent serves, again and again, and hears what waits for it. */
export interface Announcer {
  start(): void;
  /** Ends the poll under way at once. */
  stop(): Promise<void>;
  /** The portal hears of it at once. */
  setStandstill(device: string, standing: boolean): void;
  /** By device, from the latest answer; nothing before the first one. */
  work(): ReadonlyMap<string, DeviceWork>;
  /** Devices that the portal has work for and that nobody announces. */
  missing(): readonly string[];
  /** When the portal last answered a poll; undefined before the first time. */
  reachedAt(): number | undefined;
  /** Why the portal does not take what this agent announces; undefined while it does. */
  refusal(): string | undefined;
  /** Why the latest poll failed; undefined when it was answered. */
  trouble(): string | undefined;
  /** Resolves while the portal hears this agent, waiting for it up to `ms`. Throws PortalError. */
  untilHeard(ms: number, signal: AbortSignal): Promise<void>;
}

const waitSeconds = 25;
/**
 * From one poll to the next, however fast the portal answers. After news shorter than a lane lingers, so that what is
 * accepted together is still one run.
 */
const spacingMs = { changed: 40, unchanged: 1_000 };
const backoffMs = { least: 1_000, min: 1_000, max: 30_000 };
/** An answer that tells of more is a start, and wakes a lane as surely. */
const mostArrivals = 1_000;

export function createAnnouncer(dependencies: AnnouncerDependencies): Announcer {
  const { client, identity, version, onArrival, log, pace, now } = dependencies;
  const announced = new Map(dependencies.devices.map((device) => [device.device, { ...device }]));
  const stopping = createLongSignal();
  /** Ends the poll, or the pause after it, that is under way. */
  let turn = new AbortController();
  let running: Promise<void> | undefined;
  let cursor = "";
  let fresh = true;
  let work = new Map<string, DeviceWork>();
  let missing: readonly string[] = [];
  let reached: number | undefined;
  let trouble: PortalError | undefined;
  const listeners: (() => void)[] = [];

  /** Lets those go on who wait for a word of the portal. */
  function tellWaiters(): void {
    for (const listener of listeners.splice(0)) listener();
  }

  function take(answer: PollAnswer): void {
    cursor = answer.cursor;
    fresh = false;
    reached = now();
    if (trouble !== undefined) log.info("portal hears this agent again");
    trouble = undefined;
    const before = work;
    work = new Map(answer.devices.filter(({ device }) => announced.has(device)).map((each) => [each.device, each]));
    noteMissing(answer.missing);
    tellWaiters();
    for (const each of work.values())
      for (let i = arrivalsOf(each, before.get(each.device)); i > 0; i -= 1) onArrival(each.device);
  }

  function noteMissing(devices: readonly string[]): void {
    const unknown = devices.filter((device) => !announced.has(device)).sort();
    if (unknown.join() !== missing.join() && unknown.length > 0)
      log.error("the portal has work for devices that this agent no longer serves", { devices: unknown.join(", ") });
    missing = unknown;
  }

  function noteTrouble(error: PortalError): void {
    const news = trouble?.fault !== error.fault || trouble.status !== error.status;
    trouble = error;
    if (news && error.fault === "refused") log.error("portal refuses this agent", { reason: error.message });
    else if (news) log.warn("portal does not hear this agent", { code: error.fault, reason: error.message });
    tellWaiters();
  }

  async function pollOnce(signal: AbortSignal): Promise<void> {
    const devices = [...announced.values()].map(({ device, gateways, standing }) => ({
      device,
      gateways: gateways.map((gateway) => gateway.toLowerCase()),
      standing,
    }));
    // Claims wait for the first one, which frees leases, and for one that is answered after trouble: not held back.
    const held = fresh || trouble !== undefined ? 0 : waitSeconds;
    take(await client.poll({ identity, version, fresh, devices, cursor, waitSeconds: held }, signal));
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      turn = new AbortController();
      const { signal } = turn;
      const startedAt = pace.nowMs();
      const before = cursor;
      let pauseMs = 0;
      try {
        await pollOnce(signal);
        failures = 0;
        const least = cursor === before ? spacingMs.unchanged : spacingMs.changed;
        pauseMs = least * (1 + pace.random() / 2) - (pace.nowMs() - startedAt);
      } catch (error) {
        if (signal.aborted) continue;
        failures += 1;
        const problem = asTrouble(error);
        noteTrouble(problem);
        const jitter = fullJitter(failures, backoffMs.min, backoffMs.max, pace.random);
        pauseMs = Math.max(problem.waitMs, backoffMs.least + jitter);
      }
      // What has news does not wait, unless the portal is in trouble.
      const until = failures > 0 ? stopping.signal : signal;
      if (pauseMs > 0) await pace.wait(pauseMs, until).catch(() => undefined);
    }
  }

  function asTrouble(error: unknown): PortalError {
    if (error instanceof PortalError) return error;
    log.error("polling failed", { reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    return client.fault("protocol", error instanceof Error ? error.message : String(error));
  }

  return {
    start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      turn.abort();
      tellWaiters();
      await running;
    },
    setStandstill(device, standing) {
      const known = announced.get(device);
      if (known === undefined || known.standing === standing) return;
      known.standing = standing;
      // A first poll that is cut off could still arrive later, and free what is claimed by then.
      if (!fresh) turn.abort();
    },
    work: () => work,
    missing: () => missing,
    reachedAt: () => reached,
    refusal: () => (trouble?.fault === "refused" ? trouble.message : undefined),
    trouble: () => trouble?.message,
    async untilHeard(ms, signal) {
      const patience = new AbortController();
      const state = { over: false };
      const giveUp = (): void => patience.abort();
      signal.addEventListener("abort", giveUp, { once: true });
      const patient = pace.wait(ms, patience.signal).then(
        () => (state.over = true),
        () => (state.over = true),
      );
      try {
        for (;;) {
          if (signal.aborted || stopping.signal.aborted) throw client.fault("stopped", "this agent stops");
          if (reached !== undefined && trouble === undefined) return;
          if (trouble?.fault === "refused" || state.over)
            throw trouble ?? client.fault("unreachable", "The portal has not answered this agent yet");
          await Promise.race([new Promise<void>((resolve) => listeners.push(resolve)), patient]);
        }
      } finally {
        giveUp();
        signal.removeEventListener("abort", giveUp);
        await patient;
      }
    },
  };
}

/** No more than wait; where a portal counts anew, the next look at what waits makes good for it. */
function arrivalsOf(now: DeviceWork, before: DeviceWork | undefined): number {
  const waiting = now.waiting + now.amendments + now.owed;
  return Math.min(mostArrivals, waiting, Math.max(0, now.arrived - (before?.arrived ?? 0)));
}
