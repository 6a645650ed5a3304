import { isDeepStrictEqual } from "node:util";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { eventually, type TaskBody } from "../e2e/client.ts";
import { brown, expectCustomer, taskIdsOf, type ExpectedCustomer, type Model } from "./model.ts";
import { rowsOf, tableNames, type TableRow } from "./rows.ts";
import { carriers, secrets, type World } from "./world.ts";

/** What the devices held when they were new: rows that nobody of a walk may touch. */
export type Beginning = readonly ReadonlyMap<string, readonly TableRow[]>[];

export function rememberBeginning(world: World): Beginning {
  return world.mocks.map((mock) => new Map(tableNames.map((table) => [table, rowsOf(mock, "running", table)])));
}

const describe = ({ table, index, fields }: TableRow): string =>
  `${table} ${index} '${fields["Name"] ?? fields["ProxyName"] ?? fields["IpAddress"] ?? ""}'`;

/** Faults are over: waits until all tasks have ended and re-syncs change nothing. Returns what did not come to be. */
export async function bringToRest(world: World, model: Model): Promise<string[]> {
  for (const mock of world.mocks) mock.faults.clear();
  const { client } = world.agent;
  const taskIds = taskIdsOf(model);
  let open: TaskBody[] = [];
  try {
    await eventually(
      async () =>
        (open = (await Promise.all(taskIds.map((id) => client.task(id)))).filter((t) => t.status === "InProgress")),
      (left) => left.length === 0,
      (left) => JSON.stringify(left),
    );
  } catch {
    return open.map((task) => `I6: task has not ended: ${JSON.stringify(task)}`);
  }
  let report = await client.resync({ endCalls: true });
  for (let tries = 0; tries < 10 && report.devices.some(({ result }) => result !== "in-sync"); tries += 1)
    report = await client.resync({ endCalls: true });
  return report.devices.flatMap(({ device, result, writes, saves, reason, conflicts }) =>
    result === "in-sync" && writes === 0 && saves === 0
      ? []
      : [
          `I8: re-sync of ${device} ends ${result} with ${writes} writes, ${saves} saves: ${String(reason)} ${JSON.stringify(conflicts)}`,
        ],
  );
}

/** Compares the devices with what the model says, and the invariants. Empty when all is well. */
export async function judge(world: World, model: Model, beginning: Beginning): Promise<string[]> {
  const { client } = world.agent;
  const results = new Map<string, TaskBody>();
  for (const taskId of taskIdsOf(model)) results.set(taskId, await client.task(taskId));
  const resultOf = (taskId: string): TaskBody => {
    const result = results.get(taskId);
    if (result === undefined) throw new Error(`task ${taskId} was not read`);
    return result;
  };
  const customers = [...model.asked].flatMap(([tenant, asked]) => expectCustomer(tenant, asked, resultOf) ?? []);
  const known = (await client.ask("GET", "/api/v3/customer")).body as {
    MsTenantId: string;
    CustomerShortName: string;
  }[];
  const shown = known.map((one) => `${one.MsTenantId} ${one.CustomerShortName}`).sort();
  const expected = customers.map(({ tenant, name }) => `${tenant} ${name}`).sort();
  return [
    ...(isDeepStrictEqual(shown, expected)
      ? []
      : [`customers are ${JSON.stringify(shown)}, and by the results of their tasks ${JSON.stringify(expected)}`]),
    ...world.mocks.flatMap((mock, device) =>
      judgeDevice(
        mock,
        customers.filter((customer) => customer.device === device),
        model.foreign[device] ?? [],
        model.deleted[device] ?? new Set(),
        beginning[device] ?? new Map<string, TableRow[]>(),
      ).map((violation) => `device ${device}: ${violation}`),
    ),
    ...Object.entries(secrets)
      .filter(([, secret]) => world.output().includes(secret))
      .map(([name]) => `I9: the value of ${name} is in what the agent printed`),
  ];
}

function judgeDevice(
  mock: MockSbc,
  customers: readonly ExpectedCustomer[],
  foreign: Model["foreign"][number],
  deleted: Model["deleted"][number],
  beginning: ReadonlyMap<string, readonly TableRow[]>,
): string[] {
  const { device } = mock;
  const violations: string[] = [];
  const say = (violation: string): void => void violations.push(violation);
  const groups = rowsOf(mock, "running", "IPGroup");
  const sets = rowsOf(mock, "running", "ProxySet");
  const addresses = rowsOf(mock, "running", "ProxyIp");

  const twice = (table: string, names: readonly string[]): void => {
    for (const name of names.filter((one, i) => names.indexOf(one) !== i))
      say(`I1: '${name}' stands twice in ${table}`);
  };
  twice(
    "IPGroup",
    groups.map(({ fields }) => String(fields["Name"]).toLowerCase()),
  );
  twice(
    "ProxySet",
    sets.map(({ fields }) => String(fields["ProxyName"]).toLowerCase()),
  );
  twice(
    "ProxyIp",
    addresses.map(({ fields }) => `${String(fields["ProxySetId"])} ${String(fields["IpAddress"])}`),
  );

  for (const table of tableNames) {
    const now = rowsOf(mock, "running", table);
    for (const before of beginning.get(table) ?? [])
      if (!now.some((row) => isDeepStrictEqual(row, before)))
        say(`I3: ${describe(before)} of the beginning was touched`);
  }
  for (const row of foreign) {
    const now = groups.find(({ fields }) => fields["Name"] === row.fields["Name"]);
    if (now === undefined) {
      if (row.saved || device.boots === row.boots) say(`I3: IPGroup ${row.index} of another administrator is gone`);
    } else if (!isDeepStrictEqual([now.index, now.fields], [row.index, row.fields]))
      say(`I3: ${describe(now)} of another administrator was touched`);
  }

  const strangers = new Set([
    ...(beginning.get("IPGroup") ?? []).map(({ fields }) => fields["Name"]),
    ...foreign.map(({ fields }) => fields["Name"]),
  ]);
  // Nothing but defaults: not one of the lines arrived, so that nothing says whose it is.
  const isLeftOver = ({ index, active, fields }: TableRow): boolean =>
    !active && deleted.has(index) && ["Name", "Tags", "ProxySetName", "ProfileName"].every((key) => !fields[key]);
  const ours = groups.filter((row) => !strangers.has(row.fields["Name"]) && !isLeftOver(row));
  for (const customer of customers) {
    const row = ours.find(({ fields }) => fields["Name"] === customer.name);
    const { Tags: tags, ProxySetName: set } = row?.fields ?? {};
    if (row?.active !== true) say(`IPGroup '${customer.name}' is missing or not active`);
    else if (tags !== `Trunk=${customer.tenant}` || set !== customer.proxySet)
      say(
        `${describe(row)} has tags ${String(tags)} and Proxy Set ${String(set)}, not those of ${JSON.stringify(customer)}`,
      );
  }
  for (const row of ours)
    if (!customers.some(({ name }) => name === row.fields["Name"])) say(`I2: ${describe(row)} is nobody's`);
  for (const row of groups) {
    const set = row.fields["ProxySetName"] ?? "";
    if (set !== "" && !sets.some(({ fields }) => fields["ProxyName"] === set))
      say(`I2: ${describe(row)} names no Proxy Set`);
  }
  for (const row of sets.filter(({ fields }) => carriers.some((name) => name === fields["ProxyName"]))) {
    if (!groups.some(({ fields }) => fields["ProxySetName"] === row.fields["ProxyName"]))
      say(`I2: ${describe(row)} was made here and is not used`);
    const own = addresses.filter(({ fields }) => Number(fields["ProxySetId"]) === row.index);
    if (!row.active || own.length !== 1) say(`${describe(row)} is not whole: ${own.length} addresses`);
  }

  // What others have not saved is theirs: a save is made for rows of the agent alone.
  // An adoption writes nothing, and so saves nothing of what it found.
  const theirs = ({ table, fields }: TableRow): boolean =>
    table === "IPGroup" && (strangers.has(fields["Name"]) || fields["Name"]?.startsWith(brown) === true);
  for (const table of tableNames) {
    const ofAgent = (which: "running" | "startup"): TableRow[] =>
      rowsOf(mock, which, table).filter((row) => !theirs(row));
    if (!isDeepStrictEqual(ofAgent("running"), ofAgent("startup"))) say(`I4: flash differs in ${table}`);
  }
  if (device.recorder.stats.mostWritersAtOnce > 1) say("I7: two scripts were at work at once");
  return violations;
}
