import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import type { SettingsPatch } from "../../mocks/sbc/settings.ts";
import { customerLines, control, rest, rowAt, startDevice, state } from "./device.ts";
import type { Screen } from "./shell-client.ts";
import { openPlain, openPrivileged, openShell } from "./shell-client.ts";

const name = "Mediant VE SBC";
const marker = " --MORE--";
const erased = "\b".repeat(9) + " ".repeat(9) + "\b".repeat(9);

function start(shell: NonNullable<SettingsPatch["shell"]> = {}): Promise<MockSbc> {
  return startDevice({ sshPort: 0, plainPort: 0, settings: { shell: { lastLogin: "", ...shell } } });
}

async function land(mock: MockSbc, rows?: number): Promise<Screen> {
  const screen = await openShell(mock, rows === undefined ? {} : { rows });
  await screen.waitFor(/[>#] $/);
  return screen;
}

const newGroup = ["configure voip", "ip-group 7", 'name "X"'];

describe("the pager", () => {
  it("stops before the last row, and a blank erases the marker byte for byte", async () => {
    const screen = await land(await start(), 24);
    const first = await screen.run("show running-config", marker);
    expect(first.split("\r\n")).toHaveLength(25);
    const before = screen.text.length;
    screen.type(" ");
    await expect.poll(() => screen.text.slice(before).split("\r\n").length).toBe(24);
    expect(screen.text.slice(before)).toMatch(/^\x08{9} {9}\x08{9} {4}ip-address 203\.0\.113\.10\r\n/);
  });

  it("gives one line at Enter and the prompt at q", async () => {
    const screen = await land(await start(), 10);
    await screen.run("show running-config", marker);
    const before = screen.text.length;
    screen.type("\r");
    await screen.waitFor(new RegExp(`[^ ]\\r\\n${marker}$`));
    await expect.poll(() => screen.text.slice(before).split("\r\n").length).toBe(2);
    screen.type("q");
    await screen.waitFor(`${marker}${erased}\r\n${name}> `);
  });

  it("is off at window-height 0, for this session only", async () => {
    const mock = await start();
    const screen = await openPrivileged(mock, { rows: 10 });
    for (const line of ["configure system", "cli-settings", "window-height 0"]) await screen.run(line);
    const shown = await screen.run("do show running-config");
    expect(shown).not.toContain(marker);
    expect(shown.endsWith(`\r\n\r\n\r\n${name}(cli-settings)# `)).toBe(true);
    const other = await land(mock, 10);
    expect(await other.run("show running-config", marker)).toContain(marker);
  });

  it.each([
    ["off", 10, false],
    [30, 0, true],
    ["pty", 0, false],
  ] as const)("set to %s on a terminal of %s rows pages: %s", async (pager, rows, isPaged) => {
    const screen = await land(await start({ pager }), rows);
    const shown = await screen.run("show running-config", isPaged ? marker : /> $/);
    expect(shown.includes(marker)).toBe(isPaged);
  });
});

describe("line discipline", () => {
  it("executes at CR, takes the LF of CR LF with it, and does nothing at a lone LF", async () => {
    const screen = await land(await start());
    screen.type("show system uptime\n");
    screen.type(" | grep Uptime\r\n");
    await screen.waitFor(/seconds\r\n\r\nMediant VE SBC> $/);
    expect(screen.text.match(/> /g)).toHaveLength(2);
  });

  it("executes at LF where it is lenient", async () => {
    const screen = await land(await start({ enter: "lenient" }));
    screen.type("show system uptime\n");
    await screen.waitFor(/seconds\r\n\r\nMediant VE SBC> $/);
  });

  it("executes once at CR LF, strict or lenient", async () => {
    const screen = await land(await start({ enter: "lenient" }));
    screen.type("show system uptime\r\nenable\r\n");
    await screen.waitFor("Password: ");
    expect(screen.text).toMatch(/seconds\r\n\r\nMediant VE SBC> enable\r\nPassword: $/);
  });

  it("prints the prompt again at a bare Enter", async () => {
    const screen = await land(await start());
    expect(await screen.run("")).toBe(`\r\n${name}> `);
  });

  it.each([
    ["off", ""],
    ["double", "eenn"],
  ] as const)("echoes nothing or twice with echo %s", async (echo, echoed) => {
    const screen = await land(await start({ echo }));
    expect(await screen.run("en", "Password: ")).toBe(`${echoed}\r\nPassword: `);
  });

  it("ends lines in CR CR LF where a device does", async () => {
    const screen = await land(await start({ lineEnd: "CRCRLF" }));
    expect(await screen.run("show system uptime")).toMatch(/^show system uptime\r\r\nUptime: [^\r]*\r\r\n\r\r\n/);
  });

  it("takes a backspace back, and takes a question mark away unless it is quoted", async () => {
    const mock = await start({ landing: "#" });
    const screen = await land(mock);
    for (const line of ["configure voip", "ip-group 1"]) await screen.run(line);
    await screen.run('name "Tx\x7feams?-X"');
    expect(screen.text).toContain('name "Tx\b \beams?-X"');
    await screen.run("activate");
    expect((await rowAt(mock, "IPGroup", 1))?.fields["Name"]).toBe("Teams?-X");
    screen.type("exi?");
    await screen.waitFor(`exi\r\n${name}(ip-group-1)# exi`);
  });

  it("wants one more Enter after the commands of the setting", async () => {
    const screen = await land(await start({ extraEnterAfter: ["show system version"] }));
    screen.type("show system version\r");
    await screen.waitFor(/GROUP_1[^>]*\r\n;-+\r\n$/);
    screen.type("\r");
    await screen.waitFor(/\r\n\r\nMediant VE SBC> $/);
  });

  it("knows from the line as it stands whether a question mark is quoted", async () => {
    const screen = await land(await start());
    screen.type('show "\x7f\x15sh?');
    await screen.waitFor(`sh\r\n${name}> sh`);
    screen.type('\x15"a?" "\x7f?\r');
    await screen.waitFor(`"a?" \r\nInvalid command\r\n\r\n${name}> `);
  });

  it("gives a line up at Ctrl-C, at the enable password too, where it is no failure", async () => {
    const mock = await start();
    const screen = await land(mock);
    screen.type("show system\x03");
    await screen.waitFor(`show system\r\n${name}> `);
    await screen.run("enable", "Password: ");
    screen.type("Adm\x03");
    await screen.waitFor(`Password: \r\n${name}> `);
    expect(mock.device.recorder.stats).toMatchObject({ enables: 0, failedEnables: 0 });
  });

  it("takes and echoes what is no ASCII byte for byte", async () => {
    const screen = await land(await start({ landing: "#" }));
    expect(await screen.run("show Bücher")).toBe(`show Bücher\r\nInvalid command\r\n\r\n${name}# `);
  });

  it.each([
    ["before-prompt", `LOG\r\n${name}> `],
    ["after-prompt", `${name}> LOG\r\n`],
  ] as const)("lets log lines in %s", async (logSpamAt, text) => {
    const screen = await openShell(await start({ logSpam: ["LOG"], logSpamAt }));
    await screen.waitFor(text);
    expect(screen.text).toBe(text);
  });

  it("needs no terminal unless it is told to", async () => {
    const mock = await start();
    const screen = await openShell(mock, false);
    await screen.waitFor("> ");
    expect(await screen.run("show system uptime")).toMatch(/^Uptime: /);
    await control(mock, "PUT", "/settings", { shell: { withoutPty: "refuse" } });
    await expect(openShell(mock, false)).rejects.toThrow();
  });

  it("sends small pieces where it is told to", async () => {
    const screen = await land(await start({ splitPackets: 3 }));
    expect(await screen.run("show system uptime", /seconds\r\n\r\nMediant VE SBC> $/)).toContain("Uptime: ");
  });
});

describe("levels", () => {
  it("lands in Privileged mode by the setting, and goes back with disable", async () => {
    const screen = await land(await start({ landing: "#" }));
    expect(screen.text).toBe(`${name}# `);
    expect(await screen.run("disable")).toBe(`disable\r\n\r\n${name}> `);
    expect(await screen.run("configure voip")).toBe(`configure voip\r\nInvalid command\r\n\r\n${name}> `);
  });

  it("lets a monitor neither land in nor enter Privileged mode", async () => {
    const mock = await start({ landing: "#" });
    const screen = await openShell(mock, {}, { username: "User", password: "User" });
    await screen.waitFor("> ");
    expect(await screen.run("enable")).toContain("Access denied");
    expect(await screen.run("show running-config")).toContain("# Running Configuration");
  });

  it("asks again for the enable password where a device does, three times in all", async () => {
    const mock = await start({ wrongEnable: "again" });
    const screen = await land(mock);
    await screen.run("enable", "Password: ");
    expect(await screen.run("wrong", "Password: ")).toBe("\r\nPassword: ");
    await screen.run("wrong", "Password: ");
    expect(await screen.run("Admin")).toBe(`\r\n${name}# `);
    expect(mock.device.recorder.stats).toMatchObject({ enables: 1, failedEnables: 2 });
  });

  it("never shows a password that is typed", async () => {
    const screen = await land(await start());
    await screen.run("enable", "Password: ");
    await screen.run("hunter2-secret");
    expect(screen.text).not.toContain("hunter2");
  });

  it.each([
    ["unsaved", "*# "],
    ["never", "# "],
  ] as const)("with the star %s, shows %s after a change", async (star, end) => {
    const screen = await land(await start({ star, landing: "#" }));
    for (const line of ["configure voip", "ip-group 7", 'name "X"', "activate", "exit"]) await screen.run(line);
    expect(await screen.run("exit")).toBe(`exit\r\n\r\n${name}${end}`);
    expect((await screen.run("write")).endsWith(`done\r\n\r\n${name}# `)).toBe(true);
  });
});

describe("commands of people", () => {
  it("prints the beginning of write at once and its end when flash is written", async () => {
    const mock = await startDevice({ sshPort: 0, saveMs: 2_000, settings: { shell: { landing: "#" } } });
    const screen = await land(mock);
    expect(await screen.run("write", "...")).toBe("write\r\nWriting configuration...");
    expect(mock.device.recorder.stats.saves).toBe(0);
    await screen.waitFor(`Writing configuration...done\r\n\r\n${name}# `);
    expect(mock.device.recorder.stats).toMatchObject({ saves: 1, shellSaves: 1 });
  });

  it("reload now saves, kills every session, and refuses new ones while it boots", async () => {
    const mock = await startDevice({ sshPort: 0, bootMs: 2_000, settings: { shell: { landing: "#" } } });
    const [screen, other] = [await land(mock), await land(mock)];
    for (const line of [...customerLines]) await screen.run(line);
    screen.type("reload now\r");
    await Promise.all([screen.closed(), other.closed()]);
    await expect(openShell(mock)).rejects.toThrow();
    await expect.poll(() => mock.device.isUp, { timeout: 20_000 }).toBe(true);
    await land(mock);
    expect((await state(mock)).startup["IPGroup"]?.some((row) => row.index === 5)).toBe(true);
  });

  it("lets a log line in behind a slow write, whose words stay whole", async () => {
    const mock = await startDevice({
      sshPort: 0,
      saveMs: 50,
      settings: { shell: { landing: "#", logSpam: ["LOG"], logSpamAt: "in-output", lastLogin: "" } },
    });
    const screen = await land(mock);
    expect(await screen.run("write")).toBe(`write\r\nWriting configuration...done\r\nLOG\r\n\r\n${name}# `);
  });

  it("knows its users and what can be said of them, and activates nothing there", async () => {
    const screen = await land(await start({ landing: "#" }));
    await screen.run("configure system");
    expect(await screen.run("user Nobody")).toContain("Row does not exist");
    const entered = await screen.run("user Admin");
    expect(entered).toBe(`user Admin\r\nConfigure existing user Admin\r\n\r\n${name}(user-Admin)# `);
    for (const line of ["privilege-level sec-admin", 'public-key ""', "password secret-1"]) {
      expect(await screen.run(line)).toBe(`${line}\r\n\r\n${name}(user-Admin)# `);
    }
    expect(await screen.run("privilege-level king")).toContain("Invalid value");
    for (const line of ["activate", "colour red"]) expect(await screen.run(line)).toContain("Invalid command");
  });

  it("keeps the settings of all sessions in the configuration, and window-height of one nowhere", async () => {
    const mock = await start({ landing: "#" });
    const screen = await land(mock);
    for (const line of ["configure system", "cli-settings", "window-height 0"]) await screen.run(line);
    expect(await state(mock)).toMatchObject({ saveNeeded: false });
    for (const line of ["default-window-height 10", "idle-timeout 7", "activate"]) await screen.run(line);
    const shown = await screen.run("do show running-config system");
    expect(shown).toContain(
      "   cli-settings\r\n    default-window-height 10\r\n    idle-timeout 7\r\n    activate\r\n   exit\r\n",
    );
    const { running, startup, saveNeeded } = await state(mock);
    expect(running["cli-settings"]?.[0]?.fields).toEqual({ "default-window-height": 10, "idle-timeout": 7 });
    expect([startup["cli-settings"], saveNeeded]).toEqual([undefined, true]);
    const other = await land(mock);
    expect(await other.run("show running-config", marker)).toContain(marker);
    await control(mock, "POST", "/reboot", {});
    expect((await state(mock)).running["cli-settings"]).toBeUndefined();
  });

  it("needs a reset after a change of what the setting names, and resets if needed", async () => {
    const mock = await startDevice({
      sshPort: 0,
      settings: { resetNeededBy: ["tags"], shell: { landing: "#", star: "reset-needed", lastLogin: "" } },
    });
    const screen = await land(mock);
    const isNeeded = async () => (await rest(mock, "status")).json();
    for (const line of [...newGroup, "activate"]) await screen.run(line);
    expect(await screen.run("")).toBe(`\r\n${name}(ip-group-7)# `);
    expect(await isNeeded()).toMatchObject({ resetNeeded: false });
    await screen.run('tags "T=1"');
    expect(await screen.run("exit")).toContain(`${name}(config-voip)*# `);
    expect(await isNeeded()).toMatchObject({ resetNeeded: true });
    await screen.run("exit");
    screen.type("reload if-needed\r");
    await screen.closed();
    expect(await isNeeded()).toMatchObject({ resetNeeded: false });
    const next = await land(mock);
    expect(await next.run("reload if-needed")).toBe(`reload if-needed\r\n\r\n${name}# `);
    expect(mock.device.recorder.stats.resets).toBe(1);
  });

  it("asks for a secret that a line leaves out, where the setting says so", async () => {
    const mock = await start({ landing: "#", secretPrompt: "on" });
    const screen = await land(mock);
    for (const line of ["configure voip", "sip-definition account 3"]) await screen.run(line);
    expect(await screen.run("password", "Password: ")).toBe("password\r\nPassword: ");
    expect(await screen.run("s3cret-word")).toMatch(/^\r\nNote: [^\r]*\r\n\r\n[^\r]*\(account-3\)# $/);
    await screen.run("exit");
    expect((await control(mock, "GET", "/received")).text).not.toContain("s3cret-word");
    await control(mock, "PUT", "/settings", { shell: { secretPrompt: "off" } });
    await screen.run("sip-definition account 4");
    expect(await screen.run("password")).toContain("Incomplete command");
  });

  it("shows the running configuration in Privileged mode only, where the setting says so", async () => {
    const screen = await land(await start({ showNeeds: "privileged" }));
    expect(await screen.run("show running-config")).toContain("Invalid command");
    await screen.run("enable", "Password: ");
    await screen.run("Admin");
    expect(await screen.run("show running-config")).toContain("## TROUBLESHOOT");
  });

  it("lists sessions, the own one with a star, and ends another", async () => {
    const mock = await start({ landing: "#" });
    const other = await land(mock);
    const screen = await land(mock);
    const shown = await screen.run("show users");
    expect(shown).toMatch(/\[0\] ssh Admin 127\.0\.0\.1 0d00h00m\d\ds\r\n\[1\]\* ssh Admin 127\.0\.0\.1 /);
    await screen.run("clear user 0");
    await other.closed();
  });

  it("writes parameters with set on 6.6 only", async () => {
    const mock = await start({ landing: "#", dialect: "6.6" });
    const screen = await land(mock);
    for (const line of ["configure voip", "ip-group 7"]) await screen.run(line);
    expect(await screen.run('name "X"')).toContain("Invalid command");
    expect(await screen.run('set name "X"')).not.toContain("Invalid command");
    await screen.run("exit");
    expect((await rowAt(mock, "IPGroup", 7))?.fields["Name"]).toBe("X");
    for (const line of ["exit", "config system", "cli-terminal"]) await screen.run(line);
    expect(await screen.run("set window-height 0")).not.toContain("Invalid");
  });

  it("leaves nothing of a row that is open when the device goes down", async () => {
    const mock = await start({ landing: "#" });
    const screen = await land(mock);
    for (const line of ["configure voip", "ip-group 7", 'name "X"']) await screen.run(line);
    await control(mock, "POST", "/reboot", {});
    await screen.closed();
    expect(await rowAt(mock, "IPGroup", 7)).toBeUndefined();
  });
});

describe("the shell on bare TCP", () => {
  it("runs all lines of a client that ends its input right behind them", async () => {
    const mock = await start({ landing: "#" });
    const [host = "", port = ""] = (mock.plain ?? "").split(":");
    const socket = connect({ host, port: Number(port), allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
    socket.end(["Admin", "Admin", ...newGroup, "activate", "do write"].map((line) => `${line}\r`).join(""));
    await once(socket, "close");
    expect(text).toMatch(/Done\r\n.*do write\r\nWriting configuration...done\r\n/s);
    expect((await state(mock)).startup["IPGroup"]?.some(({ index }) => index === 7)).toBe(true);
  });

  it("greets, asks for name and password, and serves the same device", async () => {
    const mock = await start();
    const screen = openPlain(mock);
    await screen.waitFor("Username: ");
    expect(screen.text).toBe("Welcome to AudioCodes CLI\r\n\r\n\r\nUsername: ");
    await screen.run("Admin", "Password: ");
    await screen.run("wrong", "Username: ");
    await screen.run("Admin", "Password: ");
    expect(await screen.run("Admin")).toBe(`\r\n\r\n${name}> `);
    expect(await screen.run("show running-config", " --MORE--")).toContain("# Running Configuration");
  });
});
