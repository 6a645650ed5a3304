import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { promisify } from "node:util";
import ssh2 from "ssh2";
import type { Client } from "ssh2";
import { describe, expect, it, onTestFinished } from "vitest";
import { control, customerLines, rest, rowAt, startDevice, state } from "./device.ts";
import { connect, openPlain, openPrivileged, openShell, shellOn } from "./shell-client.ts";

const name = "Mediant VE SBC";
const note = "Note: Changes to this parameter will take effect when applying the 'activate' or 'exit' command";

describe("the verified dialogue", () => {
  it("is played word for word", async () => {
    const mock = await startDevice({ sshPort: 0, name: "Mediant SW", settings: { shell: { landing: "#" } } });
    const screen = await openShell(mock);
    await screen.waitFor("Mediant SW# ");
    const mode = "Mediant SW(network-if-0)# ";
    const dialogue = [
      ["configure network", "\r\nMediant SW(config-network)# "],
      [" interface network-if 0", `\r\n${mode}`],
      ["ip-address 192.0.2.220", `${note}\r\n\r\n${mode}`],
      ["prefix-length 24", `${note}\r\n\r\n${mode}`],
      ["gateway 192.0.2.1", `${note}\r\n\r\n${mode}`],
      ["primary-dns 192.0.2.53", `${note}\r\n\r\n${mode}`],
      ["activate", `Done\r\n\r\n${mode}`],
      ["exit", "\r\nMediant SW(config-network)# "],
      ["exit", "\r\nMediant SW# "],
      ["wr", "Writing configuration...done\r\n\r\nMediant SW# "],
    ] as const;
    for (const [line, answer] of dialogue) expect(await screen.run(line)).toBe(`${line}\r\n${answer}`);
    const { running, startup } = await state(mock);
    expect(running["InterfaceTable"]?.[0]).toMatchObject({ active: true, fields: { IPAddress: "192.0.2.220" } });
    expect(startup).toEqual(running);
  });

  it("lands at the prompt, enables, and makes a row that REST shows", async () => {
    const mock = await startDevice({ sshPort: 0 });
    const screen = await openShell(mock);
    await screen.waitFor("> ");
    expect(screen.text).toMatch(/^Last login: [^\r\n]+\r\nMediant VE SBC> $/);
    expect(await screen.run("en", "Password: ")).toBe("en\r\nPassword: ");
    expect(await screen.run("Admin")).toBe(`\r\n${name}# `);
    expect(await screen.run("conf voip")).toBe(`conf voip\r\n\r\n${name}(config-voip)# `);
    expect(await screen.run("proxy-set 4")).toBe(`proxy-set 4\r\n\r\n${name}(proxy-set-4)# `);
    const named = await screen.run('proxy-name "PS_X"');
    expect(named).toBe(`proxy-name "PS_X"\r\n${note}\r\n\r\n${name}(proxy-set-4)# `);
    await screen.run('sbcipv4-sip-int-name "SIF_WAN"');
    expect(await screen.run("activate")).toBe(`activate\r\nDone\r\n\r\n${name}(proxy-set-4)# `);
    expect(await screen.run("exit")).toBe(`exit\r\n\r\n${name}(config-voip)# `);
    await screen.run("exit");
    expect(await screen.run("wr")).toBe(`wr\r\nWriting configuration...done\r\n\r\n${name}# `);
    screen.type("exit\r");
    await screen.closed();
    expect((await rest(mock, "files/cliScript")).text).toContain('proxy-name "PS_X"');
    expect(await rowAt(mock, "ProxySet", 4)).toMatchObject({ active: true, fields: { ProxyName: "PS_X" } });
    expect((await state(mock)).saveNeeded).toBe(false);
  });

  it("keeps lines that are typed ahead and echoes each behind its own prompt", async () => {
    const mock = await startDevice({ sshPort: 0 });
    const screen = await openPrivileged(mock);
    screen.type(customerLines.map((line) => `${line.trim()}\r`).join(""));
    await screen.waitFor("(config-voip)# exit\r\n\r\nMediant VE SBC# ");
    const first = `${name}# configure voip\r\n\r\n${name}(config-voip)# proxy-set 4\r\n\r\n${name}(proxy-set-4)# `;
    expect(screen.text).toContain(first);
    expect(await rowAt(mock, "IPGroup", 5)).toMatchObject({ active: true, fields: { Name: "acme-c" } });
  });

  it("shows the running configuration as REST gives it, and three blank lines before the prompt", async () => {
    const mock = await startDevice({ sshPort: 0 });
    const screen = await openShell(mock);
    await screen.waitFor("> ");
    const shown = await screen.run("sh run");
    const text = (await rest(mock, "files/cliScript")).text;
    expect(shown).toBe(`sh run\r\n\r\n${text}${name}> `);
    expect(shown).toMatch(/ {2}exit\r\n\r\n\r\n\r\nMediant VE SBC> $/);
  });

  it("says Access denied to a wrong enable password", async () => {
    const mock = await startDevice({ sshPort: 0 });
    const screen = await openShell(mock);
    await screen.waitFor("> ");
    await screen.run("enable", "Password: ");
    expect(await screen.run("wrong")).toBe(`\r\n\r\nAccess denied\r\n\r\n${name}> `);
  });
});

describe("the SSH server", () => {
  const rsaKey = ssh2.utils.generateKeyPairSync("rsa", { bits: 2048 });

  it("shows the ident, the host key that it says it has, and password before publickey", async () => {
    const mock = await startDevice({ sshPort: 0, hostKey: rsaKey.private });
    const seen: string[] = [];
    await connect(mock, {
      hostVerifier: (key: Buffer) => {
        seen.push(`SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`);
        return true;
      },
      debug: (line) => seen.push(line),
    });
    expect(mock.hostKeySha256).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/);
    expect(seen).toContain(mock.hostKeySha256);
    expect(seen).toContain("Remote ident: 'SSH-2.0-AudioCodes'");
    expect(seen).toContain("Inbound: Received USERAUTH_FAILURE (password,publickey)");
  });

  it("answers a keepalive with a failure, as a sign of life", async () => {
    const mock = await startDevice({ sshPort: 0 });
    const seen: string[] = [];
    await connect(mock, { keepaliveInterval: 20, debug: (line) => seen.push(line) });
    await expect.poll(() => seen).toContain("Inbound: Received REQUEST_FAILURE");
  });

  it("counts who configures as a writer, and no longer after the last exit", async () => {
    const mock = await startDevice({ sshPort: 0 });
    const [one, other] = [await openPrivileged(mock), await openPrivileged(mock)];
    await one.run("configure voip");
    await other.run("configure voip");
    expect(mock.device.recorder.stats.mostWritersAtOnce).toBe(2);
    await one.run("exit");
    const third = await openPrivileged(mock);
    await third.run("configure voip");
    expect(mock.device.recorder.stats.mostWritersAtOnce).toBe(2);
  });

  it("lets the Security Administrator in with an authorized key, and nobody with another one", async () => {
    const mock = await startDevice({ sshPort: 0, authorizedKeys: [rsaKey.public] });
    const screen = await openShell(mock, {}, { privateKey: rsaKey.private });
    await screen.waitFor("> ");
    const other = ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 });
    await expect(connect(mock, { privateKey: other.private })).rejects.toThrow();
  });

  it("offers only old algorithms where it is told to", async () => {
    const mock = await startDevice({ sshPort: 0, settings: { shell: { algorithms: "legacy" } } });
    await expect(connect(mock)).rejects.toThrow(/handshake|algorithm/i);
    await connect(mock, {
      algorithms: {
        kex: { append: ["diffie-hellman-group14-sha1"], prepend: [], remove: [] },
        cipher: { append: ["aes128-cbc"], prepend: [], remove: [] },
      },
    });
  });

  it("refuses an exec channel, or runs its line where it is told to", async () => {
    const mock = await startDevice({ sshPort: 0 });
    const client = await connect(mock);
    await expect(execute(client, "show system uptime")).rejects.toThrow("Unable to exec");
    await control(mock, "PUT", "/settings", { shell: { execChannel: "run" } });
    expect(await execute(client, "show system uptime")).toMatch(/^Uptime: .*\r\n$/);
  });

  it("runs the line of an exec channel at the level of its user, faults and a slow flash included", async () => {
    const mock = await startDevice({ sshPort: 0, saveMs: 50, settings: { shell: { execChannel: "run" } } });
    const run = async (line: string) => execute(await connect(mock), line);
    expect(await run("write")).toBe("Invalid command\r\n");
    await control(mock, "PUT", "/settings", { shell: { landing: "#" } });
    expect(await run("write")).toBe("Writing configuration...done\r\n");
    expect(mock.device.recorder.stats.saves).toBe(1);
    await control(mock, "POST", "/faults", { name: "shell-close", match: "uptime" });
    expect(await run("show system uptime")).toBe("");
    const client = await connect(mock, { username: "User", password: "User" });
    expect(await execute(client, "configure voip")).toBe("Invalid command\r\n");
  });

  it("gives the INI file over SFTP and nothing else", async () => {
    const mock = await startDevice({ sshPort: 0 });
    const client = await connect(mock);
    const sftp = await promisify(client.sftp.bind(client))();
    const read = promisify((path: string, done: (error?: Error | null, content?: Buffer) => void) =>
      sftp.readFile(path, done as (error: Error | undefined, content: Buffer) => void),
    );
    expect((await read("/configuration/ini.ini"))?.toString("utf8")).toBe((await control(mock, "GET", "/ini")).text);
    await expect(read("/etc/passwd")).rejects.toThrow("No such file");
    const write = promisify((done: (error?: Error | null) => void) =>
      sftp.writeFile("/configuration/ini.ini", "x", done),
    );
    await expect(write()).rejects.toThrow("Permission denied");
  });

  it("counts failed log-ins, cuts a connection after three, and blocks the address for REST as well", async () => {
    const mock = await startDevice({ sshPort: 0 });
    for (let tries = 0; tries < 3; tries += 1) await expect(connect(mock, { password: "wrong" })).rejects.toThrow();
    expect(mock.device.recorder.stats).toMatchObject({ failedLogins: 3, sshFailedLogins: 3 });
    await expect(connect(mock)).rejects.toThrow();
    expect((await rest(mock, "status")).status).toBe(401);
  });

  it("takes the users that the control side puts in place", async () => {
    const mock = await startDevice({ sshPort: 0 });
    const users = [{ name: "Admin", password: "changed", level: "securityAdministrator" }];
    expect((await control(mock, "PUT", "/users", users)).status).toBe(200);
    await expect(connect(mock)).rejects.toThrow();
    await connect(mock, { password: "changed" });
    expect((await control(mock, "PUT", "/users", [{ name: "x" }])).status).toBe(400);
  });

  it("shows the text of the last log-in before the first prompt", async () => {
    const lastLogin = "Last login: 2026-01-05 10:11:12, failed attempts: 0";
    const mock = await startDevice({ sshPort: 0, settings: { shell: { lastLogin } } });
    const screen = await openShell(mock);
    await screen.waitFor("> ");
    expect(screen.text).toBe(`${lastLogin}\r\n${name}> `);
  });

  it("ends a session that nobody types in, and says so", async () => {
    const mock = await startDevice({ sshPort: 0, settings: { shell: { idleTimeoutMs: 50, lastLogin: "" } } });
    const screen = await openShell(mock);
    await screen.closed();
    expect(screen.text).toBe(`${name}> \r\nSession closed: idle timeout\r\n`);
  });
});

describe("one session too many", () => {
  const limited = (overLimit: "tcp" | "auth" | "message") =>
    startDevice({ sshPort: 0, settings: { shell: { sessionLimit: 1, overLimit } } });

  it.each(["tcp", "auth"] as const)("is refused at %s", async (overLimit) => {
    const mock = await limited(overLimit);
    const first = await openPrivileged(mock);
    await expect(connect(mock)).rejects.toThrow();
    first.type("exit\r");
    await first.closed();
    await expect.poll(() => connect(mock).then(() => "in", String)).toBe("in");
  });

  it("is told so in a message", async () => {
    const mock = await limited("message");
    await openPrivileged(mock);
    const second = await openShell(mock);
    await second.closed();
    expect(second.text).toBe("Too many sessions\r\n");
  });

  it("is one that has not logged in yet, where connections are counted, and no other", async () => {
    for (const [overLimit, outcome] of [
      ["tcp", "refused"],
      ["auth", "in"],
    ] as const) {
      const mock = await limited(overLimit);
      const [host = "", port = ""] = (mock.ssh ?? "").split(":");
      const silent = connectTcp(Number(port), host);
      onTestFinished(() => void silent.destroy());
      await once(silent, "data");
      const second = connect(mock).then(
        () => "in",
        () => "refused",
      );
      expect(await second).toBe(outcome);
    }
  });

  it("is let in by no number of log-ins at once", async () => {
    const mock = await limited("auth");
    const all = await Promise.allSettled([1, 2, 3, 4].map(() => connect(mock)));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(mock.device.recorder.stats.sshLogins).toBe(1);
  });

  it("that was told so is neither counted nor listed", async () => {
    const mock = await limited("message");
    const first = await openShell(mock);
    await first.waitFor("> ");
    const second = await connect(mock);
    expect(await first.run("show users")).not.toContain("[1]");
    first.type("exit\r");
    await first.closed();
    const third = await shellOn(second);
    await third.waitFor("> ");
  });

  it.each([
    ["ssh", "Username: "],
    ["all", "Too many sessions\r\n"],
  ] as const)("on bare TCP counts by the setting: %s", async (limitCovers, end) => {
    const mock = await startDevice({
      sshPort: 0,
      plainPort: 0,
      settings: { shell: { sessionLimit: 1, overLimit: "message", limitCovers } },
    });
    await connect(mock);
    const screen = openPlain(mock);
    if (limitCovers === "all") screen.type("Admin\rAdmin\r");
    await screen.waitFor(end);
  });

  it.each([
    [true, "refused"],
    [false, "in"],
  ] as const)("is one of SFTP alone by the setting: %s", async (sftpCounts, outcome) => {
    const mock = await startDevice({ sshPort: 0, settings: { shell: { sessionLimit: 1, sftpCounts } } });
    const first = await connect(mock);
    await promisify(first.sftp.bind(first))();
    const second = connect(mock).then(
      () => "in",
      () => "refused",
    );
    expect(await second).toBe(outcome);
  });
});

async function execute(client: Client, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    client.exec(line, (error, channel) => {
      if (error !== undefined) {
        reject(error);
        return;
      }
      let text = "";
      channel.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
      channel.once("close", () => resolve(text));
    });
  });
}
