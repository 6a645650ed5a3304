import { describe, expect, it } from "vitest";
import { customerLines, rest, rowAt, startDevice, state } from "./device.ts";
import { openPrivileged, openShell } from "./shell-client.ts";

const name = "Mediant VE SBC";
const note = "Note: Changes to this parameter will take effect when applying the 'activate' or 'exit' command";

describe("the verified dialogue", () => {
  it("lands at the prompt, enables, and makes a row that REST shows", async () => {
    const mock = await startDevice({ sshPort: 0 });
    const screen = await openShell(mock);
    await screen.waitFor("> ");
    expect(screen.text).toBe(`${name}> `);
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
