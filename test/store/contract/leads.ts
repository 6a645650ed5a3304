import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { inNewPlace, start, type NewPlace } from "./setting.ts";

export function testLeads(newPlace: NewPlace): void {
  describe("leads", () => {
    const setting = inNewPlace(newPlace);
    const tenantId = randomUUID();

    it("are stored active and consentless, with their tenant in lower case", async () => {
      const result = await setting.store.createLead({ tenantId: tenantId.toUpperCase(), companyName: "Acme & Co" });
      const lead = {
        tenantId,
        companyName: "Acme & Co",
        status: "Active",
        consentless: true,
        createdAt: start,
        modifiedAt: start,
        umpCustomerGuid: null,
      };

      expect(result).toMatchObject({ created: lead });
      expect(await setting.store.leads({ tenantId: tenantId.toUpperCase(), skip: 0, take: 9 })).toMatchObject([lead]);
    });

    it("are listed by their creation, in pages", async () => {
      for (const companyName of ["C", "A", "B"])
        await setting.store.createLead({ tenantId: randomUUID(), companyName });
      const page = async (skip: number, take: number) =>
        (await setting.store.leads({ skip, take })).map(({ companyName }) => companyName);

      expect(await page(0, 2)).toEqual(["C", "A"]);
      expect(await page(2, 2)).toEqual(["B"]);
      expect(await page(4, 2)).toEqual([]);
      expect(await setting.store.leads({ tenantId: randomUUID(), skip: 0, take: 2 })).toEqual([]);
    });

    it("are refused for a tenant or a company name in use, in any case", async () => {
      await setting.store.createLead({ tenantId, companyName: "Café" });

      expect(await setting.store.createLead({ tenantId: tenantId.toUpperCase(), companyName: "Other" })).toEqual({
        taken: "tenant",
      });
      expect(await setting.store.createLead({ tenantId: randomUUID(), companyName: "CAFE\u0301" })).toEqual({
        taken: "company",
      });
      expect(await setting.store.leads({ skip: 0, take: 9 })).toHaveLength(1);
    });

    it("are deleted when they are consentless and not converted", async () => {
      const { tenantId: converted } = await setting.link();
      const consented = randomUUID();
      await setting.store.createLead({ tenantId, companyName: "One" });
      await setting.store.createLead({ tenantId: consented, companyName: "Two", consentless: false });

      expect(await setting.store.deleteLead(tenantId.toUpperCase())).toBe("deleted");
      expect(await setting.store.deleteLead(tenantId)).toBe("unknown");
      expect(await setting.store.deleteLead(consented)).toBe("consented");
      expect(await setting.store.deleteLead(converted)).toBe("converted");
      expect(await setting.store.leads({ skip: 0, take: 9 })).toHaveLength(2);
    });
  });
}
