import type { Pace } from "../../agent/source/pace.ts";

/** Time that passes when a test says so. Waits of up to `shortMs` are over at once, and take their time on this clock. */
export interface ManualPace extends Pace {
  /** Lets time pass, and ends the waits that are over by then. */
  advance(ms: number): void;
  /** Resolves when somebody waits for just this long. */
  untilWaitingFor(ms: number): Promise<void>;
  /** Waits that are not over. */
  pending(): number;
  /** How long each wait was to be, short ones included. */
  readonly waits: readonly number[];
}

export function createManualPace(options: { shortMs?: number; random?: () => number } = {}): ManualPace {
  const { shortMs = 1_000, random = () => 0 } = options;
  const waits: number[] = [];
  const pending = new Set<{ at: number; ms: number; end: () => void }>();
  const watchers = new Set<() => void>();
  let now = 1_000_000;

  function advance(ms: number): void {
    now += ms;
    for (const wait of pending)
      if (wait.at <= now) {
        pending.delete(wait);
        wait.end();
      }
  }

  return {
    nowMs: () => now,
    random,
    waits,
    async wait(ms, signal) {
      signal.throwIfAborted();
      waits.push(ms);
      if (ms <= shortMs) {
        advance(ms);
        await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
        return;
      }
      await new Promise<void>((resolve, reject) => {
        const wait = { at: now + ms, ms, end: resolve };
        pending.add(wait);
        signal.addEventListener("abort", () => {
          pending.delete(wait);
          reject(signal.reason as Error);
        });
        for (const watcher of [...watchers]) watcher();
      });
    },
    advance,
    pending: () => pending.size,
    async untilWaitingFor(ms) {
      const holds = (): boolean => [...pending].some((wait) => Math.round(wait.ms) === ms);
      if (holds()) return;
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          if (!holds()) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
      });
    },
  };
}
