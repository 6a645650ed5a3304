import type { DeviceConfig, DeviceDescription } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { DeviceSession } from "./device-session.ts";
import type { PlannedIntent, PlanOptions } from "./needs.ts";
import { indexRows, nameOf } from "./observed.ts";
import { PutOff } from "./outcome.ts";
import { planDevice, type Plan } from "./plan.ts";
import { planUndo, showsTraces } from "./undo.ts";

/** What became of one customer's rows. */
export type CustomerResult =
  /** The rows are there, as a read-back shows. */
  | { kind: "converged"; changed: boolean; warnings: readonly string[] }
  /** They are not, and nothing of them was left behind. `onDevice`: whether anything had been written for them. */
  | { kind: "failed"; message: string; onDevice: boolean };

export interface Application {
  results: ReadonlyMap<string, CustomerResult>;
  /** The plan of the whole batch, before anything was written. */
  plan: Plan;
}

export interface ApplyRequest {
  description: DeviceDescription;
  intents: readonly PlannedIntent[];
  options: PlanOptions;
  /** Customers that cannot be rendered, and why. */
  refused: ReadonlyMap<string, string>;
  /** Customers of conversions: their task ids. Others are linked customers being re-applied. */
  taskIds: ReadonlyMap<string, string>;
  /** Rows beyond those of new conversions that one run may change. */
  maxChanges: number;
  /** Called with each result as soon as it is certain, so that a later failure does not take it along. */
  onResult(customer: string, result: CustomerResult): void;
}

/**
 * Leads one device from what it holds to what must be there: plan, apply, verify, undo. Saving is the caller's. What
 * to write follows from the session's latest read alone; what may be deleted follows from it and the records together.
 * Throws DriverError, PutOff or LeaseLost when it cannot go on; whatever was written is then on record.
 */
export async function applyIntents(session: DeviceSession, request: ApplyRequest): Promise<Application> {
  const { description, options } = request;
  const results = new Map<string, CustomerResult>();
  const warnings = new Map<string, readonly string[]>();
  const settle = (customer: string, result: CustomerResult): void => {
    results.set(customer, result);
    request.onResult(customer, result);
  };
  const plan = (intents: readonly PlannedIntent[], config: DeviceConfig): Plan =>
    planDevice(config, description, intents, session.written.creates, options);
  const idsOf = (intents: readonly PlannedIntent[]): string[] =>
    intents.flatMap(({ intent }) => request.taskIds.get(intent.customerGuid) ?? []);

  /** Of a conversion that fails nothing may stay; what a linked customer has is left as it is. */
  const giveUp = async (reasons: ReadonlyMap<string, string>): Promise<void> => {
    const observed = indexRows(session.config);
    for (const [customer, message] of reasons) {
      const taskId = request.taskIds.get(customer);
      const onDevice = taskId !== undefined && showsTraces(observed, session.written, customer);
      if (onDevice) await takeBack(session, session.written, new Set([customer]), [taskId]);
      settle(customer, { kind: "failed", message, onDevice });
    }
  };

  await removeRemnants(session);
  await giveUp(request.refused);
  const whole = plan(request.intents, session.config);
  assertWithinLimit(whole, request);

  interface Batch {
    intents: readonly PlannedIntent[];
    /** How often its answer was lost. */
    lost: number;
    /** Whether its one conversion was part of a script before. */
    alone: boolean;
  }
  const queue: Batch[] = [{ intents: request.intents, lost: 0, alone: false }];
  for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
    const now = plan(batch.intents, session.config);
    for (const [customer, notes] of now.warnings) warnings.set(customer, notes);
    await giveUp(now.conflicts);
    const open = batch.intents.filter(({ intent }) => !now.conflicts.has(intent.customerGuid));
    const converge = (customer: string, changed: boolean): void =>
      settle(customer, { kind: "converged", changed, warnings: warnings.get(customer) ?? [] });
    const concerned = new Set(now.steps.flatMap(({ customers }) => customers));
    for (const { intent } of open) if (!concerned.has(intent.customerGuid)) converge(intent.customerGuid, false);
    const writing = open.filter(({ intent }) => concerned.has(intent.customerGuid));
    if (writing.length === 0) continue;

    const sent = await session.send(now.steps, idsOf(writing));
    const after = writing.map((p): PlannedIntent => ({ ...p, secretsWritten: new Set(Object.keys(p.secrets)) }));
    const remaining = (config: DeviceConfig): Set<string> => {
      const rest = plan(after, config);
      return new Set([...rest.steps.flatMap(({ customers }) => customers), ...rest.conflicts.keys()]);
    };
    if (sent.kind === "accepted") await session.readUntil((config) => remaining(config).size === 0);
    else await session.readStable();

    const rest = remaining(session.config);
    for (const { intent } of writing) if (!rest.has(intent.customerGuid)) converge(intent.customerGuid, true);
    const undone = writing.filter(({ intent }) => rest.has(intent.customerGuid));
    if (undone.length === 0) continue;
    if (sent.kind === "lost") {
      if (batch.lost >= 1) throw sent.error;
      queue.unshift({ ...batch, intents: undone, lost: batch.lost + 1 });
      continue;
    }

    const observed = indexRows(session.config);
    const begun = undone.filter(({ intent }) => showsTraces(observed, session.written, intent.customerGuid));
    const untouched = undone.filter((p) => !begun.includes(p));
    const nothingShows = untouched.length === writing.length;
    // Reads may lag behind, and whoever was never tried before can wait for the next run to look again.
    if (
      sent.kind === "accepted" &&
      nothingShows &&
      !untouched.some((p) => session.sentBefore.has(p.intent.customerGuid))
    )
      throw new DriverError("protocol", `the device took the script but does not show its rows: ${sent.text}`);
    const reason =
      sent.kind === "refused" ? `it was refused: ${sent.text}` : mismatch(plan(after, session.config), sent.text);
    if (begun.length > 0)
      await takeBack(session, session.written, new Set(begun.map(({ intent }) => intent.customerGuid)), idsOf(begun));
    // What a device took and did not keep may have been an accident; what it refused will be refused again.
    const final = batch.intents.length === 1 && (sent.kind === "refused" || batch.alone);
    if (final)
      for (const { intent } of undone) settle(intent.customerGuid, { kind: "failed", message: reason, onDevice: true });
    else
      queue.unshift(
        ...begun.map((p) => ({ intents: [p], lost: 0, alone: true })),
        ...nextBatches(untouched, nothingShows).map((intents) => ({ intents, lost: 0, alone: intents.length === 1 })),
      );
  }
  return { results, plan: whole };
}

/** A device that refused everything and kept nothing does not say whom it meant: halve until it shows. */
function nextBatches(untouched: readonly PlannedIntent[], noProgress: boolean): (readonly PlannedIntent[])[] {
  if (untouched.length === 0) return [];
  if (!noProgress || untouched.length === 1) return [untouched];
  const middle = Math.ceil(untouched.length / 2);
  return [untouched.slice(0, middle), untouched.slice(middle)];
}

function mismatch(rest: Plan, deviceText: string): string {
  const shown = rest.steps.flatMap(({ step, name, before }) =>
    step.kind === "update"
      ? Object.entries(step.set).map(
          ([field, wanted]) => `${field} of '${name}' is '${before[field] ?? ""}' instead of '${wanted}'`,
        )
      : step.parent === undefined
        ? [`${step.table} '${name}' is missing`]
        : [],
  );
  const words = deviceText.trim() === "" ? "" : ` The device said: ${deviceText.trim()}`;
  return `it was taken, but the read-back shows something else: ${[...shown, ...rest.conflicts.values()].join("; ")}.${words}`;
}

function assertWithinLimit(plan: Plan, request: ApplyRequest): void {
  const beyond = plan.steps.filter(
    ({ step, customers }) => step.parent === undefined && !customers.some((customer) => request.taskIds.has(customer)),
  );
  if (beyond.length > request.maxChanges)
    throw new PutOff(
      "limit",
      `the plan changes ${beyond.length} rows beyond new conversions, more than maxChangesPerRun (${request.maxChanges}): look at it with --dry-run, then raise the limit or re-sync customer by customer`,
      { needsHuman: true },
    );
}

/** Rows that an earlier run began and never named, before it died. */
async function removeRemnants(session: DeviceSession): Promise<void> {
  const observed = indexRows(session.config);
  const creates = session.written.creates.filter((created) => {
    const row = observed.byPlace(created);
    return created.parent === undefined && row !== undefined && nameOf(row) === "" && !row.active;
  });
  if (creates.length === 0) return;
  await takeBack(session, { creates, changes: [] }, new Set(creates.flatMap(({ customers }) => customers)), []);
}

/** Deletes and restores by two equal reads, then looks again; a conversion fails only when nothing of it is left. */
async function takeBack(
  session: DeviceSession,
  written: Parameters<typeof planUndo>[1],
  customers: ReadonlySet<string>,
  taskIds: readonly string[],
): Promise<void> {
  for (let tries = 0; tries < 3; tries += 1) {
    const { steps, blocked } = planUndo(await session.readStable(), written, customers);
    if (blocked.length > 0)
      throw new PutOff("undo", `an undo waits: ${blocked.join("; ")}; remove those references on the device`, {
        needsHuman: true,
      });
    if (steps.length === 0) return;
    await session.send(steps, taskIds);
  }
  throw new DriverError("protocol", "rows that were to be deleted again are still on the device after three tries");
}
