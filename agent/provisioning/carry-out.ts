import type { MadeProxySet } from "../store/amendment.ts";
import type { Claim } from "../store/portal-store.ts";
import {
  applyIntents,
  removeRemnants,
  takeBack,
  type Application,
  type ApplyRequest,
  type CustomerResult,
} from "./apply.ts";
import { planRestoring } from "./changes.ts";
import type { DeviceSession } from "./device-session.ts";
import type { Intent } from "./intent.ts";
import { planNameless } from "./nameless.ts";
import { describeRow } from "./observed.ts";
import { PutOff } from "./outcome.ts";
import { rowsOf, type Leaver } from "./removal.ts";
import { removeRows, type RemovalResult } from "./remove.ts";
import type { Work } from "./work.ts";

export interface CarryOutRequest extends Omit<ApplyRequest, "intents" | "refused" | "taskIds"> {
  work: Work;
  links: Claim["links"];
  /** Proxy Sets that this agent made on the device, on whichever unit. */
  made: readonly MadeProxySet[];
  hash(text: string): string;
  /** Tells a customer's task that it is not over yet, and why. */
  warn(customer: string, message: string): Promise<void>;
}

/**
 * Does the work of a run on its device: off-boardings and debts first, then conversions and changes, then what these left
 * over. Saving is the caller's. Throws as `applyIntents` does.
 */
export async function carryOut(session: DeviceSession, request: CarryOutRequest): Promise<Application> {
  const { work, links, made, options, onResult, warn } = request;
  const { taskIds, amendments, changes } = work;
  const results = new Map<string, CustomerResult>();
  const sentBefore = new Set([...amendments.values()].flatMap((a) => (a.sent ? [a.customerGuid] : [])));
  let waits: PutOff | undefined;

  const settle = (customer: string, result: CustomerResult): void => {
    results.set(customer, result);
    onResult(customer, result);
  };
  const remove = (leavers: readonly Leaver[], intents: readonly Intent[]): ReturnType<typeof removeRows> =>
    removeRows(session, {
      leavers,
      options: () => ({
        withoutTags: options.withoutTags,
        made: [
          ...made.filter(({ serialNumber }) => serialNumber === session.serialNumber),
          ...session.written.creates.filter(({ table }) => table === "proxy-set"),
        ],
        others: rowsOf(intents),
      }),
      taskIds,
      sentBefore,
    });
  const wait = async (customer: string, message: string): Promise<void> => {
    const name = work.shortNames.get(customer) ?? customer;
    const whole = `customer '${name}': a part of its rows is removed, and what stands is tried again: ${message}`;
    results.delete(customer);
    waits = new PutOff("removal", whole);
    await warn(customer, whole);
  };

  const wanted = work.intents.map(({ intent }) => intent);
  const removed = await remove(work.leavers, [...links.map(({ intent }) => intent), ...wanted]);
  for (const [customer, result] of removed)
    if (result.kind === "begun") await wait(customer, result.message);
    else settle(customer, resultOf(result));

  const { intents, refused } = work;
  const { plan, blocked, ...application } = await applyIntents(session, { ...request, intents, refused, taskIds });
  for (const [customer, result] of application.results) results.set(customer, result);

  const isThere = (customer: string): boolean => results.get(customer)?.kind === "converged";
  const changed = [...changes.values()].filter(({ leftOver }) => isThere(leftOver.customer));
  const left = work.leavers.filter(({ customer }) => isThere(customer)).map(proxySetsOnly);
  const kept = links.filter(({ customerGuid }) => !(changes.has(customerGuid) && isThere(customerGuid)));
  const others = [...kept.map(({ intent }) => intent), ...wanted.filter(({ customerGuid }) => isThere(customerGuid))];
  const over = await remove([...changed.map(({ leftOver }) => leftOver), ...left], others);
  const failing = new Map<string, string>();
  for (const [customer, result] of over)
    if (result.kind === "begun") await wait(customer, result.message);
    else if (result.kind === "failed") failing.set(customer, result.message);
    else settle(customer, join(results.get(customer), result));

  const undone = await undo(session, failing, taskIds);
  if (undone === undefined)
    for (const [customer, message] of failing) settle(customer, { kind: "failed", message, onDevice: true });
  else for (const customer of failing.keys()) results.delete(customer);
  await restore(session, request, results, settle);
  await removeRemnants(session);
  await tellDoubts(session, results, settle, warn);
  return { plan, results, blocked: blocked ?? undone ?? waits };
}

const proxySetsOnly = (leaver: Leaver): Leaver => ({
  ...leaver,
  rows: leaver.rows.filter(({ role }) => role === "shared"),
});

function resultOf(result: Exclude<RemovalResult, { kind: "begun" }>): CustomerResult {
  if (result.kind === "failed") return result;
  const { changed, warnings, notes } = result;
  return { kind: "converged", changed, warnings, notes };
}

/** What was known of a customer before its left-over rows went, and how that ended. */
function join(before: CustomerResult | undefined, result: Extract<RemovalResult, { kind: "gone" }>): CustomerResult {
  const { changed, warnings } = before?.kind === "converged" ? before : { changed: false, warnings: [] };
  return {
    kind: "converged",
    changed: changed || result.changed,
    warnings: [...warnings, ...result.warnings],
    notes: result.notes,
  };
}

/** Takes back the changes of customers whose left-over rows all stayed. Resolves with why that must wait. */
async function undo(
  session: DeviceSession,
  failing: ReadonlyMap<string, string>,
  taskIds: ReadonlyMap<string, string>,
): Promise<PutOff | undefined> {
  if (failing.size === 0) return undefined;
  const customers = new Set(failing.keys());
  try {
    await takeBack(
      session,
      session.written,
      customers,
      [...customers].flatMap((guid) => taskIds.get(guid) ?? []),
    );
    return undefined;
  } catch (error) {
    if (error instanceof PutOff && error.code === "undo") return error;
    throw error;
  }
}

/** A record holds no secrets: what a failed change may have written over them comes from the link. */
async function restore(
  session: DeviceSession,
  request: CarryOutRequest,
  results: ReadonlyMap<string, CustomerResult>,
  settle: (customer: string, result: CustomerResult) => void,
): Promise<void> {
  const intents = [...request.work.amendments.values()].flatMap((amendment) => {
    const result = amendment.kind === "change" ? results.get(amendment.customerGuid) : undefined;
    if (result?.kind !== "failed" || !result.onDevice) return [];
    return planRestoring(amendment, session.config, request.hash) ?? [];
  });
  if (intents.length === 0) return;
  const { results: restored } = await applyIntents(session, {
    ...request,
    intents,
    refused: new Map(),
    taskIds: new Map(),
    maxChanges: Number.POSITIVE_INFINITY,
    onResult: () => undefined,
  });
  for (const [customer, back] of restored) {
    const result = results.get(customer);
    if (back.kind !== "failed" || result?.kind !== "failed") continue;
    const message = `${result.message}; what it held before could not be written back: ${back.message}`;
    settle(customer, { ...result, message });
  }
}

/** Says of nameless rows that stay. */
async function tellDoubts(
  session: DeviceSession,
  results: ReadonlyMap<string, CustomerResult>,
  settle: (customer: string, result: CustomerResult) => void,
  warn: CarryOutRequest["warn"],
): Promise<void> {
  const { steps, doubts } = planNameless(session.config, session.recorded);
  const undeleted = steps.map(({ step, customers }) => ({
    customers,
    message: `${describeRow(step, "")} has no name and is not active since another administrator deleted the row that was there, and the device does not delete it: delete it there`,
  }));
  for (const { customers, message } of [...undeleted, ...doubts]) {
    const concerned = customers.some((customer) => results.has(customer)) ? customers : [...results.keys()];
    for (const customer of concerned) {
      const result = results.get(customer);
      if (result === undefined) await warn(customer, message);
      else if (result.kind === "failed") settle(customer, { ...result, message: `${result.message}; ${message}` });
      else settle(customer, { ...result, warnings: [...result.warnings, message] });
    }
  }
}
