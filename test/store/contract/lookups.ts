import { describe, expect, it } from "vitest";
import { durationMs, failed, failure, graceMs, inNewPlace, linked, start, type NewPlace } from "./setting.ts";

export function testLookups(newPlace: NewPlace): void {
  describe("the conversion of a tenant or a name", () => {
    const setting = inNewPlace(newPlace);

    it("is the oldest that has not ended, in any case of letters", async () => {
      const first = await setting.accept({ shortName: "Acme" });
      const second = await setting.accept({ tenantId: first.tenantId, shortName: "Acme" });
      await setting.accept();
      const idOf = async (whose: { tenantId: string } | { shortName: string }) =>
        (await setting.store.conversionOf(whose))?.taskId;

      expect(await idOf({ tenantId: first.tenantId.toUpperCase() })).toBe(first.taskId);
      expect(await idOf({ shortName: "aCME" })).toBe(first.taskId);
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(first)]);
      expect(await idOf({ tenantId: first.tenantId })).toBe(second.taskId);
      expect(await setting.store.conversionOf({ shortName: "nobody" })).toBeUndefined();
    });

    it("is the latest that ended, where none is open", async () => {
      const first = await setting.accept();
      const second = await setting.accept({ tenantId: first.tenantId });
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [linked(first)]);
      await setting.store.completeSite(first.taskId, []);

      expect(await setting.store.conversionOf({ tenantId: first.tenantId })).toMatchObject({
        taskId: second.taskId,
        state: "ended",
      });
    });
  });

  describe("the holder of a lease", () => {
    const setting = inNewPlace(newPlace);

    it("is told with the time at which the device is free at the latest", async () => {
      expect(await setting.store.leaseHolder("sbc-1")).toBeUndefined();
      const { lease } = await setting.claim();
      const until = start + durationMs + graceMs;
      expect(await setting.store.leaseHolder("sbc-1")).toEqual({ holder: "agent", until });
      expect(await setting.store.leaseHolder("sbc-2")).toBeUndefined();

      await setting.store.releaseLease(lease);
      expect(await setting.store.leaseHolder("sbc-1")).toBeUndefined();
    });

    it("is nobody when its time is over", async () => {
      await setting.claim();
      setting.now += durationMs + graceMs;

      expect(await setting.store.leaseHolder("sbc-1")).toBeUndefined();
    });
  });

  describe("failed tasks", () => {
    const setting = inNewPlace(newPlace);

    it("are listed from a time on, latest first, with what they ended with", async () => {
      const early = await setting.accept();
      const late = await setting.accept();
      const fine = await setting.accept();
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(early, [failure("early")]), linked(fine)]);
      await setting.store.completeSite(fine.taskId, []);
      setting.now += 10;
      await setting.store.complete(lease, [failed(late, [failure("late")])]);
      setting.now += 10;
      const unplaced = await setting.accept({ device: null, gateway: "oc9.example.com" });

      const idsOf = async (since: number, limit = 9) =>
        (await setting.store.failedTasks(since, limit)).map(({ taskId }) => taskId);
      expect(await setting.store.failedTasks(start + 10, 9)).toEqual([
        {
          taskId: unplaced.taskId,
          shortName: unplaced.shortName,
          tenantId: unplaced.tenantId,
          device: null,
          gateway: "oc9.example.com",
          messages: [failure("no such gateway")],
          endedAt: start + 20,
        },
        {
          taskId: late.taskId,
          shortName: late.shortName,
          tenantId: late.tenantId,
          device: "sbc-1",
          gateway: "oc1.example.com",
          messages: [failure("late")],
          endedAt: start + 10,
        },
      ]);
      expect(await idsOf(start)).toEqual([unplaced.taskId, late.taskId, early.taskId]);
      expect(await idsOf(start, 2)).toEqual([unplaced.taskId, late.taskId]);
      expect(await idsOf(start + 21)).toEqual([]);
    });
  });
}
