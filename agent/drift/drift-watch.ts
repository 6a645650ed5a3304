import type { Lane } from "../lanes/lane.ts";

/** Asks idle devices how they are, each at its own moment of the interval, so that they are not all asked at once. */
export interface DriftWatch {
  start(): void;
  stop(): void;
}

export function createDriftWatch(lanes: ReadonlyMap<string, Pick<Lane, "probe">>, probeMs: number): DriftWatch {
  let timers: NodeJS.Timeout[] = [];

  return {
    start() {
      const all = [...lanes.values()];
      timers = all.map((lane, i) => {
        const first = setTimeout(
          () => {
            lane.probe();
            timers[i] = setInterval(() => lane.probe(), probeMs);
          },
          (probeMs * (i + 1)) / all.length,
        );
        return first;
      });
    },
    stop() {
      for (const timer of timers) clearTimeout(timer);
      timers = [];
    },
  };
}
