import { describe, expect, it } from "vitest";
import type { Trouble } from "./hand-made-portal.ts";
import { atPortal, device, failed, faultOf, gateway } from "./setting.ts";

const setting = atPortal();
const polls = () => setting.portal.requestsTo("poll");
const instead = (body: string): Trouble => ({ answer: { status: 200, body } });
const nothing = instead(JSON.stringify({ cursor: "same", devices: [], missing: [] }));
const settled = () => setting.portal.until(() => polls().at(-1)?.status === 0);

function arrivals(): string[] {
  const heard: string[] = [];
  setting.remote.source.watch((event) => {
    if (event.kind === "ready") heard.push(event.device);
  });
  return heard;
}

describe("an agent that polls", () => {
  it("says what it serves, and is fresh until it was heard once", async () => {
    setting.portal.trouble("poll", { connection: "reset" }, 2);
    await setting.start();
    await settled();

    expect(polls().map(({ body }) => body["fresh"])).toEqual([true, true, true, false]);
    expect(polls().map(({ body }) => body["waitSeconds"])).toEqual([0, 0, 0, 25]);
    expect(polls()[2]?.body).toMatchObject({
      identity: "identity-journal.db",
      version: "0.0.0",
      cursor: "",
      devices: [
        { device, gateways: [gateway], standing: false },
        { device: "sbc-2", gateways: ["gw2.example.com"], standing: false },
      ],
    });
  });

  it("is fresh again when it was started again, under the same identity", async () => {
    await setting.start();
    const before = polls().length;
    await setting.crash();
    await setting.start();

    expect(polls()[before]?.body).toMatchObject({ identity: "identity-journal.db", fresh: true, cursor: "" });
  });

  it("tells of each arrival once, also of what waited before it started", async () => {
    const heard = arrivals();
    setting.portal.accept({ shortName: "Early", gateway });
    await setting.start();
    await settled();
    expect(heard).toEqual([device]);

    for (const shortName of ["A", "B"]) setting.portal.accept({ shortName, gateway });
    await setting.portal.until(() => heard.length === 3);
    const { lease, conversions } = await setting.claim();
    await setting.remote.source.complete(
      lease,
      conversions.map(({ taskId }) => failed(taskId)),
    );
    const before = polls().length;
    await setting.portal.until(() => polls().length > before && polls().at(-1)?.status === 0);
    expect(heard).toHaveLength(3);
    setting.portal.accept({ shortName: "C", gateway: "gw2.example.com" });
    await setting.portal.until(() => heard.length === 4);
    expect(heard[3]).toBe("sbc-2");
  });

  it("tells of no more arrivals than wait, where the portal counts anew whenever nothing waits", async () => {
    const heard = arrivals();
    for (const [waiting, arrived] of [
      [0, 0],
      [1, 4_711],
      [0, 0],
      [2, 4_713],
      [1, 4_712],
    ]) {
      const state = { device, waiting, arrived, oldestAcceptedAt: null, linked: 0 };
      setting.portal.trouble("poll", instead(JSON.stringify({ cursor: `${arrived}`, devices: [state], missing: [] })));
    }
    await setting.start();
    await setting.portal.until(() => polls().length === 6);

    expect(heard).toHaveLength(3);
  });

  it("knows nothing of queues, links and devices before the first answer, and all of it afterwards", async () => {
    const { source } = setting.remote;
    expect([await source.queues(), await source.countLinks(), await source.namedDevices()]).toEqual([[], [], []]);
    const acceptedAt = Date.UTC(2026, 0, 1);
    setting.portal.accept({ shortName: "A", gateway, acceptedAt });
    await setting.start();
    await settled();

    expect(await source.queues()).toEqual([
      { device, waiting: 1, amendments: 0, owed: 0, arrived: 1, oldestAcceptedAt: acceptedAt },
    ]);
    expect(await source.namedDevices()).toEqual([device]);
  });

  it("names the devices that nobody announces, and says so in the log, once", async () => {
    const body = JSON.stringify({ cursor: "x", devices: [], missing: ["sbc-9"] });
    setting.portal.trouble("poll", instead(body), 3);
    await setting.start();
    await setting.portal.until(() => polls().length === 4);
    expect(setting.remote.missing()).toEqual(["sbc-9"]);
    expect(await setting.remote.source.namedDevices()).toEqual(["sbc-9"]);
    await setting.portal.until(() => polls().length === 5);
    expect(setting.remote.missing()).toEqual([]);
    expect(setting.logged.filter((line) => line.includes("sbc-9"))).toHaveLength(1);
  });

  it("says at once that a device stands still, though its poll is held back", async () => {
    await setting.start();
    await settled();
    await setting.remote.source.setStandstill(device, true);
    await setting.portal.until(() => setting.portal.announced(device)?.standing === true);
    await setting.remote.source.setStandstill(device, false);
    await setting.portal.until(() => setting.portal.announced(device)?.standing === false);
    const before = polls().length;
    await settled();
    await setting.remote.source.setStandstill(device, false);

    expect(polls()).toHaveLength(before);
    expect(setting.remote.trouble()).toBeUndefined();
  });

  it("says from the first poll on that a paused device stands still", async () => {
    await setting.journal.pauseDevice(device, "maintenance", "test");
    await setting.start();

    expect(polls()[0]?.body["devices"]).toMatchObject([{ standing: true }, { standing: false }]);
  });

  it("does not run hot at a portal that answers at once and has nothing new", async () => {
    setting.portal.trouble("poll", nothing, 20);
    const before = setting.pace.nowMs();
    await setting.start();
    await setting.portal.until(() => polls().length === 21);

    expect(setting.pace.nowMs() - before).toBeGreaterThanOrEqual(19_000);
  });

  it("does not run hot at a portal that always has something new", async () => {
    for (let i = 0; i < 20; i += 1)
      setting.portal.trouble("poll", instead(JSON.stringify({ cursor: `${i}`, devices: [], missing: [] })));
    const before = setting.pace.nowMs();
    await setting.start();
    await setting.portal.until(() => polls().length === 21);

    expect(setting.pace.nowMs() - before).toBeGreaterThanOrEqual(800);
  });

  it("gives a poll up that hangs for longer than it may be held back", async () => {
    await setting.start();
    setting.portal.trouble("poll", { connection: "hang" });
    await setting.remote.source.setStandstill(device, true);
    const before = polls().length;
    await setting.portal.until(() => polls().length > before);
    await setting.pace.untilWaitingFor(35_000);
    setting.pace.advance(35_000);
    await setting.portal.until(() => polls().length > before + 1);

    expect(setting.logged.join()).toContain("did not answer POST /api/pull/v1/poll within 35 s");
  });

  it.each<[string, Trouble]>([
    ["no JSON", instead("<html>")],
    ["other types", instead('{"cursor":7,"devices":"none","missing":null}')],
    ["500", { answer: { status: 500 } }],
  ])("goes on, and says so once, when it is answered %s", async (_what, trouble) => {
    setting.portal.trouble("poll", trouble, 5);
    await setting.remote.start();
    await setting.portal.until(() => polls().length === 7);

    expect(setting.remote.reachedAt()).toBeDefined();
    expect(setting.remote.trouble()).toBeUndefined();
    expect(setting.logged.map((line) => line.split(" {")[0])).toEqual([
      "warn portal does not hear this agent",
      "info portal hears this agent again",
    ]);
  });

  it("claims nothing before it was heard: an answer to its first poll frees leases", async () => {
    setting.portal.trouble("poll", { connection: "hang" });
    await setting.remote.start();
    await setting.portal.until(() => polls().length === 1);
    // That poll is not cut off either: it could arrive later.
    await setting.remote.source.setStandstill(device, true);
    const claimed = faultOf(setting.claim());
    await setting.pace.untilWaitingFor(5_000);
    setting.pace.advance(5_000);

    expect(await claimed).toMatchObject({ code: "portal", fault: "unreachable" });
    expect(polls()).toHaveLength(1);
    expect(setting.portal.requestsTo("claim")).toHaveLength(0);
  });

  it("claims as soon as it is heard", async () => {
    setting.portal.trouble("poll", { connection: "reset" }, 3);
    await setting.remote.start();

    expect((await setting.claim()).lease.fence).toBe(1);
  });
});

describe("a refused announcement", () => {
  it("is told, keeps from claiming, and ends by itself", async () => {
    const refusal = { answer: { status: 409, body: JSON.stringify({ title: "Announced elsewhere", detail: "by b" }) } };
    const { pace, portal, remote } = setting;
    portal.trouble("poll", { answer: { status: 429, headers: { "retry-after": "0" } } });
    portal.trouble("poll", refusal);
    portal.trouble("poll", { answer: { status: 409, headers: { "retry-after": "7" } } });
    portal.trouble("poll", { answer: { status: 503, headers: { "retry-after": "7" } } });
    await remote.start();
    await pace.untilWaitingFor(7_000);
    pace.advance(7_000);
    await portal.until(() => polls().length === 6);

    expect(setting.logged.filter((line) => line.startsWith("error"))).toHaveLength(1);
    expect(setting.logged.join()).toContain("Announced elsewhere: by b");
    expect(remote.refusal()).toBeUndefined();
    expect((await setting.claim()).lease.fence).toBe(1);
  });

  it("stays one while another agent serves the device", async () => {
    await setting.start();
    const other = setting.another();
    await other.start();
    await setting.portal.until(() => other.refusal() !== undefined || polls().length > 4);
    const claim = other.source.claimDevice(device, { holder: "x", durationMs: 60_000, graceMs: 0, max: 1 });

    expect(await faultOf(claim)).toMatchObject({ fault: "refused", status: 409 });
    expect(other.refusal()).toContain("Announced elsewhere");
    expect(setting.portal.announced(device)?.identity).toBe("identity-journal.db");
  });
});

describe("stopping", () => {
  it("ends a poll that is held back at once, and leaves no connection and no timer", async () => {
    await setting.start();
    await settled();
    // Over a connection of its own, which is kept.
    await setting.claim();
    await setting.remote.stop();
    await setting.portal.until(() => setting.portal.openSockets() === 0);

    expect(setting.pace.pending()).toBe(0);
  });

  it("ends the wait between two polls", async () => {
    setting.portal.trouble("poll", { answer: { status: 503, headers: { "retry-after": "200" } } }, 5);
    await setting.remote.start();
    await setting.pace.untilWaitingFor(200_000);
    await setting.remote.stop();

    expect(setting.pace.pending()).toBe(0);
    expect(polls()).toHaveLength(1);
  });

  it("lets nothing be claimed from the moment of draining, while what is under way goes on", async () => {
    const { taskId } = setting.portal.accept({ shortName: "Acme", gateway });
    await setting.start();
    const { lease } = await setting.claim();
    setting.portal.trouble("claim", { connection: "hang" });
    const claimed = faultOf(setting.claim());
    await setting.portal.until(() => setting.portal.requestsTo("claim").length === 2);
    setting.remote.drain(3_600_000);

    expect(await claimed).toMatchObject({ fault: "stopped" });
    expect(await faultOf(setting.claim())).toMatchObject({ fault: "stopped" });
    await setting.remote.source.complete(lease, [failed(taskId)]);
    expect(setting.portal.conversions.get(taskId)?.state).toBe("ended");
  });

  it("cuts short what is under way when the grace of draining is over, and gives leases back even then", async () => {
    await setting.start();
    const { lease } = await setting.claim();
    setting.portal.trouble("complete", { connection: "hang" });
    const reported = faultOf(setting.remote.source.complete(lease, [failed("wst_1")]));
    await setting.portal.until(() => setting.portal.requestsTo("complete").length === 1);
    setting.remote.drain(0);

    expect(await reported).toMatchObject({ fault: "stopped" });
    await setting.remote.source.releaseLease(lease);
    expect(setting.portal.holds(device)).toBe(false);
  });
});
