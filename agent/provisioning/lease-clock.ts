/** How long a lease has been used up, by the monotonic and the wall clock, whichever is further on. */
export interface LeaseClock {
  usedMs(): number;
  /** After a renewal that was asked for at this moment or later. */
  restart(): void;
}

/** Start it before the lease is asked for, so that it never runs behind the store's own clock. */
export function startLeaseClock(now: () => number): LeaseClock {
  let monotonic = performance.now();
  let wall = now();
  return {
    usedMs: () => Math.max(performance.now() - monotonic, now() - wall),
    restart: () => {
      monotonic = performance.now();
      wall = now();
    },
  };
}
