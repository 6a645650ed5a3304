import { describe, expect, it } from "vitest";
import { Contradiction } from "../../../agent/store/store.ts";
import { failed, failure, information, inNewPlace, linked, linkOf, start, warning, type NewPlace } from "./setting.ts";

/** The caller is told that repeating it is of no use, and about which task or customer. */
async function expectContradiction(call: Promise<unknown>, about: string): Promise<void> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Contradiction);
  expect(error).toHaveProperty("message", expect.stringContaining(about));
}

export function testCompletions(newPlace: NewPlace): void {
  describe("completions", () => {
    const setting = inNewPlace(newPlace);

    it("make a linked conversion a customer with link and lead, and send it to its site", async () => {
      const conversion = await setting.accept();
      const { customerGuid, tenantId, shortName, fullName } = conversion;
      const { lease } = await setting.claim();
      setting.now += 5;
      await setting.store.complete(lease, [linked(conversion)]);

      const customer = { guid: customerGuid, tenantId, shortName, fullName, convertedAt: start + 5 };
      expect(await setting.store.customers()).toEqual([customer]);
      expect(await setting.store.customer(customerGuid.toUpperCase())).toEqual(customer);
      expect(await setting.store.customer("nobody")).toBeUndefined();
      expect(await setting.store.links({})).toEqual([{ ...linkOf(conversion), linkedAt: start + 5 }]);
      expect(await setting.store.leads({ tenantId, skip: 0, take: 1 })).toMatchObject([
        { umpCustomerGuid: customerGuid, createdAt: start, modifiedAt: start + 5 },
      ]);
      expect(await setting.store.sites(10)).toEqual([{ ...conversion, state: "site" }]);
      expect(await setting.task(conversion)).toMatchObject({
        status: "InProgress",
        messages: [information("queued"), information("done on the device")],
        umpCustomerGuid: null,
      });
    });

    it("leave the Warnings of a failed conversion in front of its result", async () => {
      const conversion = await setting.accept();
      await setting.store.noteProgress([conversion.taskId], warning("device busy"));
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(conversion)]);

      expect((await setting.task(conversion)).messages).toEqual([warning("device busy"), failure("refused")]);
    });

    it("end a failed conversion without customer, link or GUID", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(conversion)]);

      expect(await setting.task(conversion)).toMatchObject({
        status: "CompletedFailed",
        details: ["Failed"],
        messages: [failure("refused")],
        umpCustomerGuid: null,
      });
      expect(await setting.conversion(conversion)).toMatchObject({ state: "ended" });
      expect(await setting.store.customers()).toEqual([]);
      expect(await setting.store.links({})).toEqual([]);
      expect(await setting.store.leads({ skip: 0, take: 1 })).toMatchObject([{ umpCustomerGuid: null }]);
    });

    it.each([
      ["linked", linked],
      ["failed", failed],
    ] as const)("ignore the repetition of a %s one", async (_, completion) => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [completion(conversion)]);
      const [task, state] = [await setting.task(conversion), await setting.conversion(conversion)];
      await setting.store.complete(lease, [completion(conversion)]);

      expect(await setting.task(conversion)).toEqual(task);
      expect(await setting.conversion(conversion)).toEqual(state);
    });

    it("ignore the repetition of a linked one whose site was made since", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [linked(conversion)]);
      await setting.store.completeSite(conversion.taskId, []);

      await expect(setting.store.complete(lease, [linked(conversion)])).resolves.toBeUndefined();
    });

    it("refuse another result for a conversion that has one", async () => {
      const [one, two] = [await setting.accept(), await setting.accept()];
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [linked(one), failed(two)]);

      await expectContradiction(setting.store.complete(lease, [failed(one)]), one.taskId);
      await expectContradiction(setting.store.complete(lease, [linked(two)]), two.taskId);
      await expectContradiction(setting.store.complete(lease, [failed(two, [failure("other")])]), two.taskId);
    });

    it("refuse what their lease was not given", async () => {
      const taken = await setting.accept();
      const waiting = await setting.accept({ tenantId: taken.tenantId });
      const { lease } = await setting.claim();
      const late = await setting.accept();
      const elsewhere = await setting.accept({ device: "sbc-2" });
      expect((await setting.claim("sbc-2")).lease.fence).toBe(lease.fence);

      for (const { taskId } of [late, waiting, elsewhere, { taskId: "wst_0" }])
        await expectContradiction(setting.store.complete(lease, [failed({ taskId })]), taskId);
    });

    it("refuse a link of another customer", async () => {
      const other = await setting.accept({ variant: "tenant", device: null, gateway: null, proxySet: null });
      await setting.store.completeSite(other.taskId, []);
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      const link = { ...linkOf(conversion), customerGuid: other.customerGuid };

      await expectContradiction(
        setting.store.complete(lease, [{ kind: "linked", taskId: conversion.taskId, link, messages: [] }]),
        conversion.taskId,
      );
    });

    it("happen all or not at all", async () => {
      const [one, two] = [await setting.accept(), await setting.accept()];
      const { lease } = await setting.claim();
      await expect(setting.store.complete(lease, [linked(one), failed({ taskId: "wst_0" })])).rejects.toThrow();
      await expect(
        setting.store.complete(lease, [
          failed(two),
          { kind: "linked", taskId: one.taskId, link: linkOf(two), messages: [] },
        ]),
      ).rejects.toThrow();

      expect(await setting.conversion(one)).toEqual(one);
      expect(await setting.conversion(two)).toEqual(two);
      expect(await setting.store.customers()).toEqual([]);
    });

    it("hand the secret variables on to the link", async () => {
      const secrets = { CarrierUserPassword: "open sesame" };
      await setting.link({ secrets });

      expect((await setting.store.peekDevice("sbc-1")).links).toMatchObject([{ secrets }]);
    });

    it("drop the secret variables where they are not to be kept", async () => {
      setting.keepSecrets = false;
      await setting.reopen();
      await setting.link({ secrets: { CarrierUserPassword: "open sesame" } });

      expect((await setting.store.peekDevice("sbc-1")).links).toMatchObject([
        { secrets: {}, secretHashes: { CarrierUserPassword: "hash" } },
      ]);
    });
  });

  describe("sites", () => {
    const setting = inNewPlace(newPlace);

    it("are listed oldest first, one page", async () => {
      const [one, two] = [await setting.link(), await setting.link()];
      await setting.link();

      expect((await setting.store.sites(2)).map(({ taskId }) => taskId)).toEqual([one.taskId, two.taskId]);
    });

    it("end the task as converted, after the messages of the device", async () => {
      const conversion = await setting.link();
      await setting.store.completeSite(conversion.taskId, [information("Site created in Ovoc")]);

      expect(await setting.task(conversion)).toMatchObject({
        status: "CompletedSuccess",
        details: ["Converted"],
        messages: [information("done on the device"), information("Site created in Ovoc")],
        umpCustomerGuid: conversion.customerGuid,
      });
      expect(await setting.store.sites(10)).toEqual([]);
      expect(await setting.store.customers()).toHaveLength(1);
    });

    it("make the customer where there was no device step", async () => {
      const conversion = await setting.accept({ variant: "tenant", device: null, gateway: null, proxySet: null });
      const { customerGuid, tenantId } = conversion;
      expect(await setting.store.customers()).toEqual([]);
      await setting.store.completeSite(conversion.taskId, []);

      expect(await setting.store.customers()).toMatchObject([{ guid: customerGuid, tenantId }]);
      expect(await setting.store.leads({ tenantId, skip: 0, take: 1 })).toMatchObject([
        { umpCustomerGuid: customerGuid },
      ]);
      expect(await setting.task(conversion)).toMatchObject({ umpCustomerGuid: customerGuid });
      expect(await setting.store.links({})).toEqual([]);
    });

    it("keep their first result when they are completed again", async () => {
      const { taskId } = await setting.link();
      await setting.store.completeSite(taskId, [information("first")]);
      await setting.store.completeSite(taskId, [information("second")]);

      expect((await setting.task({ taskId })).messages.at(-1)).toEqual(information("first"));
    });

    it("are refused for a conversion that is elsewhere, has failed, or is not known", async () => {
      const [ready, failing] = [await setting.accept(), await setting.accept()];
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(failing)]);

      for (const taskId of [ready.taskId, failing.taskId, "wst_0"])
        await expectContradiction(setting.store.completeSite(taskId, []), taskId);
    });
  });

  describe("links", () => {
    const setting = inNewPlace(newPlace);

    it("are found by device, by customer, and counted", async () => {
      const [one, two] = [await setting.link(), await setting.link()];
      const guidsOf = async (filter: { device?: string; customerGuid?: string }) =>
        (await setting.store.links(filter)).map(({ customerGuid }) => customerGuid);

      expect(await guidsOf({ device: "sbc-1" })).toEqual([one.customerGuid, two.customerGuid]);
      expect(await guidsOf({ customerGuid: two.customerGuid })).toEqual([two.customerGuid]);
      expect(await guidsOf({ device: "sbc-2", customerGuid: two.customerGuid })).toEqual([]);
      expect(await setting.store.countLinks()).toEqual([{ device: "sbc-1", linked: 2 }]);
    });

    it("take a new intent, new hashes and new secrets, and stay the customer's", async () => {
      const conversion = await setting.link({ secrets: { CarrierUserPassword: "old" } });
      const { lease, links } = await setting.claim();
      const [link] = links;
      if (link === undefined) throw new Error("no link");
      const intent = { ...link.intent, blueprint: { name: "default", hash: "def" } };
      const secretHashes = { CarrierUserPassword: "new hash" };
      const secrets = { CarrierUserPassword: "new" };
      await setting.store.updateLinks(lease, [{ ...link, intent, secretHashes, secrets, shortName: "Other" }]);

      expect((await setting.store.peekDevice("sbc-1")).links).toEqual([
        { ...link, intent, secretHashes, secrets, shortName: conversion.shortName },
      ]);
    });

    it("keep their secrets when only the intent is new", async () => {
      await setting.link({ secrets: { CarrierUserPassword: "old" } });
      const { lease } = await setting.claim();
      const links = await setting.store.links({});
      await setting.store.updateLinks(lease, links);

      expect((await setting.store.peekDevice("sbc-1")).links).toMatchObject([
        { secrets: { CarrierUserPassword: "old" } },
      ]);
    });

    it("are not made by an update", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();

      await expectContradiction(
        setting.store.updateLinks(lease, [{ ...linkOf(conversion), linkedAt: 0 }]),
        conversion.customerGuid,
      );
    });
  });
}
