import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createRecorder } from "../../mocks/sbc/recorder.ts";
import { control, customerLines, demoIni, rest, rowAt, script, startDevice, state } from "./device.ts";

describe("the control side", () => {
  it("shows running and startup rows by INI names", async () => {
    const mock = await startDevice();
    await script(mock, customerLines);
    const shown = await state(mock);
    expect(shown).toMatchObject({ serialNumber: "214365870912345", saveNeeded: true });
    expect(shown.running["ProxySet"]?.map((row) => row.index)).toEqual([0, 1, 3, 4]);
    expect(shown.startup["ProxySet"]?.map((row) => row.index)).toEqual([0, 1, 3]);
    expect(shown.running["IPGroup"]?.at(-1)).toMatchObject({
      index: 5,
      active: true,
      fields: { Name: "acme-c", ProxySetName: "SIPTrunk", SRDName: "DefaultSRD", ClassifyByProxySet: "1" },
    });
  });

  it("shows of a secret only that it is there, and its SHA-256", async () => {
    const mock = await startDevice();
    const sha256 = createHash("sha256").update("example-secret").digest("hex");
    expect((await rowAt(mock, "Account", 0))?.fields["Password"]).toEqual({ set: true, sha256 });
    expect((await rowAt(mock, "IPGroup", 0))?.fields["PasswordAsClient"]).toEqual({ set: false });
  });

  it("hands out the INI file", async () => {
    const mock = await startDevice();
    expect((await control(mock, "GET", "/ini")).text).toBe(demoIni);
  });

  it("remembers requests and lines in the order of their arrival", async () => {
    const mock = await startDevice();
    await rest(mock, "status?x=1", { login: null });
    await script(mock, ["configure voip", "# a comment", "nonsense here"]);
    expect((await control(mock, "GET", "/received")).json()).toEqual({
      requests: [
        { number: 1, method: "GET", path: "/api/v1/status?x=1", authorization: false, status: 401 },
        { number: 2, method: "PUT", path: "/api/v1/files/cliScript/incremental", authorization: true, status: 200 },
      ],
      lines: [
        { number: 3, source: "script", line: "configure voip", result: "ok", output: "" },
        { number: 4, source: "script", line: "nonsense here", result: "refused", output: "Invalid command" },
      ],
      dropped: 0,
    });
  });

  it("forgets the oldest lines when there are many", () => {
    const recorder = createRecorder();
    for (let count = 0; count < 10_005; count += 1) {
      recorder.line({ source: "script", line: `line ${count}`, result: "ok", output: "" });
    }
    const { lines, dropped } = recorder.received();
    expect([lines.length, lines[0]?.line, dropped]).toEqual([10_000, "line 5", 5]);
    expect(recorder.stats.commands).toBe(10_005);
  });

  it("counts", async () => {
    const mock = await startDevice();
    await script(mock, [...customerLines, "nonsense", "write"]);
    await rest(mock, "status", { login: "Admin:wrong" });
    await control(mock, "POST", "/reboot");
    expect((await control(mock, "GET", "/stats")).json()).toEqual({
      requests: 2,
      commands: customerLines.length + 1,
      refusedCommands: 1,
      sessions: 0,
      logins: 1,
      failedLogins: 1,
      saves: 0,
      resets: 1,
      uploads: 1,
      mostWritersAtOnce: 1,
      sshConnections: 0,
      sshLogins: 0,
      sshFailedLogins: 0,
      shells: 0,
      enables: 0,
      failedEnables: 0,
      shellLines: 0,
      shellSaves: 0,
    });
  });

  it("edits as another administrator would", async () => {
    const mock = await startDevice();
    const lines = ["configure voip", "ip-group 4", 'tags "Site=Bonn"', "exit", "no ip-group 77"];
    const answer = (await control(mock, "POST", "/edit", { lines })).json();
    expect(answer).toMatchObject({ refused: [{ number: 5, line: "no ip-group 77" }] });
    expect((await rowAt(mock, "IPGroup", 4))?.fields["Tags"]).toBe("Site=Bonn");
    expect((await rest(mock, "status")).json()).toMatchObject({ saveNeeded: true });
  });

  it("pulls the plug, or saves before when asked to", async () => {
    const mock = await startDevice();
    await script(mock, customerLines);
    await control(mock, "POST", "/reboot", { saveConfiguration: true });
    expect((await state(mock)).running["IPGroup"]).toHaveLength(4);
    await script(mock, ["configure voip", "no ip-group 5"]);
    await control(mock, "POST", "/reboot");
    expect((await state(mock)).running["IPGroup"]).toHaveLength(4);
  });

  it("changes some settings and leaves the others", async () => {
    const mock = await startDevice({ settings: { failedStatus: "error" } });
    const answer = await control(mock, "PUT", "/settings", { onRefusedLine: "continue", texts: { badValue: "no" } });
    expect(answer.json()).toMatchObject({
      onRefusedLine: "continue",
      failedStatus: "error",
      texts: { badValue: "no", invalidCommand: "Invalid command" },
    });
  });

  it.each([
    ["PUT", "/settings", { onRefusedLine: "sometimes" }],
    ["PUT", "/settings", { colour: "red" }],
    ["PUT", "/settings", { texts: { colour: "red" } }],
    ["POST", "/edit", { lines: "configure voip" }],
    ["POST", "/edit", {}],
  ])("answers 400 to %s %s %j", async (method, path, body) => {
    const mock = await startDevice();
    expect((await control(mock, method, path, body)).status).toBe(400);
  });

  it("answers 404 to what it does not know", async () => {
    const mock = await startDevice();
    expect((await control(mock, "GET", "/nothing")).status).toBe(404);
    expect((await control(mock, "POST", "/state")).status).toBe(404);
  });
});
