import { describe, expect, it } from "vitest";
import type { FaultOrder } from "../../mocks/sbc/faults.ts";
import type { MockSbc, MockSbcOptions } from "../../mocks/sbc/mock-sbc.ts";
import { control, customerLines, deviceFiles, rest, rowAt, startDevice, state } from "./device.ts";
import { connect, openShell, shellOn } from "./shell-client.ts";
import type { Screen } from "./shell-client.ts";

const name = "Mediant VE SBC";

async function start(more: MockSbcOptions = {}): Promise<{ mock: MockSbc; screen: Screen }> {
  const mock = await startDevice({ sshPort: 0, settings: { shell: { landing: "#" } }, ...more });
  const screen = await openShell(mock);
  await screen.waitFor("# ");
  return { mock, screen };
}

async function order(mock: MockSbc, fault: FaultOrder | readonly FaultOrder[]): Promise<void> {
  expect((await control(mock, "POST", "/faults", fault)).status).toBe(200);
}

const newGroup = ["configure voip", "ip-group 7", 'name "X"'];
const group = (mock: MockSbc) => rowAt(mock, "IPGroup", 7);

describe("faults of the session", () => {
  it.each([
    ["before", undefined],
    ["after", true],
  ] as const)("falls silent %s the line", async (when, active) => {
    const { mock, screen } = await start();
    await order(mock, { name: "shell-silence", match: "activate", when });
    for (const line of newGroup) await screen.run(line);
    screen.type("activate\r");
    await screen.waitFor("activate\r\n");
    await expect.poll(async () => (await group(mock))?.active).toBe(active);
    screen.type("\r\r");
    expect((await control(mock, "GET", "/faults")).status).toBe(200);
    expect(screen.text.endsWith("activate\r\n")).toBe(true);
    expect(screen.isClosed).toBe(false);
  });

  it.each([
    ["before", undefined],
    ["after", true],
  ] as const)("cuts the connection %s the line", async (when, active) => {
    const { mock, screen } = await start({ settings: { unfinishedRow: "drop", shell: { landing: "#" } } });
    await order(mock, { name: "shell-close", match: "activate", when });
    for (const line of newGroup) await screen.run(line);
    screen.type("activate\r");
    await screen.closed();
    expect((await group(mock))?.active).toBe(active);
    expect(screen.text).not.toContain("Done");
  });

  it("cuts the connection in the middle of what it prints", async () => {
    const { mock, screen } = await start();
    await order(mock, { name: "shell-close", match: "show running-config", when: "middle" });
    screen.type("show running-config\r");
    await screen.closed();
    expect(screen.text).toContain("  configure voip");
    expect(screen.text).not.toContain("## TROUBLESHOOT");
  });

  it("prints so many bytes a second", async () => {
    const { mock, screen } = await start();
    await order(mock, { name: "shell-slow", match: "uptime", bytesPerSecond: 500 });
    const startedAt = performance.now();
    await screen.run("show system uptime");
    expect(performance.now() - startedAt).toBeGreaterThan(60);
  });

  it.each([
    ["in-output", /activate\r\nLOG\r\nDone\r\n\r\n[^\r]*# $/],
    ["before-prompt", /activate\r\nDone\r\nLOG\r\n\r\n[^\r]*# $/],
    ["after-prompt", /activate\r\nDone\r\n\r\n[^\r]*# LOG\r\n$/],
  ] as const)("lets a log line in at %s", async (at, text) => {
    const { mock, screen } = await start();
    await order(mock, { name: "log-line", match: "activate", text: "LOG", at });
    for (const line of newGroup) await screen.run(line);
    await screen.run("activate", text);
  });

  it("logs out as if idle instead of answering, the line done", async () => {
    const { mock, screen } = await start();
    await order(mock, { name: "idle-logout", match: "activate" });
    for (const line of newGroup) await screen.run(line);
    screen.type("activate\r");
    await screen.closed();
    expect(screen.text).toMatch(/\(ip-group-7\)# activate\r\n\r\nSession closed: idle timeout\r\n$/);
    expect((await group(mock))?.active).toBe(true);
  });

  it("refuses a line in the given words", async () => {
    const { mock, screen } = await start();
    await order(mock, { name: "reject-line", match: "name", text: "No way", times: 1 });
    await screen.run("configure voip");
    await screen.run("ip-group 7");
    expect(await screen.run('name "X"')).toBe(`name "X"\r\nNo way\r\n\r\n${name}(ip-group-7)# `);
    expect(mock.device.recorder.received().lines.at(-1)).toMatchObject({ source: "shell", result: "refused" });
  });

  it("refuses configuration while the redundant unit synchronises, and shows all the same", async () => {
    const { mock, screen } = await start({ settings: { texts: { synchronizing: "BUSY" }, shell: { landing: "#" } } });
    await order(mock, { name: "ha-sync" });
    expect(await screen.run("configure voip")).toBe(`configure voip\r\nBUSY\r\n\r\n${name}# `);
    expect(await screen.run("write")).toContain("BUSY");
    expect(await screen.run("show running-config")).toContain("## TROUBLESHOOT");
  });

  it("shows for one read what was before the last configuration", async () => {
    const { mock, screen } = await start();
    await order(mock, { name: "read-lag", times: 1 });
    for (const line of [...newGroup, "activate", "exit", "exit"]) await screen.run(line);
    expect(await screen.run("show running-config")).not.toContain("ip-group 7");
    expect(await screen.run("show running-config")).toContain("ip-group 7");
  });

  it.each([
    [{ name: "reject-line", match: "uptime", method: "SHELL" }, "Command failed"],
    [{ name: "reject-line", match: "uptime", path: "system" }, "Command failed"],
    [{ name: "reject-line", match: "uptime", method: "PUT" }, "Uptime: "],
  ] as const)("narrows to shells: %j", async (fault, text) => {
    const { mock, screen } = await start();
    await order(mock, fault);
    expect(await screen.run("show system uptime")).toContain(text);
  });

  it.each([
    [{ name: "read-lag", method: "SHELL" }, false],
    [{ name: "read-jitter", path: "running-config" }, false],
    [{ name: "read-lag", method: "GET" }, true],
  ] as const)("narrows reads to shells: %j", async (fault, isShown) => {
    const { mock, screen } = await start();
    for (const line of [...newGroup, "activate", "exit", "exit"]) await screen.run(line);
    await order(mock, fault);
    expect((await screen.run("show running-config")).includes("ip-group 7")).toBe(isShown);
  });

  it("cuts the connection behind half of a running configuration", async () => {
    const { mock, screen } = await start();
    await order(mock, { name: "truncate-read", cut: true, times: 1 });
    screen.type("show running-config\r");
    await screen.closed();
    expect(screen.text).toContain("  configure voip");
    expect(screen.text).not.toContain("## TROUBLESHOOT");
  });

  it("shows half of a running configuration that looks whole", async () => {
    const { mock, screen } = await start();
    await order(mock, { name: "truncate-read", times: 1 });
    expect(await screen.run("show running-config")).not.toContain("## TROUBLESHOOT");
    expect(await screen.run("show running-config")).toContain("## TROUBLESHOOT");
  });

  it("cuts the connection after the first lines", async () => {
    const { mock, screen } = await start({ settings: { unfinishedRow: "drop", shell: { landing: "#" } } });
    await order(mock, { name: "half-applied", path: "configure voip", lines: 11 });
    screen.type(customerLines.map((line) => `${line}\r`).join(""));
    await screen.closed();
    expect((await rowAt(mock, "ProxySet", 4))?.active).toBe(true);
    expect(await rowAt(mock, "IPGroup", 5)).toBeUndefined();
  });

  it.each([
    ["denied", { name: "unauthorized-after" }],
    ["refused", { name: "save-fails" }],
  ] as const)("makes what REST knows as trouble: %s", async (kind, fault) => {
    const { mock, screen } = await start();
    await order(mock, fault);
    if (kind === "denied") await expect(connect(mock)).rejects.toThrow();
    else expect(await screen.run("write")).toContain("Writing configuration...failed");
  });
});

describe("faults of the connection", () => {
  it.each(["connect", "auth"] as const)("begin at %s: silent, the client gives up; closed, it hears so", async (at) => {
    const { mock } = await start();
    const seen: string[] = [];
    const look = (readyTimeout = 20_000) => connect(mock, { readyTimeout, debug: (line) => seen.push(line) });
    await order(mock, { name: "ssh-silence", at, times: 1 });
    await expect(look(1_500)).rejects.toThrow("Timed out while waiting for handshake");
    const isGreeted = () => seen.some((line) => line.startsWith("Remote ident"));
    expect(isGreeted()).toBe(at === "auth");
    seen.length = 0;
    await order(mock, { name: "ssh-silence", at, how: "close", times: 1 });
    await expect(look()).rejects.not.toThrow("Timed out");
    expect(isGreeted()).toBe(at === "auth");
    expect(mock.device.recorder.stats.sshLogins).toBe(1);
    await connect(mock);
  });

  it.each([
    ["garbage", true],
    ["cut", false],
  ] as const)("breaks a packet: %s", async (how, isHeardOf) => {
    const mock = await startDevice({ sshPort: 0, settings: { shell: { landing: "#" } } });
    const client = await connect(mock);
    const errors: string[] = [];
    client.on("error", ({ message }) => errors.push(message));
    const screen = await shellOn(client);
    await screen.waitFor("# ");
    await order(mock, { name: "broken-packet", match: "show", how });
    screen.type("show running-config\r");
    await screen.closed();
    // Garbage is no packet; half of one is only an end without a farewell.
    expect(errors.some((message) => /MAC|packet|decrypt|unsupported state/i.test(message))).toBe(isHeardOf);
    expect(errors.length > 0).toBe(isHeardOf);
    expect(screen.text).not.toContain("## TROUBLESHOOT");
  });

  it("exchanges keys anew in the middle of a command, and goes on", async () => {
    const mock = await startDevice({ sshPort: 0 });
    const client = await connect(mock);
    let handshakes = 0;
    client.on("handshake", () => (handshakes += 1));
    const screen = await shellOn(client);
    await screen.waitFor("> ");
    await order(mock, { name: "rekey", match: "show", times: 1 });
    expect(await screen.run("show running-config")).toContain("## TROUBLESHOOT");
    await expect.poll(() => handshakes).toBe(1);
    expect(await screen.run("show system uptime")).toContain("Uptime");
  });

  it("shows another host key", async () => {
    const { mock } = await start();
    const keys: string[] = [];
    const look = () => connect(mock, { hostVerifier: (key: Buffer) => keys.push(key.toString("base64")) > 0 });
    await look();
    await order(mock, { name: "host-key-changed", times: 1 });
    await look();
    await look();
    expect(keys[1]).not.toBe(keys[0]);
    expect(keys[2]).toBe(keys[0]);
  });
});

describe("faults of the device's life", () => {
  it("runs another administrator's lines as a line comes", async () => {
    const { mock, screen } = await start();
    const lines = ["configure voip", "ip-group 7", 'name "theirs"', "activate", "exit"];
    await order(mock, { name: "foreign-edit", match: "activate", lines });
    for (const line of newGroup) await screen.run(line);
    await screen.run("activate");
    expect((await group(mock))?.fields["Name"]).toBe("X");
    expect(mock.device.recorder.received().lines.filter(({ source }) => source === "edit")).toHaveLength(5);
  });

  it.each([
    ["reboot-at-line", "before"],
    ["reboot-at-line", "after"],
    ["ha-switch", "before"],
  ] as const)("%s %s write: the session dies and what was not in flash is gone", async (fault, when) => {
    const { mock, screen } = await start();
    await order(mock, { name: fault, match: "write", when });
    for (const line of [...newGroup, "activate", "exit", "exit"]) await screen.run(line);
    screen.type("write\r");
    await screen.closed();
    expect((await group(mock))?.active).toBe(when === "after" ? true : undefined);
    expect((await state(mock)).saveNeeded).toBe(false);
    await connect(mock);
  });

  it.each([0, 5, 16])("resets at the line behind %i others", async (skip) => {
    const { mock, screen } = await start();
    await order(mock, { name: "reboot-at-line", method: "SHELL", skip });
    screen.type(customerLines.map((line) => `${line}\r`).join(""));
    await screen.closed();
    expect(mock.device.recorder.received().lines).toHaveLength(skip);
    expect(await rowAt(mock, "ProxySet", 4)).toBeUndefined();
  });

  it("resets while flash is written, and the save is lost", async () => {
    const { mock, screen } = await start({ saveMs: 50 });
    await order(mock, { name: "reboot-during-save" });
    for (const line of [...newGroup, "activate", "exit", "exit"]) await screen.run(line);
    screen.type("write\r");
    await screen.closed();
    expect(screen.text.endsWith("Writing configuration...")).toBe(true);
    expect(await group(mock)).toBeUndefined();
  });

  it("goes back to an old backup", async () => {
    const { mock, screen } = await start();
    for (const line of [...newGroup, "activate", "exit", "exit", "write"]) await screen.run(line);
    await order(mock, { name: "restore-backup", match: "show" });
    screen.type("show system uptime\r");
    await screen.closed();
    expect(await group(mock)).toBeUndefined();
    expect((await state(mock)).startup["IPGroup"]?.some(({ index }) => index === 7)).toBe(false);
  });

  it("comes up with other firmware and its columns, rows kept", async () => {
    const { mock } = await start({ ini: deviceFiles["7.20A"] });
    const names = async () => (await state(mock)).running["IPGroup"]?.map(({ fields }) => fields["Name"]);
    const rows = await names();
    const before = (await control(mock, "GET", "/ini")).text;
    await order(mock, { name: "firmware-upgrade", path: "status", firmware: "7.40A.500.786" });
    await expect(rest(mock, "status")).rejects.toThrow();
    expect((await rest(mock, "status")).json()).toMatchObject({ versionID: "7.40A.500.786" });
    const after = (await control(mock, "GET", "/ini")).text;
    const columns = (ini: string) => /\[ IPGroup \]\s*(FORMAT[^;]*;)/.exec(ini)?.[1];
    expect(columns(before)).not.toContain("TeamsLocalMediaOptimization");
    expect(columns(after)).toContain("TeamsLocalMediaOptimization");
    expect(await names()).toEqual(rows);
  });

  it("is replaced by a device with another serial number and nothing on it", async () => {
    const { mock, screen } = await start();
    await order(mock, { name: "replaced", match: "show", serialNumber: "123" });
    screen.type("show running-config\r");
    await screen.closed();
    const next = await openShell(mock);
    await next.waitFor("# ");
    expect(await next.run("show system version")).toContain(";Serial Number: 123\r\n");
    expect((await state(mock)).running["IPGroup"]).toEqual([]);
  });
});
