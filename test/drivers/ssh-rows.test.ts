import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import type { Driver, SshOptions, Step } from "../../drivers/driver.ts";
import type { FaultOrder } from "../../mocks/sbc/faults.ts";
import type { MockSbc, MockSbcOptions } from "../../mocks/sbc/mock-sbc.ts";
import type { DeviceState } from "./contract-environment.ts";
import { startingIni } from "./contract-environment.ts";
import { faultOf, never } from "./fake-device.ts";
import { of2025 } from "./generations.ts";
import { control, stateOf } from "./mock-environment.ts";
import { openSshDriver, startSshMock } from "./ssh-device.ts";

let mock: MockSbc | undefined;
let driver: Driver | undefined;
afterEach(async () => {
  await driver?.close();
  await mock?.stop();
  [driver, mock] = [undefined, undefined];
});

async function open(ssh: Partial<SshOptions> = {}, settings: MockSbcOptions["settings"] = {}): Promise<Driver> {
  mock = await startSshMock({ ini: startingIni(of2025), settings });
  driver = openSshDriver(mock, { ssh });
  await driver.status(never);
  return driver;
}

async function state(): Promise<DeviceState> {
  return mock === undefined ? expect.fail() : stateOf(mock);
}

async function order(fault: FaultOrder): Promise<void> {
  if (mock !== undefined) await control(mock, "POST", "/faults", fault);
}

const group = (index: number, fields: Readonly<Record<string, string>> = {}): Step => ({
  kind: "create",
  table: "ip-group",
  index,
  fields: {
    tags: `T=${index}`,
    name: `IPG_${index}`,
    "proxy-set-name": "Teams-OC",
    "srd-name": "DefaultSRD",
    ...fields,
  },
});
const change = (set: Readonly<Record<string, string>>): Step => ({
  kind: "update",
  table: "ip-group",
  index: 1,
  name: "Teams-OC",
  set,
});
const rowsOf = async (table = "IPGroup") => (await state()).running[table] ?? [];
const namesOf = async () => (await rowsOf()).map(({ fields }) => fields["Name"]);

describe("a refused line", () => {
  it("in an existing row leaves the row as it was, and nothing follows it", async () => {
    const device = await open();
    await device.read(never);
    const before = await state();
    await order({ name: "reject-line", match: "local-host-name", text: "Invalid host" });
    const steps = [change({ tags: "c=2", "local-host-name": "edge.example" }), group(7)];
    const fault = await faultOf(device.apply(steps, never));
    expect(fault).toMatchObject({ code: "rejected", mayHaveActed: true });
    expect(fault.deviceText).toContain("Invalid host");
    expect((await state()).running).toEqual(before.running);
  });

  it("of activate in an existing row leaves the row as it was", async () => {
    const device = await open();
    await device.read(never);
    const before = await state();
    await order({ name: "reject-line", match: "activate", text: "Invalid Line", times: 1 });
    expect(await faultOf(device.apply([change({ tags: "c=2" })], never))).toMatchObject({ code: "rejected" });
    expect((await state()).running).toEqual(before.running);
  });

  it.each(["IPG_8", "activate", "ip-group 8"])(
    "in a new row (%s) touches nothing but rows of the run",
    async (match) => {
      const device = await open();
      const before = await rowsOf();
      await order({ name: "reject-line", match, text: "Invalid something", times: 1 });
      const fault = await faultOf(device.apply([group(7), group(8), group(9)], never));
      expect(fault).toMatchObject({ code: "rejected", mayHaveActed: true });
      const after = await rowsOf();
      expect(after.slice(0, before.length)).toEqual(before);
      for (const { index } of after.slice(before.length)) expect([7, 8, 9]).toContain(index);
      expect(await namesOf()).not.toContain("IPG_9");
    },
  );

  it("leaves a session that goes on to work", async () => {
    const device = await open();
    await order({ name: "reject-line", match: "IPG_7", text: "Invalid something", times: 1 });
    await faultOf(device.apply([group(7)], never));
    await device.apply([group(8)], never);
    expect(await namesOf()).toContain("IPG_8");
    expect(mock === undefined ? 0 : ((await control(mock, "GET", "/stats")) as { shells: number }).shells).toBe(1);
  });
});

describe("lines that are typed ahead", () => {
  it.each([
    ["one by one", { pipelineDepth: 1 }],
    ["in twos", { pipelineDepth: 2 }],
    ["in rows", {}],
    ["blindly", { blindRows: true, pipelineDepth: 64 }],
    ["one by one in the legacy profile", { profile: "legacy" }],
  ] as const)("%s lead to the same rows", async (_name, ssh) => {
    const device = await open(ssh);
    await device.read(never);
    const groups = Array.from({ length: 10 }, (_, at) => group(10 + at));
    await device.apply([...groups, change({ tags: "c=2" }), { ...group(30) }], never);
    expect(await namesOf()).toEqual(["Teams-OC", ...groups.map(({ index }) => `IPG_${index}`), "IPG_30"]);
    expect((await rowsOf()).every(({ active }) => active)).toBe(true);
    expect((await rowsOf())[0]?.fields["Tags"]).toBe("c=2");
    await device.apply(
      [...groups].map(({ index }) => ({ kind: "delete", table: "ip-group", index, name: `IPG_${index}` })),
      never,
    );
    expect(await namesOf()).toEqual(["Teams-OC", "IPG_30"]);
  });
});

describe("a secret field", () => {
  const account: Step = {
    kind: "create",
    table: "account",
    index: 4,
    fields: {
      "served-ip-group-name": "Teams-OC",
      "serving-ip-group-name": "Teams-OC",
      "host-name": "tel.example",
      password: "s3cret-trunk?",
    },
  };

  it("is told to nobody when it is refused", async () => {
    const device = await open();
    await order({ name: "reject-line", match: "s3cret", text: 'Invalid value "s3cret-trunk?"' });
    const fault = await faultOf(device.apply([account], never));
    expect(fault.deviceText).toContain("Invalid value");
    expect(inspect(fault, { depth: 9 })).not.toContain("s3cret");
  });

  it("stands on the line where the device does not ask for it", async () => {
    const device = await open({ secretPrompts: true });
    await device.apply([account], never);
    expect((await rowsOf("Account"))[0]?.fields["Password"]).toBeTruthy();
  });
});

describe("log lines of the device", () => {
  it("are a refusal unless they are known", async () => {
    const spam = { shell: { logSpam: ["[S=1] [SID=0] Alarm: link up"], logSpamAt: "in-output" as const } };
    const device = await open({ noiseLine: /^\[S=\d+\]/ }, spam);
    await device.apply([group(7)], never);
    await device.save(never);
    expect(await namesOf()).toContain("IPG_7");
  });
});
