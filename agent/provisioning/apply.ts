import type { DeviceConfig, DeviceDescription } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { DeviceSession } from "./device-session.ts";
import type { PlannedIntent, PlanOptions } from "./needs.ts";
import { planNameless } from "./nameless.ts";
import { indexRows, samePlace } from "./observed.ts";
import { PutOff } from "./outcome.ts";
import { planDevice, type Plan } from "./plan.ts";
import { isRemnant } from "./remnant.ts";
import { planUndo, showsTraces, wasWritten, type Written } from "./undo.ts";

/** What became of one customer's rows. */
export type CustomerResult =
  /** The rows are there, as a read-back shows. */
  | { kind: "converged"; changed: boolean; warnings: readonly string[]; notes?: readonly string[] }
  /** They are not, and nothing of them was left behind. `onDevice`: whether anything had been written for them. */
  | { kind: "failed"; message: string; onDevice: boolean };

export interface Application {
  results: ReadonlyMap<string, CustomerResult>;
  /** The plan of the whole batch, before anything was written. */
  plan: Plan;
  /** Why the undo of some customers, which have no result, must wait. */
  blocked: PutOff | undefined;
}

export interface ApplyRequest {
  description: DeviceDescription;
  intents: readonly PlannedIntent[];
  options: PlanOptions;
  /** Customers that cannot be rendered, and why. */
  refused: ReadonlyMap<string, string>;
  /** Customers of conversions and changes: their task ids. Others are linked customers being re-applied. */
  taskIds: ReadonlyMap<string, string>;
  /** Rows beyond those of new conversions that one run may change. */
  maxChanges: number;
  /** Called with each result as soon as it is certain, so that a later failure does not take it along. */
  onResult(customer: string, result: CustomerResult): void;
}

/** Customers that share a script. */
interface Batch {
  intents: readonly PlannedIntent[];
  /** How often its answer was lost. */
  lost: number;
  /** Whether its one customer was part of a script before. */
  alone: boolean;
  /** Whether it only writes secrets again of which a refused script did not say that they arrived. */
  proving: boolean;
}

const guidOf = ({ intent }: PlannedIntent): string => intent.customerGuid;
const guidsOf = (intents: readonly PlannedIntent[]): Set<string> => new Set(intents.map(guidOf));

/**
 * Leads one device from what it holds to what must be there: plan, apply, verify, undo. Saving is the caller's. What
 * to write follows from the session's latest read alone; what may be deleted follows from it and the records together.
 * Throws DriverError, PutOff or LeaseLost when it cannot go on; whatever was written is then on record.
 */
export async function applyIntents(session: DeviceSession, request: ApplyRequest): Promise<Application> {
  const results = new Map<string, CustomerResult>();
  const warnings = new Map<string, readonly string[]>();
  /** Failed after lines were written for them: certain only when nothing of them is left. */
  const failing = new Map<string, string>();
  let blocked: PutOff | undefined;

  const settle = (customer: string, result: CustomerResult): void => {
    results.set(customer, result);
    request.onResult(customer, result);
  };
  const converge = (intents: readonly PlannedIntent[], changed: boolean): void => {
    for (const customer of guidsOf(intents))
      settle(customer, { kind: "converged", changed, warnings: warnings.get(customer) ?? [] });
  };
  /** Of what a task asked for and that fails nothing may stay; what a linked customer has else is left as it is. */
  const refuse = (reasons: ReadonlyMap<string, string>): void => {
    for (const [customer, message] of reasons)
      if (request.taskIds.has(customer) && wasWritten(session.written, customer)) failing.set(customer, message);
      else settle(customer, { kind: "failed", message, onDevice: false });
  };
  const plan = (intents: readonly PlannedIntent[], config: DeviceConfig): Plan =>
    planDevice(config, request.description, intents, session.written.creates, request.options);
  const idsOf = (customers: Iterable<string>): string[] =>
    [...customers].flatMap((customer) => request.taskIds.get(customer) ?? []);
  /** False when rows of others stand in the way: those customers wait, the rest goes on. */
  const takenBack = async (customers: ReadonlySet<string>): Promise<boolean> => {
    try {
      await takeBack(session, session.written, customers, idsOf(customers));
      return true;
    } catch (error) {
      if (!(error instanceof PutOff) || error.code !== "undo") throw error;
      blocked = error;
      return false;
    }
  };

  await removeRemnants(session);
  refuse(request.refused);
  const whole = plan(request.intents, session.config);
  assertWithinLimit(whole, request);

  const queue: Batch[] = [{ intents: request.intents, lost: 0, alone: false, proving: false }];
  /** Of the first batch, which is all of them; nothing was read or written since. */
  let planned: Plan | undefined = whole;
  for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
    const now = planned ?? plan(batch.intents, session.config);
    planned = undefined;
    for (const [customer, notes] of now.warnings) warnings.set(customer, notes);
    refuse(now.conflicts);
    const concerned = new Set(now.steps.flatMap(({ customers }) => customers));
    const open = batch.intents.filter((p) => !now.conflicts.has(guidOf(p)));
    converge(
      open.filter((p) => !concerned.has(guidOf(p))),
      false,
    );
    const writing = open.filter((p) => concerned.has(guidOf(p)));
    if (writing.length === 0) continue;

    const sent = await session.send(now.steps, idsOf(guidsOf(writing)));
    const arrived = writing.map((p): PlannedIntent => ({
      ...p,
      secretsWritten: new Set([...p.secretsWritten, ...Object.keys(p.secrets)]),
    }));
    const unfinished = ofLatest((config): ReadonlySet<string> => {
      const rest = plan(arrived, config);
      return new Set([...rest.steps.flatMap(({ customers }) => customers), ...rest.conflicts.keys()]);
    });
    if (sent.kind === "accepted") await session.readUntil((config) => unfinished(config).size === 0);
    else await session.readStable();

    const wanting = unfinished(session.config);
    const undone = writing.filter((p) => wanting.has(guidOf(p)));
    // A read-back shows no secrets: only a script that was taken as a whole proves that they arrived.
    const unproven =
      sent.kind === "accepted" ? [] : writing.filter((p) => !undone.includes(p) && hasUnwrittenSecrets(p));
    converge(
      writing.filter((p) => !undone.includes(p) && !unproven.includes(p)),
      true,
    );
    if (undone.length + unproven.length === 0) continue;

    if (sent.kind === "lost") {
      if (batch.lost >= 1) throw sent.error;
      await removeRemnants(session);
      queue.unshift({ ...batch, intents: [...undone, ...unproven], lost: batch.lost + 1 });
      continue;
    }

    const observed = indexRows(session.config);
    const traced = undone.filter((p) => showsTraces(observed, session.written, guidOf(p)));
    const begun = batch.proving ? [...traced, ...unproven] : traced;
    const untouched = undone.filter((p) => !begun.includes(p));
    const nothingShows = untouched.length === writing.length;
    // Reads may lag behind, and whoever was never tried before can wait for the next run to look again.
    if (sent.kind === "accepted" && nothingShows && !untouched.some((p) => session.sentBefore.has(guidOf(p))))
      throw new DriverError("protocol", `the device took the script but does not show its rows: ${sent.text}`);

    const reason =
      sent.kind === "refused" ? `it was refused: ${sent.text}` : mismatch(plan(arrived, session.config), sent.text);
    const last = [...begun, ...untouched];
    // What a device took and did not keep may have been an accident; what it refused will be refused again.
    if (batch.intents.length === 1 && last.length === 1 && (sent.kind === "refused" || batch.alone)) {
      for (const customer of guidsOf(last)) failing.set(customer, reason);
      continue;
    }
    const again = begun.length === 0 || (await takenBack(guidsOf(begun))) ? begun : [];
    queue.unshift(
      ...(batch.proving || unproven.length === 0 ? [] : [{ intents: unproven, lost: 0, alone: false, proving: true }]),
      ...again.map((p) => ({ intents: [p], lost: 0, alone: true, proving: false })),
      ...nextBatches(untouched, nothingShows).map((intents) => ({
        intents,
        lost: 0,
        alone: intents.length === 1,
        proving: false,
      })),
    );
  }

  // Together: a Proxy Set that only they share goes with the last of them.
  if (failing.size > 0 && (await takenBack(new Set(failing.keys()))))
    for (const [customer, message] of failing) settle(customer, { kind: "failed", message, onDevice: true });
  return { results, plan: whole, blocked };
}

/** Asked again about the same read, it answers as before: a plan of a full device takes a while. */
function ofLatest<T>(compute: (config: DeviceConfig) => T): (config: DeviceConfig) => T {
  let latest: { config: DeviceConfig; result: T } | undefined;
  return (config) => (latest?.config === config ? latest : (latest = { config, result: compute(config) })).result;
}

function hasUnwrittenSecrets({ intent, secretsWritten }: PlannedIntent): boolean {
  return intent.rows.some((row) => Object.values(row.secretFields).some((variable) => !secretsWritten.has(variable)));
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
      : [`${step.table} '${name}' is missing`],
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

/** Rows that a script began and never named, before it broke off or because others deleted what it was to change. */
export async function removeRemnants(session: DeviceSession): Promise<void> {
  const observed = indexRows(session.config);
  const creates = session.written.creates.filter((created) => {
    const row = created.parent === undefined ? observed.byPlace(created) : undefined;
    return row !== undefined && isRemnant(created, row);
  });
  if (creates.length === 0 && planNameless(session.config, session.recorded).steps.length === 0) return;
  const customers = new Set(creates.flatMap((created) => created.customers));
  await takeBack(session, { creates, changes: [] }, customers, []);
}

/**
 * Deletes and restores by two equal reads, then looks again: what is left when it resolves is nothing, but for nameless
 * rows that the device does not delete, for which nobody is to wait.
 */
export async function takeBack(
  session: DeviceSession,
  written: Written,
  customers: ReadonlySet<string>,
  taskIds: readonly string[],
): Promise<void> {
  for (let tries = 0; tries < 3; tries += 1) {
    const config = await session.readStable();
    const { steps: undoing, blocked } = planUndo(config, written, customers);
    const nameless = tries === 2 ? [] : planNameless(config, session.recorded).steps;
    const steps = [...undoing, ...nameless.filter(({ step }) => !undoing.some((undo) => samePlace(undo.step, step)))];
    if (steps.length > 0) await session.sendUndo(steps, taskIds);
    else if (blocked.length > 0)
      throw new PutOff("undo", `an undo waits: ${blocked.join("; ")}; remove those references on the device`, {
        afterMs: 60_000,
      });
    else return;
  }
  throw new DriverError("protocol", "rows that were to be deleted again are still on the device after three tries");
}
