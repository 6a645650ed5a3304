import type { DeviceConfig } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { DeviceSession } from "./device-session.ts";
import { indexRows, type Observed } from "./observed.ts";
import { planRemoval, standingRows, type Leaver, type Removal, type RemovalOptions } from "./removal.ts";

/** What became of the rows that were to go. */
export type RemovalResult =
  /** They are gone, as a read-back shows. */
  | { kind: "gone"; changed: boolean; notes: readonly string[]; warnings: readonly string[] }
  /** All stand as they stood. `onDevice`: whether a line for them ever left. */
  | { kind: "failed"; message: string; onDevice: boolean }
  /** A part of them is gone: the rest is tried again by a later run. */
  | { kind: "begun"; message: string };

export interface RemovalRequest {
  leavers: readonly Leaver[];
  /** What the options are at the time of asking: a run makes Proxy Sets as well. */
  options(): RemovalOptions;
  taskIds: ReadonlyMap<string, string>;
  /** Customers for which an earlier run sent deletes already. */
  sentBefore: ReadonlySet<string>;
}

/** Leavers that share a script. */
interface Batch {
  leavers: readonly Leaver[];
  /** How often its answer was lost. */
  lost: number;
  /** Whether it was part of a script before. */
  alone: boolean;
}

/**
 * Deletes what stands of the leavers' rows, by two equal reads, and reads back. Saving is the caller's. Throws
 * DriverError, PutOff or LeaseLost when it cannot go on; the next run plans what is left by what it reads.
 */
export async function removeRows(
  session: DeviceSession,
  { leavers, options, taskIds, sentBefore }: RemovalRequest,
): Promise<ReadonlyMap<string, RemovalResult>> {
  const results = new Map<string, RemovalResult>();
  const stood = new Map<string, number>();
  const sent = new Set<string>();
  const plan = (config: DeviceConfig, some: readonly Leaver[]): Removal => planRemoval(config, some, options());
  const idsOf = (some: readonly Leaver[]): string[] => some.flatMap(({ customer }) => taskIds.get(customer) ?? []);
  let looked: { config: DeviceConfig; observed: Observed } | undefined;
  const standing = (leaver: Leaver): number => {
    if (looked?.config !== session.config) looked = { config: session.config, observed: indexRows(session.config) };
    return standingRows(looked.observed, leaver).length;
  };

  const settleGone = ({ customer }: Leaver, removal: Removal, warnings: readonly string[] = []): void => {
    const notes = removal.notes.get(customer) ?? [];
    results.set(customer, { kind: "gone", changed: sent.has(customer), notes, warnings });
  };
  const settleStanding = (leaver: Leaver, message: string): void => {
    const { customer, rows } = leaver;
    const left = standing(leaver);
    const own = rows.filter(({ role }) => role === "own").length;
    const begun = left < (stood.get(customer) ?? left) || (sentBefore.has(customer) && left < own);
    results.set(
      customer,
      begun
        ? { kind: "begun", message }
        : { kind: "failed", message, onDevice: sent.has(customer) || sentBefore.has(customer) },
    );
  };

  const queue: Batch[] = [{ leavers, lost: 0, alone: false }];
  for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
    let now = plan(session.config, batch.leavers);
    if (now.steps.length > 0) now = plan(await session.readStable(), batch.leavers);
    const { steps, blocked } = now;
    for (const leaver of batch.leavers) if (!stood.has(leaver.customer)) stood.set(leaver.customer, standing(leaver));
    const concerned = new Set(steps.flatMap(({ customers }) => customers));
    const writing = batch.leavers.filter(({ customer }) => concerned.has(customer));
    for (const leaver of batch.leavers) {
      const reason = blocked.get(leaver.customer);
      if (reason !== undefined) settleStanding(leaver, reason);
      else if (!concerned.has(leaver.customer)) settleGone(leaver, now);
    }
    if (writing.length === 0) continue;

    const answer = await session.send(steps, idsOf(writing));
    for (const { customer } of writing) sent.add(customer);
    if (answer.kind === "accepted") await session.readUntil((config) => isDone(plan(config, writing)));
    else await session.readStable();

    const after = plan(session.config, writing);
    const left = writing.filter(({ customer }) => isLeft(after, customer));
    for (const leaver of writing) if (!left.includes(leaver)) settleGone(leaver, after);
    if (left.length === 0) continue;
    if (answer.kind === "lost") {
      if (batch.lost >= 1) throw answer.error;
      queue.unshift({ ...batch, leavers: left, lost: batch.lost + 1 });
      continue;
    }
    const nothingGone = writing.every((leaver) => standing(leaver) === stood.get(leaver.customer));
    // Reads may lag behind, and whoever was never tried before can wait for the next run to look again.
    if (answer.kind === "accepted" && nothingGone && !left.some(({ customer }) => sentBefore.has(customer)))
      throw new DriverError("protocol", `the device took the deletes but shows the rows still: ${answer.text}`);
    if (batch.leavers.length > 1 || (answer.kind === "accepted" && !batch.alone)) {
      queue.unshift(...left.map((leaver) => ({ leavers: [leaver], lost: 0, alone: true })));
      continue;
    }
    const words =
      answer.kind === "refused"
        ? `it was refused: ${answer.text}`
        : `it was taken, but the read-back shows the rows still. The device said: ${answer.text}`;
    for (const leaver of left) {
      if (standing(leaver) > 0) settleStanding(leaver, after.blocked.get(leaver.customer) ?? words);
      else
        settleGone(
          leaver,
          after,
          after.steps.map(({ name }) => `Proxy Set '${name}' could not be deleted: ${words}`),
        );
    }
  }
  return results;
}

function isDone({ steps, blocked }: Removal): boolean {
  return steps.length + blocked.size === 0;
}

function isLeft({ steps, blocked }: Removal, customer: string): boolean {
  return blocked.has(customer) || steps.some(({ customers }) => customers.includes(customer));
}
