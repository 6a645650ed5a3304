import type { DeviceDescription, Driver, Known } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { RunSettings } from "../settings/config.ts";
import type { ConversionSource } from "../source/source.ts";
import type { ExecutionMessage } from "../store/model.ts";
import type { JournalStore } from "../store/journal-store.ts";
import type { Claim, Completion } from "../store/portal-store.ts";
import { LeaseLost } from "../store/store.ts";
import { amendmentCompletions } from "./amendment-results.ts";
import type { CustomerResult } from "./apply.ts";
import { carryOut } from "./carry-out.ts";
import { openSession, unsavedOf, writtenTo, type SessionDependencies } from "./device-session.ts";
import type { Drift } from "./drift.ts";
import type { ForeignEdits } from "./foreign-edits.ts";
import { startLeaseClock, type LeaseClock } from "./lease-clock.ts";
import type { LoginGuard } from "./login-guard.ts";
import { withNameless } from "./nameless.ts";
import { planDevice, type Plan } from "./plan.ts";
import { licences } from "./licences.ts";
import { mayBeUnsaved } from "./found-unsaved.ts";
import { propose } from "./proposal.ts";
import { compareAll, readBack, type ReadBack } from "./read-back.ts";
import { reportPlan } from "./report-plan.ts";
import { withRemovals } from "./removals-ahead.ts";
import {
  changedLinks,
  completions,
  gatherWork,
  planOptions,
  type RunRequest,
  type Work,
  type WorkContext,
} from "./work.ts";
import type { PlanReport } from "../reports.ts";
import { reach } from "../fail-points.ts";

export interface RunDependencies
  extends WorkContext, Pick<SessionDependencies, "keepBackup" | "mayWrite" | "signal" | "wait"> {
  settings: RunSettings;
  openDriver(): Driver;
  guard: LoginGuard;
  foreignEdits: ForeignEdits;
  /** Throws PutOff when another device of the inventory has this serial number: it is the same one. */
  recognise(serialNumber: Known<string>): void;
  /** Brings the kept evidence on drift up to date after a run that is no comparison of all linked customers. */
  follow(seen: () => ReadBack): Promise<void>;
  source: ConversionSource;
  journal: JournalStore;
  /** Who this agent is, for the lease. */
  holder: string;
  now(): number;
}

export interface RunReport {
  /** Null for a plan, which is no run. */
  runId: string | null;
  device: string;
  /** What the whole batch needed before anything was written. */
  plan: PlanReport;
  /** Customers for which nothing could be planned. */
  conflicting: ReadonlySet<string>;
  results: ReadonlyMap<string, CustomerResult>;
  /** By customer GUID, as is all that follows. */
  shortNames: ReadonlyMap<string, string>;
  /** Of customers that are changed or removed. */
  asked: ReadonlyMap<string, "change" | "removal">;
  /** Of conversions and amendments. */
  taskIds: ReadonlyMap<string, string>;
  customers: number;
  /** How many of these were given up: all that are owed are taken at once, however many a batch may have. */
  owed: number;
  writes: number;
  saves: number;
  /** Of a re-sync of all linked customers by their kept intents: what its last read shows of them. */
  drift?: Drift | undefined;
}

export type RunResult =
  | { kind: "done"; report: RunReport }
  /** Nothing waits. */
  | { kind: "idle" }
  | { kind: "held"; retryAfterMs: number };

/**
 * One pass over one device: claim, observe, plan, apply, verify, save, complete. May be called again after any failure
 * and after a crash at any point: it reads the device and plans the rest. Throws DriverError, PutOff, LeaseLost, or the
 * signal's reason; the lease is given back in every case.
 */
export async function runDevice(dependencies: RunDependencies, request: RunRequest): Promise<RunResult> {
  const { device, settings, source, holder } = dependencies;
  if (request.dryRun) return { kind: "done", report: await planOnly(dependencies, request) };
  const clock = startLeaseClock(dependencies.now);
  const claimed = await source.claimDevice(device.name, {
    holder,
    durationMs: settings.leaseMs,
    graceMs: settings.writeDeadlineMs,
    max: request.kind === "convert" ? settings.maxBatch : 0,
    links: request.kind === "resync",
  });
  if (claimed.kind === "held") return claimed;
  reach("claim-stored");
  const { claim } = claimed;
  try {
    const { conversions, amendments, unresolved } = claim;
    if (request.kind === "convert" && conversions.length + amendments.length + unresolved.length === 0)
      return { kind: "idle" };
    return { kind: "done", report: await runClaim(dependencies, request, claim, clock) };
  } finally {
    // A lease that cannot be given back ends by itself; what went wrong before is the news.
    await source.releaseLease(claim.lease).catch(() => undefined);
    reach("lease-released");
  }
}

/** Opens a driver and closes it in every case; a refused log-in is counted. */
export async function withDriver<T>(
  dependencies: Pick<RunDependencies, "openDriver" | "guard">,
  use: (driver: Driver) => Promise<T>,
): Promise<T> {
  const driver = dependencies.openDriver();
  try {
    return await use(driver);
  } catch (error) {
    await dependencies.guard.noteRefusal(error);
    throw error;
  } finally {
    await driver.close();
  }
}

/** Throws DriverError `unsupported` for a device that can only be read. */
function describeWritable(driver: Driver, device: string): DeviceDescription {
  const description = driver.describe();
  if (description.readOnly !== undefined)
    throw new DriverError("unsupported", `${device} can only be read, nothing was sent to it: ${description.readOnly}`);
  return description;
}

function show(device: string, plan: Plan, driver: Driver, work: Work): Pick<RunReport, "plan" | "conflicting"> {
  const whole = { ...plan, conflicts: new Map([...work.refused, ...plan.conflicts]) };
  return { plan: reportPlan(device, whole, driver, work.shortNames), conflicting: new Set(whole.conflicts.keys()) };
}

/** Proves that the device answers and takes the log-in. Throws DriverError. */
export async function probeDevice(
  dependencies: Pick<RunDependencies, "openDriver" | "guard" | "signal">,
): Promise<void> {
  await withDriver(dependencies, (driver) => dependencies.guard.firstStatus(driver, dependencies.signal));
}

function allCompletions(...of: Parameters<typeof completions>): Completion[] {
  return [...completions(...of), ...amendmentCompletions(...of)];
}

const askedIn = ({ amendments }: Work): RunReport["asked"] =>
  new Map([...amendments].map(([customer, { kind }]) => [customer, kind]));

function taskOf({ taskIds }: Work, customer: string): string[] {
  const task = taskIds.get(customer);
  return task === undefined ? [] : [task];
}

async function planOnly(dependencies: RunDependencies, request: RunRequest): Promise<RunReport> {
  const { device, guard, signal, journal } = dependencies;
  const { proposal } = request;
  const links = request.kind === "resync" || proposal !== undefined;
  const waiting = await dependencies.source.peekDevice(device.name, { links });
  const claim = proposal === undefined ? waiting : propose(waiting, proposal);
  return withDriver(dependencies, async (driver) => {
    const { serialNumber } = await guard.firstStatus(driver, signal);
    const config = await driver.read(signal);
    const work = gatherWork(dependencies, request, claim, config);
    const recorded = licences(claim).flatMap((record) => record.creates);
    const options = planOptions(dependencies, request, claim.links);
    const applied = planDevice(config, describeWritable(driver, device.name), work.intents, recorded, options);
    const unit = serialNumber === "unknown" ? "" : serialNumber;
    const whole = withRemovals(applied, config, {
      work,
      links: claim.links,
      made: work.amendments.size === 0 ? [] : await journal.madeProxySets(device.name),
      serialNumber: unit,
      withoutTags: device.withoutTags,
    });
    const plan = withNameless(whole, config, writtenTo(unit, unsavedOf(claim.unresolved)));
    return {
      runId: null,
      device: device.name,
      ...show(device.name, plan, driver, work),
      results: new Map(),
      shortNames: work.shortNames,
      taskIds: work.taskIds,
      asked: askedIn(work),
      customers: work.shortNames.size,
      owed: work.owed,
      writes: 0,
      saves: 0,
      drift: compareAll(dependencies, request, work, config, new Map()),
    };
  });
}

async function runClaim(
  dependencies: RunDependencies,
  request: RunRequest,
  claim: Claim,
  clock: LeaseClock,
): Promise<RunReport> {
  const { device, guard, signal, foreignEdits, source, journal } = dependencies;
  return withDriver(dependencies, async (driver) => {
    const status = await guard.firstStatus(driver, signal);
    if (status.upgrading === true)
      throw new DriverError("busy", `${device.name} is being upgraded: nothing is written until that is over`);
    const notes: string[] = [];
    const noteProgress = (
      taskIds: readonly string[],
      message: string,
      level: ExecutionMessage["level"] = "Information",
    ): Promise<void> => source.noteProgress(taskIds, { level, message });
    const session = openSession(
      {
        ...dependencies,
        driver,
        device: device.name,
        noteProgress,
        beforeFirstWrite() {
          const note = foreignEdits.admit();
          if (note !== undefined) notes.push(note);
        },
      },
      claim.lease,
      status,
      clock,
      licences(claim),
      claim.unresolved,
    );
    dependencies.recognise(status.serialNumber);
    foreignEdits.look(status, session.unsaved());
    const config = claim.unresolved.length > 0 ? await session.readStable() : await session.read();
    const work = gatherWork(dependencies, request, claim, config);
    const settled = new Map<string, CustomerResult>();
    let reported = false;
    try {
      const { results, plan, blocked } = await carryOut(session, {
        description: describeWritable(driver, device.name),
        work,
        links: claim.links,
        made: work.amendments.size === 0 ? [] : await journal.madeProxySets(device.name),
        hash: dependencies.hash,
        options: planOptions(dependencies, request, claim.links),
        maxChanges: dependencies.settings.maxChangesPerRun,
        onResult: (customer, result) => settled.set(customer, result),
        warn: (customer, message) => noteProgress(taskOf(work, customer), message, "Warning"),
      });
      if (session.unsaved() || mayBeUnsaved(status, session.sentBefore, work, results))
        await session.save([...work.taskIds.values()]);
      await source.complete(claim.lease, allCompletions(dependencies, work, results, notes));
      reported = true;
      // What a restoring run left as it was is not written by it, whatever its customers' results say.
      const links = request.restoring === true ? [] : changedLinks(dependencies, work, results);
      if (links.length > 0) await source.updateLinks(claim.lease, links);
      await journal.audit({
        event: "report",
        device: device.name,
        taskId: null,
        who: session.runId,
        data: { results: Object.fromEntries(results), ...session.counts },
      });
      reach("report-audited");
      const drift = compareAll(dependencies, request, work, session.config, results);
      if (drift === undefined) await dependencies.follow(() => readBack(dependencies, work, session.config, results));
      if (blocked !== undefined) throw blocked;
      return {
        runId: session.runId,
        device: device.name,
        ...show(device.name, plan, driver, work),
        results,
        shortNames: work.shortNames,
        taskIds: work.taskIds,
        asked: askedIn(work),
        customers: work.shortNames.size,
        owed: work.owed,
        ...session.counts,
        drift,
      };
    } catch (error) {
      // What was refused before a line of it left needs no save, and does not wait for the device.
      const certain = [...settled].filter(([, result]) => result.kind === "failed" && !result.onDevice);
      if (!reported && certain.length > 0 && !(error instanceof LeaseLost))
        await source.complete(claim.lease, allCompletions(dependencies, work, new Map(certain), notes));
      throw error;
    }
  });
}
