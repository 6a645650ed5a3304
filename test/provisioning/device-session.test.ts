import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DeviceStatus, Driver } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { DeviceSession, SessionDependencies } from "../../agent/provisioning/device-session.ts";
import { startLeaseClock, type LeaseClock } from "../../agent/provisioning/lease-clock.ts";
import { PutOff } from "../../agent/provisioning/outcome.ts";
import type { PlannedStep } from "../../agent/provisioning/plan.ts";
import { LeaseLost } from "../../agent/store/store.ts";
import { neighbours } from "./device-fixture.ts";
import { fakeDevice, type FakeDevice } from "./fake-device.ts";
import { lease, memoryJournal, sessionOn, type MemoryJournal } from "./fake-run.ts";

const step: PlannedStep = {
  step: { kind: "create", table: "ip-group", index: 5, fields: { tags: "Trunk=t", name: "Acme" } },
  name: "Acme",
  before: {},
  customers: ["c1"],
  endsCalls: false,
};
const change: PlannedStep = {
  step: { kind: "update", table: "ip-group", index: 4, name: "Foreign", set: { "sip-group-name": "new" } },
  name: "Foreign",
  before: { "sip-group-name": "" },
  customers: ["c1"],
  endsCalls: false,
};

let device: FakeDevice;
let journal: MemoryJournal;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
  device = fakeDevice(neighbours);
  journal = memoryJournal();
});
afterEach(() => {
  vi.useRealTimers();
});

async function opened(more: Partial<SessionDependencies> = {}, clock?: LeaseClock): Promise<DeviceSession> {
  const session = await sessionOn(device, journal, more, clock);
  await session.read();
  return session;
}

/** The device's driver, with some of its methods in other hands. */
const driverWith = (more: Partial<Driver>): Driver => ({ ...device.driver, ...more });

describe("a script", () => {
  it("is on record, with what it creates and what it changes, before the first line leaves", async () => {
    let recorded: unknown;
    const driver = driverWith({
      async apply(steps, signal) {
        recorded = structuredClone(journal.records);
        return device.driver.apply(steps, signal);
      },
    });
    const session = await opened({ driver });
    await session.send([step, change], ["wst_1"]);
    expect(recorded).toMatchObject([
      {
        runId: session.runId,
        serialNumber: "1234",
        state: "written",
        taskIds: ["wst_1"],
        creates: [{ table: "ip-group", index: 5, name: "Acme", customers: ["c1"] }],
        changes: [{ table: "ip-group", index: 4, name: "Foreign", before: { "sip-group-name": "" } }],
      },
    ]);
  });

  it("does not leave when it cannot be recorded", async () => {
    const recordWrite = () => Promise.reject(new LeaseLost("fenced"));
    const session = await opened({ journal: { ...journal, recordWrite } });
    await expect(session.send([step], [])).rejects.toThrow(LeaseLost);
    expect(device.scripts).toEqual([]);
  });

  it("needs a read before it", async () => {
    const session = await sessionOn(device, journal);
    await expect(session.send([step], [])).rejects.toThrow("nothing was read yet");
  });

  it("that was refused is a value, with the device's words", async () => {
    device.behaviour.refuses = (line) => line.endsWith("activate");
    const session = await opened();
    expect(await session.send([step], [])).toEqual({ kind: "refused", text: "Invalid: ip-group 5 activate" });
  });

  it("whose answer was lost is a value", async () => {
    device.behaviour.faults = [{ kind: "lost", afterLines: 1 }];
    const session = await opened();
    expect(await session.send([step], [])).toMatchObject({ kind: "lost", error: { code: "timeout" } });
  });

  it("of which nothing was sent throws", async () => {
    device.behaviour.faults = [{ kind: "busy" }];
    const session = await opened();
    await expect(session.send([step], [])).rejects.toThrow(DriverError);
  });

  it("of which nothing was sent leaves no record: no index reserved, no deadline stopped", async () => {
    device.behaviour.faults = [{ kind: "busy" }];
    const session = await opened();
    await expect(session.send([step], ["wst_1"])).rejects.toThrow(DriverError);
    expect((await sessionOn(device, journal)).written.creates).toEqual([]);
    expect([journal.records, [...journal.sent], session.unsaved()]).toEqual([[], [], false]);
  });

  it("of which nothing was sent leaves what earlier ones recorded", async () => {
    device.behaviour.faults = [undefined, { kind: "busy" }];
    const session = await opened();
    await session.send([step], ["wst_1"]);
    await expect(session.send([change], ["wst_1"])).rejects.toThrow(DriverError);
    expect([journal.records.length, [...journal.sent], session.unsaved()]).toEqual([1, ["wst_1"], true]);
  });

  it("that takes back is a write on record, and nothing to take back", async () => {
    const session = await opened();
    await session.sendUndo([change], ["wst_1"]);
    expect(journal.records).toMatchObject([
      { state: "written", taskIds: ["wst_1"], creates: [], changes: [{ before: {} }] },
    ]);
    expect(session.written).toMatchObject({ creates: [], changes: [{ before: {} }] });
    expect(session.unsaved()).toBe(true);
  });

  it("does not wait until what is told of it is stored, once it is on record", async () => {
    const forever = () => new Promise<void>(() => undefined);
    const audit = ({ event }: { event: string }) => (event === "write" ? Promise.resolve() : forever());
    const session = await opened({ journal: { ...journal, audit }, noteProgress: forever });
    expect(await session.send([step], ["wst_1"])).toMatchObject({ kind: "accepted" });
    expect([device.scripts.length, journal.records.length]).toEqual([1, 1]);
  });

  it("is where a run ends that cannot store what it told of it, with the record left open", async () => {
    const full = () => Promise.reject(new Error("disk full"));
    const audit = ({ event }: { event: string }) => (event === "write" ? Promise.resolve() : full());
    const session = await opened({ journal: { ...journal, audit } });
    await session.send([step], []);
    await expect(session.read()).rejects.toThrow("disk full");
    expect([journal.records[0]?.state, session.unsaved()]).toEqual(["written", true]);
  });

  it("does not leave when its intent cannot be audited", async () => {
    const audit = () => Promise.reject(new Error("disk full"));
    const session = await opened({ journal: { ...journal, audit } });
    await expect(session.send([step], [])).rejects.toThrow("disk full");
    expect(device.scripts).toEqual([]);
  });

  it("shows no secret in the audit and in the record", async () => {
    const fields = { "served-ip-group-name": "Foreign", "serving-ip-group-name": "Foreign", password: "s3cret" };
    const session = await opened();
    const account: PlannedStep = { ...step, step: { kind: "create", table: "account", index: 1, fields } };
    await session.send([account], []);
    const recorded = Object.keys(journal.records[0]?.creates[0]?.fields ?? {});
    expect(recorded).toEqual(["served-ip-group-name", "serving-ip-group-name"]);
    expect(JSON.stringify([journal.trail, journal.records])).not.toContain("s3cret");
  });
});

describe("before the first script, and only then,", () => {
  it("the device's configuration is kept", async () => {
    const kept: string[] = [];
    const session = await opened({ keepBackup: async (text) => void kept.push(text) });
    await session.send([step], []);
    await session.send([change], []);
    expect(kept).toEqual(["; a restorable configuration"]);
    expect(device.backups()).toBe(1);
  });

  it("the copy from before a run that broke off is not pushed out by one of its half-done work", async () => {
    const kept: string[] = [];
    const keepBackup = async (text: string) => void kept.push(text);
    await (await opened({ keepBackup })).send([step], []);
    await (await opened({ keepBackup })).send([change], []);
    expect(kept).toHaveLength(1);
  });

  it("somebody may put the run off, and then nothing is recorded", async () => {
    const beforeFirstWrite = (): never => {
      throw new PutOff("foreign-edits", "wait");
    };
    const session = await opened({ beforeFirstWrite });
    await expect(session.send([step], [])).rejects.toThrow(PutOff);
    expect([journal.records, device.scripts, device.backups()]).toEqual([[], [], 0]);
    expect(session.unsaved()).toBe(false);
  });

  it("a pause keeps the next script back, and not what takes something back", async () => {
    const mayWrite = () => {
      throw new PutOff("paused", "hands off");
    };
    const session = await opened({ mayWrite });
    await expect(session.send([step], [])).rejects.toThrow("hands off");
    expect([journal.records, device.scripts]).toEqual([[], []]);
    await session.sendUndo([step], []);
    expect(device.scripts).toHaveLength(1);
  });
});

describe("a lease", () => {
  /** Only the monotonic clock: the wall clock was put back meanwhile. */
  const pass = (ms: number): void => {
    const wall = Date.now();
    vi.advanceTimersByTime(ms);
    vi.setSystemTime(wall);
  };
  const jumpWall = (ms: number): void => {
    vi.setSystemTime(Date.now() + ms);
  };
  const refusing = { renewLease: () => Promise.reject(new LeaseLost("taken over")) };

  it("is not renewed while it outlasts a write by a quarter", async () => {
    const renewals: number[] = [];
    const session = await opened({ source: { renewLease: async () => void renewals.push(1) } });
    pass(29_000);
    await session.send([step], []);
    expect(renewals).toEqual([]);
  });

  it.each([
    ["monotonic", pass],
    ["wall", jumpWall],
  ])("is renewed when it nears its end by the %s clock", async (_, spend) => {
    const renewals: number[] = [];
    const session = await opened({ source: { renewLease: async () => void renewals.push(1) } });
    spend(31_000);
    await session.send([step], []);
    expect(renewals).toEqual([1]);
    expect(device.scripts.length).toBe(1);
  });

  it.each([
    ["monotonic", pass],
    ["wall", jumpWall],
  ])("that cannot be renewed at its end by the %s clock stops everything", async (_, spend) => {
    const session = await opened({ source: refusing });
    spend(31_000);
    await expect(session.send([step], [])).rejects.toThrow(LeaseLost);
    expect([device.scripts, journal.records]).toEqual([[], []]);
  });

  it.each([
    ["monotonic", pass],
    ["wall", jumpWall],
  ])("that ends by the %s clock while the record is written stops the script", async (_, spend) => {
    const recordWrite: MemoryJournal["recordWrite"] = async (...args) => {
      const id = await journal.recordWrite(...args);
      spend(61_000);
      return id;
    };
    const session = await opened({ journal: { ...journal, recordWrite } });
    await expect(session.send([step], [])).rejects.toThrow(LeaseLost);
    expect(device.scripts).toEqual([]);
  });

  it("counts from before its renewal was asked for", async () => {
    const session = await opened({ source: { renewLease: async () => pass(61_000) } });
    pass(31_000);
    await expect(session.send([step], [])).rejects.toThrow(LeaseLost);
  });

  it("whose renewal failed is not taken for a renewed one", async () => {
    const clock = startLeaseClock(() => Date.now());
    const session = await opened({ source: { renewLease: () => Promise.reject(new Error("portal away")) } }, clock);
    pass(100_000);
    await expect(session.send([step], [])).rejects.toThrow("portal away");
    expect(clock.usedMs()).toBeGreaterThanOrEqual(100_000);
  });

  it("must outlast a save too", async () => {
    const session = await opened({ source: refusing });
    await session.send([step], []);
    pass(lease.durationMs);
    await expect(session.save()).rejects.toThrow(LeaseLost);
    expect(device.saves()).toBe(0);
  });
});

describe("a run that was told to stop", () => {
  it("neither reads nor writes", async () => {
    const ending = new AbortController();
    const session = await opened({ signal: ending.signal });
    ending.abort(new Error("stop"));
    await expect(session.send([step], [])).rejects.toThrow("stop");
    await expect(session.read()).rejects.toThrow("stop");
    expect(device.scripts).toEqual([]);
  });
});

describe("saving", () => {
  const saving = (answers: (boolean | "unknown")[]): Partial<Driver> => ({
    async status(signal) {
      return { ...(await device.driver.status(signal)), saveNeeded: answers.shift() ?? false };
    },
  });

  it.each([
    ["the device shows nothing unsaved", [false], 1],
    ["the device told only the second time whether something is unsaved", ["unknown" as const, false], 2],
    ["somebody's edit had come between", [true, false], 2],
  ])("closes the records when %s", async (_, answers, saves) => {
    const session = await opened();
    await session.send([step], []);
    const driver = driverWith(saving(["unknown", ...answers]));
    const again = await sessionOn({ ...device, driver }, journal);
    await again.save();
    expect([again.counts.saves, again.unsaved(), journal.unresolved()]).toEqual([saves, false, []]);
  });

  it("asks no device afterwards that cannot tell whether something is unsaved", async () => {
    const session = await opened();
    await session.send([step], []);
    let asked = 0;
    const driver = driverWith({
      describe() {
        const description = device.driver.describe();
        return { ...description, capabilities: { ...description.capabilities, saveNeeded: false } };
      },
      async status(signal) {
        asked += 1;
        return { ...(await device.driver.status(signal)), saveNeeded: "unknown", upTime: "unknown" };
      },
    });
    const again = await sessionOn({ ...device, driver }, journal);
    const before = asked;
    await again.save();
    expect([asked - before, again.counts.saves, again.unsaved(), journal.unresolved()]).toEqual([0, 1, false, []]);
  });

  it.each([
    ["started anew", [{ upTime: 500 }, { upTime: 20 }]],
    ["is now the unit 5678", [{ serialNumber: "1234" }, { serialNumber: "5678" }]],
  ])("does not count where the device %s since the run began", async (words, answers: Partial<DeviceStatus>[]) => {
    const session = await opened();
    await session.send([step], []);
    const driver = driverWith({
      status: async (signal) => ({ ...(await device.driver.status(signal)), saveNeeded: false, ...answers.shift() }),
    });
    const again = await sessionOn({ ...device, driver }, journal);
    await expect(again.save()).rejects.toThrow(words);
    expect([again.unsaved(), journal.unresolved().length]).toEqual([true, 1]);
  });

  it.each([
    ["its up-time went on", [{ upTime: 20 }, { upTime: 500 }]],
    ["its up-time and serial number are not told", [{ upTime: 20 }, { upTime: "unknown", serialNumber: "unknown" }]],
  ] as const)("counts where %s", async (_, [first, then]) => {
    const session = await opened();
    await session.send([step], []);
    const answers = [first, then];
    const driver = driverWith({
      status: async (signal) => ({ ...(await device.driver.status(signal)), saveNeeded: false, ...answers.shift() }),
    });
    const again = await sessionOn({ ...device, driver }, journal);
    await again.save();
    expect(journal.unresolved()).toEqual([]);
  });

  it("is put off after three times, and the records stay open", async () => {
    const session = await opened();
    await session.send([step], []);
    const again = await sessionOn({ ...device, driver: driverWith(saving([true, true, true, true, true])) }, journal);
    await expect(again.save()).rejects.toThrow(PutOff);
    expect([again.counts.saves, again.unsaved(), journal.unresolved().length]).toEqual([3, true, 1]);
  });

  it("is due after a script, and not any more once it is done", async () => {
    const session = await opened();
    await session.send([step], []);
    expect(session.unsaved()).toBe(true);
    await session.save();
    expect(session.unsaved()).toBe(false);
  });

  it("is due while an earlier run's record is open, though nothing was written since", async () => {
    await (await opened()).send([step], []);
    expect((await opened()).unsaved()).toBe(true);
  });

  it("tells the tasks, and is not done before they are told", async () => {
    const told: string[] = [];
    const noteProgress = async (taskIds: readonly string[], message: string) => void told.push(...taskIds, message);
    const session = await opened({ noteProgress });
    await session.save(["wst_1"]);
    expect(told).toEqual(["wst_1", "Device sbc1: read back and verified, saving."]);
    const deaf = await opened({ noteProgress: () => Promise.reject(new Error("disk full")) });
    await expect(deaf.save(["wst_1"])).rejects.toThrow("disk full");
  });

  it("is not due again while an earlier run's conversions are open, whose record still counts", async () => {
    const session = await opened();
    await session.send([step], ["wst_1"]);
    await session.save();
    const next = await opened();
    expect([next.unsaved(), next.written.creates.length]).toEqual([false, 1]);
    journal.complete(["wst_1"]);
    expect((await opened()).written.creates).toEqual([]);
  });

  it("is not due where nothing was written", async () => {
    expect((await opened()).unsaved()).toBe(false);
  });
});
