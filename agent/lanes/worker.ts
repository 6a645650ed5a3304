import type { Lane } from "./lane.ts";
import type { Log } from "../log.ts";
import type { Metrics } from "../metrics.ts";
import type { ConversionSource } from "../source/source.ts";
import type { JournalStore } from "../store/journal-store.ts";
import { StoreTrouble } from "../store/trouble.ts";

export interface WorkerDependencies {
  lanes: ReadonlyMap<string, Lane>;
  source: ConversionSource;
  journal: Pick<JournalStore, "deviceModes">;
  log: Log;
  metrics: Metrics;
  pollMs: number;
  now(): number;
}

/** Watches the source and wakes the lanes. One lane a device; none waits for another. */
export interface Worker {
  /** Throws when links or conversions name a device that is not in the inventory: their work would wait unseen. */
  start(): Promise<void>;
  /** Reads pauses anew and applies them to lanes and deadlines. */
  applyModes(): Promise<void>;
  /** When the source was last asked; undefined before the first time. */
  polledAt(): number | undefined;
  stop(graceMs: number): Promise<void>;
}

export function createWorker(dependencies: WorkerDependencies): Worker {
  const { lanes, source, journal, log, metrics, pollMs, now } = dependencies;
  let polled: number | undefined;
  let unwatch: (() => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  let polling: Promise<void> | undefined;

  async function poll(): Promise<void> {
    for (const { device, waiting } of await source.queues()) lanes.get(device)?.look(waiting === 0);
    polled = now();
  }

  const pollSoon = (): void => {
    polling ??= poll()
      .catch((error: unknown) => {
        // The store says so itself, and once.
        if (!(error instanceof StoreTrouble)) log.error("source could not be polled", { reason: String(error) });
      })
      .finally(() => {
        polling = undefined;
      });
  };

  async function applyModes(): Promise<void> {
    const pauses = new Map((await journal.deviceModes()).map(({ device, paused }) => [device, paused]));
    // All lanes first: none writes on while something is stored for another.
    for (const [name, lane] of lanes) lane.setPause(pauses.get(name));
    const standing = (name: string, { device }: Lane): boolean => pauses.has(name) || device.mode === "observe";
    await Promise.all([...lanes].map(([name, lane]) => source.setStandstill(name, standing(name, lane))));
  }

  async function assertInventory(): Promise<void> {
    const missing = (await source.namedDevices()).filter((device) => !lanes.has(device));
    if (missing.length > 0)
      throw new Error(
        `devices: ${missing.map((device) => `'${device}'`).join(", ")} ${missing.length === 1 ? "has" : "have"} linked customers, waiting conversions or unsaved writes and must stay in the inventory`,
      );
  }

  return {
    async start() {
      await assertInventory();
      await applyModes();
      unwatch = source.watch((event) => {
        if (event.kind === "ready") lanes.get(event.device)?.wake();
        if (event.kind === "amended")
          log.info("amendment ended", { task: event.taskId, device: event.device, result: event.result });
        if (event.kind !== "ended") return;
        const [result = ""] = event.details;
        metrics.conversionEnded(result);
        log.info("task ended", { task: event.taskId, device: event.device, result });
      });
      await poll();
      for (const lane of lanes.values()) lane.start();
      timer = setInterval(pollSoon, pollMs);
    },
    applyModes,
    polledAt: () => polled,
    async stop(graceMs) {
      unwatch?.();
      clearInterval(timer);
      await Promise.all([...lanes.values()].map((lane) => lane.stop(graceMs)));
      await polling;
    },
  };
}
