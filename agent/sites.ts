import PQueue from "p-queue";
import type { Log } from "./log.ts";
import type { OvocClient } from "./ovoc.ts";
import { backoff } from "./provisioning/outcome.ts";
import type { Conversion, ExecutionMessage } from "./store/model.ts";
import type { PortalStore } from "./store/store.ts";

export interface SitesDependencies {
  store: Pick<PortalStore, "sites" | "completeSite" | "noteProgress" | "watch">;
  /** Undefined where OVOC is not configured. */
  ovoc: OvocClient | undefined;
  log: Log;
  pollMs: number;
  retryMinMs: number;
  retryMaxMs: number;
  now(): number;
}

/** The last step of a conversion: its site in OVOC. Retried alone, as the device is done by then. */
export interface Sites {
  start(): void;
  stop(): Promise<void>;
}

const pageSize = 500;

const information = (message: string): ExecutionMessage => ({ level: "Information", message });

export function createSites(dependencies: SitesDependencies): Sites {
  const { store, ovoc, log, pollMs, retryMinMs, retryMaxMs, now } = dependencies;
  const queue = new PQueue({ concurrency: 4 });
  const busy = new Map<string, { failures: number }>();
  const ending = new AbortController();
  const timers = new Set<NodeJS.Timeout>();
  let unwatch: (() => void) | undefined;
  let poll: NodeJS.Timeout | undefined;
  let looking = false;
  let again = false;

  async function finish(conversion: Conversion, messages: ExecutionMessage[]): Promise<void> {
    await store.completeSite(conversion.taskId, messages);
    busy.delete(conversion.taskId);
  }

  async function make(conversion: Conversion, attempt: { failures: number }): Promise<void> {
    const { taskId, shortName } = conversion;
    try {
      await ovoc?.ensureSite(shortName, ending.signal);
      await finish(conversion, [
        information(
          ovoc === undefined ? "OVOC is not configured: no site was created in Ovoc." : "Site created in Ovoc",
        ),
      ]);
    } catch (error) {
      if (ending.signal.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      attempt.failures += 1;
      log.warn("site not made", { task: taskId, device: conversion.device, reason, failures: attempt.failures });
      if (now() >= conversion.deadlineAt)
        return finish(conversion, [
          {
            level: "Warning",
            message: `Customer '${shortName}' is converted on the device, but its site is missing in Ovoc: ${reason}. Create site '${shortName}' there.`,
          },
        ]);
      await store.noteProgress([taskId], {
        level: "Information",
        message: `The site of customer '${shortName}' is not in Ovoc yet: ${reason}. It is tried again.`,
      });
      const timer = setTimeout(
        () => {
          timers.delete(timer);
          enqueue(conversion, attempt);
        },
        backoff(attempt.failures, retryMinMs, retryMaxMs, Math.random),
      );
      timers.add(timer);
    }
  }

  function enqueue(conversion: Conversion, attempt: { failures: number }): void {
    void queue.add(() =>
      make(conversion, attempt).catch((error: unknown) => {
        busy.delete(conversion.taskId);
        log.error("site step failed", { task: conversion.taskId, reason: String(error) });
      }),
    );
  }

  /** Takes up what is not yet; a page is enough, as its end looks for the next. */
  async function look(): Promise<void> {
    const page = await store.sites(pageSize);
    const fresh = page.filter(({ taskId }) => !busy.has(taskId));
    for (const conversion of fresh) {
      const attempt = { failures: 0 };
      busy.set(conversion.taskId, attempt);
      enqueue(conversion, attempt);
    }
    if (page.length === pageSize && fresh.length > 0) void queue.onIdle().then(lookSoon);
  }

  /** Many events at once are one look; an event during it is one more. */
  function lookSoon(): void {
    if (ending.signal.aborted) return;
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    look()
      .catch((error: unknown) => log.error("sites could not be listed", { reason: String(error) }))
      .finally(() => {
        looking = false;
        if (again) {
          again = false;
          lookSoon();
        }
      });
  }

  return {
    start() {
      unwatch = store.watch((event) => {
        if (event.kind === "site") lookSoon();
      });
      lookSoon();
      poll = setInterval(lookSoon, pollMs);
    },
    async stop() {
      unwatch?.();
      clearInterval(poll);
      ending.abort();
      for (const timer of timers) clearTimeout(timer);
      await queue.onIdle();
    },
  };
}
