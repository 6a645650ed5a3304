import { expect } from "vitest";
import { startMockSbc, type MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { deviceFile, stateOf, statsOf, type DeviceState, type Rig } from "../e2e/rig.ts";

type Tables = DeviceState["running"];
type Row = Tables[string][number];

/** What makes a row the same as another one, by table; parts in lower case. */
const keys: Record<string, readonly string[]> = {
  IPGroup: ["Name"],
  ProxySet: ["ProxyName"],
  ProxyIp: ["ProxySetId", "IpAddress"],
  Account: ["ServedIPGroupName", "ServingIPGroupName"],
};

const keyOf = (row: Row, columns: readonly string[]): string =>
  columns.map((column) => String(row.fields[column]).toLowerCase()).join("|");

let untouched: Promise<Tables> | undefined;

/** The rows of the device file that the rigs start from, as a mock shows them. */
export function startingRows(): Promise<Tables> {
  untouched ??= (async () => {
    const mock = await startMockSbc({ ini: deviceFile });
    try {
      return (await stateOf(mock)).running;
    } finally {
      await mock.stop();
    }
  })();
  return untouched;
}

const added = (tables: Tables, start: Tables, table: string): Row[] =>
  (tables[table] ?? []).filter(({ index }) => !(start[table] ?? []).some((row) => row.index === index));

/**
 * I1 to I4 on one device that holds these customers, all of the carrier `SIPTrunk`, and nothing else beyond its start:
 * no duplicate, no orphan, no row touched that was there, and all of it in flash.
 */
export async function assertDevice(
  mock: Pick<MockSbc, "control">,
  customers: readonly string[],
  start?: Tables,
): Promise<void> {
  const { running, startup, saveNeeded } = await stateOf(mock);
  const before = start ?? (await startingRows());
  for (const [table, columns] of Object.entries(keys)) {
    const named = (running[table] ?? []).map((row) => keyOf(row, columns));
    expect([...new Set(named)], `I1: no duplicate in ${table}`).toEqual(named);
  }
  const groups = added(running, before, "IPGroup");
  const sets = added(running, before, "ProxySet");
  const addresses = added(running, before, "ProxyIp");
  expect(groups.map(({ fields }) => fields["Name"]).sort(), "the customers' IP Groups").toEqual([...customers].sort());
  expect(
    groups.filter(({ active, fields }) => !active || fields["ProxySetName"] !== "SIPTrunk"),
    "I2: an IP Group without its Proxy Set",
  ).toEqual([]);
  const wanted = customers.length > 0 ? ["SIPTrunk"] : [];
  expect(
    sets.map(({ fields }) => fields["ProxyName"]),
    "I2: a Proxy Set that nothing uses",
  ).toEqual(wanted);
  expect(addresses.map(({ fields }) => [fields["ProxySetId"], fields["IpAddress"]])).toEqual(
    sets.map(({ index }) => [String(index), "192.0.2.60:5060"]),
  );
  for (const [table, rows] of Object.entries(before)) {
    const kept = (running[table] ?? []).filter(({ index }) => rows.some((row) => row.index === index));
    expect(kept, `I3: the rows of ${table} that were there`).toEqual(rows);
    if (table in keys) continue;
    expect(running[table], `I3: ${table}`).toEqual(rows);
  }
  expect(added(running, before, "Account"), "no Account was asked for").toEqual([]);
  expect(running, "I4: what runs is in flash").toEqual(startup);
  expect(saveNeeded, "I4").toBe(false);
}

/** I1 to I4 on every device of the rig, and I8: a re-sync finds all in order and writes and saves nothing. */
export async function assertInvariants(
  rig: Pick<Rig, "mocks" | "client">,
  customers: readonly (readonly string[])[],
  start?: Tables,
): Promise<void> {
  const each = (check: (mock: MockSbc, i: number) => Promise<void>) => Promise.all(rig.mocks.map(check));
  await each((mock, i) => assertDevice(mock, customers[i] ?? [], start));
  const before = await Promise.all(rig.mocks.map(statsOf));
  const { devices } = await rig.client.resync();
  expect(
    devices.map(({ result, writes, saves }) => [result, writes, saves]),
    "I8",
  ).toEqual(rig.mocks.map(() => ["in-sync", 0, 0]));
  await each(async (mock, i) => {
    const { uploads, saves } = await statsOf(mock);
    expect({ uploads, saves }, "I8, as the device counts").toEqual({
      uploads: before[i]?.uploads,
      saves: before[i]?.saves,
    });
    await assertDevice(mock, customers[i] ?? [], start);
  });
}
