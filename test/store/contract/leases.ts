import { describe, expect, it } from "vitest";
import type { Lease } from "../../../agent/store/model.ts";
import { LeaseLost, type Store } from "../../../agent/store/store.ts";
import { durationMs, graceMs, inNewPlace, linked, present, type NewPlace } from "./setting.ts";

const record = { runId: "run", serialNumber: "123", taskIds: [], creates: [], changes: [] };

const fenced: [string, (store: Store, lease: Lease) => Promise<unknown>][] = [
  ["renewLease", (store, lease) => store.renewLease(lease)],
  ["complete", (store, lease) => store.complete(lease, [])],
  ["updateLinks", (store, lease) => store.updateLinks(lease, [])],
  ["recordWrite", (store, lease) => store.recordWrite(lease, record)],
  ["withdrawWrite", (store, lease) => store.withdrawWrite(lease, "unknown")],
  ["recordSaved", (store, lease) => store.recordSaved(lease)],
  ["adopt", (store, lease) => store.adopt(lease, [], "ann")],
  ["markSent", (store, lease) => store.markSent(lease, [], true)],
];

export function testLeases(newPlace: NewPlace): void {
  describe("leases", () => {
    const setting = inNewPlace(newPlace);
    const idsOf = (items: readonly { taskId: string }[]) => items.map(({ taskId }) => taskId);
    const claimAgain = (device = "sbc-1", holder = "other") =>
      setting.store.claimDevice(device, { holder, durationMs, graceMs, max: 200 });

    it("come with the device's ready conversions, oldest first, secrets in clear, up to the maximum", async () => {
      const one = await setting.accept({ secrets: { CarrierUserPassword: "open sesame" } });
      const two = await setting.accept();
      await setting.accept();
      await setting.accept({ device: "sbc-2" });
      const { lease, conversions } = await setting.claim("sbc-1", 2);

      expect(lease).toEqual({ device: "sbc-1", fence: 1, durationMs });
      expect(conversions).toEqual([
        { ...one, secrets: { CarrierUserPassword: "open sesame" } },
        { ...two, secrets: {} },
      ]);
    });

    it("come with all links of their device and their kept secrets", async () => {
      const customer = await setting.link({ secrets: { CarrierUserPassword: "open sesame" } });
      await setting.accept({ device: "sbc-2" });

      expect((await setting.claim("sbc-1")).links).toMatchObject([
        { customerGuid: customer.customerGuid, secrets: { CarrierUserPassword: "open sesame" } },
      ]);
      expect((await setting.claim("sbc-2")).links).toEqual([]);
    });

    it("come without links where nobody wants to read them, as does a peek", async () => {
      await setting.link();
      const wanted = { holder: "agent", durationMs, graceMs, max: 1, links: false };

      expect(await setting.store.claimDevice("sbc-1", wanted)).toMatchObject({ kind: "claimed", claim: { links: [] } });
      expect(await setting.store.peekDevice("sbc-1", { links: false })).toMatchObject({ links: [] });
      expect((await setting.store.peekDevice("sbc-1")).links).toHaveLength(1);
    });

    it("exclude everybody else, also when they took no conversions", async () => {
      await setting.accept();
      const { conversions } = await setting.claim("sbc-1", 0);

      expect(conversions).toEqual([]);
      expect(await claimAgain()).toEqual({ kind: "held", retryAfterMs: durationMs + graceMs });
      expect(await claimAgain("sbc-2")).toMatchObject({ kind: "claimed" });
    });

    it("can be taken over when their grace is over, and not before", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      setting.now += durationMs + graceMs - 1;
      expect(await claimAgain()).toEqual({ kind: "held", retryAfterMs: 1 });
      setting.now += 1;

      expect(await claimAgain()).toMatchObject({
        kind: "claimed",
        claim: { lease: { fence: lease.fence + 1 }, conversions: [{ taskId: conversion.taskId }] },
      });
    });

    it("keep the grace of their holder when the taker has a shorter one", async () => {
      await setting.claim();
      setting.now += durationMs;
      const taker = { holder: "other", durationMs, graceMs: 0, max: 1 };

      expect(await setting.store.claimDevice("sbc-1", taker)).toEqual({ kind: "held", retryAfterMs: graceMs });
    });

    it("last anew from every renewal", async () => {
      const { lease } = await setting.claim();
      setting.now += durationMs;
      await setting.store.renewLease(lease);
      setting.now += durationMs;

      expect(await claimAgain()).toEqual({ kind: "held", retryAfterMs: graceMs });
    });

    it("end within their own length when the clock is set back", async () => {
      await setting.claim();
      setting.now -= 24 * 3_600_000;
      expect(await claimAgain()).toEqual({ kind: "held", retryAfterMs: durationMs + graceMs });
      setting.now += durationMs + graceMs;

      expect(await claimAgain()).toMatchObject({ kind: "claimed" });
    });

    it.each(fenced)("let %s pass until their grace is over", async (_, call) => {
      const { lease } = await setting.claim();
      setting.now += durationMs + graceMs - 1;

      await expect(call(setting.store, lease).then(() => "passed")).resolves.toBe("passed");
    });

    it.each(fenced)("refuse %s when they expired", async (_, call) => {
      const { lease } = await setting.claim();
      setting.now += durationMs + graceMs;

      await expect(call(setting.store, lease)).rejects.toThrow(LeaseLost);
    });

    it.each(fenced)("refuse %s when they were taken over", async (_, call) => {
      const { lease } = await setting.claim();
      setting.now += durationMs + graceMs;
      await setting.claim();

      await expect(call(setting.store, lease)).rejects.toThrow(LeaseLost);
    });

    it.each(fenced)("refuse %s when they were released", async (_, call) => {
      const { lease } = await setting.claim();
      await setting.store.releaseLease(lease);

      await expect(call(setting.store, lease)).rejects.toThrow(new LeaseLost("lease 1 of sbc-1 was released"));
    });

    it.each(fenced)("refuse %s with a fence that was never given", async (_, call) => {
      const { lease } = await setting.claim();

      await expect(call(setting.store, { ...lease, fence: lease.fence + 1 })).rejects.toThrow(LeaseLost);
      await expect(call(setting.store, { ...lease, device: "sbc-9" })).rejects.toThrow(LeaseLost);
    });

    it("change nothing for a holder that lost its lease", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      setting.now += durationMs + graceMs;
      await expect(setting.store.recordWrite(lease, { ...record, taskIds: [conversion.taskId] })).rejects.toThrow();
      await expect(setting.store.complete(lease, [linked(conversion)])).rejects.toThrow();

      expect(await setting.conversion(conversion)).toEqual(conversion);
      expect(await setting.store.unsavedSince()).toEqual([]);
    });

    it("have a fence that grows for ever, also over releases and a restart", async () => {
      const fences: number[] = [];
      for (let turn = 0; turn < 3; turn += 1) {
        const { lease } = await setting.claim();
        fences.push(lease.fence);
        await setting.store.releaseLease(lease);
        await setting.reopen();
      }
      const other = await setting.claim("sbc-2");

      expect(fences).toEqual([1, 2, 3]);
      expect(other.lease.fence).toBe(1);
    });

    it("give back at release what was not completed", async () => {
      const [one, two] = [await setting.accept(), await setting.accept()];
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [linked(one)]);
      await setting.store.releaseLease(lease);

      expect(idsOf((await setting.claim()).conversions)).toEqual([two.taskId]);
    });

    it("are not taken from a new holder by the release of an old one", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      setting.now += durationMs + graceMs;
      const taken = await setting.claim();
      await setting.store.releaseLease(lease);

      expect(await claimAgain()).toMatchObject({ kind: "held" });
      await expect(setting.store.complete(taken.lease, [linked(conversion)])).resolves.toBeUndefined();
    });

    it("of agents elsewhere stand when a process frees those of its data folder", async () => {
      await setting.accept();
      const devices = [{ device: "sbc-1", gateways: [], standing: false }];
      await setting.store.announce({ agent: "near", identity: "elsewhere", version: "1", fresh: true, devices });
      const claimed = await claimAgain("sbc-1", "elsewhere");
      if (claimed.kind !== "claimed") throw new Error("nobody held it");
      await setting.store.releaseOwnLeases();

      await expect(setting.store.renewLease(claimed.claim.lease)).resolves.toBeUndefined();
      expect(await claimAgain()).toMatchObject({ kind: "held" });
    });

    it("survive a restart, until those of the data folder are freed", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      await setting.reopen();
      expect(await claimAgain()).toMatchObject({ kind: "held" });
      await setting.store.releaseOwnLeases();

      await expect(setting.store.renewLease(lease)).rejects.toThrow(LeaseLost);
      expect(idsOf((await setting.claim()).conversions)).toEqual([conversion.taskId]);
    });

    it("are given to one of many who claim at once", async () => {
      const results = await Promise.all([1, 2, 3, 4].map((one) => claimAgain("sbc-1", `holder ${one}`)));

      expect(results.map(({ kind }) => kind)).toEqual(["claimed", "held", "held", "held"]);
    });

    it("are given anew to their own holder at once, with all they had, and the older one is lost", async () => {
      const conversion = await setting.accept();
      const first = await setting.claim();
      await setting.store.recordWrite(first.lease, record);
      const second = await setting.claim();

      expect(second).toMatchObject({
        lease: { fence: first.lease.fence + 1 },
        conversions: [{ taskId: conversion.taskId }],
        unresolved: [{ state: "abandoned", fence: first.lease.fence }],
      });
      for (const [, call] of fenced) await expect(call(setting.store, first.lease)).rejects.toThrow(LeaseLost);
      await setting.store.releaseLease(first.lease);
      await expect(setting.store.complete(second.lease, [linked(conversion)])).resolves.toBeUndefined();
    });

    it("keep others out anew from the moment when their own holder took them again", async () => {
      await setting.claim();
      setting.now += durationMs;
      await setting.claim();
      setting.now += durationMs;

      expect(await claimAgain()).toEqual({ kind: "held", retryAfterMs: graceMs });
    });
  });

  describe("peeking at a device", () => {
    const setting = inNewPlace(newPlace);

    it("shows what a claim would give and changes nothing", async () => {
      await setting.link();
      const conversion = await setting.accept({ secrets: { CarrierUserPassword: "open sesame" } });
      const { lease } = await setting.claim("sbc-1", 0);
      await setting.store.recordWrite(lease, record);
      await setting.store.releaseLease(lease);

      const peeked = await setting.store.peekDevice("sbc-1");
      expect(peeked.conversions).toEqual([{ ...conversion, secrets: { CarrierUserPassword: "open sesame" } }]);
      expect(peeked.links).toHaveLength(1);
      expect(peeked.unresolved).toMatchObject([{ state: "written", fence: lease.fence }]);
      expect(await setting.store.peekDevice("sbc-1")).toEqual(peeked);
      expect((await setting.claim()).lease.fence).toBe(lease.fence + 1);
    });

    it("leaves out what a live lease has, and shows it when that lease is over", async () => {
      const conversion = await setting.accept();
      await setting.claim();
      expect((await setting.store.peekDevice("sbc-1")).conversions).toEqual([]);
      setting.now += durationMs + graceMs;
      const { conversions } = await setting.store.peekDevice("sbc-1");

      expect(present(conversions[0]).taskId).toBe(conversion.taskId);
    });

    it("finds nothing at a device that nobody claimed or wanted", async () => {
      expect(await setting.store.peekDevice("sbc-9")).toEqual({
        conversions: [],
        amendments: [],
        links: [],
        unresolved: [],
      });
    });
  });
}
