import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Row } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { PlannedIntent } from "../../agent/provisioning/needs.ts";
import { options, conversionOf, linkedOf, registering, subjectOf } from "./customers.ts";
import { namesIn, neighbours } from "./device-fixture.ts";
import { fakeDevice, linesOf, type FakeDevice, type Fault } from "./fake-device.ts";
import { memoryJournal, run, runUnreported, type MemoryJournal } from "./fake-run.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const subjects = [subjectOf("A"), subjectOf("B", registering)];
const batch = subjects.map((subject) => conversionOf(subject));
const guids = subjects.map(({ customerGuid }) => customerGuid);
const taskIds = new Map(guids.map((guid) => [guid, `wst_${guid}`]));

/** A row by what it holds, wherever it stands. */
const content = (rows: readonly Row[]): string[] =>
  rows.map((r) => JSON.stringify([r.table, r.active, Object.entries(r.fields).sort()])).sort();

async function wanted(): Promise<string[]> {
  const device = fakeDevice(neighbours);
  await run(device, batch);
  return content(device.config().rows);
}

async function countLines(): Promise<number> {
  const device = fakeDevice(neighbours);
  await run(device, batch);
  return linesOf(device.scripts[0] ?? []).length;
}

/** Runs until one ends, as the lane does after trouble with the device; says how the conversions ended. */
async function runUntilDone(
  device: FakeDevice,
  intents: readonly PlannedIntent[],
  journal: MemoryJournal = memoryJournal(),
): Promise<string[]> {
  for (let tries = 0; tries < 5; tries += 1) {
    try {
      const { results } = await run(device, intents, journal);
      return intents.map(({ intent }) => results.get(intent.customerGuid)?.kind ?? "nothing");
    } catch (error) {
      if (!(error instanceof DriverError)) throw error;
    }
  }
  return ["never"];
}

/** At each line where an answer can get lost: what stands on the device in the end, if it is not what is wanted. */
async function wrongEndings(faultsAfter: (line: number) => Fault[]): Promise<[line: number, ending: unknown][]> {
  const expected = await wanted();
  const wrong: [number, unknown][] = [];
  for (let line = 0; line <= (await countLines()); line += 1) {
    const device = fakeDevice(neighbours, { faults: faultsAfter(line) });
    const ended = await runUntilDone(device, batch);
    const there = content(device.config().rows);
    if (ended.some((kind) => kind !== "converged")) wrong.push([line, ended]);
    else if (there.join("\n") !== expected.join("\n")) wrong.push([line, there.filter((r) => !expected.includes(r))]);
  }
  return wrong;
}

describe("an answer that is lost", () => {
  it("at any line ends in the same rows as if it had come", async () => {
    expect(await wrongEndings((afterLines) => [{ kind: "lost", afterLines }])).toEqual([]);
  });

  it("twice at any line, so that a later run takes over, ends in the same rows", async () => {
    expect(
      await wrongEndings((afterLines) => [
        { kind: "lost", afterLines },
        { kind: "lost", afterLines: 3 },
      ]),
    ).toEqual([]);
  });

  it("after all was applied costs no second create", async () => {
    const device = fakeDevice(neighbours, { faults: [{ kind: "lost", afterLines: Number.POSITIVE_INFINITY }] });
    await run(device, batch);
    const created = device.scripts.slice(1).flatMap((steps) => steps.filter(({ kind }) => kind === "create"));
    expect(created).toEqual([]);
  });

  it("before a password was applied does not count as written", async () => {
    const device = fakeDevice(neighbours);
    await run(device, batch);
    const secrets = { CarrierUserPassword: "changed" };
    device.behaviour.faults = [{ kind: "lost", afterLines: 0 }];
    const registered = subjectOf("B", registering);
    const ran = await run(device, [linkedOf({ ...registered, secrets }, { secretsWritten: new Set() })]);
    expect(ran.results.get(registered.customerGuid)?.kind).toBe("converged");
    expect(device.secret({ table: "account", index: 1 }, "password")).toBe("changed");
  });
});

describe("a device that is busy", () => {
  it("does not use up the indexes of a table, however often it is tried", async () => {
    const journal = memoryJournal();
    const device = fakeDevice(neighbours);
    for (let tries = 0; tries < 100; tries += 1) {
      device.behaviour.faults = [{ kind: "busy" }];
      const ended = await run(device, batch, journal).then(
        () => "it ended",
        (error: unknown) => (error instanceof DriverError ? error.code : error),
      );
      expect(ended).toBe("busy");
    }
    const { results } = await run(device, batch, journal);
    expect([...results.values()].map(({ kind }) => kind)).toEqual(["converged", "converged"]);
  });
});

describe("a conversion that is refused now and was begun by an earlier run", () => {
  const refused = (...of: readonly string[]) => ({
    refused: new Map(of.map((guid) => [guid, "carrier is gone"])),
    taskIds,
  });

  async function begun(afterLines = Number.POSITIVE_INFINITY): Promise<[FakeDevice, MemoryJournal]> {
    const journal = memoryJournal();
    const device = fakeDevice(neighbours, { faults: [{ kind: "lost", afterLines }] });
    const { read } = device.driver;
    // The process dies with the script's answer: nothing is read after it.
    device.driver.read = async (signal) => {
      if (device.scripts.length > 0) throw new DriverError("unreachable", "the device is away");
      return read(signal);
    };
    await expect(run(device, batch, journal)).rejects.toThrow("the device is away");
    device.driver.read = read;
    return [device, journal];
  }

  it("leaves nothing on the device", async () => {
    const [device, journal] = await begun();
    const { results } = await run(device, [], journal, refused(...guids));
    expect([...results.values()]).toMatchObject([{ kind: "failed" }, { kind: "failed" }]);
    expect(content(device.config().rows)).toEqual(content(fakeDevice(neighbours).config().rows));
  });

  it("leaves the rows of those that are not refused", async () => {
    const [device, journal] = await begun();
    await run(device, batch.slice(1), journal, refused(guids[0] ?? ""));
    expect(namesIn(device.config(), "ip-group")).toEqual(["Foreign", "B"]);
    expect(namesIn(device.config(), "proxy-set")).toEqual(["Foreign", "SIPTrunk"]);
  });

  it("takes back a Proxy Set that was all it had", async () => {
    const [device, journal] = await begun(13);
    expect(namesIn(device.config(), "ip-group")).toEqual(["Foreign"]);
    expect(namesIn(device.config(), "proxy-set")).toEqual(["Foreign", "SIPTrunk"]);
    await run(device, [], journal, refused(...guids));
    expect(namesIn(device.config(), "proxy-set")).toEqual(["Foreign"]);
  });

  it("is no reason to take back what a linked customer has", async () => {
    const [device, journal] = await begun();
    await run(device, [], journal, { ...refused(...guids), taskIds: new Map() });
    expect(namesIn(device.config(), "ip-group")).toEqual(["Foreign", "A", "B"]);
  });

  it("waits while somebody else refers to its IP Group, and the others go on", async () => {
    const [device, journal] = await begun();
    const { read } = device.driver;
    const mention = { from: "sbc classification 3", field: "x", table: "ip-group", name: "A" } as const;
    device.driver.read = async (signal) => {
      const config = await read(signal);
      return { ...config, mentions: [...config.mentions, mention] };
    };
    const settled: string[] = [];
    const more = { ...refused(guids[0] ?? ""), onResult: (customer: string) => void settled.push(customer) };
    const { blocked } = await run(device, batch.slice(1), journal, more);
    expect(blocked).toMatchObject({ code: "undo", needsHuman: false });
    expect(settled).toEqual([guids[1]]);
    expect(namesIn(device.config(), "ip-group")).toEqual(["Foreign", "A", "B"]);
  });
});

describe("a process that dies", () => {
  it("and a run for others in between, do not take a half-made row from its conversion", async () => {
    const journal = memoryJournal();
    const faults: Fault[] = [19, 0].map((afterLines) => ({ kind: "lost", afterLines }));
    const device = fakeDevice(neighbours, { faults });
    await expect(run(device, batch, journal)).rejects.toThrow("no answer");
    await run(device, [], journal);
    const { results } = await run(device, batch, journal);
    expect([...results.values()].map(({ kind }) => kind)).toEqual(["converged", "converged"]);
  });

  it("after its save and before its report finds its rows again where there are no tags", async () => {
    const journal = memoryJournal();
    const device = fakeDevice(neighbours);
    const more = { options: { ...options, withoutTags: true } };
    await runUnreported(device, batch, journal, more);
    const { results } = await run(device, batch, journal, more);
    expect([...results.values()].map(({ kind }) => kind)).toEqual(["converged", "converged"]);
  });
});

describe("steps that end calls", () => {
  async function drifted(): Promise<FakeDevice> {
    const device = fakeDevice(neighbours);
    await run(device, batch);
    device.edit((rows) =>
      rows.map((r) => (r.fields["name"] === "A" ? { ...r, fields: { ...r.fields, type: "user", "srd-name": "" } } : r)),
    );
    return device;
  }
  const linked = linkedOf(subjectOf("A"));

  it("are not taken without consent", async () => {
    const device = await drifted();
    const before = device.config();
    const { results } = await run(device, [linked]);
    expect(results.get(guids[0] ?? "")).toMatchObject({ kind: "failed", onDevice: false });
    expect(device.config()).toEqual(before);
  });

  it("are taken with it", async () => {
    const device = await drifted();
    const { results } = await run(device, [linked], memoryJournal(), { options: { ...options, endCalls: true } });
    expect(results.get(guids[0] ?? "")?.kind).toBe("converged");
  });
});
