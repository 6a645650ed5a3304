import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Row } from "../../drivers/driver.ts";
import { planNameless, withNameless } from "../../agent/provisioning/nameless.ts";
import type { RecordedChange } from "../../agent/store/model.ts";
import { changeOf, conversion, siteOn, work } from "./amended-run.ts";
import { conversionOf, linkedOf, subjectOf } from "./customers.ts";
import { configOf, namesIn, neighbours, row, withDefaults } from "./device-fixture.ts";
import { fakeDevice, type FakeDevice, type Fault } from "./fake-device.ts";
import { lease, memoryJournal, run, sessionOn } from "./fake-run.ts";
import { removeRemnants } from "../../agent/provisioning/apply.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const change = (sent: RecordedChange["sent"], more: Partial<RecordedChange> = {}): RecordedChange => ({
  table: "ip-group",
  index: 9,
  name: "Alpha",
  before: {},
  sent,
  customers: ["alpha"],
  ...more,
});
const sent = { "proxy-set-name": ["Backup", "Foreign"], "classify-by-proxy-set": ["disable"] };
const nameless = (fields: Row["fields"], rest: Partial<Row> = {}): Row =>
  row("ip-group", 9, withDefaults("ip-group", fields), { active: false, ...rest });
const planFor = (rows: readonly Row[], changes: readonly RecordedChange[] = [change(sent)]) =>
  planNameless(configOf([...neighbours, ...rows]), { creates: [], changes });

describe("a nameless row at the place of a recorded change", () => {
  it.each([
    ["what was sent", { "proxy-set-name": "Backup", "classify-by-proxy-set": "disable" }],
    ["a part of it", { "classify-by-proxy-set": "disable" }],
    ["what was given back", { "proxy-set-name": "Foreign" }],
    ["what the device fills in", { "proxy-set-name": "Backup", "srd-name": "DefaultSRD", "re-routing-mode": "0" }],
  ])("goes when it holds %s and defaults", (_, fields) => {
    const { steps, doubts } = planFor([nameless(fields)]);
    expect(steps).toMatchObject([
      { step: { kind: "delete", table: "ip-group", index: 9, name: "" }, customers: ["alpha"], endsCalls: false },
    ]);
    expect(doubts).toEqual([]);
  });

  it.each([
    ["nothing but defaults", nameless({})],
    ["another value of a field that was sent", nameless({ "proxy-set-name": "Other" })],
    ["a value beyond", nameless({ "proxy-set-name": "Backup", "sip-group-name": "example.net" })],
    ["another tenant's tag", nameless({ "proxy-set-name": "Backup", tags: "Trunk=another" })],
    ["an SRD that is not the only one", nameless({ "proxy-set-name": "Backup", "srd-name": "Second" })],
    ["more than a default that is only presumed", nameless({ "proxy-set-name": "Backup", "dtls-context": "Other" })],
  ])("stays, and is told of, when it holds %s", (_, there) => {
    const { steps, doubts } = planFor([there]);
    expect(steps).toEqual([]);
    expect(doubts).toMatchObject([{ customers: ["alpha"] }]);
    expect(doubts[0]?.message).toContain("ip-group 9 has no name");
  });

  it.each([
    ["active", nameless({ "proxy-set-name": "Backup" }, { active: true })],
    ["named", nameless({ name: "Beta", "proxy-set-name": "Backup" })],
    ["named as it was", nameless({ name: "Alpha", "proxy-set-name": "Backup" })],
    ["at another index", { ...nameless({ "proxy-set-name": "Backup" }), index: 10 }],
  ])("is not looked at when it is %s", (_, there) => {
    expect(planFor([there])).toEqual({ steps: [], doubts: [] });
  });

  it("is not touched for the record of an earlier version, which does not say what was sent", () => {
    const { steps, doubts } = planFor([nameless({ "proxy-set-name": "Backup" })], [change(undefined)]);
    expect(steps).toEqual([]);
    expect(doubts).toHaveLength(1);
  });

  it("stays when it is an Account in which somebody typed more than was sent", () => {
    const account = change({ register: ["reg"] }, { table: "account" });
    const typed = (fields: Row["fields"]): Row => row("account", 9, fields, { active: false });
    expect(planFor([typed({ register: "reg" })], [account]).steps).toHaveLength(1);
    expect(planFor([typed({ register: "reg", "user-name": "somebody" })], [account]).steps).toEqual([]);
  });

  it("stays once a save has followed the record, though a task keeps it open", async () => {
    const device = fakeDevice([...neighbours, nameless({ "proxy-set-name": "Backup" })]);
    const journal = memoryJournal();
    const record = { runId: "run", serialNumber: "1234", taskIds: ["tsk_1"], creates: [], changes: [change(sent)] };
    await journal.recordWrite(lease, record);
    await journal.recordSaved(lease);
    const session = await sessionOn(device, journal);
    await session.readStable();
    await removeRemnants(session);
    expect([journal.unresolved().length, device.scripts]).toEqual([1, []]);
  });

  it("stands in a plan for people, before all else", () => {
    const rest = { steps: [], conflicts: new Map(), warnings: new Map() };
    const recorded = { creates: [], changes: [change(sent)] };
    const there = configOf([nameless({ "proxy-set-name": "Backup" })]);
    expect(withNameless(rest, there, recorded).steps).toMatchObject([{ step: { kind: "delete", index: 9 } }]);
    const { warnings } = withNameless(rest, configOf([nameless({})]), recorded);
    expect(warnings.get("alpha")).toEqual([expect.stringContaining("has no name")]);
  });
});

describe("a nameless Proxy Set that was opened for its addresses", () => {
  const opened = change({ "proxy-address": ["192.0.2.9:5060"] }, { table: "proxy-ip", index: 0, parent: 7, name: "" });
  const set = row("proxy-set", 7, withDefaults("proxy-set", {}), { active: false });
  const address = (host: string): Row =>
    row("proxy-ip", 0, withDefaults("proxy-ip", { "proxy-address": host }), { parent: 7 });

  it("goes with an address of ours, and stays with another's or with none", () => {
    expect(planFor([set, address("192.0.2.9:5060")], [opened]).steps).toMatchObject([
      { step: { kind: "delete", table: "proxy-set", index: 7 } },
    ]);
    for (const rows of [[set], [set, address("203.0.113.1:5060")]]) {
      expect(planFor(rows, [opened]).steps).toEqual([]);
      expect(planFor(rows, [opened]).doubts).toHaveLength(1);
    }
  });
});

it("whatever stands there, only nameless and inactive rows of what was sent are deleted", () => {
  const values = {
    name: fc.constantFrom("", "", "Alpha", "Beta"),
    "proxy-set-name": fc.constantFrom("", "Backup", "Foreign", "Other"),
    "sip-group-name": fc.constantFrom("", "", "", "a.example.net"),
    "classify-by-proxy-set": fc.constantFrom("enable", "disable"),
    type: fc.constantFrom("server", "server", "user"),
  };
  fc.assert(
    fc.property(fc.record(values), fc.boolean(), fc.constantFrom(8, 9), (fields, active, index) => {
      const { steps } = planFor([row("ip-group", index, fields, { active })]);
      const evident =
        ["Backup", "Foreign"].includes(fields["proxy-set-name"]) || fields["classify-by-proxy-set"] === "disable";
      const foreign =
        fields["proxy-set-name"] === "Other" || fields["sip-group-name"] !== "" || fields.type !== "server";
      const ours = index === 9 && !active && fields.name === "" && evident && !foreign;
      expect(steps.length).toBe(ours ? 1 : 0);
    }),
  );
});

/** A row of which not one value arrived: it could be anybody's, and stays. */
const isEmpty = (r: Row): boolean =>
  !r.active && JSON.stringify(r.fields) === JSON.stringify(withDefaults("ip-group", {}));

/** What is on the device by then, whatever its index. */
const content = ({ config }: FakeDevice): string[] =>
  config()
    .rows.filter((r) => !isEmpty(r))
    .map((r) => JSON.stringify([r.table, r.active, Object.entries(r.fields).sort()]))
    .sort();

const place = (device: FakeDevice, name: string): number =>
  device.config().rows.find((r) => r.table === "ip-group" && r.fields["name"] === name)?.index ?? -1;

/** The IP Group goes in the moment in which the next script arrives. */
function deleteAsScriptArrives(device: FakeDevice, index: number): void {
  const { apply } = device.driver;
  device.driver.apply = async (steps, signal) => {
    device.driver.apply = apply;
    device.edit((rows) => rows.filter((r) => r.table !== "ip-group" || r.index !== index));
    return apply(steps, signal);
  };
}

describe("a row that is deleted as a script arrives", () => {
  const carriers = ["SIPTrunk", "Backup"] as const;
  const drifted = { "ip-profile-name": "", "classify-by-proxy-set": "enable" };

  it("holds up nobody where the device does not delete what is left of it, and the task says so", async () => {
    const site = siteOn(fakeDevice(neighbours));
    await work(site, { conversions: [conversion(subjectOf("Alpha"))] });
    const { device } = site;
    const index = place(device, "Alpha");
    deleteAsScriptArrives(device, index);
    device.behaviour.refuses = (line) => line === `no ip-group ${index}`;
    const task = changeOf(site, "Alpha", { proxySet: "Backup" });
    const { completions } = await work(site, { amendments: [task], conversions: [conversion(subjectOf("Beta"))] });
    const endOf = (taskId: string): unknown => completions.find((one) => one.taskId === taskId);
    expect(JSON.stringify(endOf(task.taskId))).toContain("the device does not delete it");
    expect(namesIn(device.config(), "ip-group")).toContain("Beta");
    const before = [device.scripts.length, device.saves()];
    await work(site, {});
    expect([device.scripts.length, device.saves()]).toEqual(before);
  });

  it("leaves nothing, wherever its script breaks off or the process ends, when later runs have ended", async () => {
    const fault = fc.oneof(
      fc.constant<Fault | undefined>(undefined),
      fc.integer({ min: 0, max: 8 }).map((afterLines): Fault => ({ kind: "lost", afterLines })),
      fc.integer({ min: 0, max: 8 }).map((atLine): Fault => ({ kind: "refused", atLine })),
    );
    const world = fc.record({
      fault,
      onRefusal: fc.constantFrom("stop" as const, "go on" as const),
      proxySet: fc.constantFrom(...carriers),
      dies: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(world, async ({ fault: first, onRefusal, proxySet, dies }) => {
        const subject = subjectOf("Alpha", { proxySet });
        const device = fakeDevice(neighbours, { onRefusal });
        const journal = memoryJournal();
        await run(device, [conversionOf(subject)], journal);
        const wanted = content(device);
        const index = place(device, "Alpha");
        device.edit((rows) =>
          rows.map((r) =>
            r.table === "ip-group" && r.index === index ? { ...r, fields: { ...r.fields, ...drifted } } : r,
          ),
        );
        device.behaviour.faults = [first];
        deleteAsScriptArrives(device, index);
        if (dies) {
          const { read } = device.driver;
          let reads = 0;
          // The process ends before it looks at what it wrote.
          device.driver.read = async (signal) => {
            reads += 1;
            if (device.scripts.length > 1) throw new Error(`died at read ${reads}`);
            return read(signal);
          };
          await run(device, [linkedOf(subject)], journal).catch(() => undefined);
          device.driver.read = read;
        }
        for (let tries = 0; tries < 3; tries += 1)
          await run(device, [linkedOf(subject)], journal).catch(() => undefined);
        const session = await sessionOn(device, journal);
        await session.readStable();
        await removeRemnants(session);
        expect(content(device)).toEqual(wanted);
      }),
      { numRuns: 100 },
    );
  });
});
