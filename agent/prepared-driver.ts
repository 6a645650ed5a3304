import type { Driver } from "../drivers/driver.ts";

/** A driver whose connections are set up while a run is waited for, so that the run finds them standing. */
export interface PreparedDriver {
  /** Something arrived and a run will follow shortly. Never throws: what is wrong is told by the run. */
  prepare(): void;
  /** The prepared driver, or a new one. Whoever takes it closes it. Throws what opening a driver throws. */
  take(): Driver;
  /** Closes what nobody took. */
  discard(): Promise<void>;
}

/** Longer than a run lingers; afterwards address or password may have become others. */
const maxAgeMs = 5_000;

export function createPreparedDriver(open: () => Driver): PreparedDriver {
  let prepared: { driver: Driver; at: number } | undefined;

  async function discard(): Promise<void> {
    const old = prepared;
    prepared = undefined;
    await old?.driver.close();
  }

  const isFresh = (): boolean => prepared !== undefined && performance.now() - prepared.at < maxAgeMs;

  return {
    prepare() {
      if (isFresh()) return;
      void discard();
      try {
        const driver = open();
        driver.warm();
        prepared = { driver, at: performance.now() };
      } catch {
        // The run opens one itself and says why that cannot be.
      }
    },
    take() {
      if (!isFresh()) void discard();
      const driver = prepared?.driver ?? open();
      prepared = undefined;
      return driver;
    },
    discard,
  };
}
