import { fc } from "@fast-check/vitest";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeSecret, obscure } from "../../mocks/sbc/secrets.ts";
import { drawTenant, startRig, stateOf, type DeviceState, type Rig } from "../e2e/rig.ts";
import { hostileText, hostileTexts } from "./hostile-texts.ts";

/** What a client of the portal may write, and what it would write there otherwise. */
const plain = {
  customerShortName: "Plain",
  customerFullName: "Plain",
  CarrierHostName: "carrier.example",
  CarrierUserName: "user",
  CarrierUserPassword: "password",
  CarrierMailLine: "+31201234567",
  ProxySet: "SIPTrunk",
  OnlinePstnGateway: "gw0.example.com",
};
/** Besides these, the name of a further parameter. */
type Field = keyof typeof plain | "parameter name";
const fields = [...Object.keys(plain), "parameter name"] as Field[];

interface Case {
  field: Field;
  text: string;
}

type Values = typeof plain & { tenant: string };

/** Thirty random texts each. */
const randomRuns = Number(process.env["INJECTION_RUNS"] ?? 1);

/** Carriers of the agent's own configuration, whose addresses nobody has looked at. */
const carriers = hostileTexts
  .filter((text) => text !== "")
  .map((address, i) => ({ name: `Carrier${i}`, addresses: [{ address }] }));
type Rows = DeviceState["running"][string];

let drawn = 0;

async function post(rig: Rig, values: Values): Promise<string | undefined> {
  const { customerShortName, customerFullName, tenant, ...parameters } = values;
  await rig.client.addLead(tenant);
  const { status, body } = await rig.client.ask("POST", "/api/v3/customer", {
    configurationName: "OcEssential_IPGROUP_TYPE",
    customerShortName,
    customerFullName,
    msTenantId: tenant,
    scriptParameters: parameters,
  });
  if (status === 400) return undefined;
  expect(status).toBe(200);
  return (body as { taskId: string }).taskId;
}

/** Those of the values that were converted; the others were refused, at once or by their task. */
async function convert(rig: Rig, cases: readonly Case[]): Promise<Values[]> {
  const all = cases.map(({ field, text }): Values => ({
    ...plain,
    customerShortName: `Case${(drawn += 1)}`,
    tenant: drawTenant(),
    ...(field === "parameter name" ? { [`X${text}`]: "x" } : { [field]: text }),
  }));
  const posted: [Values, string][] = [];
  for (const values of all) {
    const id = await post(rig, values);
    if (id !== undefined) posted.push([values, id]);
  }
  const converted: Values[] = [];
  for (const [values, id] of posted)
    if ((await rig.client.ended(id)).status === "CompletedSuccess") converted.push(values);
  return converted;
}

const named = (rows: Rows = [], column: string, name: string) => rows.filter(({ fields }) => fields[column] === name);

/** The rows that a conversion of the plain values made, with these values in their places. */
function expectedRows(before: DeviceState, values: Values): { group: object; account: object | undefined } {
  const [group] = named(before.running["IPGroup"], "Name", plain.customerShortName);
  const [account] = named(before.running["Account"], "ServedIPGroupName", plain.customerShortName);
  const { customerShortName: name, CarrierHostName: host } = values;
  const isRegistering = values.CarrierUserName !== "";
  return {
    group: { ...group?.fields, Name: name, Tags: `Trunk=${values.tenant}`, SIPGroupName: host },
    account: isRegistering
      ? {
          ...account?.fields,
          ServedIPGroupName: name,
          ServingIPGroupName: name,
          Username: values.CarrierUserName,
          Password: describeSecret(obscure(values.CarrierUserPassword)),
          HostName: host,
          ContactUser: values.CarrierMailLine,
        }
      : undefined,
  };
}

/** Every table is as before but for the rows of what was converted, and these hold each value where it belongs. */
function expectNothingElse(before: DeviceState, after: DeviceState, converted: readonly Values[]): void {
  const expected = converted.map((values) => expectedRows(before, values));
  const withNew = (table: string, added: readonly (object | undefined)[]) =>
    [...(before.running[table] ?? []).map((row) => row.fields), ...added.filter((row) => row !== undefined)]
      .map((row) => JSON.stringify(Object.entries(row).sort()))
      .sort();
  const shown = (table: string) =>
    (after.running[table] ?? []).map((row) => JSON.stringify(Object.entries(row.fields).sort())).sort();
  const groups = expected.map(({ group }) => group);
  const accounts = expected.map(({ account }) => account);
  expect(shown("IPGroup")).toEqual(withNew("IPGroup", groups));
  expect(shown("Account")).toEqual(withNew("Account", accounts));
  const others = ({ running }: DeviceState) => ({ ...running, IPGroup: [], Account: [] });
  expect(others(after)).toEqual(others(before));
  expect(after.running).toEqual(after.startup);
}

/** Of scripts and shells: printable ASCII without backslashes, with quotes around one value at the end or none at all. */
async function expectCleanLines(rig: Rig): Promise<void> {
  const { lines } = (await (await fetch(`${rig.mock.control}/received`)).json()) as { lines: { line: string }[] };
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.map(({ line }) => line).filter((line) => !/^[ !#-[\]-~]*(?:"[ !#-[\]-~]*")?$/.test(line))).toEqual([]);
}

async function expectInert(rig: Rig, cases: readonly Case[]): Promise<number> {
  const before = await stateOf(rig.mock);
  const converted = await convert(rig, cases);
  expectNothingElse(before, await stateOf(rig.mock), converted);
  await expectCleanLines(rig);
  return converted.length;
}

describe.each(["rest", "ssh"] as const)("rule 7, over %s: a text", (route) => {
  let rig: Rig;
  beforeAll(async () => {
    const known = { name: "SIPTrunk", addresses: [{ address: "192.0.2.60:5060", transport: "udp" }] };
    rig = await startRig({ route, overrides: { run: { maxBatch: 1_000 }, carriers: [known, ...carriers] } });
    const id = await post(rig, { ...plain, tenant: drawTenant() });
    expect((await rig.client.ended(id ?? "")).details).toEqual(["Converted"]);
  });
  afterAll(() => rig.stop());

  it("of a client is refused, or stands in its own field and nowhere else", async () => {
    const cases = hostileTexts.map((text, i): Case => ({ text, field: fields[i % fields.length] ?? "ProxySet" }));
    expect(await expectInert(rig, cases), "some are taken, or nothing was proved").toBeGreaterThan(5);
  });

  it("of a client is refused, or stands in its own field and nowhere else, whatever it is", async () => {
    const some = fc.record({ field: fc.constantFrom(...fields), text: hostileText });
    await fc.assert(
      fc.asyncProperty(fc.array(some, { minLength: 30, maxLength: 30 }), async (cases) => {
        await expectInert(rig, cases);
      }),
      { numRuns: randomRuns, endOnFailure: true },
    );
  });

  it("of the configuration that is no address is refused, and none of it reaches the device", async () => {
    const before = await stateOf(rig.mock);
    // Each goes one of the two ways.
    const some = carriers.filter((_, i) => i % 2 === (route === "rest" ? 0 : 1));
    const converted = await convert(
      rig,
      some.map(({ name }) => ({ field: "ProxySet", text: name })),
    );
    expect(converted.length).toBeGreaterThan(0);
    const after = await stateOf(rig.mock);
    const added = (table: string, column: string) =>
      (after.running[table] ?? []).slice(before.running[table]?.length).map(({ fields }) => String(fields[column]));
    const names = converted.map(({ ProxySet }) => ProxySet);
    expect(added("ProxySet", "ProxyName").sort()).toEqual([...names].sort());
    expect(added("ProxyIp", "IpAddress").sort()).toEqual(
      carriers
        .filter(({ name }) => names.includes(name))
        .flatMap(({ addresses }) => addresses.map(({ address }) => address))
        .sort(),
    );
    expect(added("IPGroup", "ProxySetName").sort()).toEqual([...names].sort());
  });
});
