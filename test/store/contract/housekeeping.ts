import { describe, expect, it } from "vitest";
import { failed, inNewPlace, present, start, type NewPlace } from "./setting.ts";

export function testHousekeeping(newPlace: NewPlace): void {
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

      expect(await setting.store.queues()).toMatchObject([
        { device: "sbc-1", waiting: 2, oldestAcceptedAt: start },
        { device: "sbc-2", waiting: 1, oldestAcceptedAt: start + 5 },
      ]);
    });

    it("shows every arrival at a device by a number that grew", async () => {
      const seen: number[] = [];
      const look = async () => {
        const queues = await setting.store.queues();
        seen.push(present(queues.find(({ device }) => device === "sbc-1")).arrived);
      };
      const first = await setting.accept();
      await look();
      // Accepted before the newest one, it arrives after it: when its turn comes.
      await setting.accept({ tenantId: first.tenantId });
      await setting.accept();
      await look();
      const { lease } = await setting.claim("sbc-1", 1);
      await setting.store.complete(lease, [failed(first)]);
      await look();
      await setting.store.releaseLease(lease);
      const again = await setting.claim();
      await setting.store.complete(
        again.lease,
        again.conversions.map((one) => failed(one)),
      );
      await setting.store.prune(-1);
      await setting.reopen();
      await setting.accept({ device: "sbc-2" });
      await setting.accept();
      await look();

      expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
      expect(seen).toHaveLength(4);
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

    it("keeps a record that is saved while one of its conversions is open, however old it is", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      await setting.store.recordWrite(lease, { ...record, taskIds: [conversion.taskId] });
      await setting.store.recordSaved(lease);
      setting.now += 1_001;
      expect(await setting.store.prune(1_000)).toEqual({ deleted: 0 });
      expect((await setting.store.peekDevice("sbc-1")).unresolved).toHaveLength(1);
      await setting.store.complete(lease, [failed(conversion)]);

      setting.now += 1_001;
      expect(await setting.store.prune(1_000)).toEqual({ deleted: 2 });
    });

    it("finishes what was asked for before it closes, and takes nothing afterwards", async () => {
      const { store } = setting;
      const asked = Array.from({ length: 250 }, () =>
        store.audit({ event: "write", device: "sbc-1", taskId: null, who: "agent", data: {} }),
      );
      await store.close();
      await Promise.all(asked);
      await expect(
        store.audit({ event: "late", device: "sbc-1", taskId: null, who: "agent", data: {} }),
      ).rejects.toThrow();
      await setting.reopen();

      expect(await setting.store.auditTrail({ limit: 500 })).toHaveLength(250);
      expect((await setting.store.auditTrail({ limit: 1 }))[0]).toMatchObject({ event: "write" });
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
