import { describe, expect, it } from "vitest";
import type { RecordedChange, RecordedCreate } from "../../../agent/store/model.ts";
import { durationMs, failed, graceMs, inNewPlace, linked, start, type NewPlace } from "./setting.ts";

const creates: RecordedCreate[] = [
  { table: "ip-group", index: 3, name: "Acme", fields: { name: "Acme", tags: "t" }, absentIn: "f1", customers: ["c1"] },
  { table: "proxy-ip", index: 0, parent: 2, name: "Carrier", fields: {}, absentIn: "f1", customers: ["c1", "c2"] },
];
const changes: RecordedChange[] = [
  { table: "ip-group", index: 1, name: "Old", before: { tags: "x" }, customers: ["c3"] },
];

export function testRecords(newPlace: NewPlace): void {
  describe("run records", () => {
    const setting = inNewPlace(newPlace);
    const record = (...taskIds: string[]) => ({ runId: "run-1", serialNumber: "123", taskIds, creates, changes });

    it("are stored as they were written, and mark their conversions as sent", async () => {
      const [one, two] = [await setting.accept(), await setting.accept()];
      const { lease } = await setting.claim();
      await setting.store.recordWrite(lease, record(one.taskId));

      const { unresolved } = await setting.store.peekDevice("sbc-1");
      expect(unresolved).toEqual([
        {
          ...record(one.taskId),
          id: unresolved[0]?.id,
          device: "sbc-1",
          fence: lease.fence,
          state: "written",
          writtenAt: start,
        },
      ]);
      expect(await setting.conversion(one)).toMatchObject({ sent: true });
      expect(await setting.conversion(two)).toMatchObject({ sent: false });
    });

    it("are abandoned when the device is claimed anew, and stay unresolved", async () => {
      const { lease } = await setting.claim();
      await setting.store.recordWrite(lease, record());
      setting.now += durationMs + graceMs;
      const taken = await setting.claim();
      await setting.store.recordWrite(taken.lease, record());

      expect(taken.unresolved).toMatchObject([{ state: "abandoned", fence: lease.fence }]);
      expect((await setting.store.peekDevice("sbc-1")).unresolved).toMatchObject([
        { state: "abandoned", fence: lease.fence },
        { state: "written", fence: taken.lease.fence },
      ]);
    });

    it("are all resolved by a confirmed save on their device, abandoned ones too", async () => {
      const other = await setting.claim("sbc-2");
      await setting.store.recordWrite(other.lease, record());
      const first = await setting.claim();
      await setting.store.recordWrite(first.lease, record());
      await setting.store.releaseLease(first.lease);
      const { lease } = await setting.claim();
      await setting.store.recordWrite(lease, record());
      await setting.store.recordSaved(lease);
      await setting.store.releaseLease(lease);

      expect((await setting.claim()).unresolved).toEqual([]);
      expect((await setting.store.peekDevice("sbc-2")).unresolved).toHaveLength(1);
    });

    it("tell since when a device is not saved", async () => {
      const { lease } = await setting.claim();
      await setting.store.recordWrite(lease, record());
      setting.now += 10;
      await setting.store.recordWrite(lease, record());
      expect(await setting.store.unsavedSince()).toEqual([{ device: "sbc-1", since: start }]);
      await setting.store.recordSaved(lease);

      expect(await setting.store.unsavedSince()).toEqual([]);
    });

    it("stay a licence after a save while one of their conversions is open, and are not unsaved any more", async () => {
      const conversion = await setting.accept();
      const first = await setting.claim();
      await setting.store.recordWrite(first.lease, record(conversion.taskId));
      await setting.store.recordSaved(first.lease);
      await setting.store.releaseLease(first.lease);
      expect(await setting.store.unsavedSince()).toEqual([]);

      const second = await setting.claim();
      expect(second.unresolved).toMatchObject([{ state: "saved", creates }]);
      await setting.store.complete(second.lease, [linked(conversion)]);
      await setting.store.releaseLease(second.lease);

      expect((await setting.claim()).unresolved).toEqual([]);
    });

    it("go, with the mark on their conversions, when they are withdrawn because nothing was sent", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      const id = await setting.store.recordWrite(lease, record(conversion.taskId));
      expect(await setting.store.withdrawWrite(lease, id)).toEqual([conversion.taskId]);

      expect((await setting.store.peekDevice("sbc-1")).unresolved).toEqual([]);
      expect(await setting.store.unsavedSince()).toEqual([]);
      expect(await setting.conversion(conversion)).toMatchObject({ sent: false });
    });

    it("leave the mark on conversions that an earlier record names, when a later one is withdrawn", async () => {
      const [conversion, other] = [await setting.accept(), await setting.accept()];
      const { lease } = await setting.claim();
      await setting.store.recordWrite(lease, record(conversion.taskId));
      const id = await setting.store.recordWrite(lease, record(conversion.taskId, other.taskId));
      expect(await setting.store.withdrawWrite(lease, id)).toEqual([other.taskId]);

      expect((await setting.store.peekDevice("sbc-1")).unresolved).toHaveLength(1);
      expect(await setting.conversion(conversion)).toMatchObject({ sent: true });
      expect(await setting.conversion(other)).toMatchObject({ sent: false });
    });

    it("are withdrawn once, and only by whoever holds their own device", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      const elsewhere = await setting.claim("sbc-2");
      const id = await setting.store.recordWrite(lease, record(conversion.taskId));

      expect(await setting.store.withdrawWrite(elsewhere.lease, id)).toEqual([]);
      expect(await setting.conversion(conversion)).toMatchObject({ sent: true });
      expect(await setting.store.withdrawWrite(lease, id)).toEqual([conversion.taskId]);
      expect(await setting.store.withdrawWrite(lease, id)).toEqual([]);
    });

    it("are refused, with nothing stored, for conversions of another device", async () => {
      const [here, elsewhere] = [await setting.accept(), await setting.accept({ device: "sbc-2" })];
      const { lease } = await setting.claim();

      await expect(setting.store.recordWrite(lease, record(here.taskId, elsewhere.taskId))).rejects.toThrow(
        elsewhere.taskId,
      );
      expect(await setting.conversion(here)).toMatchObject({ sent: false });
      expect(await setting.store.unsavedSince()).toEqual([]);
    });
  });

  describe("what a store tells without being asked", () => {
    const setting = inNewPlace(newPlace);

    function listen(): unknown[] {
      const events: unknown[] = [];
      setting.store.watch((event) => events.push(event));
      return events;
    }

    it("is what became ready, by acceptance and by promotion, what goes to its site, and what ended", async () => {
      const events = listen();
      const first = await setting.accept();
      await setting.accept({ tenantId: first.tenantId, device: "sbc-2" });
      expect(events).toEqual([{ kind: "ready", device: "sbc-1" }]);
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(first)]);
      expect(events.slice(1)).toEqual([
        { kind: "ended", taskId: first.taskId, device: "sbc-1", details: ["Failed"] },
        { kind: "ready", device: "sbc-2" },
      ]);
      const last = await setting.accept();
      await setting.store.releaseLease(lease);
      const again = await setting.claim();
      await setting.store.complete(again.lease, [linked(last)]);

      expect(events.slice(3)).toEqual([{ kind: "ready", device: "sbc-1" }, { kind: "site" }]);
      await setting.store.completeSite(last.taskId, []);
      expect(events.slice(5)).toEqual([
        { kind: "ended", taskId: last.taskId, device: "sbc-1", details: ["Converted"] },
      ]);
    });

    it("is not what a lease gave back", async () => {
      await setting.accept();
      const events = listen();
      const { lease } = await setting.claim();
      await setting.store.releaseLease(lease);

      expect(events).toEqual([]);
    });

    it("is nothing of a unit of work that failed", async () => {
      const [one, two] = [await setting.accept(), await setting.accept()];
      const { lease } = await setting.claim();
      const events = listen();
      await expect(setting.store.complete(lease, [linked(one), linked(two), failed(one)])).rejects.toThrow();
      await setting.accept({ device: "sbc-2" });

      expect(events).toEqual([{ kind: "ready", device: "sbc-2" }]);
    });

    it("comes after the commit, so that a listener may use the store", async () => {
      const claims: Promise<string[]>[] = [];
      setting.store.watch((event) => {
        if (event.kind === "ready")
          claims.push(setting.claim(event.device).then(({ conversions }) => conversions.map(({ taskId }) => taskId)));
      });
      const { taskId } = await setting.accept();

      expect(await Promise.all(claims)).toEqual([[taskId]]);
    });

    it("ends with the unsubscription, for that listener alone", async () => {
      const events: string[] = [];
      const listener = () => events.push("heard");
      const stop = setting.store.watch(listener);
      setting.store.watch(listener);
      stop();
      stop();
      await setting.accept();

      expect(events).toEqual(["heard"]);
    });

    it("does no harm when a listener fails", async () => {
      setting.store.watch(() => {
        throw new Error("deaf");
      });
      const events = listen();

      expect(await setting.accept()).toMatchObject({ state: "ready" });
      expect(events).toEqual([{ kind: "ready", device: "sbc-1" }]);
    });
  });
}
