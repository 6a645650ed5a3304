import { describe, expect, it } from "vitest";
import type { Amendment } from "../../../agent/store/amendment.ts";
import type { StoreEvent } from "../../../agent/store/portal-store.ts";
import { Contradiction, LeaseLost } from "../../../agent/store/store.ts";
import { record } from "./journal-setting.ts";
import { changed, failed, failure, inNewPlace, information, linked, linkOf, present, removed } from "./setting.ts";
import { start, warning, type NewPlace } from "./setting.ts";

const idsOf = (tasks: readonly { taskId: string }[]) => tasks.map(({ taskId }) => taskId);

/** Removals and changes of customers that exist. */
export function testAmendments(newPlace: NewPlace): void {
  describe("a removal", () => {
    const setting = inNewPlace(newPlace);

    it("is stored with a task of its own, and waits for the customer's device", async () => {
      const { customerGuid, tenantId, shortName } = await setting.convert();
      setting.now += 5;
      const { taskId } = await setting.remove({ customerGuid: customerGuid.toUpperCase() });
      const amendment: Amendment = {
        taskId,
        kind: "removal",
        customerGuid,
        tenantId,
        shortName,
        device: "sbc-1",
        by: "ann",
        change: null,
        state: "ready",
        acceptedAt: start + 5,
        sent: false,
      };

      expect(taskId).toMatch(/^tsk_[1-9]\d*$/);
      expect(await setting.store.amendment(taskId)).toEqual(amendment);
      for (const filter of [{}, { customerGuid: customerGuid.toUpperCase() }, { device: "sbc-1" }])
        expect(await setting.store.openAmendments(filter)).toEqual([amendment]);
      expect(await setting.store.openAmendments({ device: "sbc-2" })).toEqual([]);
      expect(await setting.task({ taskId })).toMatchObject({ status: "InProgress", createdAt: start + 5 });
      expect(await setting.store.queues()).toMatchObject([{ device: "sbc-1", waiting: 1, owed: 0 }]);
      expect(await setting.store.namedDevices()).toEqual(["sbc-1"]);
      expect(await setting.store.auditTrail({ taskId, limit: 9 })).toMatchObject([
        { event: "removal", device: "sbc-1", who: "ann", data: { customerGuid, tenantId, shortName } },
      ]);
    });

    it("has a task id that no other one ever had", async () => {
      const ids = new Set<string>();
      for (let turn = 0; turn < 3; turn += 1) {
        ids.add((await setting.remove(await setting.convert(), true)).taskId);
        await setting.reopen();
      }

      expect(ids.size).toBe(3);
    });

    it("of an unknown customer is refused", async () => {
      await setting.convert();
      const { store } = setting;
      const asked = { by: "ann", forgetDevice: false };

      expect(await store.removeCustomer({ ...asked, customerGuid: "nobody" })).toEqual({ kind: "unknown" });
    });

    it("of a customer that is on another device is refused", async () => {
      const { customerGuid } = await setting.convert();
      const removal = { customerGuid, device: "sbc-2", by: "ann", forgetDevice: true };

      expect(await setting.store.removeCustomer(removal)).toEqual({ kind: "unknown" });
      expect(await setting.store.customer(customerGuid)).toBeDefined();
    });

    it("joins the one that is under way, which is audited all the same", async () => {
      const customer = await setting.convert();
      const first = await setting.remove(customer);

      expect(await setting.remove(customer)).toEqual(first);
      expect(await setting.store.openAmendments({})).toHaveLength(1);
      expect(await setting.store.auditTrail({ taskId: first.taskId, limit: 9 })).toHaveLength(2);
    });

    it("frees link, name, customer and lead when it is done, and ends its task", async () => {
      const customer = await setting.convert({ shortName: "Acme" });
      const { tenantId, customerGuid } = customer;
      const { taskId } = await setting.remove(customer);
      const { lease, amendments } = await setting.claim();
      await setting.store.noteProgress([taskId], information("waiting for the device"));
      await setting.store.noteProgress([taskId], warning("device busy"));
      setting.now += 7;
      await setting.store.complete(lease, [removed(present(amendments[0]))]);

      expect(await setting.task({ taskId })).toMatchObject({
        status: "CompletedSuccess",
        details: [],
        messages: [warning("device busy"), information("gone")],
        umpCustomerGuid: customerGuid,
      });
      expect(await setting.store.openAmendments({})).toEqual([]);
      expect(await setting.store.amendment(taskId)).toMatchObject({ state: "ended" });
      expect(await setting.store.customers()).toEqual([]);
      expect(await setting.store.links({})).toEqual([]);
      expect(await setting.store.queues()).toEqual([]);
      expect(await setting.store.leads({ tenantId, skip: 0, take: 1 })).toMatchObject([
        { umpCustomerGuid: null, modifiedAt: start + 7 },
      ]);
      expect(await setting.accept({ shortName: "ACME" })).toMatchObject({ state: "ready" });
      expect(await setting.accept({ tenantId })).toMatchObject({ state: "ready" });
    });

    it("that failed leaves the customer as it was", async () => {
      const customer = await setting.convert();
      const { taskId } = await setting.remove(customer);
      const before = await setting.store.links({});
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed({ taskId }, [failure("routing names it")])]);

      expect(await setting.task({ taskId })).toMatchObject({
        status: "CompletedFailed",
        details: ["Failed"],
        messages: [failure("routing names it")],
      });
      expect(await setting.store.links({})).toEqual(before);
      expect(await setting.store.customer(customer.customerGuid)).toBeDefined();
      expect(await setting.remove(customer)).not.toEqual({ taskId });
    });

    it("lets the tenant's next conversion wait, and go on when it is done", async () => {
      const customer = await setting.convert();
      const { taskId } = await setting.remove(customer);
      const waiting = await setting.accept({ tenantId: customer.tenantId });
      const behind = await setting.accept({ tenantId: customer.tenantId });
      expect(waiting).toMatchObject({ state: "waiting" });
      expect((await setting.task(waiting)).messages).toEqual([information(`waits for ${taskId}`)]);
      const { lease, conversions } = await setting.claim();
      await setting.store.complete(lease, [removed({ taskId })]);

      expect(conversions).toEqual([]);
      expect(await setting.conversion(waiting)).toMatchObject({ state: "ready" });
      expect(await setting.conversion(behind)).toMatchObject({ state: "waiting" });
      expect(idsOf((await setting.claim()).conversions)).toEqual([waiting.taskId]);
    });

    it("that failed ends the tenant's next conversion as converted already", async () => {
      const customer = await setting.convert();
      const { taskId } = await setting.remove(customer);
      const waiting = await setting.accept({ tenantId: customer.tenantId });
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed({ taskId })]);

      expect(await setting.task(waiting)).toMatchObject({ details: ["CustomerAlreadyConverted"] });
    });

    it("does not wait for the customer's site, nor lets it be made", async () => {
      const customer = await setting.link();
      const duplicate = await setting.accept({ tenantId: customer.tenantId });
      const { taskId } = await setting.remove(customer);
      const { messages, ...result } = await setting.task(customer);
      expect(result).toMatchObject({ status: "CompletedSuccess", umpCustomerGuid: customer.customerGuid });
      expect(messages.at(-1)).toMatchObject({ level: "Warning", message: expect.stringContaining(taskId) as string });
      expect(await setting.task(duplicate)).toMatchObject({ details: ["CustomerAlreadyConverted"] });
      expect(await setting.store.sites(9)).toEqual([]);
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [removed({ taskId })]);
      await setting.store.completeSite(customer.taskId, []);

      expect(await setting.store.customers()).toEqual([]);
    });

    it("of a customer without devices is done at once", async () => {
      const conversion = await setting.accept({ variant: "tenant", device: null, gateway: null, proxySet: null });
      await setting.store.completeSite(conversion.taskId, []);
      const events: StoreEvent[] = [];
      setting.store.watch((event) => events.push(event));
      const { taskId } = await setting.remove(conversion);

      expect(await setting.task({ taskId })).toMatchObject({ status: "CompletedSuccess", details: [] });
      expect(await setting.store.customers()).toEqual([]);
      expect(await setting.store.openAmendments({})).toEqual([]);
      expect(events).toEqual([{ kind: "amended", taskId, device: null, result: "removed" }]);
      expect(await setting.store.auditTrail({ taskId, limit: 9 })).toMatchObject([{ event: "removal", who: "ann" }]);
      expect(await setting.accept({ tenantId: conversion.tenantId })).toMatchObject({ state: "ready" });
    });
  });

  describe("a change", () => {
    const setting = inNewPlace(newPlace);

    it("is handed out with its link and its secrets, and kept without them", async () => {
      const customer = await setting.convert({ secrets: { Old: "kept" } });
      const secrets = { CarrierUserPassword: "open sesame" };
      const change = { proxySet: "Other", blueprint: "b2", variables: { Region: "south" } };
      const { taskId } = await setting.change(customer, change, secrets);
      await setting.reopen();
      const { amendments, links } = await setting.claim();
      const { linkedAt, ...link } = { ...linkOf(customer), linkedAt: start };

      expect(amendments).toMatchObject([
        {
          taskId,
          kind: "change",
          change,
          secrets,
          superseded: false,
          link: { ...link, linkedAt, secrets: { Old: "kept" } },
        },
      ]);
      expect(links).toMatchObject([{ customerGuid: customer.customerGuid }]);
      expect(JSON.stringify(await setting.store.amendment(taskId))).not.toContain("sesame");
      const trail = await setting.store.auditTrail({ taskId, limit: 9 });
      expect(trail).toMatchObject([
        { event: "change", who: "bob", data: { ...change, secrets: Object.keys(secrets) } },
      ]);
      expect(JSON.stringify(trail)).not.toContain("sesame");
    });

    it("replaces the link when it is done; its secrets join the kept ones", async () => {
      const customer = await setting.convert({ secrets: { Old: "kept", New: "old" } });
      const { taskId } = await setting.change(customer, {}, { New: "new" });
      const { lease } = await setting.claim();
      const link = {
        ...linkOf(customer),
        proxySet: "Other",
        variables: { Region: "south" },
        secretHashes: { New: "h" },
      };
      setting.now += 3;
      await setting.store.complete(lease, [changed({ taskId }, link)]);

      expect(await setting.store.links({})).toEqual([{ ...link, linkedAt: start }]);
      expect((await setting.store.peekDevice("sbc-1")).links).toMatchObject([{ secrets: { Old: "kept", New: "new" } }]);
      expect(await setting.task({ taskId })).toMatchObject({
        status: "CompletedSuccess",
        details: [],
        messages: [information("changed")],
        umpCustomerGuid: customer.customerGuid,
      });
    });

    it("leaves no secret with the link where none are to be kept", async () => {
      setting.keepSecrets = false;
      await setting.reopen();
      const customer = await setting.convert();
      const { taskId } = await setting.change(customer, {}, { New: "new" });
      const { lease, amendments } = await setting.claim();
      await setting.store.complete(lease, [changed({ taskId }, linkOf(customer))]);

      expect(amendments).toMatchObject([{ secrets: { New: "new" } }]);
      expect((await setting.store.peekDevice("sbc-1")).links).toMatchObject([{ secrets: {} }]);
    });

    it("that failed leaves the link as it was", async () => {
      const customer = await setting.convert();
      const { taskId } = await setting.change(customer, { proxySet: "Other" });
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed({ taskId })]);

      expect(await setting.store.links({})).toEqual([{ ...linkOf(customer), linkedAt: start }]);
      expect(await setting.task({ taskId })).toMatchObject({ status: "CompletedFailed", details: ["Failed"] });
    });

    it("of an unknown customer, or on another device, is refused", async () => {
      const { customerGuid } = await setting.convert();
      const change = { by: "bob", change: { variables: {} }, secrets: {} };

      expect(await setting.store.changeCustomer({ ...change, customerGuid: "nobody" })).toEqual({ kind: "unknown" });
      expect(await setting.store.changeCustomer({ ...change, customerGuid, device: "sbc-2" })).toEqual({
        kind: "unknown",
      });
    });

    it("of a customer that is being removed is refused, naming the task", async () => {
      const customer = await setting.convert();
      const { taskId } = await setting.remove(customer);
      const change = { customerGuid: customer.customerGuid, by: "bob", change: { variables: {} }, secrets: {} };

      expect(await setting.store.changeCustomer(change)).toEqual({ kind: "leaving", taskId });
    });
  });

  describe("what is handed out of a customer", () => {
    const setting = inNewPlace(newPlace);

    it("is the oldest, and the next when that has ended; whoever watches hears of it", async () => {
      const customer = await setting.convert();
      const tasks = [await setting.change(customer), await setting.change(customer), await setting.remove(customer)];
      const arrived: number[] = [];
      const events: StoreEvent[] = [];
      setting.store.watch((event) => events.push(event));
      for (const task of tasks) {
        const { lease, amendments } = await setting.claim();
        arrived.push(present((await setting.store.queues())[0]).arrived);
        expect(idsOf(amendments)).toEqual([task.taskId]);
        await setting.store.complete(lease, [failed(task)]);
      }

      expect(idsOf((await setting.claim()).amendments)).toEqual([]);
      expect(arrived).toEqual([...new Set(arrived)].sort((a, b) => a - b));
      expect(events.map(({ kind }) => kind)).toEqual(["amended", "ready", "amended", "ready", "amended"]);
    });

    it("is bounded as conversions are, oldest first", async () => {
      const customers = [await setting.convert(), await setting.convert(), await setting.convert()];
      const tasks = [];
      for (const customer of customers) tasks.push(await setting.remove(customer));

      expect(idsOf((await setting.claim("sbc-1", 2)).amendments)).toEqual(idsOf(tasks.slice(0, 2)));
      expect((await setting.claim("sbc-2")).amendments).toEqual([]);
    });

    it("is nothing for a re-sync, which is not given the links that are to go either", async () => {
      const [staying, leaving] = [await setting.convert(), await setting.convert()];
      await setting.change(staying);
      await setting.remove(leaving);
      const { amendments, links } = await setting.claim("sbc-1", 0);

      expect(amendments).toEqual([]);
      expect(links.map(({ customerGuid }) => customerGuid)).toEqual([staying.customerGuid]);
    });

    it("brings the links along, also where they were to be spared", async () => {
      const [staying, leaving] = [await setting.convert(), await setting.convert()];
      const claim = () =>
        setting.store.claimDevice("sbc-1", { holder: "agent", durationMs: 1_000, graceMs: 0, max: 9, links: false });
      expect(await claim()).toMatchObject({ claim: { links: [] } });
      await setting.remove(leaving);

      expect(await claim()).toMatchObject({ claim: { links: [{ customerGuid: staying.customerGuid }] } });
    });

    it("is handed out again when the lease ended without a result", async () => {
      const { taskId } = await setting.remove(await setting.convert());
      const { lease } = await setting.claim();
      await setting.store.releaseLease(lease);
      await setting.reopen();

      expect(idsOf((await setting.claim()).amendments)).toEqual([taskId]);
    });

    it("can be looked at without a claim, unless a lease has it", async () => {
      const customer = await setting.convert();
      const task = await setting.change(customer);
      await setting.change(customer);
      const peek = async () => idsOf((await setting.store.peekDevice("sbc-1")).amendments);
      expect(await peek()).toEqual([task.taskId]);
      const { lease } = await setting.claim();
      expect(await peek()).toEqual([]);
      await setting.store.releaseLease(lease);

      expect(await peek()).toEqual([task.taskId]);
    });
  });

  describe("the result of an amendment", () => {
    const setting = inNewPlace(newPlace);

    it("is ignored when it is repeated", async () => {
      const [one, two] = [await setting.convert(), await setting.convert()];
      const [removal, change] = [await setting.remove(one), await setting.change(two)];
      const { lease } = await setting.claim();
      const results = [removed(removal), changed(change, linkOf(two))];
      await setting.store.complete(lease, results);
      const before = [await setting.task(removal), await setting.task(change)];
      await setting.store.complete(lease, results);

      expect([await setting.task(removal), await setting.task(change)]).toEqual(before);
    });

    it("is refused where it is another one than before, or does not fit", async () => {
      const [one, two] = [await setting.convert(), await setting.convert()];
      const [removal, change] = [await setting.remove(one), await setting.change(two)];
      const other = await setting.accept();
      const { lease } = await setting.claim();
      const refused = [
        removed(change),
        removed(other),
        linked({ ...other, taskId: removal.taskId }),
        changed(removal, linkOf(one)),
        changed(change, linkOf(one)),
        changed(change, { ...linkOf(two), device: "sbc-2" }),
      ];
      for (const completion of refused)
        await expect(setting.store.complete(lease, [completion])).rejects.toThrow(Contradiction);
      await setting.store.complete(lease, [removed(removal)]);
      await expect(setting.store.complete(lease, [failed(removal)])).rejects.toThrow(Contradiction);

      expect(await setting.store.links({})).toHaveLength(1);
    });

    it("is refused from a lease that was not given it, or was lost", async () => {
      const customer = await setting.convert();
      const first = await setting.change(customer);
      const lost = await setting.claim();
      const { lease } = await setting.claim("sbc-1", 0);

      await expect(setting.store.complete(lost.lease, [failed(first)])).rejects.toThrow(LeaseLost);
      await expect(setting.store.complete(lease, [failed(first)])).rejects.toThrow(Contradiction);
      const elsewhere = await setting.claim("sbc-2");
      await expect(setting.store.complete(elsewhere.lease, [failed(first)])).rejects.toThrow(Contradiction);
    });

    it("happens with the others of its call, or not at all", async () => {
      const customer = await setting.convert();
      const task = await setting.remove(customer);
      const { lease } = await setting.claim();
      const call = setting.store.complete(lease, [removed(task), failed({ taskId: "tsk_0" })]);
      await expect(call).rejects.toThrow(Contradiction);

      expect(await setting.store.customer(customer.customerGuid)).toBeDefined();
      expect(await setting.store.openAmendments({})).toHaveLength(1);
    });
  });

  describe("the script of an amendment", () => {
    const setting = inNewPlace(newPlace);

    it("is marked on it while its record stands, and keeps the record unresolved until it has ended", async () => {
      const { taskId } = await setting.remove(await setting.convert());
      const sent = async () => present(await setting.store.amendment(taskId)).sent;
      const { lease } = await setting.claim();
      const unsent = await setting.store.recordWrite(lease, record(taskId));
      expect(await sent()).toBe(true);
      expect(await setting.store.withdrawWrite(lease, unsent)).toEqual([taskId]);
      expect(await sent()).toBe(false);
      const id = await setting.store.recordWrite(lease, record(taskId));
      await setting.store.recordSaved(lease);
      expect((await setting.store.peekDevice("sbc-1")).unresolved).toMatchObject([{ id, state: "saved" }]);
      await setting.store.complete(lease, [removed({ taskId })]);

      expect((await setting.store.peekDevice("sbc-1")).unresolved).toEqual([]);
      await setting
        .claim("sbc-2")
        .then(({ lease: other }) => expect(setting.store.recordWrite(other, record(taskId))).rejects.toThrow(taskId));
    });

    it("can be marked by an agent elsewhere, which hears whether its task is open", async () => {
      const { taskId } = await setting.remove(await setting.convert());
      const { lease } = await setting.claim();
      const elsewhere = await setting.claim("sbc-2");
      await setting.store.markSent(elsewhere.lease, [taskId], true);
      expect(await setting.store.amendment(taskId)).toMatchObject({ sent: false });
      await setting.store.markSent(lease, [taskId], true);
      expect(await setting.store.amendment(taskId)).toMatchObject({ sent: true });
      expect(await setting.store.openTasks("sbc-1", [taskId, "tsk_0"])).toEqual([taskId]);
      await setting.store.complete(lease, [failed({ taskId })]);

      expect(await setting.store.openTasks("sbc-1", [taskId])).toEqual([]);
    });
  });

  describe("the Proxy Sets that were made", () => {
    const setting = inNewPlace(newPlace);
    const set = (name: string, index: number) => ({ name, index, serialNumber: "1234567" });

    it("are remembered by device with the save that confirms them, and forgotten when they are gone", async () => {
      const { lease } = await setting.claim();
      const elsewhere = await setting.claim("sbc-2");
      await setting.store.recordSaved(lease, { made: [set("B", 4), set("A", 3)], gone: [] });
      await setting.store.recordSaved(elsewhere.lease, { made: [set("A", 1)], gone: [] });
      await setting.store.recordSaved(lease);
      await setting.reopen();
      expect(await setting.store.madeProxySets("sbc-1")).toEqual([set("A", 3), set("B", 4)]);
      await setting.store.recordSaved(lease, { made: [set("B", 7)], gone: [set("A", 3)] });

      expect(await setting.store.madeProxySets("sbc-1")).toEqual([set("B", 7)]);
      expect(await setting.store.madeProxySets("sbc-2")).toEqual([set("A", 1)]);
    });
  });

  describe("an amendment that has ended", () => {
    const setting = inNewPlace(newPlace);

    it("goes with its task when it is old, and no other one does", async () => {
      const [one, two, three] = [await setting.convert(), await setting.convert(), await setting.convert()];
      const done = await setting.remove(one);
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [removed(done)]);
      await setting.store.releaseLease(lease);
      const bodiless = await setting.accept({ variant: "tenant", device: null, gateway: null, proxySet: null });
      await setting.store.completeSite(bodiless.taskId, []);
      const atOnce = await setting.remove(bodiless);
      const [open, owed] = [await setting.change(two), await setting.remove(three, true)];
      setting.now += 1_001;
      await setting.store.prune(1_000);

      for (const { taskId } of [done, atOnce]) expect(await setting.store.task(taskId)).toBeUndefined();
      expect(await setting.store.amendment(done.taskId)).toBeUndefined();
      for (const { taskId } of [open, owed]) expect(await setting.store.task(taskId)).toBeDefined();
      expect(await setting.store.openAmendments({})).toHaveLength(2);
    });
  });
}
