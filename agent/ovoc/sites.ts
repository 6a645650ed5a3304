import PQueue from "p-queue";
import { reach } from "../fail-points.ts";
import type { Log } from "../log.ts";
import type { LinkKey, OvocClient } from "./client.ts";
import { OvocError } from "./error.ts";
import { backoff } from "../provisioning/outcome.ts";
import type { Conversion, ExecutionMessage } from "../store/model.ts";
import type { PortalStore } from "../store/portal-store.ts";
import { StoreTrouble } from "../store/trouble.ts";

export interface SitesDependencies {
  store: Pick<PortalStore, "sites" | "links" | "completeSite" | "noteProgress" | "watch">;
  /** Undefined where OVOC is not configured. */
  ovoc: OvocClient | undefined;
  log: Log;
  pollMs: number;
  retryMinMs: number;
  retryMaxMs: number;
  now(): number;
  /** How many are taken up at a time. Default 500. */
  pageSize?: number;
}

/** The last step of a conversion: its site in OVOC, and its links. Retried alone, as the device is done by then. */
export interface Sites {
  start(): void;
  stop(): Promise<void>;
}

/** A conversion that was taken up, and how far it came. */
interface Attempt {
  readonly conversion: Conversion;
  failures: number;
  trying: boolean;
  wanted: string[];
  /** Of that, what was seen in OVOC, and how it is told. A later try looks it up again. */
  readonly made: Map<string, ExecutionMessage>;
}

/** So begin the messages of a task whose site waits for trouble with OVOC. */
export const notInOvocYet = "Not in Ovoc yet:";

/** Customers that are attended to at once: with OVOC to spare it, without it as many as share a sync to disk. */
const atOnce = { withOvoc: 4, withoutOvoc: 200 };
/** A conversion may come here past its deadline, when its device kept it waiting: it is tried so often all the same. */
const leastTries = 5;

const information = (message: string): ExecutionMessage => ({ level: "Information", message });

const describeLink = (key: LinkKey): string =>
  key.kind === "tenant" ? "the link of the tenant" : `the link of IP Group '${key.ipGroup}'`;

const madeOf = ({ wanted, made }: Attempt): ExecutionMessage[] => wanted.flatMap((what) => made.get(what) ?? []);

const missingOf = ({ wanted, made }: Attempt): string => wanted.filter((what) => !made.has(what)).join(", ");

function warn(attempt: Attempt, reason: string): ExecutionMessage {
  return {
    level: "Warning",
    message:
      `Customer '${attempt.conversion.shortName}' is converted, but this is missing in Ovoc as far as is known: ` +
      `${missingOf(attempt)}. Last seen: ${reason}. Make it there by hand.`,
  };
}

export function createSites(dependencies: SitesDependencies): Sites {
  const { store, ovoc, log, pollMs, retryMinMs, retryMaxMs, now, pageSize = 500 } = dependencies;
  const concurrency = ovoc === undefined ? atOnce.withoutOvoc : atOnce.withOvoc;
  const queue = new PQueue({ concurrency });
  const attempts = new Map<string, Attempt>();
  const ending = new AbortController();
  const timers = new Set<NodeJS.Timeout>();
  /** Tries that OVOC did not answer, one after the other. */
  let outages = 0;
  let unwatch: (() => void) | undefined;
  let poll: NodeJS.Timeout | undefined;
  let looking = false;
  let again = false;

  const isEnding = (): boolean => ending.signal.aborted;

  async function finish({ conversion }: Attempt, messages: ExecutionMessage[]): Promise<void> {
    await store.completeSite(conversion.taskId, messages);
    attempts.delete(conversion.taskId);
  }

  function later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      act();
    }, ms);
    timers.add(timer);
  }

  /** By IP Group; of a customer without any, by tenant. */
  async function linkKeysOf({ variant, customerGuid, taskId }: Conversion): Promise<LinkKey[]> {
    if (ovoc?.makesLinks !== true) return [];
    if (variant === "tenant") return [{ kind: "tenant" }];
    const links = await store.links({ customerGuid });
    if (links.length === 0) throw new OvocError("missing", `${taskId} has no stored link to take its IP Groups from`);
    return links.flatMap(({ device, intent }) =>
      intent.rows
        .filter(({ table, role }) => table === "ip-group" && role === "own")
        .map(({ name }) => ({ kind: "ip-group" as const, ipGroup: name, device })),
    );
  }

  /** Makes what is missing. One link that cannot be made does not keep the others. Throws OvocError. */
  async function make(attempt: Attempt, { ensureSite, ensureLink }: OvocClient): Promise<void> {
    const { shortName, fullName, tenantId } = attempt.conversion;
    const customer = { siteName: shortName, fullName, tenantId };
    const keys = await linkKeysOf(attempt.conversion);
    const site = `the site of customer '${shortName}'`;
    attempt.wanted = [site, ...keys.map(describeLink)];
    const { id } = await ensureSite(customer, ending.signal);
    attempt.made.set(site, information("Site created in Ovoc"));
    const faults: OvocError[] = [];
    for (const key of keys) {
      const what = describeLink(key);
      try {
        await ensureLink(customer, id, key, ending.signal);
        attempt.made.set(what, information(`${what.replace(/^the link/, "Link")} is in Ovoc`));
      } catch (error) {
        if (!(error instanceof OvocError) || error.concernsAll) throw error;
        faults.push(error);
      }
    }
    const [first] = faults;
    if (first !== undefined) throw new OvocError(first.code, faults.map(({ message }) => message).join("; "));
  }

  const isOverdue = ({ conversion }: Attempt): boolean => now() >= conversion.deadlineAt;

  const giveUp = (attempt: Attempt, reason: string): Promise<void> =>
    finish(attempt, [...madeOf(attempt), warn(attempt, reason)]);

  /** Only this customer's trouble: it is tried again by itself. */
  async function putOff(attempt: Attempt, reason: string): Promise<void> {
    const { conversion } = attempt;
    attempt.failures += 1;
    log.warn("site not made", {
      task: conversion.taskId,
      device: conversion.device,
      reason,
      failures: attempt.failures,
    });
    if (attempt.failures >= leastTries && isOverdue(attempt)) return giveUp(attempt, reason);
    const message = `${notInOvocYet} ${missingOf(attempt)} (${reason}). It is tried again.`;
    await store.noteProgress([conversion.taskId], information(message));
    later(backoff(attempt.failures, retryMinMs, retryMaxMs, Math.random), () => enqueue(attempt));
  }

  /** OVOC's own trouble: nothing else is tried meanwhile, and then one customer alone. */
  async function pause(attempt: Attempt, reason: string): Promise<void> {
    const isKnown = queue.isPaused;
    queue.pause();
    enqueue(attempt);
    if (isKnown) return;
    queue.concurrency = 1;
    outages += 1;
    later(backoff(outages, retryMinMs, retryMaxMs, Math.random), () => queue.start());
    log.warn("OVOC not usable", { reason, failures: outages, waiting: attempts.size });
    const waiting = [...attempts.values()].filter(({ trying }) => !trying);
    const overdue = outages >= leastTries ? waiting.filter(isOverdue) : [];
    for (const one of overdue) await giveUp(one, reason);
    await store.noteProgress(
      waiting.filter((one) => !overdue.includes(one)).map(({ conversion }) => conversion.taskId),
      information(`${notInOvocYet} ${reason}. It is tried again.`),
    );
  }

  function resume(): void {
    outages = 0;
    queue.concurrency = concurrency;
  }

  async function attend(attempt: Attempt): Promise<void> {
    if (isEnding() || attempts.get(attempt.conversion.taskId) !== attempt) return;
    if (ovoc === undefined)
      return finish(attempt, [information("OVOC is not configured: no site was created in Ovoc.")]);
    attempt.trying = true;
    try {
      await make(attempt, ovoc);
      reach("site-made");
      resume();
      await finish(attempt, madeOf(attempt));
    } catch (error) {
      if (isEnding()) return;
      if (!(error instanceof OvocError)) throw error;
      attempt.trying = false;
      if (error.concernsAll) await pause(attempt, error.message);
      else {
        resume();
        await putOff(attempt, error.message);
      }
    }
  }

  function enqueue(attempt: Attempt): void {
    const { taskId } = attempt.conversion;
    void queue.add(() =>
      attend(attempt).catch((error: unknown) => {
        // The next look takes it up anew.
        attempts.delete(taskId);
        if (!(error instanceof StoreTrouble)) log.error("site step failed", { task: taskId, reason: String(error) });
      }),
    );
  }

  /** Takes up what is not yet. Those that are taken up count among the oldest, so that they hide no later ones. */
  async function look(): Promise<void> {
    const oldest = await store.sites(attempts.size + pageSize);
    const fresh = oldest.filter(({ taskId }) => !attempts.has(taskId));
    for (const conversion of fresh) {
      const wanted = [
        `the site of customer '${conversion.shortName}'`,
        ...(ovoc?.makesLinks === true ? ["its links"] : []),
      ];
      const attempt: Attempt = { conversion, failures: 0, trying: false, wanted, made: new Map() };
      attempts.set(conversion.taskId, attempt);
      enqueue(attempt);
    }
    if (fresh.length >= pageSize) again = true;
  }

  /** Many events at once are one look; an event during it is one more. */
  function lookSoon(): void {
    if (isEnding()) return;
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    look()
      .catch((error: unknown) => {
        // The store says so itself, and once.
        if (!(error instanceof StoreTrouble)) log.error("sites could not be listed", { reason: String(error) });
      })
      .finally(() => {
        looking = false;
        if (again) {
          again = false;
          setImmediate(lookSoon);
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
      queue.clear();
      await queue.onIdle();
    },
  };
}
