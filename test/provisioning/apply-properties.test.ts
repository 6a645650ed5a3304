import fc from "fast-check";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Row } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { PlannedIntent } from "../../agent/provisioning/needs.ts";
import { PutOff } from "../../agent/provisioning/outcome.ts";
import { conversionOf, registering, subjectOf } from "./customers.ts";
import { neighbours } from "./device-fixture.ts";
import { fakeDevice, type FakeDevice, type Fault } from "./fake-device.ts";
import { memoryJournal, run, runUnreported } from "./fake-run.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const line = fc.integer({ min: 0, max: 45 });
const silent = fc.oneof(
  fc.constant(undefined),
  fc.constant<Fault>({ kind: "busy" }),
  line.map((afterLines): Fault => ({ kind: "lost", afterLines })),
);
/** Faults for which a conversion may fail that is as good as any. */
const answered = fc.oneof(
  fc.constant<Fault>({ kind: "ignored" }),
  line.map((atLine): Fault => ({ kind: "refused", atLine })),
);
const refusable = ["name", "tags", "contact-user", "sip-group-name"];
/** Customers of whom some have a line that the device refuses. */
const customerWith = (fields: readonly string[]) =>
  fc.record({
    proxySet: fc.constantFrom("SIPTrunk", "Backup"),
    registers: fc.boolean(),
    refused: fc.constantFrom("", "", "", ...fields),
  });
type Customer = World["customers"][number];
const worldWith = (fault: fc.Arbitrary<Fault | undefined>, fields: readonly string[]) =>
  fc.record({
    customers: fc.array(customerWith(fields), { minLength: 1, maxLength: 4 }),
    onRefusal: fc.constantFrom("stop", "go on", "reject all"),
    faults: fc.array(fault, { maxLength: 6 }),
    /** Two equal reads are believed, so no more than one may show what was before. */
    lag: fc.integer({ min: 0, max: 1 }),
    /** Of each run, whether the process dies between its save and its report. */
    dies: fc.array(fc.boolean(), { maxLength: 4 }),
  });
type World = ReturnType<typeof worldWith> extends fc.Arbitrary<infer T> ? T : never;

function intentOf({ proxySet, registers, refused }: Customer, i: number): PlannedIntent {
  const name = "ABCD"[i] ?? "";
  const variables = { CarrierUserName: name, CarrierHostName: `${name}.example.net`, CarrierMailLine: `line${name}` };
  const secrets = { CarrierUserPassword: `s3cret-${name}` };
  const given = registers || refused !== "" ? { ...registering, variables, secrets } : {};
  return conversionOf(subjectOf(name, { proxySet, ...given }));
}

function lineOf({ refused }: Customer, i: number): string[] {
  const { tenantId } = subjectOf("ABCD"[i] ?? "");
  const name = "ABCD"[i] ?? "";
  const values: Record<string, string> = {
    name,
    tags: `Trunk=${tenantId}`,
    "contact-user": `line${name}`,
    "sip-group-name": `${name}.example.net`,
    password: `s3cret-${name}`,
  };
  return refused === "" ? [] : [` ${refused} "${values[refused] ?? ""}"`];
}

/** A row by what it holds, wherever it stands. */
const content = (rows: readonly Row[]): string[] =>
  rows.map((r) => JSON.stringify([r.table, r.active, Object.entries(r.fields).sort()])).sort();

/** Runs again and again, as the lane does, until every conversion has its result; says which. */
async function endedWith(
  device: FakeDevice,
  intents: readonly PlannedIntent[],
  dies: readonly boolean[],
): Promise<ReadonlyMap<string, string>> {
  const journal = memoryJournal();
  const ended = new Map<string, string>();
  const waiting = (): PlannedIntent[] => intents.filter(({ intent }) => !ended.has(intent.customerGuid));
  for (let tries = 0; tries < 20 && waiting().length > 0; tries += 1) {
    try {
      if (dies[tries] === true) {
        await runUnreported(device, waiting(), journal);
        continue;
      }
      const { results } = await run(device, waiting(), journal);
      for (const [guid, { kind }] of results) ended.set(guid, kind);
    } catch (error) {
      if (!(error instanceof DriverError) && !(error instanceof PutOff)) throw error;
    }
  }
  expect(journal.unresolved()).toEqual([]);
  return ended;
}

/** How each conversion ended. What the device holds then, and keeps, is what the converged ones alone would have made. */
async function endingsIn({ customers, onRefusal, faults, lag, dies }: World): Promise<(string | undefined)[]> {
  const lines = customers.flatMap(lineOf);
  const refuses = (text: string): boolean => lines.some((refused) => text.includes(refused));
  const device = fakeDevice(neighbours, { onRefusal, refuses, lag, faults: [...faults] });
  const intents = customers.map(intentOf);
  const ended = await endedWith(device, intents, dies);
  const clean = fakeDevice(neighbours);
  await run(
    clean,
    intents.filter(({ intent }) => ended.get(intent.customerGuid) === "converged"),
  );
  expect(content(device.config().rows)).toEqual(content(clean.config().rows));
  expect(device.startup()).toEqual(device.config());
  return intents.map(({ intent }) => ended.get(intent.customerGuid));
}

it("through lost answers, refused lines and deaths the good converge, and nothing of the others stays", async () => {
  await fc.assert(
    fc.asyncProperty(worldWith(silent, [...refusable, "password"]), async (world) => {
      const wanted = world.customers.map(({ refused }) => (refused === "" ? "converged" : "failed"));
      expect(await endingsIn(world)).toEqual(wanted);
    }),
    { numRuns: 150 },
  );
});

it("on a device that refuses and forgets at random all end, and nothing stays of those that failed", async () => {
  await fc.assert(
    // No passwords: nothing shows whether a device forgot one that it had taken.
    fc.asyncProperty(worldWith(fc.oneof(silent, answered), refusable), async (world) => {
      const endings = await endingsIn(world);
      expect(endings).not.toContain(undefined);
      expect(endings.filter((_, i) => world.customers[i]?.refused !== "")).not.toContain("converged");
    }),
    { numRuns: 150 },
  );
});
