import { describe, expect, it } from "vitest";
import { createRemoteSource, type RemoteSource } from "../../agent/source/remote.ts";
import { openRemoteJournal } from "../../agent/source/remote-journal.ts";
import type { Link } from "../../agent/store/model.ts";
import type { DetachedJournal } from "../../agent/store/journal-store.ts";
import type { Claim } from "../../agent/store/portal-store.ts";
import { LeaseLost } from "../../agent/store/store.ts";
import type { Trouble } from "./hand-made-portal.ts";
import type { PortalConversion } from "./portal-state.ts";
import type { Json } from "./portal-words.ts";
import { atPortal, device, devices, failed, faultOf, gateway, linked, record, secret } from "./setting.ts";

const setting = atPortal();
const accept = (shortName: string): PortalConversion =>
  setting.portal.accept({ shortName, gateway, secrets: { CarrierUserPassword: secret } });
const rewritten = (change: (answer: Json & { conversions: Json[] }) => void): Trouble => ({
  answer: {
    status: 200,
    body(text) {
      const answer = JSON.parse(text) as Json & { conversions: Json[] };
      change(answer);
      return JSON.stringify(answer);
    },
  },
});
const idsOf = ({ conversions }: Claim): string[] => conversions.map(({ taskId }) => taskId);
const stateOf = (conversion: PortalConversion) => setting.portal.conversions.get(conversion.taskId)?.state;
const unreported = () => setting.journal.unreported(device);

/** The same agent with a journal that does some things otherwise. */
function withJournal(changes: Partial<DetachedJournal>): RemoteSource {
  const { client, journal, log, pace } = setting;
  return createRemoteSource({
    client,
    journal: { ...journal, ...changes },
    identity: "identity-journal.db",
    devices,
    version: "0.0.0",
    log,
    now: () => Date.now(),
    pace,
  });
}

/** What a run does with a claim: record, (write,) save, report. */
async function work({ lease, conversions }: Claim): Promise<void> {
  const { source, journal } = setting.remote;
  await journal.recordWrite(lease, record(conversions.map(({ taskId }) => taskId)));
  await journal.recordSaved(lease);
  await source.complete(lease, conversions.map(linked));
  await source.releaseLease(lease);
}

describe("a claim", () => {
  it("brings what waits, with secrets, and takes it to the end", async () => {
    const conversion = accept("Acme");
    await setting.start();
    const claim = await setting.claim();
    expect(claim).toMatchObject({
      lease: { device, fence: 1, durationMs: 120_000 },
      conversions: [
        { taskId: conversion.taskId, variant: "ip-group", device, secrets: { CarrierUserPassword: secret } },
      ],
      unresolved: [],
    });
    expect(claim.conversions[0]?.acceptedAt).toBe(conversion.acceptedAt);
    await work(claim);

    expect(stateOf(conversion)).toBe("ended");
    expect(setting.portal.links.get(conversion.customerGuid)).toMatchObject({ shortName: "Acme", device });
    expect(setting.portal.holds(device)).toBe(false);
    expect(await unreported()).toEqual([]);
    expect(await setting.journal.unresolved(device)).toEqual([]);
  });

  it("whose answer is lost is made again, and takes over at once", async () => {
    const conversion = accept("Acme");
    await setting.start();
    setting.portal.trouble("claim", { connection: "reset", done: true }, 2);
    const claim = await setting.claim();

    expect(claim.lease.fence).toBe(3);
    await work(claim);
    expect(stateOf(conversion)).toBe("ended");
  });

  it("is made anew by the next process, and what the dead one held is free", async () => {
    const conversion = accept("Acme");
    await setting.start();
    await setting.claim();
    await setting.crash();
    await setting.start();
    expect(setting.portal.holds(device)).toBe(false);
    const claim = await setting.claim();

    expect(idsOf(claim)).toEqual([conversion.taskId]);
    expect(claim.lease.fence).toBe(2);
  });

  it("that somebody else has is held", async () => {
    await setting.start();
    setting.portal.takeOver(device);
    const claim = { holder: "agent", durationMs: 120_000, graceMs: 0, max: 1 };

    expect(await setting.remote.source.claimDevice(device, claim)).toMatchObject({ kind: "held" });
  });

  it("takes a conversion that is delivered three times at once as one, in whatever order", async () => {
    const [first, second] = [accept("A"), accept("B")];
    await setting.start();
    const repeated = rewritten((answer) => {
      answer.conversions = [...answer.conversions, ...answer.conversions, ...answer.conversions].reverse();
    });
    setting.portal.trouble("claim", repeated);
    const claim = await setting.claim();

    expect(idsOf(claim).sort()).toEqual([first.taskId, second.taskId].sort());
    await work(claim);
    expect([stateOf(first), stateOf(second)]).toEqual(["ended", "ended"]);
  });

  it("leaves a conversion alone that is delivered for another device as well", async () => {
    const conversion = accept("Acme");
    await setting.start();
    const own = await setting.claim();
    const body = JSON.stringify(own.conversions.map((each) => ({ ...each, acceptedAt: "", deadlineAt: "" })));
    const delivered = JSON.parse(body) as Json[];
    const time = new Date(conversion.acceptedAt).toISOString();
    setting.portal.trouble(
      "claim",
      rewritten((answer) => {
        answer.conversions = delivered.map((each) => ({ ...each, acceptedAt: time, deadlineAt: time }));
      }),
    );
    const claim = { holder: "agent", durationMs: 120_000, graceMs: 0, max: 10 };
    const other = await setting.remote.source.claimDevice("sbc-2", claim);

    expect(other).toMatchObject({ kind: "claimed", claim: { conversions: [] } });
    expect(setting.logged.join()).toContain("a conversion came for the wrong device");
  });

  it("that cannot be noted is given back", async () => {
    await setting.start();
    const remote = withJournal({ noteLease: () => Promise.reject(new Error("disk full")) });
    await remote.start();

    const claim = { holder: "agent", durationMs: 120_000, graceMs: 0, max: 1 };
    await expect(remote.source.claimDevice(device, claim)).rejects.toThrow("disk full");
    expect(setting.portal.requestsTo("claim")).toHaveLength(1);
    expect(setting.portal.holds(device)).toBe(false);
    await remote.stop();
  });

  it("asks about 5000 tasks at most, and takes none for reported that it did not ask about", async () => {
    await setting.start();
    const recorded = Array.from({ length: 5_001 }, (_, i) => `wst_${i}`);
    const noted: string[][] = [];
    const remote = withJournal({
      unreported: async () => recorded,
      async noteLease(_lease, openTasks) {
        noted.push([...openTasks]);
        return [];
      },
    });
    await remote.start();
    await remote.source.claimDevice(device, { holder: "agent", durationMs: 120_000, graceMs: 0, max: 1 });

    expect(setting.portal.requestsTo("claim")[0]?.body["openTasks"]).toEqual(recorded.slice(0, 5_000));
    expect(noted).toEqual([["wst_5000"]]);
    await remote.stop();
  });
});

describe("what is on record", () => {
  it("is marked as sent at the portal first", async () => {
    const conversion = accept("Acme");
    await setting.start();
    const { lease } = await setting.claim();
    setting.portal.trouble("sent", { connection: "reset", done: true }, 3);
    await setting.remote.journal.recordWrite(lease, record([conversion.taskId]));

    expect(conversion.sent).toBe(true);
    expect(await unreported()).toEqual([conversion.taskId]);
  });

  it("is not written when somebody else has the device, also where no conversion is concerned", async () => {
    const conversion = accept("Acme");
    await setting.start();
    const { lease } = await setting.claim();
    setting.portal.takeOver(device);

    for (const taskIds of [[conversion.taskId], []])
      await expect(setting.remote.journal.recordWrite(lease, record(taskIds))).rejects.toThrow(LeaseLost);
    expect(conversion.sent).toBe(false);
    expect(await setting.journal.unresolved(device)).toEqual([]);
  });

  it("is not written when the portal cannot be asked: the run is put off", async () => {
    const conversion = accept("Acme");
    await setting.start();
    const { lease } = await setting.claim();
    setting.portal.trouble("sent", { answer: { status: 503, headers: { "retry-after": "300" } } });

    const put = await faultOf(setting.remote.journal.recordWrite(lease, record([conversion.taskId])));
    expect(put).toMatchObject({ code: "portal", afterMs: 300_000, needsHuman: false });
    expect(await setting.journal.unresolved(device)).toEqual([]);
  });

  it("is unmarked again when it could not be written, but for what an earlier record names", async () => {
    const [first, second] = [accept("A"), accept("B")];
    await setting.start();
    const { lease } = await setting.claim();
    await setting.remote.journal.recordWrite(lease, record([first.taskId]));
    const full = { ...setting.journal, recordWrite: () => Promise.reject(new Error("disk full")) };
    const journal = openRemoteJournal(full, setting.client, () => 60_000, { warn: () => undefined });

    await expect(journal.recordWrite(lease, record([first.taskId, second.taskId]))).rejects.toThrow("disk full");
    expect([first.sent, second.sent]).toEqual([true, false]);
  });

  it("is unmarked when it is withdrawn", async () => {
    const [first, second] = [accept("A"), accept("B")];
    await setting.start();
    const { lease } = await setting.claim();
    const { journal } = setting.remote;
    await journal.recordWrite(lease, record([first.taskId]));
    const id = await journal.recordWrite(lease, record([first.taskId, second.taskId]));

    expect(await journal.withdrawWrite(lease, id)).toEqual([second.taskId]);
    expect([first.sent, second.sent]).toEqual([true, false]);
    expect(await unreported()).toEqual([first.taskId]);
  });

  it("is withdrawn also when the portal does not answer; nothing leaves under that lease any more", async () => {
    const conversion = accept("Acme");
    await setting.start();
    const { lease } = await setting.claim();
    const { journal, source } = setting.remote;
    const id = await journal.recordWrite(lease, record([conversion.taskId]));
    setting.portal.trouble("sent", { answer: { status: 429, headers: { "retry-after": "60" } } });
    expect(await journal.withdrawWrite(lease, id)).toEqual([conversion.taskId]);
    setting.pace.advance(60_000);
    const before = setting.portal.requestsTo("sent").length;

    // The request that was not answered may arrive after the mark of the next script.
    expect(await faultOf(journal.recordWrite(lease, record([conversion.taskId])))).toMatchObject({ code: "portal" });
    expect(setting.portal.requestsTo("sent")).toHaveLength(before);
    await source.releaseLease(lease);
    await work(await setting.claim());
    expect(stateOf(conversion)).toBe("ended");
  });

  it("is known to the next process until its conversions are reported", async () => {
    const [first, second] = [accept("A"), accept("B")];
    await setting.start();
    const { lease, conversions } = await setting.claim();
    await setting.remote.journal.recordWrite(lease, record([first.taskId, second.taskId]));
    await setting.crash();
    await setting.start();
    const again = await setting.claim();

    expect(again.unresolved).toMatchObject([{ state: "abandoned", taskIds: [first.taskId, second.taskId] }]);
    expect(idsOf(again)).toEqual(conversions.map(({ taskId }) => taskId));
    expect(setting.portal.requestsTo("claim").at(-1)?.body["openTasks"]).toEqual([first.taskId, second.taskId].sort());
  });
});

describe("a result", () => {
  async function claimed(...shortNames: string[]): Promise<{ claim: Claim; accepted: PortalConversion[] }> {
    const accepted = shortNames.map(accept);
    await setting.start();
    const claim = await setting.claim();
    await setting.remote.journal.recordWrite(claim.lease, record(idsOf(claim)));
    await setting.remote.journal.recordSaved(claim.lease);
    return { claim, accepted };
  }
  const report = ({ lease, conversions }: Claim) => setting.remote.source.complete(lease, conversions.map(linked));

  it.each<[string, Trouble]>([
    ["500 after it was taken", { answer: { status: 500 }, done: true }],
    ["a broken connection after it was taken", { connection: "reset", done: true }],
    ["a broken connection", { connection: "reset" }],
    ["500", { answer: { status: 500 } }],
  ])("is repeated after %s, and stored once", async (_what, trouble) => {
    const { claim, accepted } = await claimed("A", "B");
    setting.portal.trouble("complete", trouble, 2);
    await report(claim);

    expect(accepted.map(({ state }) => state)).toEqual(["ended", "ended"]);
    expect(setting.portal.links.size).toBe(2);
    expect(new Set(setting.portal.requestsTo("complete").map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(await unreported()).toEqual([]);
  });

  it("that was taken before a crash is learnt of with the next claim", async () => {
    const { claim } = await claimed("A");
    await setting.client.complete(claim.lease, claim.conversions.map(linked), 60_000);
    await setting.crash();
    expect(await unreported()).toHaveLength(1);
    await setting.start();
    const again = await setting.claim();

    expect(again).toMatchObject({ conversions: [], unresolved: [] });
    expect(await unreported()).toEqual([]);
  });

  it("that was not taken before a crash is reported by the next process, with the same content", async () => {
    const { claim, accepted } = await claimed("A");
    setting.portal.trouble("complete", { connection: "hang" });
    void report(claim).catch(() => undefined);
    await setting.portal.until(() => setting.portal.requestsTo("complete").length === 1);
    await setting.crash();
    await setting.start();
    await work(await setting.claim());

    expect(accepted[0]?.state).toBe("ended");
    const told = setting.portal.requestsTo("complete").map(({ body }) => JSON.stringify(body["completions"]));
    expect(new Set(told).size).toBe(1);
  });

  it("is given up when the lease cannot last any longer: the run is put off, and the next one reports", async () => {
    const { claim, accepted } = await claimed("A");
    setting.portal.trouble("complete", { answer: { status: 503, headers: { "retry-after": "100" } } }, 2);
    const reported = faultOf(report(claim));
    await setting.pace.untilWaitingFor(100_000);
    setting.pace.advance(100_000);

    expect(await reported).toMatchObject({ code: "portal", fault: "busy", needsHuman: false });
    await setting.remote.source.releaseLease(claim.lease);
    setting.pace.advance(100_000);
    await work(await setting.claim());
    expect(accepted[0]?.state).toBe("ended");
  });

  it("of a lease that somebody took over is not taken", async () => {
    const { claim, accepted } = await claimed("A");
    setting.portal.takeOver(device);

    await expect(report(claim)).rejects.toThrow(LeaseLost);
    await expect(setting.remote.source.renewLease(claim.lease)).rejects.toThrow(LeaseLost);
    await setting.remote.source.releaseLease(claim.lease);
    expect(accepted[0]?.state).toBe("open");
    expect(setting.portal.holds(device)).toBe(true);
  });

  it("of a conversion that was withdrawn does not keep the others from being reported", async () => {
    const { claim, accepted } = await claimed("A", "B", "C");
    const [first, withdrawn, last] = accepted;
    setting.portal.withdraw(withdrawn?.taskId ?? "");

    const fault = await faultOf(report(claim));
    expect(fault).toMatchObject({ code: "portal", fault: "refused" });
    expect(fault.message).toContain(withdrawn?.taskId);
    expect([first?.state, withdrawn?.state, last?.state]).toEqual(["ended", "withdrawn", "ended"]);
    expect(await unreported()).toEqual([withdrawn?.taskId]);
    await setting.remote.source.releaseLease(claim.lease);
    expect(await setting.claim()).toMatchObject({ conversions: [], unresolved: [] });
  });

  it("is taken though a text of it is longer than the portal takes", async () => {
    const { claim, accepted } = await claimed("A");
    const message = "x".repeat(20_000);
    await setting.remote.source.complete(claim.lease, [failed(accepted[0]?.taskId ?? "", message)]);

    expect(setting.portal.requestsTo("complete")[0]?.body["completions"]).toMatchObject([
      { messages: [{ message: `${"x".repeat(7_999)}…` }] },
    ]);
    expect(accepted[0]?.state).toBe("ended");
  });
});

describe("a lease", () => {
  it("lasts anew when it was renewed, here as at the portal", async () => {
    const conversion = accept("Acme");
    await setting.start();
    const { lease, conversions } = await setting.claim();
    setting.aheadMs = 100_000;
    await setting.remote.source.renewLease(lease);
    expect(setting.portal.requestsTo("renew")).toMatchObject([{ device, body: { fence: 1 }, status: 204 }]);
    setting.aheadMs = 150_000;
    await setting.remote.journal.recordWrite(lease, record([conversion.taskId]));
    setting.portal.trouble("complete", { answer: { status: 503, headers: { "retry-after": "40" } } });
    const reported = setting.remote.source.complete(lease, conversions.map(linked));
    await setting.pace.untilWaitingFor(40_000);
    setting.pace.advance(40_000);
    await reported;

    expect(stateOf(conversion)).toBe("ended");
  });

  it("does not last anew when the portal took the renewal and its answer is lost", async () => {
    const conversion = accept("Acme");
    await setting.start();
    const { lease } = await setting.claim();
    setting.aheadMs = 100_000;
    setting.portal.trouble("renew", { answer: { status: 503, headers: { "retry-after": "90" } }, done: true });
    expect(await faultOf(setting.remote.source.renewLease(lease))).toMatchObject({ code: "portal" });
    setting.aheadMs = 150_000;

    setting.pace.advance(90_000);
    await expect(setting.remote.journal.recordWrite(lease, record([conversion.taskId]))).rejects.toThrow(LeaseLost);
  });

  it("is given back here also when the portal does not hear of it", async () => {
    const conversion = accept("Acme");
    await setting.start();
    const { lease } = await setting.claim();
    setting.portal.trouble("release", { answer: { status: 403 } });
    await setting.remote.source.releaseLease(lease);

    expect(setting.portal.holds(device)).toBe(true);
    await expect(setting.journal.recordWrite(lease, record([conversion.taskId]))).rejects.toThrow(LeaseLost);
    await work(await setting.claim());
    expect(stateOf(conversion)).toBe("ended");
  });
});

describe("links", () => {
  it("are read without secrets, and changed in parts of 500 without them", async () => {
    const conversion = accept("Acme");
    accept("Open");
    await setting.start();
    const first = await setting.claim(1);
    await work(first);
    const peeked = await setting.remote.source.peekDevice(device);
    expect(peeked).toMatchObject({
      conversions: [{ shortName: "Open", secrets: { CarrierUserPassword: "********" } }],
      links: [{ customerGuid: conversion.customerGuid, secrets: {} }],
      unresolved: [],
    });
    const [link] = await setting.remote.source.links({ device });
    expect(await setting.remote.source.links({ customerGuid: conversion.customerGuid })).toEqual([link]);
    expect(await setting.remote.source.links({ device: "sbc-2" })).toEqual([]);
    if (link === undefined) throw new Error("no link");

    const { lease } = await setting.claim(0);
    const many: Link[] = Array.from({ length: 1_001 }, () => ({ ...link, secrets: { CarrierUserPassword: secret } }));
    await setting.remote.source.updateLinks(lease, many);
    const sizes = setting.portal.requestsTo("links").map(({ body }) => (body["links"] as unknown[]).length);
    expect(sizes).toEqual([500, 500, 1]);
    expect(JSON.stringify(setting.portal.requestsTo("links"))).not.toContain(secret);
  });
});

describe("progress", () => {
  const note = (taskIds: string[], message: string, level: "Information" | "Warning" = "Information") =>
    setting.remote.source.noteProgress(taskIds, { level, message });

  it("is told in order and before the result, whatever happens on the way", async () => {
    const conversion = accept("Acme");
    await setting.start();
    const { lease, conversions } = await setting.claim();
    setting.portal.trouble("progress", { connection: "reset" }, 3);
    for (const message of ["one", "two", "two", "three"]) await note([conversion.taskId], message);
    await setting.remote.source.complete(lease, conversions.map(linked));

    expect(conversion.progress).toEqual(["one", "two", "three"]);
    expect(stateOf(conversion)).toBe("ended");
  });

  it("is one message for all the tasks that are told the same", async () => {
    const [first, second] = [accept("A"), accept("B")];
    await setting.start();
    await note([first.taskId], "one");
    await note([first.taskId], "saving");
    await note([second.taskId], "saving");
    await setting.remote.stop();

    expect(setting.portal.requestsTo("progress")).toHaveLength(2);
    expect([first.progress, second.progress]).toEqual([["one", "saving"], ["saving"]]);
  });

  it("neither fails nor holds up a run when the portal does not take it", async () => {
    const conversion = accept("Acme");
    await setting.start();
    const { lease, conversions } = await setting.claim();
    setting.portal.trouble("progress", { connection: "hang" });
    await note([conversion.taskId], "one");
    const reported = setting.remote.source.complete(lease, conversions.map(linked));
    await setting.pace.untilWaitingFor(5_000);
    setting.pace.advance(5_000);
    await reported;

    expect(stateOf(conversion)).toBe("ended");
  });

  it("is dropped where the portal refuses it", async () => {
    const conversion = accept("Acme");
    await setting.start();
    setting.portal.trouble("progress", { answer: { status: 422 } });
    await note([conversion.taskId], "one");
    await note([conversion.taskId], "two");
    await setting.portal.until(() => conversion.progress.length === 1);

    expect(conversion.progress).toEqual(["two"]);
  });

  it("stays bounded: the oldest information goes first, and warnings stay", async () => {
    const conversion = accept("Acme");
    await setting.start();
    setting.portal.trouble("progress", { answer: { status: 503, headers: { "retry-after": "200" } } });
    await note([conversion.taskId], "first");
    await setting.pace.untilWaitingFor(200_000);
    await note([conversion.taskId], "warning", "Warning");
    for (let i = 0; i < 600; i += 1) await note([conversion.taskId], `note ${i}`);
    setting.pace.advance(200_000);
    await setting.portal.until(() => conversion.progress.at(-1) === "note 599");

    expect(conversion.progress).toHaveLength(501);
    expect(conversion.progress.slice(0, 3)).toEqual(["first", "warning", "note 101"]);
    expect(setting.logged.filter((line) => line.includes("dropped"))).toHaveLength(1);
  });
});

describe("secrets", () => {
  it("stand neither in the journal's file nor in the log", async () => {
    const conversion = accept("Acme");
    await setting.start();
    setting.portal.trouble("claim", { answer: { status: 200, body: (text) => text.replace('"kind"', '"kinds"') } });
    await faultOf(setting.claim());
    await work(await setting.claim());
    const written = setting.databaseBytes();

    expect(written.includes(conversion.taskId)).toBe(true);
    expect(written.includes(secret)).toBe(false);
    expect(written.includes(setting.portal.token)).toBe(false);
    expect(setting.logged.join()).not.toContain(secret);
    expect(setting.logged.join()).not.toContain(setting.portal.token);
  });
});
