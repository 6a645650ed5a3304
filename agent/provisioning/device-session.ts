import { randomUUID } from "node:crypto";
import type { DeviceConfig, DeviceStatus, Driver, Fields, TableName } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { RunSettings } from "../settings/config.ts";
import type { Lease, RecordedChange, RecordedCreate, RunRecord } from "../store/model.ts";
import type { JournalStore } from "../store/journal-store.ts";
import { LeaseLost } from "../store/store.ts";
import type { ConversionSource } from "../source/source.ts";
import type { LeaseClock } from "./lease-clock.ts";
import { standingSets, type ProxySetChanges } from "./made-sets.ts";
import { describeRow, schemaOf } from "./observed.ts";
import { PutOff } from "./outcome.ts";
import type { PlannedStep } from "./plan.ts";
import { reach } from "../fail-points.ts";

export interface SessionDependencies {
  driver: Driver;
  device: string;
  settings: Pick<RunSettings, "writeDeadlineMs" | "saveMs" | "settleMs">;
  source: Pick<ConversionSource, "renewLease">;
  journal: Pick<JournalStore, "recordWrite" | "withdrawWrite" | "recordSaved" | "madeProxySets" | "audit">;
  /** Tells the tasks of these ids how far the run is. */
  noteProgress(taskIds: readonly string[], message: string): Promise<void>;
  /** Keeps the device's configuration of before the first write. */
  keepBackup(text: string): Promise<void>;
  /** Asked once, before the first write of the run. Throws PutOff. */
  beforeFirstWrite(): void;
  /** Asked before every script but those that take something back. Throws PutOff. */
  mayWrite(): void;
  signal: AbortSignal;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** What became of a script, with the device's words. `lost`: the answer did not arrive, the device may have acted. */
export type Sent =
  { kind: "accepted"; text: string } | { kind: "refused"; text: string } | { kind: "lost"; error: DriverError };

type Written = Pick<RunRecord, "creates" | "changes">;

/** One run's dealings with one device, under one lease. */
export interface DeviceSession {
  readonly runId: string;
  /** The latest read. */
  readonly config: DeviceConfig;
  /** Customers for which an earlier run, whose save was never confirmed, sent lines. */
  readonly sentBefore: ReadonlySet<string>;
  /** Rows that this run and unresolved earlier ones recorded. */
  readonly written: Written;
  /**
   * Those that no save followed, of tasks that have ended as well: for rows that a script made by accident, whosever they
   * were to be. Before a run saves, it has looked for such rows.
   */
  readonly recorded: Written;
  readonly counts: { writes: number; saves: number };
  /** Reads once. */
  read(): Promise<DeviceConfig>;
  /** Reads until two successive reads are equal; `protocol` when they are not by `settleMs`. */
  readStable(): Promise<DeviceConfig>;
  /** Reads until `settled` holds, or until two reads are equal and `settleMs` has passed. */
  readUntil(settled: (config: DeviceConfig) => boolean): Promise<DeviceConfig>;
  /** The unit that answers; empty where it does not tell. */
  readonly serialNumber: string;
  /** Records, then sends the steps as one script. Throws LeaseLost, PutOff, or a DriverError of which nothing was sent. */
  send(steps: readonly PlannedStep[], taskIds: readonly string[]): Promise<Sent>;
  /** The same for steps that take back what was recorded: they are on record as a write, and as nothing to take back. */
  sendUndo(steps: readonly PlannedStep[], taskIds: readonly string[]): Promise<Sent>;
  /** Whether something was written that is not known to be saved. */
  unsaved(): boolean;
  /** Saves until the device shows nothing unsaved, then closes the run's records. The tasks are told meanwhile. */
  save(taskIds?: readonly string[]): Promise<void>;
}

export function openSession(
  dependencies: SessionDependencies,
  lease: Lease,
  status: DeviceStatus,
  clock: LeaseClock,
  unresolved: readonly RunRecord[],
  /** Without what licences left out. */
  whole: readonly RunRecord[] = unresolved,
): DeviceSession {
  const { driver, device, settings, source, journal, signal, wait } = dependencies;
  const runId = `run_${randomUUID()}`;
  const serialNumber = status.serialNumber === "unknown" ? "" : status.serialNumber;
  const written = writtenTo(serialNumber, unresolved);
  const recorded = writtenTo(serialNumber, unsavedOf(whole));
  const sentBefore = new Set([...written.creates, ...written.changes].flatMap(({ customers }) => customers));
  const counts = { writes: 0, saves: 0 };
  let open = unresolved.some(({ state }) => state !== "saved");
  let config: DeviceConfig | undefined;
  let saying: Promise<void>[] = [];

  /** For what is told while the device works: the run does not wait for the disk before it goes on, see `heard`. */
  function say(...words: Promise<void>[]): void {
    // Waited for later; until then a failure of one has somebody who handles it.
    for (const word of words) word.catch(() => undefined);
    saying.push(...words);
  }

  /** Resolves when all that was said is stored. Throws what kept it from being so. */
  async function heard(): Promise<void> {
    const words = saying;
    saying = [];
    await Promise.all(words);
  }

  async function holdLease(forMs: number): Promise<void> {
    signal.throwIfAborted();
    if (clock.usedMs() + forMs + lease.durationMs / 4 > lease.durationMs) {
      const asked = clock.mark();
      await source.renewLease(lease);
      clock.restartFrom(asked);
    }
    assertLeaseOutlasts(forMs);
  }

  function assertLeaseOutlasts(ms: number): void {
    if (clock.usedMs() + ms > lease.durationMs) throw new LeaseLost(`the lease on ${device} would end during a write`);
  }

  /** A device that started anew, or another unit in its place, has saved what it had before the rows were written. */
  function assertSameLife({ upTime, serialNumber }: DeviceStatus): void {
    const wentBack = upTime !== "unknown" && status.upTime !== "unknown" && upTime < status.upTime;
    const isOther = ![serialNumber, "unknown"].includes(status.serialNumber) && serialNumber !== "unknown";
    if (!wentBack && !isOther) return;
    throw new DriverError(
      "unreachable",
      `${device} ${isOther ? `is now the unit ${serialNumber}` : "started anew"} since this run began: what was written may be gone, and is looked for again`,
      { mayHaveActed: true },
    );
  }

  async function read(): Promise<DeviceConfig> {
    signal.throwIfAborted();
    config = await driver.read(signal);
    await heard();
    reach(counts.writes === 0 ? "device-read" : "read-back");
    return config;
  }

  async function readUntil(settled: (config: DeviceConfig) => boolean): Promise<DeviceConfig> {
    const until = performance.now() + settings.settleMs;
    let before = await read();
    while (!settled(before)) {
      await wait(Math.max(10, settings.settleMs / 20), signal);
      const next = await read();
      if (next.fingerprint === before.fingerprint && performance.now() >= until) return next;
      if (performance.now() >= until + settings.settleMs)
        throw new DriverError(
          "protocol",
          `the configuration of ${device} kept changing for ${2 * settings.settleMs} ms: somebody else is writing`,
        );
      before = next;
    }
    return before;
  }

  async function readStable(): Promise<DeviceConfig> {
    let previous: string | undefined;
    const equal = (next: DeviceConfig): boolean => {
      const same = next.fingerprint === previous;
      previous = next.fingerprint;
      return same;
    };
    return readUntil(equal);
  }

  function readConfig(): DeviceConfig {
    if (config === undefined) throw new Error("nothing was read yet");
    return config;
  }

  async function send(
    planned: readonly PlannedStep[],
    taskIds: readonly string[],
    record: { creates: RecordedCreate[]; changes: RecordedChange[] },
    isUndo: boolean,
  ): Promise<Sent> {
    const steps = planned.map(({ step }) => step);
    // Before anything is on record: what cannot be rendered never leaves.
    const lines = driver.render(steps);
    if (counts.writes === 0) {
      dependencies.beforeFirstWrite();
      // What stands there now may be half of a script of ours: the copy from before it must not be pushed out.
      if (unresolved.length === 0) await dependencies.keepBackup(await driver.backup(signal));
      reach("backup-kept");
    }
    await holdLease(settings.writeDeadlineMs);
    const tell = (event: string, data: Record<string, unknown>): Promise<void> =>
      journal.audit({ event, device, taskId: null, who: runId, data: { taskIds, ...data } });
    const rows = planned.map(({ step, name }) => `${step.kind} ${describeRow(step, name)}`);
    // Asked for together, which is one write to disk. A `write` without an end that is told never left, or was cut off.
    const [recordId] = await Promise.all([
      journal.recordWrite(lease, { runId, serialNumber, taskIds, ...record }),
      tell("write", { serialNumber, rows }),
    ]);
    reach("record-stored");
    // Asked again: the process may have been suspended while it wrote its record.
    assertLeaseOutlasts(settings.writeDeadlineMs);
    counts.writes += 1;
    reach(isUndo ? "undo-leaving" : "script-leaving");
    try {
      const applied = driver.apply(steps, signal);
      say(dependencies.noteProgress(taskIds, `Device ${device}: writing ${describeSteps(planned)}.`));
      const { output } = await applied;
      reach(isUndo ? "undo-accepted" : "script-accepted");
      keep(record);
      say(tell("written", { lines, before: planned.map(({ name, before }) => ({ name, before })), output }));
      return { kind: "accepted", text: output };
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
      if (error.code !== "rejected" && !error.mayHaveActed) {
        counts.writes -= 1;
        reach("script-unsent");
        await journal.withdrawWrite(lease, recordId);
        reach("record-withdrawn");
        await tell("withdrawn", { reason: error.message });
        throw error;
      }
      reach(error.code === "rejected" ? "script-refused" : "script-lost");
      keep(record);
      const text = error.deviceText ?? error.message;
      say(tell(error.code === "rejected" ? "refused" : "lost", { lines, output: text }));
      return error.code === "rejected" ? { kind: "refused", text } : { kind: "lost", error };
    }
  }

  /** Which Proxy Sets of ours stand in what is being saved. */
  async function proxySetChanges(): Promise<ProxySetChanges | undefined> {
    if (config === undefined) return undefined;
    return standingSets(config, serialNumber, written.creates, await journal.madeProxySets(device));
  }

  function keep({ creates, changes }: { creates: RecordedCreate[]; changes: RecordedChange[] }): void {
    for (const all of [written, recorded]) {
      all.creates.push(...creates);
      all.changes.push(...changes);
    }
    open = true;
  }

  return {
    runId,
    get config() {
      return readConfig();
    },
    serialNumber,
    sentBefore,
    written,
    recorded,
    counts,
    read,
    readUntil,
    readStable,
    unsaved: () => open,

    async send(steps, taskIds) {
      dependencies.mayWrite();
      const creates = recordedCreates(steps, readConfig().fingerprint);
      const { givesBack } = driver.describe().capabilities;
      return send(steps, taskIds, { creates, changes: recordedChanges(steps, givesBack) }, false);
    },
    sendUndo(steps, taskIds) {
      const { givesBack } = driver.describe().capabilities;
      // What stood there before an undo is nothing to go back to.
      const changes = recordedChanges(steps, givesBack).map((change) => ({ ...change, before: {} }));
      return send(steps, taskIds, { creates: [], changes }, true);
    },

    async save(taskIds = []) {
      if (counts.writes === 0) dependencies.beforeFirstWrite();
      // Another administrator's edit may come between our save and the look at it; a third one is somebody at work.
      for (let tries = 0; tries < 3; tries += 1) {
        await holdLease(settings.saveMs);
        counts.saves += 1;
        reach("save-leaving");
        const saved = driver.save(signal);
        if (tries === 0 && taskIds.length > 0)
          say(dependencies.noteProgress(taskIds, `Device ${device}: read back and verified, saving.`));
        await saved;
        // A device that cannot say so has said "done", and nothing else is to be had of it.
        const { saveNeeded: tells } = driver.describe().capabilities;
        const after = tells || status.upTime !== "unknown" ? await driver.status(signal) : status;
        assertSameLife(after);
        if (!tells || after.saveNeeded === false) {
          reach("save-confirmed");
          const sets = await proxySetChanges();
          // Asked for together, which is one write to disk: that the device saved is true in any case.
          say(journal.audit({ event: "save", device, taskId: null, who: runId, data: {} }));
          await journal.recordSaved(lease, sets);
          await heard();
          open = false;
          return;
        }
      }
      throw new PutOff("unsaved", `${device} did not say after three saves that nothing is unsaved`);
    },
  };
}

/** Records of runs that may have ended before they looked at the last that they wrote. */
export function unsavedOf(records: readonly RunRecord[]): RunRecord[] {
  return records.filter(({ state }) => state !== "saved");
}

/** A device that was replaced holds none of the rows that were recorded for the one before it. */
export function writtenTo(
  serialNumber: string,
  records: readonly RunRecord[],
): { creates: RecordedCreate[]; changes: RecordedChange[] } {
  const same = records.filter(
    (record) => serialNumber === "" || record.serialNumber === "" || record.serialNumber === serialNumber,
  );
  return { creates: same.flatMap((r) => [...r.creates]), changes: same.flatMap((r) => [...r.changes]) };
}

function describeSteps(steps: readonly PlannedStep[]): string {
  const rows = steps.filter(({ step }) => step.parent === undefined);
  const shown = rows.slice(0, 3).map(({ step, name }) => `${describeRow(step, name)} (${step.kind})`);
  return shown.join(", ") + (rows.length > shown.length ? ` and ${rows.length - shown.length} more rows` : "");
}

function recordedCreates(steps: readonly PlannedStep[], absentIn: string): RecordedCreate[] {
  return steps.flatMap(({ step, name, customers }) => {
    if (step.kind !== "create") return [];
    const { table, index, parent } = step;
    const fields = readableFields(step);
    return [{ table, index, ...(parent === undefined ? {} : { parent }), name, fields, absentIn, customers }];
  });
}

function readableFields({ table, fields }: { table: TableName; fields: Fields }): Fields {
  const secret = new Set(schemaOf(table).fields.flatMap((field) => (field.secret === true ? [field.name] : [])));
  return Object.fromEntries(Object.entries(fields).filter(([field]) => !secret.has(field)));
}

function recordedChanges(steps: readonly PlannedStep[], givesBack: boolean): RecordedChange[] {
  return steps.flatMap(({ step, name, before, customers }) => {
    if (step.kind !== "update") return [];
    const { table, index, parent } = step;
    const set = readableFields({ table, fields: step.set });
    const sent = Object.fromEntries(
      Object.entries(set).map(([field, value]) => {
        const old = givesBack ? before[field] : undefined;
        return [field, old === undefined ? [value] : [value, old]];
      }),
    );
    return [{ table, index, ...(parent === undefined ? {} : { parent }), name, before, sent, customers }];
  });
}
