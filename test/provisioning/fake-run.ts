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
import type { AuditEntry, Lease, RunRecord } from "../../agent/store/model.ts";
import type { JournalStore } from "../../agent/store/store.ts";
import { options } from "./customers.ts";
import { description } from "./device-fixture.ts";
import type { FakeDevice } from "./fake-device.ts";

export const lease: Lease = { device: "sbc1", fence: 7, durationMs: 120_000 };

export interface MemoryJournal extends Pick<JournalStore, "recordWrite" | "recordSaved" | "audit"> {
  records: RunRecord[];
  trail: Omit<AuditEntry, "at">[];
  unresolved(): RunRecord[];
}

export function memoryJournal(): MemoryJournal {
  const records: RunRecord[] = [];
  const trail: Omit<AuditEntry, "at">[] = [];
  return {
    records,
    trail,
    unresolved: () => records.filter(({ state }) => state !== "saved"),
    async recordWrite({ device, fence }, record) {
      records.push({ id: `${records.length}`, device, fence, state: "written", writtenAt: 0, ...record });
    },
    async recordSaved() {
      for (const record of records) record.state = "saved";
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
      beforeFirstWrite: async () => undefined,
      signal: new AbortController().signal,
      wait,
      ...more,
    },
    lease,
    await device.driver.status(new AbortController().signal),
    clock,
    journal.unresolved(),
  );
}

export interface Ran extends Application {
  reported: ReadonlyMap<string, CustomerResult>;
  session: DeviceSession;
}

/** One run over the device: read, apply, save. What is not linked is a conversion with a task of its own. */
export async function run(
  device: FakeDevice,
  intents: readonly PlannedIntent[],
  journal: MemoryJournal = memoryJournal(),
  more: Partial<ApplyRequest> = {},
): Promise<Ran> {
  const session = await sessionOn(device, journal);
  await session.readStable();
  const reported = new Map<string, CustomerResult>();
  const conversions = intents.filter(({ linked }) => !linked).map(({ intent }) => intent.customerGuid);
  const application = await applyIntents(session, {
    description,
    intents,
    options,
    refused: new Map(),
    taskIds: new Map(conversions.map((guid) => [guid, `wst_${guid}`])),
    maxChanges: 20,
    onResult: (customer, result) => reported.set(customer, result),
    ...more,
  });
  if (session.unsaved()) await session.save();
  return { ...application, reported, session };
}
