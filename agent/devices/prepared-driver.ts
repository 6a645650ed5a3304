import type { Driver } from "../../drivers/driver.ts";

/** A driver whose connections are set up while a run is waited for, so that the run finds them standing. */
export interface PreparedDriver {
  /** Something arrived and a run will follow shortly. Never throws: what is wrong is told by the run. */
  prepare(): void;
  /** The prepared driver, or a new one. Whoever takes it closes it. Throws what opening a driver throws. */
  take(): Driver;
  /** Closes what nobody took. Never throws. */
  discard(): Promise<void>;
}

/** After which one that nobody took is closed: about as long as its idle connections are of use. */
const maxAgeMs = 2_000;

/** `readKey` tells what a driver is opened with; one that was opened with something else is never handed over. */
export function createPreparedDriver(open: () => Driver, readKey: () => string): PreparedDriver {
  let prepared: { driver: Driver; key: string; timer: NodeJS.Timeout } | undefined;

  function yieldDriver(): { driver: Driver; key: string } | undefined {
    const found = prepared;
    prepared = undefined;
    clearTimeout(found?.timer);
    return found;
  }

  async function discard(): Promise<void> {
    await yieldDriver()?.driver.close();
  }

  return {
    prepare() {
      if (prepared !== undefined) return;
      try {
        const key = readKey();
        const driver = open();
        driver.warm();
        prepared = { driver, key, timer: setTimeout(() => void discard(), maxAgeMs).unref() };
      } catch {
        // The run opens one itself and says why that cannot be.
      }
    },
    take() {
      const found = yieldDriver();
      if (found === undefined) return open();
      if (found.key === readKey()) return found.driver;
      void found.driver.close();
      return open();
    },
    discard,
  };
}
