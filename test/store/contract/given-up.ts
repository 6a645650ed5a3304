import { describe, expect, it } from "vitest";
import type { StoreEvent } from "../../../agent/store/portal-store.ts";
import { record } from "./journal-setting.ts";
import { changed, failed, failure, inNewPlace, information, linkOf, present, removed } from "./setting.ts";
import { start, type NewPlace } from "./setting.ts";

/** Customers that are given up without their device, and the debts that this leaves. */
export function testGivenUp(newPlace: NewPlace): void {
  describe("a customer that is given up without its device", () => {
    const setting = inNewPlace(newPlace);

    it("is gone at once, and what stands on the device is owed", async () => {
      const customer = await setting.convert({ secrets: { Password: "open sesame" } });
      const { tenantId, customerGuid } = customer;
      const { taskId } = await setting.remove(customer, true);

      expect(await setting.task({ taskId })).toMatchObject({
        status: "CompletedSuccess",
        details: [],
        messages: [{ level: "Warning", message: expect.stringContaining("sbc-1") as string }],
        umpCustomerGuid: customerGuid,
      });
      expect(await setting.store.customers()).toEqual([]);
      expect(await setting.store.links({})).toEqual([]);
      expect(await setting.store.leads({ tenantId, skip: 0, take: 1 })).toMatchObject([{ umpCustomerGuid: null }]);
      expect(await setting.store.openAmendments({})).toMatchObject([{ taskId, state: "owed" }]);
      expect(await setting.store.queues()).toMatchObject([{ device: "sbc-1", waiting: 0, owed: 1 }]);
      expect(await setting.store.namedDevices()).toEqual(["sbc-1"]);
      expect(await setting.store.openTasks("sbc-1", [taskId])).toEqual([taskId]);
      await setting.reopen();
      expect((await setting.claim()).amendments).toMatchObject([
        { taskId, superseded: false, link: { ...linkOf(customer), linkedAt: start, secrets: {} } },
      ]);
      expect((await setting.claim("sbc-1", 0)).amendments).toEqual([]);
    });

    it("wakes the device, and tells that its task has ended", async () => {
      const customer = await setting.convert();
      const events: StoreEvent[] = [];
      setting.store.watch((event) => events.push(event));
      const { taskId } = await setting.remove(customer, true);

      expect(events).toContainEqual({ kind: "ready", device: "sbc-1" });
      expect(events).toContainEqual({ kind: "amended", taskId, device: "sbc-1", result: "removed" });
    });

    it("can be given up while its removal is under way, whatever the run in hand reports", async () => {
      const [one, two] = [await setting.convert(), await setting.convert()];
      const [first, second] = [await setting.remove(one), await setting.remove(two)];
      const { lease } = await setting.claim();
      expect([await setting.remove(one, true), await setting.remove(two, true)]).toEqual([first, second]);
      await setting.store.complete(lease, [removed(first), failed(second)]);

      expect(await setting.store.openAmendments({})).toMatchObject([{ taskId: second.taskId, state: "owed" }]);
      expect(await setting.task(first)).toMatchObject({ status: "CompletedSuccess" });
      expect(await setting.task(second)).toMatchObject({ status: "CompletedSuccess" });
    });

    it("takes its changes along, whatever the run in hand reports", async () => {
      const customer = await setting.convert();
      const [first, second] = [await setting.change(customer, {}, { New: "new" }), await setting.change(customer)];
      const { lease } = await setting.claim();
      await setting.remove(customer, true);
      await setting.store.complete(lease, [changed(first, linkOf(customer))]);

      for (const task of [first, second])
        expect(await setting.task(task)).toMatchObject({ status: "CompletedFailed", details: ["Failed"] });
      expect(await setting.store.links({})).toEqual([]);
      expect(await setting.store.openAmendments({})).toMatchObject([{ kind: "removal", state: "owed" }]);
    });

    it("owes what a change in hand made of it as well", async () => {
      const customer = await setting.convert();
      const task = await setting.change(customer);
      const { lease } = await setting.claim();
      await setting.remove(customer, true);
      const link = linkOf(customer);
      const made = present(link.intent.rows[0]);
      const intent = { ...link.intent, rows: [made, { ...made, name: "made-by-the-change" }] };
      for (let times = 0; times < 2; times += 1)
        await setting.store.complete(lease, [changed(task, { ...link, intent })]);

      const { amendments } = await setting.claim();
      expect(present(amendments[0]).link.intent.rows).toEqual([
        ...link.intent.rows,
        { ...made, name: "made-by-the-change" },
      ]);
    });

    it("leaves the record of a change that was saved and never reported open until the debt is settled", async () => {
      const customer = await setting.convert();
      const { taskId } = await setting.change(customer);
      const { lease } = await setting.claim();
      await setting.store.recordWrite(lease, record(taskId));
      await setting.store.recordSaved(lease);
      await setting.remove(customer, true);
      const open = () => setting.store.openTasks("sbc-1", [taskId]);

      const next = await setting.claim();
      expect(next.unresolved).toMatchObject([{ taskIds: [taskId], state: "saved" }]);
      expect(await open()).toEqual([taskId]);
      await setting.store.complete(next.lease, [removed(present(next.amendments[0]))]);
      expect((await setting.claim()).unresolved).toEqual([]);
      expect(await open()).toEqual([]);
    });

    it("is left out where a run in hand has something new on its link", async () => {
      const [gone, staying] = [await setting.convert(), await setting.convert()];
      const { lease, links } = await setting.claim();
      await setting.remove(gone, true);
      await setting.store.updateLinks(
        lease,
        links.map((link) => ({ ...link, gateway: "oc2.example.com" })),
      );

      expect(await setting.store.links({})).toMatchObject([
        { customerGuid: staying.customerGuid, gateway: "oc2.example.com" },
      ]);
    });

    it("lets what waited for its removal go on at once", async () => {
      const customer = await setting.convert({ shortName: "Acme" });
      await setting.remove(customer);
      const waiting = await setting.accept({ tenantId: customer.tenantId, shortName: "acme" });
      expect(waiting).toMatchObject({ state: "waiting" });
      await setting.remove(customer, true);

      expect(await setting.conversion(waiting)).toMatchObject({ state: "ready" });
      expect(await setting.accept({ tenantId: customer.tenantId })).toMatchObject({ state: "waiting" });
    });
  });

  describe("a debt", () => {
    const setting = inNewPlace(newPlace);

    it("is settled by its removal, which the audit trail tells and its task does not", async () => {
      const { taskId } = await setting.remove(await setting.convert(), true);
      const task = await setting.task({ taskId });
      const { lease } = await setting.claim();
      setting.now += 1;
      await setting.store.complete(lease, [removed({ taskId })]);
      await setting.store.complete(lease, [removed({ taskId })]);

      expect(await setting.task({ taskId })).toEqual(task);
      expect(await setting.store.openAmendments({})).toEqual([]);
      expect(await setting.store.queues()).toEqual([]);
      const [last, ...others] = await setting.store.auditTrail({ taskId, limit: 9 });
      expect(last).toMatchObject({
        at: start + 1,
        event: "debt settled",
        device: "sbc-1",
        who: "agent",
        data: { messages: [information("gone")] },
      });
      expect(others).toMatchObject([{ event: "removal", data: { forgetDevice: true } }]);
    });

    it("stands when its removal failed, and the same failure is told once", async () => {
      const { taskId } = await setting.remove(await setting.convert(), true);
      for (const message of ["routing names it", "routing names it", "named twice"]) {
        const { lease, amendments } = await setting.claim();
        await setting.store.complete(lease, [failed(present(amendments[0]), [failure(message)])]);
      }

      expect(await setting.store.openAmendments({})).toMatchObject([{ taskId, state: "owed" }]);
      expect((await setting.store.auditTrail({ taskId, limit: 9 })).map(({ event }) => event)).toEqual([
        "debt stands",
        "debt stands",
        "removal",
      ]);
    });

    it("is superseded while a conversion or a customer of the same tenant holds the name, and not by others", async () => {
      const customer = await setting.convert({ shortName: "Acme" });
      await setting.remove(customer, true);
      const superseded = async () =>
        (await setting.store.peekDevice("sbc-1")).amendments.map((debt) => debt.superseded);
      const stranger = await setting.accept({ shortName: "ACME" });
      expect(await superseded()).toEqual([false]);
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(stranger)]);
      await setting.store.releaseLease(lease);
      const again = await setting.accept({ tenantId: customer.tenantId, shortName: "acme" });
      expect(await superseded()).toEqual([true]);
      const next = await setting.claim();
      expect(next.amendments).toMatchObject([{ superseded: true }]);
      await setting.store.complete(next.lease, [
        { kind: "linked", taskId: again.taskId, link: linkOf(again), messages: [] },
      ]);
      await setting.store.releaseLease(next.lease);

      expect(await superseded()).toEqual([true]);
    });
  });
}
