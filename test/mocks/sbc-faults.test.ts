import { describe, expect, it } from "vitest";
import type { FaultOrder } from "../../mocks/sbc/faults.ts";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { control, customerLines, rest, rowAt, runningConfig, script, startDevice, state } from "./device.ts";

async function startFaulty(...faults: FaultOrder[]): Promise<MockSbc> {
  return startDevice({ faults });
}

const save = { method: "POST", headers: { "content-length": "0" } };

async function untilRequests(mock: MockSbc, count: number): Promise<void> {
  while (mock.device.recorder.stats.requests < count) await control(mock, "GET", "/stats");
}

describe("ha-sync", () => {
  it("answers 409 to writes, save and reset so many times, and to no read", async () => {
    const mock = await startFaulty({ name: "ha-sync", times: 3 });
    expect((await rest(mock, "files/cliScript")).status).toBe(200);
    expect((await script(mock, customerLines)).json()).toEqual({
      description: "Device is currently performing HA synchronization",
    });
    expect((await rest(mock, "actions/saveConfiguration", save)).status).toBe(409);
    expect((await rest(mock, "actions/reset", save)).status).toBe(409);
    expect(await rowAt(mock, "ProxySet", 4)).toBeUndefined();
    expect((await script(mock, customerLines)).status).toBe(200);
  });
});

describe("time", () => {
  it("slow holds each request up", async () => {
    const mock = await startFaulty({ name: "slow", ms: 40, path: "status", times: 1 });
    const started = performance.now();
    await rest(mock, "status");
    expect(performance.now() - started).toBeGreaterThan(35);
  });

  it("slow-lines lets other requests in between, and writers are counted", async () => {
    const mock = await startFaulty({ name: "slow-lines", ms: 5 });
    const [, , read] = await Promise.all([
      script(mock, customerLines),
      script(mock, ["show system version", "show system uptime"]),
      rest(mock, "status"),
    ]);
    expect(read.status).toBe(200);
    expect(mock.device.recorder.stats.mostWritersAtOnce).toBe(2);
    expect((await rowAt(mock, "IPGroup", 5))?.active).toBe(true);
  });

  it("scripts run one after the other without it", async () => {
    const mock = await startDevice();
    const customer = (index: number) =>
      customerLines.map((line) =>
        line
          .replace("acme-c", `acme-${index}`)
          .replace("SIPTrunk", `S${index}`)
          .replace("proxy-set 4", `proxy-set ${index}`)
          .replace("ip-group 5", `ip-group ${index}`),
      );
    await Promise.all([10, 11, 12].map((index) => script(mock, customer(index))));
    const lines = mock.device.recorder.received().lines.map((entry) => entry.line);
    const headers = lines.filter((line) => /^(proxy-set|ip-group) \d/.test(line)).map((line) => line.split(" ")[1]);
    expect(headers).toHaveLength(6);
    for (let place = 0; place < 6; place += 2) expect(headers[place]).toBe(headers[place + 1]);
  });

  it("hang never answers, and does the work first only when told so", async () => {
    const mock = await startFaulty({ name: "hang", times: 1 }, { name: "hang", times: 1, processed: true });
    const first = expect(script(mock, customerLines)).rejects.toThrow();
    await untilRequests(mock, 1);
    expect(await rowAt(mock, "ProxySet", 4)).toBeUndefined();
    const second = expect(script(mock, customerLines)).rejects.toThrow();
    while ((await rowAt(mock, "IPGroup", 5)) === undefined) await control(mock, "GET", "/stats");
    await mock.stop();
    await Promise.all([first, second]);
  });

  it("drip sends the whole answer byte by byte", async () => {
    const mock = await startFaulty({ name: "drip", ms: 0, times: 1 });
    expect((await rest(mock, "status")).json()).toMatchObject({ protocolType: "SIP" });
  });
});

describe("lost answers", () => {
  it("cut-after-request does the work and destroys the socket", async () => {
    const mock = await startFaulty({ name: "cut-after-request", path: "incremental", times: 1 });
    await expect(script(mock, customerLines)).rejects.toThrow();
    expect((await rowAt(mock, "IPGroup", 5))?.active).toBe(true);
    expect((await rest(mock, "status")).status).toBe(200);
  });

  it("cut-before-apply does not do the work", async () => {
    const mock = await startFaulty({ name: "cut-before-apply", method: "PUT", times: 1 });
    await expect(script(mock, customerLines)).rejects.toThrow();
    expect(await rowAt(mock, "ProxySet", 4)).toBeUndefined();
  });

  it("half-applied runs so many lines and leaves the open row inactive", async () => {
    const mock = await startFaulty({ name: "half-applied", lines: 13, times: 1 });
    await expect(script(mock, customerLines)).rejects.toThrow();
    expect((await rowAt(mock, "ProxySet", 4))?.active).toBe(true);
    expect(await rowAt(mock, "IPGroup", 5)).toMatchObject({ active: false, fields: { Name: "" } });
  });

  it("half-applied may claim success", async () => {
    const mock = await startFaulty({ name: "half-applied", lines: 2, answer: "success" });
    expect((await script(mock, customerLines)).json()).toMatchObject({ status: "success" });
    expect((await rowAt(mock, "ProxySet", 4))?.active).toBe(false);
  });
});

describe("answers that differ", () => {
  it("status-not-success follows a script that was applied", async () => {
    const mock = await startFaulty({ name: "status-not-success", status: "error", output: "why", times: 1 });
    expect((await script(mock, customerLines)).json()).toMatchObject({ status: "error", output: "why" });
    expect((await rowAt(mock, "IPGroup", 5))?.active).toBe(true);
  });

  it("reject-line refuses by text or pattern", async () => {
    const mock = await startFaulty({ name: "reject-line", match: "proxy-address", times: 1, text: "No." });
    expect((await script(mock, customerLines)).json()).toMatchObject({
      status: "failed",
      output: expect.stringContaining("No.") as string,
    });
    mock.faults.add({ name: "reject-line", pattern: "^ip-group \\d$" });
    expect((await script(mock, ["configure voip", "ip-group 4"])).json()).toMatchObject({ status: "failed" });
    expect((await script(mock, ["configure voip", "ip-group 44"])).json()).toMatchObject({ status: "success" });
  });

  it("no-save-needed takes the field out of the status", async () => {
    const mock = await startFaulty({ name: "no-save-needed" });
    expect((await rest(mock, "status")).json()).not.toHaveProperty("saveNeeded");
  });

  it("save-fails answers an error and saves nothing", async () => {
    const mock = await startFaulty({ name: "save-fails", times: 2, status: 500 });
    await script(mock, customerLines);
    expect((await rest(mock, "actions/saveConfiguration", save)).status).toBe(500);
    expect((await script(mock, ["write"])).json()).toMatchObject({ status: "failed" });
    expect((await state(mock)).startup["IPGroup"]).toHaveLength(3);
  });

  it("save-fails may claim to have worked", async () => {
    const mock = await startFaulty({ name: "save-fails", silent: true });
    await script(mock, customerLines);
    expect((await rest(mock, "actions/saveConfiguration", save)).status).toBe(200);
    expect((await rest(mock, "status")).json()).toMatchObject({ saveNeeded: true });
  });

  it("unauthorized-after lets so many requests through", async () => {
    const mock = await startFaulty({ name: "unauthorized-after", after: 2, times: 1 });
    const answers = [];
    for (let count = 0; count < 4; count += 1) answers.push((await rest(mock, "status")).status);
    expect(answers).toEqual([200, 200, 401, 200]);
  });
});

describe("reads that differ", () => {
  it("read-lag shows what was before the last write, for so many reads", async () => {
    const mock = await startFaulty({ name: "read-lag", times: 2 });
    const before = await runningConfig(mock);
    await script(mock, customerLines);
    expect(await runningConfig(mock)).toBe(before);
    expect((await rest(mock, "files/ini")).text).not.toContain("SIPTrunk");
    expect(await runningConfig(mock)).toContain("SIPTrunk");
  });

  it("truncate-read cuts the text, with or without the rest announced", async () => {
    const mock = await startFaulty(
      { name: "truncate-read", bytes: 100, times: 1 },
      { name: "truncate-read", cut: true },
    );
    expect((await rest(mock, "files/cliScript")).text).toHaveLength(100);
    await expect(rest(mock, "files/cliScript")).rejects.toThrow();
  });

  it("read-jitter leaves out the last row of a table every second time", async () => {
    const mock = await startFaulty({ name: "read-jitter", table: "ProxySet" });
    const seen = [];
    for (let count = 0; count < 3; count += 1)
      seen.push((await runningConfig(mock)).includes('proxy-name "PS_Fabrikam"'));
    expect(seen).toEqual([false, true, false]);
  });

  it.each([
    ["lower", "ACME", "acme"],
    ["upper", "acme", "ACME"],
    ["truncate", "acme-c", "acm"],
    ["default", "acme-c", ""],
  ] as const)("normalise stores a value in %s", async (to, given, stored) => {
    const mock = await startFaulty({ name: "normalise", table: "IPGroup", field: "ContactName", to, length: 3 });
    await script(mock, ["configure voip", "ip-group 4", `local-host-name "${given}"`, "activate"]);
    expect((await rowAt(mock, "IPGroup", 4))?.fields["ContactName"]).toBe(stored);
  });
});

describe("ordering faults", () => {
  it("answers the list of those that still strike", async () => {
    const mock = await startDevice();
    await control(mock, "POST", "/faults", [{ name: "slow", ms: 0, times: 2 }, { name: "no-save-needed" }]);
    await rest(mock, "status");
    expect((await control(mock, "GET", "/faults")).json()).toEqual([
      { name: "slow", ms: 0, times: 1 },
      { name: "no-save-needed" },
    ]);
    expect((await control(mock, "DELETE", "/faults")).json()).toEqual([]);
    expect((await rest(mock, "status")).json()).toHaveProperty("saveNeeded");
  });

  it.each([
    [{ name: "gremlins" }],
    [{ name: "slow" }],
    [{ name: "slow", ms: 1, colour: "red" }],
    [{ name: "reject-line", pattern: "(" }],
    [{ name: "ha-sync", times: 0 }],
    ["slow"],
  ])("refuses %j", async (order) => {
    const mock = await startDevice();
    const answer = await control(mock, "POST", "/faults", order);
    expect(answer.status).toBe(400);
    expect(answer.json()).toHaveProperty("error");
    expect(mock.faults.list()).toEqual([]);
  });
});
