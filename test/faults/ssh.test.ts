import { afterEach, describe, expect, it } from "vitest";
import type { ShellSettings } from "../../mocks/sbc/shell-settings.ts";
import { connect } from "../mocks/shell-client.ts";
import { control, startRig, statsOf, type Rig } from "../e2e/rig.ts";
import { reachOf, type Reach } from "../e2e/reach.ts";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { convert, expectConverted, failsWith, received, tells } from "./conversions.ts";
import { assertInvariants } from "./invariants.ts";

let rig: Rig;
afterEach(() => rig.stop());

const run = { connectMs: 1_000, requestMs: 1_000, writeDeadlineMs: 1_000, saveMs: 1_000, leaseMs: 10_000 };

/** With settings of the shell that are not the defaults. */
const reachWith =
  (settings: Record<string, unknown>) =>
  (mock: MockSbc): Reach => {
    const reach = reachOf(mock, "ssh");
    return { ...reach, ssh: { ...reach.ssh, ...settings } };
  };

describe("over SSH,", () => {
  it.each([
    ["F28 silence in place of its greeting", { name: "ssh-silence", at: "connect" }],
    ["F28 a connection that it closes at once", { name: "ssh-silence", at: "connect", how: "close" }],
    ["F28 silence at the log-in", { name: "ssh-silence", at: "auth" }],
    ["F28 a connection that it closes at the log-in", { name: "ssh-silence", at: "auth", how: "close" }],
    ["F28 silence before a row", { name: "shell-silence", match: "ip-group" }],
    ["F28 silence behind what applies a row", { name: "shell-silence", match: "activate", when: "after" }],
    ["F28 silence behind the save", { name: "shell-silence", match: "write", when: "after" }],
    ["F28 a close in the middle of a read", { name: "shell-close", match: "running-config", when: "middle" }],
    ["F28 a close before what applies a row", { name: "shell-close", match: "activate" }],
    ["F28 a close behind what applies a row", { name: "shell-close", match: "activate", when: "after" }],
    ["F29 a log line in what a read prints", { name: "log-line", match: "running-config", at: "in-output" }],
    ["F29 a log line before a prompt, in a row", { name: "log-line", match: "tags", at: "before-prompt" }],
    ["F29 a log line behind a prompt, in a row", { name: "log-line", match: "activate", at: "after-prompt" }],
    ["F33 a packet that cannot be read, in a row", { name: "broken-packet", match: "tags" }],
    ["F33 a packet that ends in the middle", { name: "broken-packet", match: "activate", how: "cut" }],
    ["F33 new keys in the middle of a row", { name: "rekey", match: "tags" }],
    ["F33 new keys in the middle of a read", { name: "rekey", match: "running-config" }],
    ["F35 a session that ends as idle, in a row", { name: "idle-logout", match: "srd-name" }],
    ["F35 a session that ends as idle, at the save", { name: "idle-logout", match: "write" }],
  ])("%s: the conversion ends once", async (_, fault) => {
    rig = await startRig({ route: "ssh", overrides: { run } });
    await control(rig.mock, "POST", "/faults", { ...fault, times: 1 });
    await expectConverted(rig, await convert(rig, "Troubled"));
    expect((await (await fetch(`${rig.mock.control}/faults`)).json()) as unknown[], "the fault struck").toEqual([]);
    await assertInvariants(rig, [["Troubled"]]);
  });

  it.each<[string, Partial<ShellSettings>]>([
    [
      "F29 F30 F31 prompts in pieces, a star, a pager and a double echo",
      { splitPackets: 20, star: "unsaved", pager: 24, echo: "double", lineEnd: "CRCRLF" },
    ],
    ["F30 a pager that cuts everything, and no file to read instead", { pager: 5, pagerKeys: false, sftp: "off" }],
  ])("%s: the conversion ends once", async (_, shell) => {
    rig = await startRig({ route: "ssh", mock: { settings: { shell } } });
    await expectConverted(rig, await convert(rig, "Talkative"));
    await assertInvariants(rig, [["Talkative"]]);
  });

  it("F21 HA synchronisation, by the words that are configured for it: it is waited for", async () => {
    rig = await startRig({ route: "ssh", reach: reachWith({ busyLine: "performing HA synchronization" }) });
    await control(rig.mock, "POST", "/faults", { name: "ha-sync", times: 3 });
    await expectConverted(rig, await convert(rig, "Synchronised"));
    await assertInvariants(rig, [["Synchronised"]]);
  });

  it("F32 one byte a second: it is given up at the deadline, and the conversion ends once when that is over", async () => {
    rig = await startRig({ route: "ssh", reach: reachWith({ lineMs: 1_000 }), overrides: { run } });
    await control(rig.mock, "POST", "/faults", { name: "shell-slow", bytesPerSecond: 1 });
    const task = await convert(rig, "Dripping");
    await failsWith(rig, "timeout");
    await control(rig.mock, "DELETE", "/faults");
    await expectConverted(rig, task);
    await assertInvariants(rig, [["Dripping"]]);
  });

  it("F31 no echo: nothing is typed blindly, and the conversion ends once when it is back", async () => {
    const reach = reachWith({ lineMs: 500 });
    rig = await startRig({ route: "ssh", reach, mock: { settings: { shell: { echo: "off" } } }, overrides: { run } });
    const task = await convert(rig, "Unheard");
    await failsWith(rig, "timeout");
    expect((await received(rig.mock)).lines.filter(({ line }) => line.startsWith("configure"))).toEqual([]);
    await control(rig.mock, "PUT", "/settings", { shell: { echo: "on" } });
    await expectConverted(rig, task);
    await assertInvariants(rig, [["Unheard"]]);
  });

  it("F20 all sessions are taken: it is waited for one, and that is no refused log-in", async () => {
    rig = await startRig({ route: "ssh", mock: { settings: { shell: { sessionLimit: 1 } } }, overrides: { run } });
    const human = await connect(rig.mock);
    const task = await convert(rig, "Queueing");
    await tells(rig, task, "It is tried again");
    expect((await statsOf(rig.mock)).sshFailedLogins).toBe(0);
    human.end();
    await expectConverted(rig, task);
    await assertInvariants(rig, [["Queueing"]]);
  });
});
