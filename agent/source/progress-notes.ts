import type { Log } from "../log.ts";
import type { ExecutionMessage } from "../store/model.ts";
import { fullJitter, type Pace } from "./pace.ts";
import type { PortalClient } from "./portal-client.ts";
import { PortalError } from "./portal-error.ts";

/** Progress messages on their way to the portal, in order and in the background. They never hold up or fail a run. */
export interface ProgressNotes {
  note(taskIds: readonly string[], message: ExecutionMessage): void;
  /** Resolves when all that was noted so far was sent or dropped, at the latest after `ms`. */
  flush(ms: number): Promise<void>;
  /** Drops what is left. Nothing may be noted afterwards. */
  stop(): Promise<void>;
}

interface Note {
  taskIds: Set<string>;
  message: ExecutionMessage;
}

/** Notes that wait at most; the oldest `Information` goes first. */
const mostWaiting = 500;
const mostTasks = 5_000;
const backoffMs = { min: 1_000, max: 30_000 };

export function createProgressNotes(
  client: Pick<PortalClient, "noteProgress">,
  log: Pick<Log, "warn">,
  pace: Pace,
): ProgressNotes {
  const stopping = new AbortController();
  const waiting: Note[] = [];
  let sending: Promise<void> | undefined;
  let dropped = 0;

  function add(taskIds: readonly string[], message: ExecutionMessage): void {
    const last = waiting.at(-1);
    const same = last?.message.level === message.level && last.message.message === message.message;
    if (last !== undefined && same && last.taskIds.size + taskIds.length <= mostTasks)
      for (const id of taskIds) last.taskIds.add(id);
    else waiting.push({ taskIds: new Set(taskIds), message });
    if (waiting.length <= mostWaiting) return;
    const least = waiting.findIndex(({ message: { level } }) => level === "Information");
    waiting.splice(Math.max(0, least), 1);
    if (dropped === 0) log.warn("progress messages are dropped: the portal takes them too slowly");
    dropped += 1;
  }

  async function send(): Promise<void> {
    let failures = 0;
    for (let note = waiting.shift(); note !== undefined && !stopping.signal.aborted;) {
      try {
        await client.noteProgress([...note.taskIds], note.message);
        failures = 0;
        if (waiting.length === 0) dropped = 0;
        note = waiting.shift();
      } catch (error) {
        if (!(error instanceof PortalError) || error.fault === "refused" || error.fault === "protocol") {
          log.warn("a progress message was not taken", { reason: error instanceof Error ? error.message : "unknown" });
          note = waiting.shift();
          continue;
        }
        failures += 1;
        const jitter = fullJitter(failures, backoffMs.min, backoffMs.max, pace.random);
        await pace.wait(Math.max(error.waitMs, jitter), stopping.signal).catch(() => undefined);
      }
    }
    // Here and not when the promise settles: what is noted in between would have no sender.
    sending = undefined;
  }

  return {
    note(taskIds, message) {
      if (stopping.signal.aborted) return;
      for (let from = 0; from < taskIds.length; from += mostTasks) add(taskIds.slice(from, from + mostTasks), message);
      sending ??= send();
    },
    async flush(ms) {
      if (sending === undefined) return;
      const patience = new AbortController();
      await Promise.race([sending, pace.wait(ms, patience.signal).catch(() => undefined)]);
      patience.abort();
    },
    async stop() {
      stopping.abort();
      waiting.length = 0;
      await sending;
    },
  };
}
