import { describe, expect, it } from "vitest";
import type { Facts } from "../../../agent/store/judgement.ts";
import { deadlineMs, failed, failure, information, inNewPlace, newConversion, start, warning } from "./setting.ts";
import type { NewPlace } from "./setting.ts";

export function testAcceptance(newPlace: NewPlace): void {
  describe("acceptance", () => {
    const setting = inNewPlace(newPlace);

    it("stores a conversion for a device as ready, with a task in progress", async () => {
      const { secrets, ...shown } = { ...newConversion(), secrets: { CarrierUserPassword: "open sesame" } };
      const conversion = await setting.accept({ ...shown, secrets });

      expect(conversion).toEqual({
        ...shown,
        taskId: conversion.taskId,
        customerGuid: conversion.customerGuid,
        state: "ready",
        acceptedAt: start,
        deadlineAt: start + deadlineMs,
        sent: false,
      });
      expect(await setting.task(conversion)).toEqual({
        id: conversion.taskId,
        status: "InProgress",
        details: [],
        messages: [information("queued")],
        umpCustomerGuid: null,
        createdAt: start,
      });
    });

    it("ends a conversion that breaks a rule at once, without a customer GUID", async () => {
      const { taskId, verdict } = await setting.store.accept(newConversion());

      expect(verdict).toBe("failed");
      expect(await setting.task({ taskId })).toMatchObject({
        status: "CompletedFailed",
        details: ["ValidationFailed"],
        messages: [failure("no lead"), information("completed")],
        umpCustomerGuid: null,
      });
      expect(await setting.conversion({ taskId })).toMatchObject({ state: "ended" });
    });

    it("ends a conversion of a customer as converted already, without a customer GUID", async () => {
      const { taskId: first, tenantId } = await setting.link();
      await setting.store.completeSite(first, []);
      const { taskId } = await setting.accept({ tenantId });

      expect(await setting.task({ taskId })).toMatchObject({
        status: "CompletedSuccess",
        details: ["CustomerAlreadyConverted"],
        messages: [warning("Undo")],
        umpCustomerGuid: null,
      });
    });

    it("sends a conversion without a device step to its site", async () => {
      const conversion = await setting.accept({ variant: "tenant", device: null, gateway: null, proxySet: null });

      expect(conversion).toMatchObject({ state: "site", device: null });
      expect(await setting.store.sites(10)).toEqual([conversion]);
      expect(await setting.task(conversion)).toMatchObject({ status: "InProgress", messages: [] });
    });

    it("draws a task and a customer GUID for every acceptance, also of the same conversion at once", async () => {
      const conversion = newConversion();
      await setting.store.createLead({ tenantId: conversion.tenantId, companyName: "One" });
      const accepted = await Promise.all([1, 2, 3].map(() => setting.store.accept(conversion)));
      const stored = await Promise.all(accepted.map((one) => setting.conversion(one)));

      expect(new Set(accepted.map(({ taskId }) => taskId)).size).toBe(3);
      expect(new Set(stored.map(({ customerGuid }) => customerGuid)).size).toBe(3);
      expect(accepted.map(({ verdict }) => verdict)).toEqual(["device", "wait", "wait"]);
      for (const { taskId } of accepted) expect(taskId).toMatch(/^wst_[0-9a-f-]{36}$/);
    });

    it("knows no task and no conversion that was not accepted", async () => {
      expect(await setting.store.task("wst_0")).toBeUndefined();
      expect(await setting.store.conversion("wst_0")).toBeUndefined();
    });

    it("tells the judge the lead, the customer, the older conversion and who holds the name in any case", async () => {
      const seen: Facts[] = [];
      const holder = await setting.link({ shortName: "Holder" });
      const older = await setting.accept();
      const { judge } = setting;
      setting.judge = (conversion, facts) => {
        seen.push(facts);
        return judge(conversion, facts);
      };

      await setting.accept({ tenantId: older.tenantId.toUpperCase(), shortName: "hOLDER" });
      await setting.store.accept(newConversion());
      await setting.store.accept({ ...newConversion(), tenantId: holder.tenantId });

      expect(seen[0]?.lead).toMatchObject({ tenantId: older.tenantId, status: "Active", umpCustomerGuid: null });
      expect(seen[0]?.older).toEqual({ taskId: older.taskId });
      expect(seen[0]?.nameHolder).toEqual({ shortName: "Holder", tenantId: holder.tenantId });
      expect(seen[1]).toEqual({
        lead: undefined,
        customer: undefined,
        older: undefined,
        leaving: undefined,
        nameHolder: undefined,
        gatewayAwaited: false,
      });
      expect(seen[2]?.customer).toMatchObject({ guid: holder.customerGuid, shortName: "Holder" });
    });

    it("shows the judge the secret variables in clear", async () => {
      const seen: unknown[] = [];
      setting.judge = (conversion) => {
        seen.push(conversion.secrets);
        return { kind: "device", message: information("queued") };
      };
      await setting.accept({ secrets: { CarrierUserPassword: "open sesame" } });

      expect(seen).toEqual([{ CarrierUserPassword: "open sesame" }]);
    });

    it("keeps nothing of an acceptance whose judge throws", async () => {
      setting.judge = () => {
        throw new Error("no verdict");
      };
      const conversion = newConversion();
      await expect(setting.store.accept(conversion)).rejects.toThrow("no verdict");
      setting.judge = (_, { older }) =>
        older === undefined ? { kind: "site" } : { kind: "wait", message: information(older.taskId) };

      expect(await setting.store.accept(conversion)).toMatchObject({ verdict: "site" });
    });
  });

  describe("names", () => {
    const setting = inNewPlace(newPlace);

    it("are held on their device from acceptance on, in any case", async () => {
      await setting.accept({ shortName: "Acme" });

      expect(await setting.accept({ shortName: "ACME" })).toMatchObject({ state: "ended" });
      expect(await setting.accept({ shortName: "Acme", device: "sbc-2" })).toMatchObject({ state: "ready" });
    });

    it("are free again when their conversion fails", async () => {
      const first = await setting.accept({ shortName: "Acme" });
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(first)]);

      expect(await setting.accept({ shortName: "acme" })).toMatchObject({ state: "ready" });
    });

    it("stay the customer's after its conversion", async () => {
      const { taskId } = await setting.link({ shortName: "Acme" });
      await setting.store.completeSite(taskId, []);

      expect(await setting.accept({ shortName: "acme" })).toMatchObject({ state: "ended" });
    });

    it("are not held by a conversion that waits for its turn", async () => {
      const older = await setting.accept();
      await setting.accept({ tenantId: older.tenantId, shortName: "Acme" });

      expect(await setting.accept({ shortName: "Acme" })).toMatchObject({ state: "ready" });
    });

    it.each(["ready", "linked"])("cannot be taken from a %s conversion, whatever the rules say", async (state) => {
      await (state === "ready" ? setting.accept({ shortName: "Acme" }) : setting.link({ shortName: "Acme" }));
      setting.judge = () => ({ kind: "device", message: information("queued") });
      const thief = { ...newConversion(), shortName: "acme" };

      await expect(setting.store.accept(thief)).rejects.toThrow();
      expect((await setting.store.peekDevice("sbc-1")).conversions).toHaveLength(state === "ready" ? 1 : 0);
    });
  });
}
