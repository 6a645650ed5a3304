import { describe, expect, it } from "vitest";
import type { NewConversion } from "../../../agent/store/judgement.ts";
import {
  announcement,
  failed,
  failure,
  gatewayWaitMs,
  information,
  inNewPlace,
  newConversion,
  start,
  type NewPlace,
} from "./setting.ts";

const gateway = "oc1.example.com";
const elsewhere: Partial<NewConversion> = { device: null, gateway };

/** Conversions whose gateway an agent elsewhere has to announce. */
export function testUnplaced(newPlace: NewPlace): void {
  describe("a conversion whose gateway nobody announces", () => {
    const setting = inNewPlace(newPlace, gatewayWaitMs);
    const endOverdue = () => setting.store.endOverdue(() => [failure("too late")]);

    it("waits without a device, says so, and is nobody's to claim, also over a restart", async () => {
      const events: unknown[] = [];
      setting.store.watch((event) => events.push(event));
      const conversion = await setting.accept(elsewhere);
      await setting.reopen();

      expect(await setting.conversion(conversion)).toMatchObject({ state: "unplaced", device: null, gateway });
      expect(await setting.task(conversion)).toMatchObject({
        status: "InProgress",
        messages: [information("nobody has the gateway yet")],
      });
      expect(await setting.store.queues()).toEqual([]);
      expect(await setting.store.namedDevices()).toEqual([]);
      expect((await setting.claim()).conversions).toEqual([]);
      expect(events).toEqual([]);
    });

    it("is told to its caller as unplaced", async () => {
      const conversion = { ...newConversion(), ...elsewhere };
      await setting.store.createLead({ tenantId: conversion.tenantId, companyName: "One" });

      expect(await setting.store.judge(conversion)).toMatchObject({ kind: "unplaced" });
      expect(await setting.store.accept(conversion)).toMatchObject({ verdict: "unplaced" });
    });

    it("counts among those that miss their gateway, until somebody announces it", async () => {
      await setting.accept(elsewhere);
      setting.now += 5;
      await setting.accept(elsewhere);
      await setting.accept({ device: null, gateway: "oc0.example.com" });
      await setting.accept();
      expect(await setting.store.missingGateways()).toEqual([
        { gateway: "oc0.example.com", waiting: 1, oldestAcceptedAt: start + 5 },
        { gateway, waiting: 2, oldestAcceptedAt: start },
      ]);
      await setting.store.announce(announcement());

      expect(await setting.store.missingGateways()).toMatchObject([{ gateway: "oc0.example.com" }]);
    });

    it("is ready for its device, in the order of acceptance, when it is announced", async () => {
      const [one, other, two] = [
        await setting.accept(elsewhere),
        await setting.accept({ device: null, gateway: "oc2.example.com" }),
        await setting.accept(elsewhere),
      ];
      const events: unknown[] = [];
      setting.store.watch((event) => events.push(event));
      await setting.store.announce(announcement());

      expect(events).toEqual([
        { kind: "ready", device: "sbc-1" },
        { kind: "ready", device: "sbc-1" },
      ]);
      expect(await setting.conversion(one)).toEqual({ ...one, state: "ready", device: "sbc-1" });
      expect(await setting.conversion(other)).toEqual(other);
      expect((await setting.task(one)).messages.at(-1)).toEqual(information("queued"));
      expect((await setting.claim()).conversions.map(({ taskId }) => taskId)).toEqual([one.taskId, two.taskId]);
    });

    it("is not taken for an arrival twice", async () => {
      await setting.accept(elsewhere);
      await setting.store.announce(announcement());
      const events: unknown[] = [];
      setting.store.watch((event) => events.push(event));
      await setting.store.announce(announcement({ version: "1.0.1" }));

      expect(events).toEqual([]);
      expect(await setting.store.queues()).toMatchObject([{ device: "sbc-1", waiting: 1 }]);
    });

    it("takes its short name on the device then: of two of one name, the older gets it", async () => {
      const one = await setting.accept({ ...elsewhere, shortName: "Acme" });
      const two = await setting.accept({ ...elsewhere, shortName: "ACME" });
      const next = await setting.accept({ ...elsewhere, tenantId: two.tenantId });
      expect(two.state).toBe("unplaced");
      await setting.store.announce(announcement());

      expect(await setting.conversion(one)).toMatchObject({ state: "ready" });
      expect(await setting.task(two)).toMatchObject({
        status: "CompletedFailed",
        messages: [failure(`name of ${one.tenantId}`)],
      });
      expect(await setting.conversion(next)).toMatchObject({ state: "ready", device: "sbc-1" });
      expect(await setting.accept({ ...elsewhere, shortName: "acme" })).toMatchObject({ state: "ended" });
    });

    it("is the running one of its tenant: the next waits for it, whatever that one needs", async () => {
      const { taskId, tenantId } = await setting.accept(elsewhere);
      for (const changes of [{}, elsewhere, { variant: "tenant", device: null, gateway: null } as const]) {
        const next = await setting.accept({ ...changes, tenantId });
        expect(next).toMatchObject({ state: "waiting" });
        expect((await setting.task(next)).messages).toEqual([information(`waits for ${taskId}`)]);
      }
    });

    it("is what all others of its tenant wait for, once its turn has come", async () => {
      const { taskId, tenantId } = await setting.accept();
      const next = await setting.accept({ ...elsewhere, tenantId });
      const others = [await setting.accept({ tenantId }), await setting.accept({ tenantId })];
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed({ taskId })]);

      expect(await setting.conversion(next)).toMatchObject({ state: "unplaced" });
      for (const other of others)
        expect((await setting.task(other)).messages.at(-1)).toEqual(information(`waits for ${next.taskId}`));
    });

    it("cannot be passed by its tenant's next one, whatever the rules say", async () => {
      const { tenantId } = await setting.accept(elsewhere);
      setting.judge = () => ({ kind: "unplaced", message: information("waits") });

      await expect(setting.store.accept({ ...newConversion(), ...elsewhere, tenantId })).rejects.toThrow();
    });

    it("ends as the rules have it when the wait was in vain, and not before", async () => {
      const conversion = await setting.accept(elsewhere);
      const events: unknown[] = [];
      setting.store.watch((event) => events.push(event));
      setting.now += gatewayWaitMs - 1;
      expect(await endOverdue()).toEqual([]);
      expect(await setting.conversion(conversion)).toEqual(conversion);
      setting.now += 1;
      expect(await endOverdue()).toEqual([conversion.taskId]);

      expect(await setting.task(conversion)).toMatchObject({
        status: "CompletedFailed",
        details: ["Failed"],
        messages: [failure("no such gateway")],
        umpCustomerGuid: null,
      });
      expect(events).toEqual([{ kind: "ended", taskId: conversion.taskId, device: null, details: ["Failed"] }]);
      expect(await setting.store.missingGateways()).toEqual([]);
      expect(await endOverdue()).toEqual([]);
    });

    it("gives the turn to its tenant's next one when the wait was in vain", async () => {
      const { taskId, tenantId } = await setting.accept(elsewhere);
      setting.now += 1;
      const late = await setting.accept({ ...elsewhere, tenantId });
      const last = await setting.accept({ tenantId });
      setting.now = start + gatewayWaitMs;
      expect(await endOverdue()).toEqual([taskId]);
      expect(await setting.conversion(late)).toMatchObject({ state: "unplaced" });
      setting.now += 1;
      expect(await endOverdue()).toEqual([late.taskId]);

      expect(await setting.conversion(last)).toMatchObject({ state: "ready", device: "sbc-1" });
    });

    it("goes to the device that has its gateway when its turn comes", async () => {
      const first = await setting.accept();
      const next = await setting.accept({ ...elsewhere, tenantId: first.tenantId });
      await setting.store.announce(
        announcement({ devices: [{ device: "sbc-2", gateways: [gateway], standing: false }] }),
      );
      expect(await setting.conversion(next)).toMatchObject({ state: "waiting", device: null });
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(first)]);

      expect(await setting.conversion(next)).toMatchObject({ state: "ready", device: "sbc-2" });
    });

    it("has its own device where it came with one, whoever announces the gateway", async () => {
      await setting.store.announce(
        announcement({ devices: [{ device: "sbc-2", gateways: [gateway], standing: false }] }),
      );

      expect(await setting.accept({ device: "sbc-1", gateway })).toMatchObject({ state: "ready", device: "sbc-1" });
    });
  });

  describe("a gateway that an agent announced", () => {
    const setting = inNewPlace(newPlace, gatewayWaitMs);

    it("gives a new conversion its device at once, also over a restart", async () => {
      await setting.store.announce(announcement());
      await setting.reopen();
      const events: unknown[] = [];
      setting.store.watch((event) => events.push(event));

      expect(await setting.accept(elsewhere)).toMatchObject({ state: "ready", device: "sbc-1" });
      expect(events).toEqual([{ kind: "ready", device: "sbc-1" }]);
      expect(await setting.accept({ device: null, gateway: "oc2.example.com" })).toMatchObject({ state: "unplaced" });
    });

    it("counts in a preview, with the names that are held on its device", async () => {
      await setting.store.announce(announcement());
      const holder = await setting.accept({ ...elsewhere, shortName: "Acme" });
      const conversion = { ...newConversion(), ...elsewhere };
      await setting.store.createLead({ tenantId: conversion.tenantId, companyName: "One" });

      expect(await setting.store.judge(conversion)).toMatchObject({ kind: "device" });
      expect(await setting.store.judge({ ...conversion, shortName: "acme" })).toMatchObject({
        kind: "failed",
        messages: [failure(`name of ${holder.tenantId}`)],
      });
    });

    it("is waited for again when nobody was heard of it for as long as a conversion waits", async () => {
      await setting.store.announce(announcement());
      setting.now += gatewayWaitMs - 1;
      expect(await setting.accept(elsewhere)).toMatchObject({ state: "ready" });
      setting.now += 1;

      expect(await setting.accept(elsewhere)).toMatchObject({ state: "unplaced" });
    });

    it("gives back what waits for it when its agent is heard of again", async () => {
      await setting.store.announce(announcement());
      setting.now += gatewayWaitMs;
      const conversion = await setting.accept(elsewhere);
      await setting.store.announce(announcement());

      expect(await setting.conversion(conversion)).toMatchObject({ state: "ready", device: "sbc-1" });
    });

    it("is gone with the announcement that leaves it out, and what was ready stays where it is", async () => {
      await setting.store.announce(announcement());
      const before = await setting.accept(elsewhere);
      await setting.store.announce(announcement({ devices: [{ device: "sbc-1", gateways: [], standing: false }] }));

      expect(await setting.accept(elsewhere)).toMatchObject({ state: "unplaced" });
      expect(await setting.conversion(before)).toEqual(before);
    });
  });

  describe("where no agent elsewhere is waited for", () => {
    const setting = inNewPlace(newPlace);

    it("a gateway without a device is unknown at once, whatever is announced", async () => {
      await setting.store.announce(announcement());
      const conversion = await setting.accept(elsewhere);

      expect(conversion).toMatchObject({ state: "ended", device: null });
      expect(await setting.task(conversion)).toMatchObject({ messages: [failure("no such gateway")] });
      expect(await setting.store.missingGateways()).toEqual([]);
    });
  });
}
