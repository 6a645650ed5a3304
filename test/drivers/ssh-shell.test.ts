import { afterEach, describe, expect, it } from "vitest";
import type { Driver, SshOptions, Step } from "../../drivers/driver.ts";
import type { FaultOrder } from "../../mocks/sbc/faults.ts";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import type { ShellSettings } from "../../mocks/sbc/shell-settings.ts";
import { startingIni } from "./contract-environment.ts";
import { faultOf, never } from "./fake-device.ts";
import { late70, of2025 } from "./generations.ts";
import { control, stateOf } from "./mock-environment.ts";
import { openSshDriver, startSshMock } from "./ssh-device.ts";

let mock: MockSbc | undefined;
let driver: Driver | undefined;
afterEach(async () => {
  await driver?.close();
  await mock?.stop();
  [driver, mock] = [undefined, undefined];
});

const group: Step = {
  kind: "create",
  table: "ip-group",
  index: 7,
  fields: { tags: "T=7", name: "IPG_7", "proxy-set-name": "Teams-OC", "srd-name": "DefaultSRD" },
};

async function open(shell: Partial<ShellSettings>, ssh: Partial<SshOptions> = {}, name?: string): Promise<Driver> {
  mock = await startSshMock({
    ini: startingIni(of2025),
    settings: { shell },
    ...(name === undefined ? {} : { name }),
  });
  driver = openSshDriver(mock, { ssh });
  return driver;
}

/** A whole run, and what the device holds behind it. */
async function provision(device: Driver): Promise<void> {
  await device.status(never);
  await device.read(never);
  await device.apply([group], never);
  await device.save(never);
  expect((await device.read(never)).rows.filter((row) => row.fields["name"] === "IPG_7")).toHaveLength(1);
  const { running, startup } = mock === undefined ? expect.fail() : await stateOf(mock);
  expect(running["IPGroup"]?.map(({ fields, active }) => [fields["Name"], active])).toContainEqual(["IPG_7", true]);
  expect(startup).toEqual(running);
}

const shells: [name: string, shell: Partial<ShellSettings>, ssh?: Partial<SshOptions>][] = [
  ["lands at #", { landing: "#" }],
  ["shows a star", { star: "unsaved" }],
  ["shows a star for another reason", { star: "reset-needed" }],
  ["takes LF as Enter too", { enter: "lenient" }],
  ["ends lines with CR CR LF", { lineEnd: "CRCRLF" }],
  ["echoes twice", { echo: "double" }],
  ["pages at 24 rows", { pager: 24 }],
  ["pages at 24 rows and has no SFTP", { pager: 24, sftp: "off" }],
  ["pages as it likes and knows no key but the blank", { pager: 5, pagerKeys: false }],
  ["has no SFTP", { sftp: "off" }],
  ["tells of the last log-in", { lastLogin: "Last login: 01.02.2026 10:11:12 <2 failed attempts>\r\n\r\n" }],
  ["sends packets of three bytes", { splitPackets: 3 }],
  ["wants one more Enter", { extraEnterAfter: ["show system version"] }],
  [
    "prints its log before prompts",
    { logSpam: ["[S=1] Alarm# "], logSpamAt: "before-prompt" },
    { noiseLine: /^\[S=\d+\]/ },
  ],
  ["prints its log behind prompts", { logSpam: ["[S=1] Alarm> "], logSpamAt: "after-prompt" }],
];

describe("a run goes well on a shell that", () => {
  it.each(shells)("%s", async (_name, shell, ssh?: Partial<SshOptions>) => {
    await provision(await open(shell, ssh));
  });

  it.each(["Mediant VE SBC", "LAB-SBC1", "edge.1/a_b", "a"])("calls itself %s", async (name) => {
    await provision(await open({}, {}, name));
  });
});

describe("firmware 6.6", () => {
  it("is spoken to, read and saved, and never provisioned", async () => {
    mock = await startSshMock({
      ini: startingIni(late70),
      firmware: "6.60A.342.003",
      settings: { shell: { dialect: "6.6" } },
    });
    driver = openSshDriver(mock);
    expect((await driver.status(never)).firmware).toBe("6.60A.342.003");
    const { rows } = await driver.read(never);
    expect(rows.find(({ table }) => table === "ip-group")?.fields).toMatchObject({ name: "Teams-OC" });
    await driver.save(never);
    expect(await faultOf(driver.apply([group], never))).toMatchObject({ code: "unsupported", mayHaveActed: false });
    expect(() => driver?.describe()).toThrow("6.60A.342.003");
    expect((await control(mock, "GET", "/stats")) as { shellSaves: number }).toMatchObject({ shellSaves: 1 });
  });
});

describe("trouble with the dialogue", () => {
  const faults: readonly (readonly [FaultOrder, code: string])[] = [
    [{ name: "shell-close", match: "running-config", when: "middle" }, "unreachable"],
    [{ name: "shell-silence", match: "running-config" }, "timeout"],
    [{ name: "shell-slow", match: "running-config", bytesPerSecond: 1 }, "timeout"],
    [{ name: "broken-packet", match: "running-config", how: "garbage" }, "unreachable"],
    [{ name: "broken-packet", match: "running-config", how: "cut" }, "unreachable"],
    [{ name: "idle-logout", match: "running-config" }, "unreachable"],
  ];

  it.each(faults)("while it is read (%j) is %s, and the next read goes well", async (fault, code) => {
    mock = await startSshMock({ ini: startingIni(of2025) });
    driver = openSshDriver(mock, {
      deadlines: { connectMs: 5_000, requestMs: 1_000, writeMs: 5_000, saveMs: 5_000 },
    });
    await driver.status(never);
    await control(mock, "POST", "/faults", { ...fault, times: 1 });
    expect(await faultOf(driver.read(never))).toMatchObject({ code, mayHaveActed: false });
    await control(mock, "DELETE", "/faults");
    expect((await driver.read(never)).rows).not.toEqual([]);
  });

  it("a new exchange of keys is none", async () => {
    const device = await open({});
    await device.status(never);
    if (mock !== undefined) await control(mock, "POST", "/faults", { name: "rekey", match: "running-config" });
    expect((await device.read(never)).rows).not.toEqual([]);
  });

  it("a save that is slower than its deadline may have happened", async () => {
    mock = await startSshMock({ ini: startingIni(of2025), saveMs: 1_500 });
    driver = openSshDriver(mock, {
      deadlines: { connectMs: 5_000, requestMs: 5_000, writeMs: 5_000, saveMs: 1_000 },
    });
    await driver.status(never);
    expect(await faultOf(driver.save(never))).toMatchObject({ code: "timeout", mayHaveActed: true });
  });

  it("a save that the device says failed is not one", async () => {
    const device = await open({});
    await device.status(never);
    if (mock !== undefined) await control(mock, "POST", "/faults", { name: "save-fails" });
    expect(await faultOf(device.save(never))).toMatchObject({ code: "rejected", mayHaveActed: true });
  });
});
