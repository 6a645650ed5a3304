import { vi } from "vitest";
import {
  applyIntents,
  type Application,
  type ApplyRequest,
  type CustomerResult,
} from "../../agent/provisioning/apply.ts";
import { openSession, type DeviceSession, type SessionDependencies } from "../../agent/provisioning/device-session.ts";
import { startLeaseClock, type LeaseClock } from "../../agent/provisioning/lease-clock.ts";
import type { PlannedIntent } from "../../agent/provisioning/needs.ts";
import type { MadeProxySet } from "../../agent/store/amendment.ts";
import type { AuditEntry, Lease, RunRecord } from "../../agent/store/model.ts";
import type { JournalStore } from "../../agent/store/journal-store.ts";
import { options } from "./customers.ts";
import { description } from "./device-fixture.ts";
import type { FakeDevice } from "./fake-device.ts";

export const lease: Lease = { device: "sbc1", fence: 7, durationMs: 120_000 };

/** Records and ends as the store has them. */
export interface MemoryJournal extends Pick<
  JournalStore,
  "recordWrite" | "withdrawWrite" | "recordSaved" | "madeProxySets" | "audit"
> {
  records: RunRecord[];
  trail: Omit<AuditEntry, "at">[];
  /** Proxy Sets that were made here. */
  made: MadeProxySet[];
  /** Tasks of conversions for which a line may have left. */
  sent: Set<string>;
  /** What a claim abandons and gives. */
  claim(): RunRecord[];
  /** What a claim would give. */
  unresolved(): RunRecord[];
  /** Ends conversions. */
  complete(taskIds: Iterable<string>): void;
}

export function memoryJournal(): MemoryJournal {
  const records: RunRecord[] = [];
  const trail: Omit<AuditEntry, "at">[] = [];
  const made: MadeProxySet[] = [];
  const sent = new Set<string>();
  const ended = new Set<string>();
  let written = 0;
  const unresolved = (): RunRecord[] =>
    records.filter(({ state, taskIds }) => state !== "saved" || taskIds.some((id) => !ended.has(id)));
  return {
    records,
    trail,
    made,
    sent,
    unresolved,
    claim() {
      for (const record of records) if (record.state === "written") record.state = "abandoned";
      return structuredClone(unresolved());
    },
    complete(taskIds) {
      for (const id of taskIds) ended.add(id);
    },
    async recordWrite({ device, fence }, record) {
      written += 1;
      const id = `record ${written}`;
      records.push({ id, device, fence, state: "written", writtenAt: 0, ...structuredClone(record) });
      for (const taskId of record.taskIds) sent.add(taskId);
      return id;
    },
    async withdrawWrite(_lease, recordId) {
      const at = records.findIndex(({ id }) => id === recordId);
      const [withdrawn] = at === -1 ? [] : records.splice(at, 1);
      const unsent = (withdrawn?.taskIds ?? []).filter((id) => !records.some(({ taskIds }) => taskIds.includes(id)));
      for (const taskId of unsent) sent.delete(taskId);
      return unsent;
    },
    async recordSaved(_lease, sets = { made: [], gone: [] }) {
      for (const record of records) record.state = "saved";
      const named = new Set([...sets.gone, ...sets.made].map(({ name }) => name));
      made.splice(0, made.length, ...made.filter(({ name }) => !named.has(name)), ...sets.made);
    },
    async madeProxySets() {
      return [...made];
    },
    async audit(entry) {
      trail.push(entry);
    },
  };
}

/** Waits by the faked clocks alone: use after `vi.useFakeTimers({ toFake: ["performance", "Date"] })`. */
export const wait = async (ms: number): Promise<void> => {
  vi.advanceTimersByTime(ms);
};

export async function sessionOn(
  device: FakeDevice,
  journal: MemoryJournal,
  more: Partial<SessionDependencies> = {},
  clock: LeaseClock = startLeaseClock(() => Date.now()),
  unresolved: readonly RunRecord[] = journal.claim(),
): Promise<DeviceSession> {
  return openSession(
    {
      driver: device.driver,
      device: "sbc1",
      settings: { writeDeadlineMs: 60_000, saveMs: 60_000, settleMs: 100 },
      source: { renewLease: async () => undefined },
      journal,
      noteProgress: async () => undefined,
      keepBackup: async () => undefined,
      beforeFirstWrite: () => undefined,
      mayWrite: () => undefined,
      signal: new AbortController().signal,
      wait,
      ...more,
    },
    lease,
    await device.driver.status(new AbortController().signal),
    clock,
    unresolved,
  );
}

export interface Ran extends Application {
  reported: ReadonlyMap<string, CustomerResult>;
  session: DeviceSession;
}

/** One run over the device up to its report: read, apply, save. What is not linked is a conversion with a task of its own. */
export async function runUnreported(
  device: FakeDevice,
  intents: readonly PlannedIntent[],
  journal: MemoryJournal = memoryJournal(),
  more: Partial<ApplyRequest> = {},
): Promise<Ran> {
  const session = await sessionOn(device, journal);
  await session.readStable();
  const reported = new Map<string, CustomerResult>();
  const application = await applyIntents(session, {
    description,
    intents,
    options,
    refused: new Map(),
    taskIds: taskIdsOf(intents),
    maxChanges: 20,
    onResult: (customer, result) => reported.set(customer, result),
    ...more,
  });
  if (session.unsaved()) await session.save();
  return { ...application, reported, session };
}

function taskIdsOf(intents: readonly PlannedIntent[]): ReadonlyMap<string, string> {
  const conversions = intents.filter(({ linked }) => !linked).map(({ intent }) => intent.customerGuid);
  return new Map(conversions.map((guid) => [guid, `wst_${guid}`]));
}

/** A whole run: conversions that have a result end with it. */
export async function run(
  device: FakeDevice,
  intents: readonly PlannedIntent[],
  journal: MemoryJournal = memoryJournal(),
  more: Partial<ApplyRequest> = {},
): Promise<Ran> {
  const ran = await runUnreported(device, intents, journal, more);
  const taskIds = more.taskIds ?? taskIdsOf(intents);
  journal.complete([...ran.results.keys()].flatMap((guid) => taskIds.get(guid) ?? []));
  return ran;
}
