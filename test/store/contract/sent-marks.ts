import { describe, expect, it } from "vitest";
import { LeaseLost } from "../../../agent/store/store.ts";
import { durationMs, failed, failure, graceMs, inNewPlace, linked, type NewPlace } from "./setting.ts";

/** What an agent elsewhere tells of its scripts, and asks about its unfinished ones. */
export function testSentMarks(newPlace: NewPlace): void {
  describe("the mark of a script that has left", () => {
    const setting = inNewPlace(newPlace);
    const endOverdue = () => setting.store.endOverdue(() => [failure("too late")]);

    it("stays on the conversions that were named, also over a restart", async () => {
      const [one, two, three] = [await setting.accept(), await setting.accept(), await setting.accept()];
      const { lease } = await setting.claim();
      await setting.store.markSent(lease, [one.taskId, three.taskId], true);
      await setting.store.markSent(lease, [one.taskId], true);
      await setting.reopen();

      expect(await setting.conversion(one)).toEqual({ ...one, sent: true });
      expect(await setting.conversion(two)).toEqual(two);
      expect(await setting.conversion(three)).toEqual({ ...three, sent: true });
    });

    it("keeps a conversion from its deadline, until it is taken back", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      await setting.store.markSent(lease, [conversion.taskId], true);
      setting.now = conversion.deadlineAt - 1;
      await setting.claim();
      setting.now += durationMs + graceMs;
      expect(await endOverdue()).toEqual([]);

      const again = await setting.claim();
      await setting.store.markSent(again.lease, [conversion.taskId], false);
      await setting.store.releaseLease(again.lease);
      expect(await setting.conversion(conversion)).toMatchObject({ state: "ready", sent: false });
    });

    it("lets a conversion end by its deadline where it was taken back", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      await setting.store.markSent(lease, [conversion.taskId], true);
      await setting.store.markSent(lease, [conversion.taskId], false);
      setting.now = conversion.deadlineAt;

      expect(await endOverdue()).toEqual([conversion.taskId]);
    });

    it("is not put on conversions of another device, nor taken from them", async () => {
      const [here, there] = [await setting.accept(), await setting.accept({ device: "sbc-2" })];
      const [{ lease }, elsewhere] = [await setting.claim(), await setting.claim("sbc-2")];
      await setting.store.markSent(lease, [here.taskId, there.taskId, "wst_0"], true);
      expect(await setting.conversion(here)).toMatchObject({ sent: true });
      expect(await setting.conversion(there)).toMatchObject({ sent: false });
      await setting.store.markSent(elsewhere.lease, [here.taskId, there.taskId], true);
      await setting.store.markSent(elsewhere.lease, [here.taskId], false);

      expect(await setting.conversion(here)).toMatchObject({ sent: true });
    });

    it("is not changed by a holder that lost its lease", async () => {
      const [one, two] = [await setting.accept(), await setting.accept()];
      const { lease } = await setting.claim();
      await setting.store.markSent(lease, [one.taskId], true);
      await setting.claim();
      await expect(setting.store.markSent(lease, [two.taskId], true)).rejects.toThrow(LeaseLost);
      await expect(setting.store.markSent(lease, [one.taskId], false)).rejects.toThrow(LeaseLost);

      expect(await setting.conversion(one)).toMatchObject({ sent: true });
      expect(await setting.conversion(two)).toMatchObject({ sent: false });
    });
  });

  describe("open tasks", () => {
    const setting = inNewPlace(newPlace);

    it("are those whose conversions wait for the device, also while a lease has them", async () => {
      const [failing, linking] = [await setting.accept(), await setting.accept()];
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(failing), linked(linking)]);
      const held = await setting.accept();
      const behind = await setting.accept({ tenantId: held.tenantId });
      const site = await setting.accept({ variant: "tenant", device: null, gateway: null, proxySet: null });
      await setting.claim();
      const free = await setting.accept({ device: "sbc-2" });
      const ids = [free, failing, held, linking, behind, site].map(({ taskId }) => taskId);

      expect(await setting.store.openTasks("sbc-1", [...ids, "wst_0"])).toEqual([held.taskId]);
      expect(await setting.store.openTasks("sbc-2", ids)).toEqual([free.taskId]);
      expect(await setting.store.openTasks("sbc-1", [])).toEqual([]);
    });
  });
}
