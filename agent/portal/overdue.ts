import type { Log } from "../log.ts";
import type { Conversion, ExecutionMessage } from "../store/model.ts";
import type { PortalStore } from "../store/portal-store.ts";
import { StoreTrouble } from "../store/trouble.ts";

export interface OverdueDependencies {
  store: Pick<PortalStore, "endOverdue">;
  log: Log;
  pollMs: number;
}

/** Ends conversions whose time is over. It belongs to whoever owns the conversions, not to those who work on them. */
export interface Overdue {
  start(): Promise<void>;
  stop(): Promise<void>;
}

function explain({ device, shortName }: Conversion): ExecutionMessage[] {
  return [
    {
      level: "Error",
      message: `Customer '${shortName}' was not converted: device ${device ?? "(none)"} could not be worked on before the deadline, and nothing was sent to it. Look at 'sbc-agent status', then post the conversion again.`,
    },
  ];
}

export function createOverdue({ store, log, pollMs }: OverdueDependencies): Overdue {
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    for (const task of await store.endOverdue(explain)) log.warn("conversion overdue", { task });
  }

  function lookSoon(): void {
    looking ??= look()
      .catch((error: unknown) => {
        // The store says so itself, and once.
        if (!(error instanceof StoreTrouble))
          log.error("overdue conversions could not be ended", { reason: String(error) });
      })
      .finally(() => {
        looking = undefined;
      });
  }

  return {
    async start() {
      await look();
      timer = setInterval(lookSoon, pollMs);
    },
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}
