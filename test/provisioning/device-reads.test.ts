import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DeviceSession, SessionDependencies } from "../../agent/provisioning/device-session.ts";
import type { PlannedStep } from "../../agent/provisioning/plan.ts";
import { neighbours, row } from "./device-fixture.ts";
import { fakeDevice, type FakeDevice } from "./fake-device.ts";
import { memoryJournal, sessionOn, wait, type MemoryJournal } from "./fake-run.ts";

const step: PlannedStep = {
  step: { kind: "create", table: "ip-group", index: 5, fields: { tags: "Trunk=t", name: "Acme" } },
  name: "Acme",
  before: {},
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

async function opened(more: Partial<SessionDependencies> = {}): Promise<DeviceSession> {
  const session = await sessionOn(device, journal, more);
  await session.read();
  return session;
}

describe("records of earlier runs", () => {
  it.each([
    ["the same serial number count", "1234", 1],
    ["another serial number do not", "9999", 0],
    ["any serial number count where the device tells none", "unknown", 1],
  ])("of %s", async (_, serialNumber, count) => {
    await (await opened()).send([step], []);
    device.behaviour.status = { serialNumber };
    expect((await opened()).written.creates.length).toBe(count);
  });

  it("made while the device told no serial number count", async () => {
    device.behaviour.status = { serialNumber: "unknown" };
    await (await opened()).send([step], []);
    device.behaviour.status = {};
    expect((await opened()).written.creates.length).toBe(1);
  });
});

describe("reading until the device is quiet", () => {
  it("ends with two equal reads", async () => {
    const session = await opened();
    await session.readStable();
    expect(device.reads()).toBe(3);
  });

  it("goes on while reads differ, and ends with the last", async () => {
    const edits = [11, 12, 13];
    const session = await opened({
      async wait(ms) {
        await wait(ms);
        const index = edits.shift();
        if (index !== undefined) device.edit((rows) => [...rows, row("ip-group", index, {}, { active: false })]);
      },
    });
    const config = await session.readStable();
    expect(config.rows.filter((r) => !r.active).map((r) => r.index)).toEqual([11, 12, 13]);
    expect(session.config).toBe(config);
  });

  it("gives up as `protocol` when somebody keeps writing", async () => {
    let index = 10;
    const session = await opened({
      async wait(ms) {
        await wait(ms);
        index += 1;
        device.edit((rows) => rows.map((r) => (r.table === "realm" ? { ...r, index } : r)));
      },
    });
    await expect(session.readStable()).rejects.toMatchObject({ code: "protocol" });
  });

  it("ends at once with what was waited for", async () => {
    const session = await opened();
    await session.readUntil(() => true);
    expect(device.reads()).toBe(2);
  });

  it("waits for what lags behind", async () => {
    device.behaviour.lag = 3;
    const session = await opened();
    await session.send([step], []);
    const config = await session.readUntil((c) => c.rows.some((r) => r.fields["name"] === "Acme"));
    expect(config.rows.some((r) => r.fields["name"] === "Acme")).toBe(true);
  });

  it("ends with what there is when it does not come and nothing moves", async () => {
    const started = performance.now();
    const session = await opened();
    await session.readUntil(() => false);
    expect(performance.now() - started).toBeGreaterThanOrEqual(100);
    expect(performance.now() - started).toBeLessThan(200);
  });
});
