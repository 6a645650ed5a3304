import { createHash } from "node:crypto";
import type { PollAnswer } from "../pull-shapes.ts";
import type { PortalStore } from "../store/portal-store.ts";

export type PolledState = Pick<PollAnswer, "cursor" | "devices">;

export interface Poll {
  devices: readonly string[];
  /** Of the last answer; empty at first. */
  cursor: string;
  waitMs: number;
  /** Aborted when nobody waits for the answer any more. */
  gone: AbortSignal;
}

/** Polls that are held back until something happens to one of their devices. */
export interface Polls {
  /**
   * Resolves with the devices' state: at once when its cursor is another one, else when it became so, when the time is
   * over, when nobody waits any more, or when `close` is called.
   */
  hold(poll: Poll): Promise<PolledState>;
  /** Answers all that are held, and from now on each at once. */
  close(): void;
}

/** What arrives together is told together. */
const coalesceMs = 10;

/** One watch on the store for all polls; a poll costs a timer and a read, and none costs the others anything. */
export function openPolls(store: Pick<PortalStore, "queues" | "countLinks" | "watch">): Polls {
  const stirs = new Map<string, Set<() => void>>();
  const held = new Set<() => void>();
  let closed = false;
  const unwatch = store.watch((event) => {
    if (event.kind === "site" || event.device === null) return;
    for (const stir of stirs.get(event.device) ?? []) stir();
  });

  function enlist(devices: readonly string[], stir: () => void): () => void {
    for (const device of devices) stirs.set(device, (stirs.get(device) ?? new Set()).add(stir));
    return () => {
      for (const device of devices) {
        const left = stirs.get(device);
        left?.delete(stir);
        if (left?.size === 0) stirs.delete(device);
      }
    };
  }

  return {
    async hold({ devices, cursor, waitMs, gone }) {
      let over = waitMs === 0 || gone.aborted || closed;
      let soon: NodeJS.Timeout | undefined;
      let lookAgain = (): void => undefined;
      const end = (): void => {
        over = true;
        lookAgain();
      };
      const discharge = enlist(devices, () => {
        soon ??= setTimeout(() => {
          soon = undefined;
          lookAgain();
        }, coalesceMs);
      });
      const patience = setTimeout(end, waitMs);
      gone.addEventListener("abort", end, { once: true });
      held.add(end);
      try {
        for (;;) {
          // Before the read: what happens during it is not missed.
          const stirred = new Promise<void>((resolve) => (lookAgain = resolve));
          const state = await readState(store, devices);
          if (over || state.cursor !== cursor) return state;
          await stirred;
        }
      } finally {
        clearTimeout(patience);
        clearTimeout(soon);
        discharge();
        held.delete(end);
        gone.removeEventListener("abort", end);
      }
    },

    close() {
      unwatch();
      closed = true;
      for (const end of held) end();
    },
  };
}

async function readState(
  store: Pick<PortalStore, "queues" | "countLinks">,
  names: readonly string[],
): Promise<PolledState> {
  const [queues, links] = await Promise.all([store.queues(), store.countLinks()]);
  const queueOf = new Map(queues.map((queue) => [queue.device, queue]));
  const linkedOn = new Map(links.map(({ device, linked }) => [device, linked]));
  const devices = [...names].sort().map((device) => {
    const queue = queueOf.get(device);
    return {
      device,
      waiting: (queue?.waiting ?? 0) - (queue?.amendments ?? 0),
      amendments: queue?.amendments ?? 0,
      owed: queue?.owed ?? 0,
      arrived: queue?.arrived ?? 0,
      oldestAcceptedAt: queue === undefined ? null : new Date(queue.oldestAcceptedAt).toISOString(),
      linked: linkedOn.get(device) ?? 0,
    };
  });
  const cursor = createHash("sha256").update(JSON.stringify(devices)).digest("base64url");
  return { cursor, devices };
}
