import { afterEach, describe, expect, it } from "vitest";
import { control, named, startRig, stateOf, statsOf, type Rig } from "../e2e/rig.ts";
import { convert, expectConverted, failsWith, received } from "./conversions.ts";
import { assertDevice, assertInvariants, startingRows } from "./invariants.ts";

let rig: Rig;
afterEach(() => rig.stop());

const script = "incremental";
const save = "saveConfiguration";

describe("over REST,", () => {
  it.each([
    ["F21 409 for a while, as in HA synchronisation", { name: "ha-sync", times: 3 }],
    ["F22 200 with a status that is no success", { name: "status-not-success", times: 1 }],
    ["F23 a cut once the script was sent, which ran", { name: "cut-after-request", path: script, times: 1 }],
    ["F23 a cut once the script was sent, which did not run", { name: "cut-before-apply", path: script, times: 1 }],
    ["F23 a cut once the save was asked for, which happened", { name: "cut-after-request", path: save, times: 1 }],
    ["F23 a cut once the save was asked for, which did not happen", { name: "cut-before-apply", path: save, times: 1 }],
    ["F25 reads from before the write, for a while", { name: "read-lag", times: 4 }],
    ["F25 reads that miss a row now and then", { name: "read-jitter", times: 6 }],
  ])("%s: the conversion ends once", async (_, fault) => {
    rig = await startRig();
    await control(rig.mock, "POST", "/faults", fault);
    await expectConverted(rig, await convert(rig, "Troubled"));
    await control(rig.mock, "DELETE", "/faults");
    await assertInvariants(rig, [["Troubled"]]);
  });

  it("F20 a password that expires in mid-run: nobody tries on, and the run is taken up when it was renewed", async () => {
    rig = await startRig();
    await control(rig.mock, "POST", "/faults", { name: "unauthorized-after", after: 4 });
    const task = await convert(rig, "Expired");
    await failsWith(rig, "auth");
    const { requests } = await received(rig.mock);
    expect(requests.length).toBeLessThanOrEqual(4 + 2);
    await control(rig.mock, "DELETE", "/faults");
    await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/resume", { reason: "password renewed" });
    await expectConverted(rig, task);
    await assertInvariants(rig, [["Expired"]]);
  });

  it.each(["status", "400", "output-only"] as const)(
    "F22 a line that is refused, told by %s: the task fails in the device's words, and nothing stays",
    async (refusalAnswer) => {
      rig = await startRig({ mock: { settings: { refusalAnswer } } });
      await control(rig.mock, "POST", "/faults", { name: "reject-line", match: 'name "Refused"' });
      const task = await rig.client.ended(await convert(rig, "Refused"));
      expect(task).toMatchObject({ status: "CompletedFailed", details: ["Failed"] });
      expect(task.executionMessages[0]?.message).toContain("Command failed");
      await control(rig.mock, "DELETE", "/faults");
      await assertInvariants(rig, [[]]);
    },
  );

  it("F24 a script of which the first k lines ran, whatever k is: each conversion ends once", async () => {
    rig = await startRig();
    const names: string[] = [];
    for (const lines of [0, 2, 5, 8])
      for (const answer of ["cut", "success"]) {
        await control(rig.mock, "POST", "/faults", { name: "half-applied", lines, answer, times: 1 });
        names.push(`K${lines}${answer}`);
        await expectConverted(rig, await convert(rig, `K${lines}${answer}`));
      }
    await control(rig.mock, "DELETE", "/faults");
    await assertInvariants(rig, [names]);
  });
});

describe.each(["rest", "ssh"] as const)("over %s,", (route) => {
  const when = route === "rest" ? { path: script } : { match: "configure voip" };

  it("F26 a full table: the conversion fails and says so, and nothing of it stays", async () => {
    rig = await startRig({ route, mock: { settings: { limits: { IPGroup: 6 } } } });
    await expectConverted(rig, await convert(rig, "Fits"));
    const task = await rig.client.ended(await convert(rig, "TooMany"));
    expect(task.details, JSON.stringify(task)).toEqual(["Failed"]);
    await assertInvariants(rig, [["Fits"]]);
  });

  it("F26 a name that somebody else's row has: the conversion fails and names it, and that row stays", async () => {
    rig = await startRig({ route });
    const lines = ["configure voip", "ip-group 9", 'name "Taken"', 'proxy-set-name "Teams-OC"', "activate", "exit"];
    await control(rig.mock, "POST", "/edit", { lines: [...lines, "exit", "write"] });
    const start = (await stateOf(rig.mock)).running;
    const task = await rig.client.ended(await convert(rig, "Taken"));
    expect(task.details, JSON.stringify(task)).toEqual(["Failed"]);
    expect(task.executionMessages[0]?.message).toContain("Taken");
    await assertInvariants(rig, [[]], start);
  });

  it("F26 a row that another writer makes between the read and the write, at another index: both stay", async () => {
    rig = await startRig({ route });
    const lines = ["configure voip", "ip-group 9", 'name "Other"', 'proxy-set-name "Teams-OC"', "activate", "exit"];
    const edit = { name: "foreign-edit", ...when, lines: [...lines, "exit", "write"] };
    await control(rig.mock, "POST", "/faults", edit);
    await expectConverted(rig, await convert(rig, "Beside"));
    const { running } = await stateOf(rig.mock);
    const other = named(running["IPGroup"], "Name").get("Other") ?? expect.fail("the other row is gone");
    const before = await startingRows();
    await assertInvariants(rig, [["Beside"]], { ...before, IPGroup: [...(before["IPGroup"] ?? []), other] });
  });

  it("F27 a device that stores names in its own case: it is believed", async () => {
    rig = await startRig({ route });
    await control(rig.mock, "POST", "/faults", { name: "normalise", table: "IPGroup", field: "Name", to: "upper" });
    await expectConverted(rig, await convert(rig, "MyCase"));
    await control(rig.mock, "DELETE", "/faults");
    await assertInvariants(rig, [["MYCASE"]]);
  });

  it("F27 a device that puts a default for a value: the conversion fails and names the field, and nothing of it stays", async () => {
    rig = await startRig({ route });
    await control(rig.mock, "POST", "/faults", {
      name: "normalise",
      table: "IPGroup",
      field: "MediaRealm",
      to: "default",
    });
    const task = await rig.client.ended(await convert(rig, "Defaulted"));
    expect(task.details, JSON.stringify(task)).toEqual(["Failed"]);
    expect(task.executionMessages[0]?.message).toContain("media-realm-name");
    await control(rig.mock, "DELETE", "/faults");
    await assertInvariants(rig, [[]]);
  });

  it("F36 unsaved edits of a second administrator, made while we write, are neither lost nor taken back", async () => {
    rig = await startRig({ route });
    const lines = ["configure voip", "ip-group 1", 'sip-group-name "edited.example"', "exit", "exit"];
    await control(rig.mock, "POST", "/faults", { name: "foreign-edit", ...when, lines });
    await expectConverted(rig, await convert(rig, "Amid"));
    const before = await startingRows();
    const groups = (before["IPGroup"] ?? []).map((row) =>
      row.index === 1 ? { ...row, fields: { ...row.fields, SIPGroupName: "edited.example" } } : row,
    );
    await assertInvariants(rig, [["Amid"]], { ...before, IPGroup: groups });
    expect((await statsOf(rig.mock)).saves).toBe(1);
    await assertDevice(rig.mock, ["Amid"], { ...before, IPGroup: groups });
  });

  // As the read-back is asked for.
  const readBack = route === "rest" ? { path: "cliScript", method: "GET" } : { match: "running-config" };

  it("F36 a second administrator edits the row that we just wrote, where it is not ours: the edit stays", async () => {
    rig = await startRig({ route });
    const lines = ["configure voip", "ip-group 5", 'sip-group-name "edited.example"', "exit", "exit"];
    await control(rig.mock, "POST", "/faults", { name: "foreign-edit", ...readBack, skip: 1, lines });
    await expectConverted(rig, await convert(rig, "Edited"));
    const { running } = await stateOf(rig.mock);
    expect(named(running["IPGroup"], "Name").get("Edited")?.fields["SIPGroupName"]).toBe("edited.example");
    await assertInvariants(rig, [["Edited"]]);
  });

  it("F36 a second administrator edits the row that we just wrote, where it is ours: that is no proof of it", async () => {
    rig = await startRig({ route });
    const lines = ["configure voip", "ip-group 5", 'media-realm-name ""', "exit", "exit"];
    await control(rig.mock, "POST", "/faults", { name: "foreign-edit", ...readBack, skip: 1, lines });
    await expectConverted(rig, await convert(rig, "Edited"));
    const { running } = await stateOf(rig.mock);
    expect(named(running["IPGroup"], "Name").get("Edited")?.fields["MediaRealm"]).toBe("MR_WAN");
    await assertInvariants(rig, [["Edited"]]);
  });
});
