import { setTimeout as sleep } from "node:timers/promises";
import type { Configuration } from "./configuration.ts";
import {
  cellOf,
  convertConfiguration,
  copyConfiguration,
  emptyConfiguration,
  removeRow,
  rowsOf,
  shapeOf,
} from "./configuration.ts";
import type { Faults, Occasion } from "./faults.ts";
import { generationOf } from "./generations.ts";
import type { Recorder } from "./recorder.ts";
import { differsIn } from "./reset-needed.ts";
import type { Settings } from "./settings.ts";
import type { Table } from "./columns.ts";
import type { Row } from "./table-rows.ts";
import { findTable } from "./tables.ts";

/** What the device says of itself. */
export interface Identity {
  readonly name: string;
  readonly serialNumber: string;
  /** As in `7.40A.250.440`. */
  readonly firmware: string;
  readonly model: string;
  readonly macAddress: string;
  readonly ipAddress: string;
  readonly highAvailability: boolean;
}

/** An alarm as REST shows it; `oid` only on request. */
export interface Alarm {
  readonly id: string;
  readonly description: string;
  readonly severity: string;
  readonly source: string;
  /** As in `2010-03-01T23:00:00.000Z`. */
  readonly date: string;
  readonly oid?: string;
}

export interface Alarms {
  readonly active: readonly Alarm[];
  readonly history: readonly Alarm[];
}

export interface DeviceOptions {
  readonly identity: Identity;
  readonly settings: Settings;
  readonly faults: Faults;
  readonly recorder: Recorder;
  readonly configuration: Configuration;
  readonly alarms?: Alarms;
  /** How long writing to flash takes. A reboot meanwhile loses it. */
  readonly saveMs: number;
  /** How long the device cannot be reached after a reset. */
  readonly bootMs: number;
}

/** One mock device: a running configuration in RAM, a startup configuration in flash, and a life. */
export interface Device {
  readonly identity: Identity;
  readonly settings: Settings;
  readonly faults: Faults;
  readonly recorder: Recorder;
  /** What is in force now. Change it between `beginWrite` and `changed`. */
  readonly running: Configuration;
  readonly startup: Configuration;
  readonly saveNeeded: boolean;
  /** A parameter of the setting `resetNeededBy` was changed since the last reset. */
  readonly resetNeeded: boolean;
  readonly isUp: boolean;
  /** Resets so far. */
  readonly boots: number;
  readonly uptimeMs: number;
  readonly alarms: Alarms;
  /** Call before each upload, script or edit: a lagging reader sees what was before. */
  beginWrite(): void;
  /** Call after something in `running` was changed. */
  changed(): void;
  /** Puts a whole configuration in force and into flash, as a full upload does before the device resets. */
  replace(configuration: Configuration): void;
  /** The running configuration as a reader gets it, faults included. */
  look(occasion?: Occasion): Configuration;
  /** The row as the device stores it, faults included. */
  normalise(table: Table, row: Row): Row;
  /** Writes flash; resolves with whether the device says that it worked. Immediate when `saveMs` is 0. */
  save(occasion?: Occasion): boolean | Promise<boolean>;
  /** Resets: unsaved changes are gone unless saved first, and nothing answers for `bootMs`. */
  reboot(saveConfiguration: boolean): void;
  /** The other unit takes over with what is in flash; up at once. */
  switchOver(): void;
  /** Goes back to the configuration it started from, in flash too, and resets. */
  restore(): void;
  /** Becomes another: other firmware brings the columns of its generation. Resets. */
  become(changes: { readonly firmware?: string; readonly serialNumber?: string; readonly isEmpty?: boolean }): void;
  /** Calls back at each reset, when every connection is to be dropped. */
  onReset(callback: () => void): void;
  /** Ends all timers. */
  stop(): void;
}

export function createDevice(options: DeviceOptions): Device {
  const { settings, faults, recorder, saveMs, bootMs } = options;
  const stopping = new AbortController();
  const resetCallbacks: (() => void)[] = [];
  let identity = options.identity;
  let running = copyConfiguration(options.configuration);
  let startup = copyConfiguration(options.configuration);
  let beforeWrite = running;
  let lagging: Configuration | undefined;
  let saveNeeded = false;
  let resetNeeded = false;
  let startedAt = performance.now();
  let bootedAt = 0;
  let boots = 0;
  let changes = 0;
  let jitterReads = 0;

  function store(snapshot: Configuration, atChange: number): void {
    startup = snapshot;
    if (changes === atChange) saveNeeded = false;
    recorder.stats.saves += 1;
  }

  async function storeLater(snapshot: Configuration, atChange: number): Promise<boolean> {
    const boot = boots;
    await sleep(saveMs, undefined, { signal: stopping.signal, ref: false }).catch(ignoreAbort);
    if (stopping.signal.aborted || boot !== boots) return false;
    store(snapshot, atChange);
    return true;
  }

  function leaveOutLast(configuration: Configuration, name: string): Configuration {
    jitterReads += 1;
    const table = findTable(name);
    const last = table === undefined ? undefined : rowsOf(configuration, table).at(-1);
    if (jitterReads % 2 === 0 || table === undefined || last === undefined) return configuration;
    const short = copyConfiguration(configuration);
    removeRow(short, table, last.index);
    return short;
  }

  function reset(downMs: number): void {
    boots += 1;
    running = copyConfiguration(startup);
    saveNeeded = false;
    resetNeeded = false;
    lagging = undefined;
    startedAt = performance.now() + downMs;
    bootedAt = startedAt;
    for (const callback of resetCallbacks) callback();
  }

  async function breakSave(): Promise<boolean> {
    if (saveMs > 0) await sleep(saveMs / 2, undefined, { signal: stopping.signal, ref: false }).catch(ignoreAbort);
    reboot(false);
    return false;
  }

  function reboot(saveConfiguration: boolean): void {
    if (saveConfiguration) store(copyConfiguration(running), changes);
    recorder.stats.resets += 1;
    reset(bootMs);
  }

  return {
    get identity() {
      return identity;
    },
    settings,
    faults,
    recorder,
    alarms: options.alarms ?? { active: [], history: [] },
    get running() {
      return running;
    },
    get startup() {
      return startup;
    },
    get saveNeeded() {
      return saveNeeded;
    },
    get resetNeeded() {
      return resetNeeded;
    },
    get isUp() {
      return performance.now() >= bootedAt;
    },
    get boots() {
      return boots;
    },
    get uptimeMs() {
      return performance.now() - startedAt;
    },
    beginWrite() {
      beforeWrite = copyConfiguration(running);
    },
    changed() {
      lagging = beforeWrite;
      changes += 1;
      saveNeeded = true;
      resetNeeded ||= differsIn(beforeWrite, running, settings.resetNeededBy);
    },
    replace(configuration) {
      running = copyConfiguration(configuration);
      startup = copyConfiguration(configuration);
      saveNeeded = false;
    },
    look(occasion) {
      if (lagging !== undefined && faults.take("read-lag", occasion) !== undefined) return lagging;
      const jitter = faults.take("read-jitter", occasion);
      return jitter === undefined ? running : leaveOutLast(running, jitter.table);
    },
    normalise(table, row) {
      const shape = shapeOf(running, table);
      const fault = faults.take(
        "normalise",
        undefined,
        (one) => one.table === table.name && shape.find(one.field) !== undefined,
      );
      const column = fault === undefined ? undefined : shape.find(fault.field);
      if (fault === undefined || column === undefined) return row;
      const value = cellOf(row, column);
      const stored = {
        lower: value.toLowerCase(),
        upper: value.toUpperCase(),
        truncate: value.slice(0, fault.length),
        default: column.default,
      }[fault.to];
      return { ...row, cells: { ...row.cells, [column.name]: stored } };
    },
    save(occasion) {
      const fault = faults.take("save-fails", occasion);
      if (fault !== undefined) return fault.silent;
      if (faults.take("reboot-during-save", occasion) !== undefined) return breakSave();
      const snapshot = copyConfiguration(running);
      if (saveMs > 0) return storeLater(snapshot, changes);
      store(snapshot, changes);
      return true;
    },
    reboot,
    switchOver: () => reset(0),
    restore() {
      startup = copyConfiguration(options.configuration);
      reboot(false);
    },
    become({ firmware, serialNumber, isEmpty = false }) {
      identity = {
        ...identity,
        ...(firmware === undefined ? {} : { firmware }),
        ...(serialNumber === undefined ? {} : { serialNumber }),
      };
      if (isEmpty) startup = emptyConfiguration(startup);
      if (firmware !== undefined) startup = convertConfiguration(startup, generationOf(firmware));
      reboot(false);
    },
    onReset: (callback) => resetCallbacks.push(callback),
    stop: () => stopping.abort(),
  };
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error) || error.name !== "AbortError") throw error;
}
