import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { failed, inNewPlace, start, type NewPlace } from "./setting.ts";

export function testJournal(newPlace: NewPlace): void {
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

  describe("log-ins", () => {
    const setting = inNewPlace(newPlace);
    const begin = (credential = "a") => setting.store.beginLogin("sbc-1", credential, 2);
    const end = (result: "accepted" | "refused" | "undecided") => setting.store.endLogin("sbc-1", "a", result);

    it("are counted before they are tried, also when their end was never heard", async () => {
      expect(await begin()).toEqual({ allowed: true, failures: 0 });
      await setting.reopen();
      expect(await begin()).toEqual({ allowed: true, failures: 1 });
      await setting.reopen();

      expect(await begin()).toEqual({ allowed: false, failures: 2 });
      expect(await begin()).toEqual({ allowed: false, failures: 2 });
    });

    it("stand when refused, are taken back when undecided, and clear the count when accepted", async () => {
      await begin();
      await end("refused");
      await begin();
      await end("undecided");
      expect(await begin()).toEqual({ allowed: true, failures: 1 });
      await end("accepted");

      expect(await begin()).toEqual({ allowed: true, failures: 0 });
    });

    it("are counted for each credential and device apart", async () => {
      await begin();
      await begin();

      expect(await begin("b")).toEqual({ allowed: true, failures: 0 });
      expect(await setting.store.beginLogin("sbc-2", "a", 2)).toEqual({ allowed: true, failures: 0 });
    });

    it("are allowed again on an operator's word", async () => {
      await begin();
      await begin();
      await setting.store.clearLogins("sbc-1");

      expect(await begin()).toEqual({ allowed: true, failures: 0 });
    });

    it("are reported where the credential in use fails", async () => {
      await begin();
      await begin();
      await setting.store.beginLogin("sbc-2", "a", 2);
      await setting.store.endLogin("sbc-2", "a", "accepted");
      expect(await setting.store.loginFailures()).toEqual([{ device: "sbc-1", failures: 2 }]);
      await begin("b");
      await setting.store.endLogin("sbc-1", "b", "accepted");

      expect(await setting.store.loginFailures()).toEqual([]);
    });
  });

  describe("pauses", () => {
    const setting = inNewPlace(newPlace);

    it("last until they are ended, also over a restart, and keep their beginning", async () => {
      await setting.store.pauseDevice("sbc-1", "upgrade", "ann");
      setting.now += 10;
      await setting.store.pauseDevice("sbc-1", "long upgrade", "bob");
      await setting.reopen();
      expect(await setting.store.deviceModes()).toEqual([
        { device: "sbc-1", paused: { reason: "long upgrade", by: "bob", since: start } },
      ]);
      await setting.store.resumeDevice("sbc-1", "done", "ann");

      expect(await setting.store.deviceModes()).toEqual([]);
    });

    it("stand in the audit trail, with reason and name", async () => {
      await setting.store.pauseDevice("sbc-1", "upgrade", "ann");
      await setting.store.resumeDevice("sbc-1", "done", "bob");
      await setting.store.resumeDevice("sbc-1", "done again", "bob");

      expect(await setting.store.auditTrail({ device: "sbc-1", limit: 9 })).toEqual([
        { at: start, event: "resume", device: "sbc-1", taskId: null, who: "bob", data: { reason: "done" } },
        { at: start, event: "pause", device: "sbc-1", taskId: null, who: "ann", data: { reason: "upgrade" } },
      ]);
    });
  });

  describe("the audit trail", () => {
    const setting = inNewPlace(newPlace);

    it("gives the newest entries of a device, of a task, of both, or of all", async () => {
      for (const [device, taskId] of [
        ["sbc-1", "wst_1"],
        ["sbc-1", "wst_2"],
        ["sbc-2", "wst_1"],
        [null, null],
      ] as const)
        await setting.store.audit({ event: "write", device, taskId, who: "agent", data: { rows: [1, { a: null }] } });
      const found = async (filter: { device?: string; taskId?: string; limit: number }) =>
        (await setting.store.auditTrail(filter)).map(({ device, taskId }) => `${device} ${taskId}`);

      expect(await found({ limit: 2 })).toEqual(["null null", "sbc-2 wst_1"]);
      expect(await found({ device: "sbc-1", limit: 9 })).toEqual(["sbc-1 wst_2", "sbc-1 wst_1"]);
      expect(await found({ taskId: "wst_1", limit: 9 })).toEqual(["sbc-2 wst_1", "sbc-1 wst_1"]);
      expect(await found({ device: "sbc-1", taskId: "wst_1", limit: 9 })).toEqual(["sbc-1 wst_1"]);
      expect(await setting.store.auditTrail({ limit: 1 })).toMatchObject([{ data: { rows: [1, { a: null }] } }]);
    });
  });

  describe("housekeeping", () => {
    const setting = inNewPlace(newPlace);
    const record = { runId: "run-1", serialNumber: "123", taskIds: [], creates: [], changes: [] };

    it("counts the ready conversions of each device, and since when", async () => {
      await setting.accept();
      setting.now += 5;
      const second = await setting.accept();
      await setting.accept({ tenantId: second.tenantId });
      await setting.accept({ device: "sbc-2" });
      await setting.claim("sbc-1", 1);

      expect(await setting.store.queues()).toEqual([
        { device: "sbc-1", waiting: 2, oldestAcceptedAt: start },
        { device: "sbc-2", waiting: 1, oldestAcceptedAt: start + 5 },
      ]);
    });

    it("proves that a row can be written", async () => {
      await setting.store.probe();
      await expect(setting.store.probe()).resolves.toBeUndefined();
    });

    it("deletes old conversions that ended and records that were resolved, and keeps all else", async () => {
      const failing = await setting.accept();
      const open = await setting.accept({ device: "sbc-2" });
      const waiting = await setting.accept({ device: "sbc-2", tenantId: open.tenantId });
      const { lease } = await setting.claim();
      await setting.store.recordWrite(lease, record);
      await setting.store.recordSaved(lease);
      await setting.store.recordWrite(lease, record);
      await setting.store.complete(lease, [failed(failing)]);
      await setting.store.releaseLease(lease);
      const site = await setting.link();
      const customer = await setting.link();
      await setting.store.completeSite(customer.taskId, []);
      await setting.store.audit({ event: "write", device: null, taskId: customer.taskId, who: "agent", data: {} });

      expect(await setting.store.prune(1_000)).toEqual({ deleted: 0 });
      setting.now += 1_001;
      const late = await setting.accept();
      const again = await setting.claim();
      await setting.store.complete(again.lease, [failed(late)]);
      expect(await setting.store.prune(1_000)).toEqual({ deleted: 3 });

      for (const { taskId } of [failing, customer]) {
        expect(await setting.store.task(taskId)).toBeUndefined();
        expect(await setting.store.conversion(taskId)).toBeUndefined();
      }
      for (const kept of [open, waiting, site, late]) {
        expect(await setting.task(kept)).toMatchObject({ id: kept.taskId });
        expect(await setting.conversion(kept)).toMatchObject({ taskId: kept.taskId });
      }
      expect((await setting.store.peekDevice("sbc-1")).unresolved).toHaveLength(1);
      expect(await setting.store.customers()).toHaveLength(2);
      expect(await setting.store.links({})).toHaveLength(2);
      expect(await setting.store.auditTrail({ limit: 9 })).toHaveLength(1);
    });

    it("lets a run record name a conversion that was deleted", async () => {
      const failing = await setting.accept();
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(failing)]);
      setting.now += 1;
      await setting.store.prune(0);

      await expect(setting.store.recordWrite(lease, { ...record, taskIds: [failing.taskId] })).resolves.toEqual(
        expect.any(String),
      );
    });
  });
}
