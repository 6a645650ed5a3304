import type { DeviceStatus, Driver } from "./driver.ts";
import { DriverError } from "./errors.ts";

/** One way to a device. */
export interface Way {
  /** For people: `REST`, `SSH`. */
  name: string;
  /** Opens no connection. */
  open(): Driver;
}

/**
 * A device over the first of several ways that leads to it. The first `status()` chooses: only where a
 * device cannot be connected is the next way tried, never after a log-in that was or may have been refused, a wrong identity or a late answer.
 * From then on everything goes that way, also where it fails later: no run changes it halfway. `describe()` says which
 * it was, and why.
 */
export function openAuto(device: string, ways: readonly Way[]): Driver {
  const opened = new Map<Way, Driver>();
  let chosen: { driver: Driver; text: string } | undefined;

  function driverOf(way: Way): Driver {
    const driver = opened.get(way) ?? way.open();
    opened.set(way, driver);
    return driver;
  }

  function current(): Driver {
    if (chosen !== undefined) return chosen.driver;
    throw new DriverError("unsupported", `${device}: no way to it was chosen yet; ask for its status first`);
  }

  async function status(signal: AbortSignal): Promise<DeviceStatus> {
    if (chosen !== undefined) return chosen.driver.status(signal);
    const failed: string[] = [];
    let cause: unknown;
    for (const way of ways) {
      const driver = driverOf(way);
      try {
        const now = await driver.status(signal);
        chosen = { driver, text: [way.name, ...failed].join("; ") };
        return now;
      } catch (error) {
        if (!(error instanceof DriverError) || error.code !== "unreachable" || error.mayBeRefused || signal.aborted)
          throw error;
        failed.push(`${way.name}: ${error.message}`);
        cause = error;
      }
    }
    throw new DriverError("unreachable", `${device}: no way leads to it: ${failed.join("; ")}`, { cause });
  }

  return {
    status,
    describe: () => ({ ...current().describe(), ...(chosen === undefined ? {} : { way: chosen.text }) }),
    read: async (signal) => current().read(signal),
    render: (steps) => current().render(steps),
    apply: async (steps, signal) => current().apply(steps, signal),
    save: async (signal) => current().save(signal),
    backup: async (signal) => current().backup(signal),
    warm() {
      const [first] = ways;
      if (chosen !== undefined) chosen.driver.warm();
      else if (first !== undefined) driverOf(first).warm();
    },
    async close() {
      await Promise.all([...opened.values()].map((driver) => driver.close()));
    },
  };
}
