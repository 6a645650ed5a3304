/** How long a lease has been used up, by the monotonic and the wall clock, whichever is further on. */
export interface LeaseClock {
  usedMs(): number;
  /** A moment to restart from, taken before a renewal is asked for: one that fails restarts nothing. */
  mark(): LeaseMoment;
  restartFrom(moment: LeaseMoment): void;
}

export interface LeaseMoment {
  monotonic: number;
  wall: number;
}

/** Start it before the lease is asked for, so that it never runs behind the store's own clock. */
export function startLeaseClock(now: () => number): LeaseClock {
  const mark = (): LeaseMoment => ({ monotonic: performance.now(), wall: now() });
  let start = mark();
  return {
    usedMs: () => Math.max(performance.now() - start.monotonic, now() - start.wall),
    mark,
    restartFrom: (moment) => {
      start = moment;
    },
  };
}
