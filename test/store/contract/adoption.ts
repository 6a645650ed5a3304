import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Adoption } from "../../../agent/store/adoption.ts";
import { LeaseLost } from "../../../agent/store/store.ts";
import { durationMs, graceMs, inNewPlace, linkOf, removed, type NewPlace } from "./setting.ts";

export function testAdoption(newPlace: NewPlace): void {
  describe("adoptions", () => {
    const setting = inNewPlace(newPlace);

    function adoption(tenantId: string, shortName: string, more: Partial<Adoption> = {}): Adoption {
      const customer = { customerGuid: randomUUID(), tenantId, shortName, fullName: "" };
      return { ...linkOf(customer as Parameters<typeof linkOf>[0]), fullName: null, ...more };
    }

    async function lead(status = "Active"): Promise<string> {
      const tenantId = randomUUID();
      await setting.store.createLead({ tenantId, companyName: `Company ${tenantId}`, status });
      return tenantId;
    }

    async function adopt(...adoptions: Adoption[]) {
      const { lease } = await setting.claim("sbc-1", 0);
      const verdicts = await setting.store.adopt(lease, adoptions, "ann");
      await setting.store.releaseLease(lease);
      return verdicts;
    }

    it("make customers of leads, with links that can be re-applied, and say who did so", async () => {
      const tenantId = await lead();
      const one = adoption(tenantId, "Florist");
      expect(await setting.store.previewAdoptions("sbc-1", [one])).toEqual([
        { kind: "adopted", fullName: `Company ${tenantId}` },
      ]);
      expect(await setting.store.customers()).toEqual([]);

      expect(await adopt(one)).toEqual([{ kind: "adopted", fullName: `Company ${tenantId}` }]);
      await setting.reopen();
      const { customerGuid } = one;
      const fullName = `Company ${tenantId}`;
      expect(await setting.store.customer(customerGuid)).toMatchObject({ tenantId, shortName: "Florist", fullName });
      expect(await setting.store.leads({ tenantId, skip: 0, take: 1 })).toMatchObject([
        { umpCustomerGuid: customerGuid },
      ]);
      expect((await setting.claim()).links).toEqual([{ ...one, fullName, secrets: {}, linkedAt: setting.now }]);
      expect(await setting.store.auditTrail({ device: "sbc-1", limit: 1 })).toMatchObject([
        { event: "adopt", who: "ann", data: { customers: [{ customerGuid, tenantId, shortName: "Florist" }] } },
      ]);
    });

    it("may give the full name", async () => {
      expect(await adopt(adoption(await lead(), "Florist", { fullName: "Florist Ltd" }))).toEqual([
        { kind: "adopted", fullName: "Florist Ltd" },
      ]);
    });

    it("hold the name, and make a later conversion of the tenant already converted", async () => {
      const tenantId = await lead();
      await adopt(adoption(tenantId, "Florist"));
      const other = await setting.accept({ shortName: "FLORIST" });
      expect((await setting.task(other)).messages).toMatchObject([{ message: `name of ${tenantId}` }]);
      expect((await setting.task(await setting.accept({ tenantId }))).details).toEqual(["CustomerAlreadyConverted"]);
    });

    it("that are repeated are adopted, and change nothing", async () => {
      const one = adoption(await lead(), "Florist");
      const first = await adopt(one);
      expect(await adopt(one)).toEqual(first);
      expect(await setting.store.customers()).toHaveLength(1);
      expect(await setting.store.auditTrail({ device: "sbc-1", limit: 9 })).toHaveLength(1);
    });

    it("are refused one by one, and the others are adopted", async () => {
      const customer = await setting.convert({ shortName: "Bakery" });
      const converting = await setting.accept();
      const pending = await lead("Pending");
      const unknown = randomUUID();
      const [good, late] = [await lead(), await lead()];
      const asked = [
        adoption(customer.tenantId, "Bakery_2"),
        adoption(converting.tenantId, "Butcher"),
        adoption(pending, "Grocer"),
        adoption(unknown, "Draper"),
        adoption(good, "Florist"),
        adoption(late, "florist"),
        adoption(await lead(), "bakery"),
      ];
      const verdicts = await adopt(...asked);
      expect(verdicts.map((verdict) => (verdict.kind === "refused" ? verdict.reason : "adopted"))).toEqual([
        `tenant ${customer.tenantId} is customer Bakery already`,
        `task ${converting.taskId} converts tenant ${converting.tenantId}: wait for its end`,
        `the lead of tenant ${pending} is not active (Pending)`,
        `tenant ${unknown} is not known: create its lead first`,
        "adopted",
        `short name florist is held on device sbc-1 by customer Florist of tenant ${good}`,
        `short name bakery is held on device sbc-1 by customer Bakery of tenant ${customer.tenantId}`,
      ]);
      expect((await setting.store.links({})).map(({ shortName }) => shortName)).toEqual(["Bakery", "Florist"]);
    });

    it("wait until the debt of a customer that was given up is settled", async () => {
      const customer = await setting.convert({ shortName: "Bakery" });
      const { taskId } = await setting.remove(customer, true);
      const again = adoption(customer.tenantId, "Bakery");
      expect(await adopt(again)).toMatchObject([
        { kind: "refused", reason: expect.stringContaining(taskId) as string },
      ]);

      const { lease } = await setting.claim();
      await setting.store.complete(lease, [removed({ taskId })]);
      await setting.store.releaseLease(lease);
      expect(await adopt(again)).toMatchObject([{ kind: "adopted" }]);
    });

    it("can be removed like any other customer", async () => {
      const one = adoption(await lead(), "Florist");
      await adopt(one);
      const removal = await setting.remove(one);
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [removed(removal)]);
      expect(await setting.store.links({})).toEqual([]);
      expect(await setting.store.customers()).toEqual([]);
    });

    it("are none without the lease, and nothing of them happens", async () => {
      const one = adoption(await lead(), "Florist");
      const { lease } = await setting.claim("sbc-1", 0);
      setting.now += durationMs + graceMs;
      await expect(setting.store.adopt(lease, [one], "ann")).rejects.toThrow(LeaseLost);
      expect(await setting.store.customers()).toEqual([]);
    });
  });
}
