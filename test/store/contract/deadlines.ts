import { describe, expect, it } from "vitest";
import {
  announcement,
  durationMs,
  failed,
  failure,
  gatewayWaitMs,
  graceMs,
  inNewPlace,
  type NewPlace,
} from "./setting.ts";

export function testDeadlines(newPlace: NewPlace): void {
  describe("deadlines", () => {
    const setting = inNewPlace(newPlace);
    const tooLate = () => [failure("too late")];
    const endOverdue = () => setting.store.endOverdue(tooLate);

    it("end a ready conversion when they pass, and not before", async () => {
      const conversion = await setting.accept({ shortName: "Acme" });
      setting.now = conversion.deadlineAt - 1;
      expect(await endOverdue()).toEqual([]);
      setting.now += 1;
      expect(await endOverdue()).toEqual([conversion.taskId]);

      expect(await setting.task(conversion)).toMatchObject({
        status: "CompletedFailed",
        details: ["Failed"],
        messages: [failure("too late")],
        umpCustomerGuid: null,
      });
      expect(await setting.accept({ shortName: "Acme" })).toMatchObject({ state: "ready" });
    });

    it("do not end what was ever sent", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      await setting.store.recordWrite(lease, {
        runId: "run-1",
        serialNumber: "123",
        taskIds: [conversion.taskId],
        creates: [],
        changes: [],
      });
      await setting.store.releaseLease(lease);
      setting.now = conversion.deadlineAt;

      expect(await endOverdue()).toEqual([]);
    });

    it("do not end what a live lease holds, until that is over", async () => {
      const conversion = await setting.accept();
      setting.now = conversion.deadlineAt;
      await setting.claim();
      expect(await endOverdue()).toEqual([]);
      setting.now += durationMs + graceMs;

      expect(await endOverdue()).toEqual([conversion.taskId]);
    });

    it("end what a lease on the same device does not hold", async () => {
      const held = await setting.accept();
      const waiting = await setting.accept();
      setting.now = held.deadlineAt;
      await setting.claim("sbc-1", 1);

      expect(await endOverdue()).toEqual([waiting.taskId]);
    });

    it("do not end what is linked", async () => {
      const conversion = await setting.link();
      setting.now = conversion.deadlineAt;

      expect(await endOverdue()).toEqual([]);
    });

    it("stand still with their device and go on from there, also over a restart", async () => {
      const early = await setting.accept();
      setting.now += 1_000;
      await setting.store.setStandstill("sbc-1", true);
      setting.now += 1_000;
      await setting.store.setStandstill("sbc-1", true);
      const late = await setting.accept();
      const elsewhere = await setting.accept({ device: "sbc-2" });
      setting.now = elsewhere.deadlineAt;
      expect(await endOverdue()).toEqual([elsewhere.taskId]);
      await setting.reopen();
      await setting.store.setStandstill("sbc-1", false);
      await setting.store.setStandstill("sbc-1", false);

      expect(await setting.conversion(early)).toMatchObject({
        deadlineAt: early.deadlineAt + setting.now - early.acceptedAt - 1_000,
      });
      expect(await setting.conversion(late)).toMatchObject({
        deadlineAt: late.deadlineAt + setting.now - late.acceptedAt,
      });
      expect(await endOverdue()).toEqual([]);
      setting.now = (await setting.conversion(early)).deadlineAt;
      expect(await endOverdue()).toEqual([early.taskId]);
    });

    it("of what has ended do not change", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(conversion)]);
      await setting.store.setStandstill("sbc-1", true);
      setting.now += 1_000;
      await setting.store.setStandstill("sbc-1", false);

      expect(await setting.conversion(conversion)).toMatchObject({ deadlineAt: conversion.deadlineAt });
    });
  });

  describe("a device that its agent announces as standing still", () => {
    const setting = inNewPlace(newPlace, gatewayWaitMs);
    const say = (standing: boolean) =>
      setting.store.announce(announcement({ devices: [{ device: "sbc-1", gateways: ["oc1.example.com"], standing }] }));
    const endOverdue = () => setting.store.endOverdue(() => [failure("too late")]);

    it("does not let deadlines pass, and adds the time of its standstill to them", async () => {
      await say(true);
      const conversion = await setting.accept({ device: null });
      expect(conversion).toMatchObject({ state: "ready", device: "sbc-1" });
      setting.now = conversion.deadlineAt;
      await say(true);
      expect(await endOverdue()).toEqual([]);
      await say(false);

      const deadlineAt = conversion.deadlineAt + (setting.now - conversion.acceptedAt);
      expect(await setting.conversion(conversion)).toMatchObject({ deadlineAt });
      expect(await setting.store.announcedDevices()).toMatchObject([{ standing: false }]);
      setting.now = deadlineAt;
      expect(await endOverdue()).toEqual([conversion.taskId]);
    });

    it("says nothing of other devices", async () => {
      const conversion = await setting.accept({ device: "sbc-2" });
      await say(true);
      setting.now = conversion.deadlineAt;

      expect(await endOverdue()).toEqual([conversion.taskId]);
    });

    it("is left as it is by an announcement that is refused", async () => {
      await say(false);
      const conversion = await setting.accept();
      await setting.store.announce(
        announcement({
          agent: "far",
          identity: "identity-2",
          devices: [{ device: "sbc-1", gateways: ["oc1.example.com"], standing: true }],
        }),
      );

      expect(await setting.store.announcedDevices()).toMatchObject([{ standing: false }]);
      setting.now = conversion.deadlineAt;
      expect(await endOverdue()).toEqual([conversion.taskId]);
    });
  });
}
