import { connect } from "node:net";
import { describe, expect, it } from "vitest";
import type { Alarm } from "../../mocks/sbc/device.ts";
import { ask, control, customerLines, rest, script, startDevice, state, upload } from "./device.ts";

const stranger = "Admin:wrong";
const monitor = "User:User";

describe("log-in", () => {
  it.each([
    ["no credentials", null],
    ["a wrong password", stranger],
    ["another case of the name", "admin:Admin"],
    ["an unknown user", "Nobody:Admin"],
  ])("answers 401 to %s", async (_what, login) => {
    const mock = await startDevice();
    expect((await rest(mock, "status", { login })).status).toBe(401);
  });

  it("takes the account that it was started with", async () => {
    const mock = await startDevice({ user: "svc", password: "s:e c" });
    expect((await rest(mock, "status", { login: "svc:s:e c" })).status).toBe(200);
    expect((await rest(mock, "status")).status).toBe(401);
  });

  it("blocks the address after three failures, even with the right password", async () => {
    const mock = await startDevice({ settings: { blockedStatus: 403 } });
    for (let count = 0; count < 3; count += 1) await rest(mock, "status", { login: stranger });
    expect((await rest(mock, "status")).status).toBe(403);
    expect(mock.device.recorder.stats.failedLogins).toBe(3);
  });

  it("forgets failures at a log-in that succeeds, and never blocks when told so", async () => {
    const mock = await startDevice();
    for (const login of [stranger, stranger, "Admin:Admin", stranger, stranger]) await rest(mock, "status", { login });
    expect((await rest(mock, "status")).status).toBe(200);
    await control(mock, "PUT", "/settings", { denyAccessOnFailCount: 0 });
    for (let count = 0; count < 5; count += 1) await rest(mock, "status", { login: stranger });
    expect((await rest(mock, "status")).status).toBe(200);
  });

  it("ends a block when its time is over", async () => {
    const mock = await startDevice({ settings: { denyAuthenticationTimer: 0 } });
    for (let count = 0; count < 3; count += 1) await rest(mock, "status", { login: stranger });
    expect((await rest(mock, "status")).status).toBe(200);
  });
});

describe("levels and methods", () => {
  it.each([
    ["GET", "status", 200],
    ["GET", "alarms", 200],
    ["GET", "kpi/current", 200],
    ["GET", "versions", 200],
    ["GET", "actions", 403],
    ["GET", "files/ini", 403],
    ["GET", "license", 403],
    ["POST", "actions/saveConfiguration", 403],
  ])("lets a Monitor %s %s with %i", async (method, path, status) => {
    const mock = await startDevice();
    expect((await rest(mock, path, { method, login: monitor, headers: { "content-length": "0" } })).status).toBe(
      status,
    );
  });

  it("answers 405 to a level too low when set so", async () => {
    const mock = await startDevice({ settings: { levelTooLowStatus: 405 } });
    expect((await rest(mock, "files/ini", { login: monitor })).status).toBe(405);
  });

  it("keeps authToken for Security Administrators", async () => {
    const mock = await startDevice({ users: [{ name: "adm", password: "adm", level: "administrator" }] });
    const ticket = { method: "POST", body: JSON.stringify({ username: "x", privLevel: "admin" }) };
    expect((await rest(mock, "actions/authToken", { ...ticket, login: "adm:adm" })).status).toBe(403);
    expect((await rest(mock, "files/ini", { login: "adm:adm" })).status).toBe(200);
    const answer = await rest(mock, "actions/authToken", ticket);
    expect(answer.json()).toMatchObject({ description: "Authentication token successfully generated" });
  });

  it.each([
    ["PUT", "versions"],
    ["DELETE", "alarms"],
    ["GET", "actions/reset"],
    ["GET", "actions/authToken"],
    ["PUT", "actions/saveConfiguration"],
    ["GET", "files/ini/incremental"],
    ["GET", "files/tls/0/privateKey"],
    ["POST", "files/cliScript"],
  ])("answers 405 to %s %s", async (method, path) => {
    const mock = await startDevice();
    expect((await rest(mock, path, { method })).status).toBe(405);
  });

  it.each([["sbc"], ["ipGroup"], ["files/nothing"], ["files/configurationPackage.7z"]])(
    "answers 404 to %s",
    async (path) => {
      const mock = await startDevice();
      expect((await rest(mock, path)).status).toBe(404);
    },
  );

  it("overlooks a trailing slash, the case of a path and an odd query", async () => {
    const mock = await startDevice();
    expect((await rest(mock, "STATUS/?&limit=100")).status).toBe(200);
    expect((await ask(`${mock.rest}/api/`, { ca: mock.certificatePem })).status).toBe(200);
    expect((await ask(`${mock.rest}/api/v1`, { ca: mock.certificatePem })).status).toBe(200);
  });
});

describe("status", () => {
  it("names the device", async () => {
    const mock = await startDevice({ name: "oc1", firmware: "7.40A.500.786", serialNumber: "42" });
    expect((await rest(mock, "status")).json()).toMatchObject({
      productType: "oc1",
      versionID: "7.40A.500.786",
      serialNumber: "42",
      highAvailability: "Not Operational",
      operationalState: "UNLOCKED",
      saveNeeded: false,
      resetNeeded: false,
    });
  });

  it("counts the time since boot in the unit that is set", async () => {
    const mock = await startDevice({ settings: { uptimeUnit: "seconds" } });
    expect((await rest(mock, "status")).json()).toMatchObject({ systemUpTime: 0 });
  });
});

describe("running and startup configuration", () => {
  it("forgets unsaved changes at a reset without saving", async () => {
    const mock = await startDevice();
    await script(mock, customerLines);
    expect((await rest(mock, "status")).json()).toMatchObject({ saveNeeded: true });
    const answer = await rest(mock, "actions/reset", { method: "POST", body: '{"saveConfiguration":false}' });
    expect(answer.json()).toEqual({ description: "Device will reset now" });
    expect((await state(mock)).running["IPGroup"]?.map((row) => row.index)).toEqual([0, 1, 4]);
  });

  it("saves at a reset unless told otherwise", async () => {
    const mock = await startDevice();
    await script(mock, customerLines);
    await rest(mock, "actions/reset", { method: "POST", body: "{}" });
    expect((await state(mock)).running["IPGroup"]?.map((row) => row.index)).toEqual([0, 1, 4, 5]);
  });

  it.each([['{"saveConfiguration":"no"}'], ['{"gracefulTimeout":-1}'], ["[]"], ["{"], ['{"other":1}']])(
    "refuses to reset on %j",
    async (body) => {
      const mock = await startDevice();
      expect((await rest(mock, "actions/reset", { method: "POST", body })).status).toBe(400);
    },
  );

  it.each([[""], ["{}"]])("saves on the body %j", async (body) => {
    const mock = await startDevice();
    await script(mock, customerLines);
    const headers = { "content-length": String(body.length) };
    const answer = await rest(mock, "actions/saveConfiguration", { method: "POST", body, headers });
    expect(answer).toMatchObject({ status: 200, text: "" });
    const { startup, saveNeeded } = await state(mock);
    expect(saveNeeded).toBe(false);
    expect(startup["IPGroup"]?.map((row) => row.index)).toEqual([0, 1, 4, 5]);
  });

  it("wants the length of the body to save", async () => {
    const mock = await startDevice();
    const headers = { "transfer-encoding": "chunked" };
    expect((await rest(mock, "actions/saveConfiguration", { method: "POST", headers })).status).toBe(400);
  });

  it("loses what flash had not taken when power fails", async () => {
    const mock = await startDevice({ saveMs: 60_000 });
    await script(mock, customerLines);
    const saving = rest(mock, "actions/saveConfiguration", { method: "POST", headers: { "content-length": "0" } });
    const cut = expect(saving).rejects.toThrow();
    while (mock.device.recorder.received().requests.at(-1)?.path !== "/api/v1/actions/saveConfiguration") {
      await control(mock, "GET", "/stats");
    }
    await control(mock, "POST", "/reboot");
    await cut;
    expect((await state(mock)).startup["IPGroup"]).toHaveLength(3);
    expect((await state(mock)).running["IPGroup"]).toHaveLength(3);
  });

  it("does not finish a save that a reset cut off", async () => {
    const mock = await startDevice({ saveMs: 20 });
    const saving = mock.device.save();
    mock.device.reboot(false);
    expect(await saving).toBe(false);
    expect(mock.device.recorder.stats.saves).toBe(0);
  });

  it("still needs a save for what changed while flash was written", async () => {
    const mock = await startDevice({ saveMs: 20 });
    await script(mock, customerLines);
    const saving = mock.device.save();
    await script(mock, ["configure voip", "no ip-group 5"]);
    await saving;
    const { startup, saveNeeded } = await state(mock);
    expect([startup["IPGroup"]?.length, saveNeeded]).toEqual([4, true]);
  });

  it("turns every connection away while it boots", async () => {
    const mock = await startDevice({ bootMs: 60_000 });
    await control(mock, "POST", "/reboot");
    await expect(rest(mock, "status")).rejects.toThrow();
    expect((await control(mock, "GET", "/stats")).status).toBe(200);
  });
});

describe("alarms", () => {
  const alarms: Alarm[] = ["3", "7", "9"].map((id) => ({
    id,
    description: `Alarm ${id}`,
    severity: "Major",
    source: "Board#1",
    date: "2010-03-01T23:00:00.000Z",
    oid: "1.3.6.1.4.1.5003",
  }));

  it("answers 204 where there are none", async () => {
    const mock = await startDevice();
    expect((await rest(mock, "alarms/active")).status).toBe(204);
  });

  it("cuts lists into pages by cursor, with strings all along", async () => {
    const mock = await startDevice({ alarms: { active: alarms, history: [] } });
    const first = (await rest(mock, "alarms/active/?&limit=2")).json();
    expect(first).toEqual({
      alarms: [
        { id: "3", description: "Alarm 3", url: "/api/v1/alarms/active/3" },
        { id: "7", description: "Alarm 7", url: "/api/v1/alarms/active/7" },
      ],
      cursor: { after: "7", before: "-1" },
    });
    const second = (await rest(mock, "alarms/active?limit=2&after=7")).json();
    expect(second).toMatchObject({ alarms: [{ id: "9" }], cursor: { after: "-1", before: "9" } });
    const back = (await rest(mock, "alarms/active?limit=2&before=9")).json();
    expect(back).toMatchObject({ alarms: [{ id: "3" }, { id: "7" }] });
  });

  it("shows one alarm with its severity, and the trap on request", async () => {
    const mock = await startDevice({ alarms: { active: alarms, history: [] } });
    expect((await rest(mock, "alarms/active/7")).json()).not.toHaveProperty("oid");
    expect((await rest(mock, "alarms/active/7?oid=1")).json()).toMatchObject({
      severity: "Major",
      oid: alarms[0]?.oid,
    });
    expect((await rest(mock, "alarms/active/8")).status).toBe(404);
  });
});

describe("performance", () => {
  it("lists what stands below a path", async () => {
    const mock = await startDevice();
    expect((await rest(mock, "kpi/current/sbc/callStats/ipGroup")).json()).toMatchObject({
      items: [{ id: "0" }, { id: "1" }, { id: "4" }],
    });
    expect((await rest(mock, "kpi/current/sbc/callStats/global/activeCallsIn")).json()).toMatchObject({
      items: [{ id: "activeCallsIn", value: 0 }],
    });
    expect((await rest(mock, "kpi/current/sbc/callStats/ipGroup/4?limit=1")).json()).toMatchObject({
      cursor: { start: "0", before: "-1", after: "1", end: "0" },
    });
    expect((await rest(mock, "kpi/history/sbc/callStats/global?interval=all")).status).toBe(200);
  });

  it.each([
    ["kpi/current/nothing", 404],
    ["kpi/current/sbc/callStats/ipGroup/99", 404],
    ["kpi/current/sbc/callStats/global?limit=x", 400],
    ["kpi/current/sbc/callStats/global?after=50", 204],
  ])("answers GET %s with %i", async (path, status) => {
    const mock = await startDevice();
    expect((await rest(mock, path)).status).toBe(status);
  });

  it("is performanceMonitoring on 7.2", async () => {
    const mock = await startDevice({ firmware: "7.20A.258.119" });
    expect((await rest(mock, "kpi/current")).status).toBe(404);
    expect((await rest(mock, "performanceMonitoring")).json()).toEqual({ items: ["activeCalls"] });
    expect((await rest(mock, "performanceMonitoring/activeCalls?index=0&interval=1")).json()).toMatchObject({
      value: 0,
    });
    const newer = await startDevice();
    expect((await rest(newer, "performanceMonitoring")).status).toBe(404);
  });
});

describe("licence", () => {
  const put = (body: object) => ({ method: "PUT", body: JSON.stringify(body) });

  it("takes a key for its own serial number only", async () => {
    const mock = await startDevice({ serialNumber: "42" });
    expect((await rest(mock, "license", put({ key: "k", serialNumber: "43" }))).status).toBe(400);
    expect((await rest(mock, "license", put({}))).status).toBe(400);
    expect((await rest(mock, "license", put({ key: "k", serialNumber: "42" }))).status).toBe(200);
    expect((await rest(mock, "license")).json()).toMatchObject({ licenseVersion: 1, key: "k", serialNumber: "42" });
  });

  it("answers 409 to JSON on a pair, and takes a file", async () => {
    const mock = await startDevice({ highAvailability: true });
    expect((await rest(mock, "license", put({ key: "k" }))).status).toBe(409);
    expect((await upload(mock, "license", "key of both")).status).toBe(200);
    expect((await rest(mock, "license")).json()).toMatchObject({ keyRedundant: "key of both" });
  });
});

describe("test calls", () => {
  const firmware = "7.40A.600.203";
  const dial = (body: object) => ({ method: "POST", body: JSON.stringify(body) });

  it("exist from 7.40A.600 on", async () => {
    const mock = await startDevice();
    expect((await rest(mock, "sipTestCall/show")).status).toBe(404);
  });

  it("are dialled, looked at and dropped, and speak of errorDescription", async () => {
    const mock = await startDevice({ firmware });
    expect((await rest(mock, "sipTestCall/dial", dial({ calledNumber: "1" }))).json()).toEqual({
      errorDescription: "callingNumber is missing",
    });
    const call = { calledNumber: "1", callingNumber: "2", destIpGroup: "Teams-OC" };
    expect((await rest(mock, "sipTestCall/dial", dial(call))).json()).toEqual({ sessionId: "1" });
    expect((await rest(mock, "sipTestCall/getStatus?sessionId=1")).json()).toMatchObject({ callStatus: "Connected" });
    expect((await rest(mock, "sipTestCall/drop?sessionId=1", { method: "DELETE" })).status).toBe(200);
    expect((await rest(mock, "sipTestCall/getStatus?sessionId=1")).status).toBe(404);
    expect((await rest(mock, "sipTestCall/getStatus")).status).toBe(400);
  });
});

describe("stopping", () => {
  it("ends connections that are still open, and may be asked twice", async () => {
    const mock = await startDevice({ faults: [{ name: "hang" }] });
    const waiting = expect(rest(mock, "status")).rejects.toThrow();
    const idle = connect(Number(new URL(mock.rest).port), "127.0.0.1");
    const closed = new Promise((resolve) => {
      idle.once("error", () => undefined);
      idle.once("close", resolve);
    });
    while (mock.device.recorder.stats.requests === 0) await control(mock, "GET", "/stats");
    await Promise.all([mock.stop(), mock.stop()]);
    await Promise.all([waiting, closed]);
  });

  it("is refused a start on a model, a setting or a fault that does not exist", async () => {
    await expect(startDevice({ model: "abacus" })).rejects.toThrow("abacus");
    const settings = JSON.parse('{"colour":"red"}') as object;
    await expect(startDevice({ settings })).rejects.toThrow("colour");
  });
});
