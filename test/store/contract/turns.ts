import { describe, expect, it } from "vitest";
import { deadlineMs, failed, failure, information, inNewPlace, newConversion, warning } from "./setting.ts";
import { linked, type NewPlace } from "./setting.ts";

export function testTurns(newPlace: NewPlace): void {
  describe("the line of a tenant", () => {
    const setting = inNewPlace(newPlace);

    it("lets only the oldest conversion run; the next says which task it waits for", async () => {
      const first = await setting.accept();
      const second = await setting.accept({ tenantId: first.tenantId });

      expect(second.state).toBe("waiting");
      expect(await setting.task(second)).toMatchObject({
        status: "InProgress",
        messages: [information(`waits for ${first.taskId}`)],
      });
      expect((await setting.claim()).conversions.map(({ taskId }) => taskId)).toEqual([first.taskId]);
    });

    it("tries the next when the oldest fails", async () => {
      const first = await setting.accept();
      const second = await setting.accept({ tenantId: first.tenantId });
      const third = await setting.accept({ tenantId: first.tenantId });
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(first)]);

      expect(await setting.conversion(second)).toMatchObject({ state: "ready" });
      expect((await setting.task(second)).messages.at(-1)).toEqual(information("queued"));
      expect(await setting.conversion(third)).toMatchObject({ state: "waiting" });
      expect((await setting.task(third)).messages.at(-1)).toEqual(information(`waits for ${second.taskId}`));
    });

    it("lets the next take the name that the failed one held", async () => {
      const first = await setting.accept({ shortName: "Acme" });
      const second = await setting.accept({ shortName: "acme", tenantId: first.tenantId });
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(first)]);

      expect(await setting.conversion(second)).toMatchObject({ state: "ready" });
    });

    it("keeps waiting while the oldest is linked but has no site yet", async () => {
      const first = await setting.accept();
      const second = await setting.accept({ tenantId: first.tenantId });
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [linked(first)]);

      expect(await setting.conversion(second)).toMatchObject({ state: "waiting" });
    });

    it("ends all that wait as converted already when the oldest converts", async () => {
      const first = await setting.accept();
      const others = [
        await setting.accept({ tenantId: first.tenantId }),
        await setting.accept({ tenantId: first.tenantId, variant: "tenant" }),
      ];
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [linked(first)]);
      await setting.store.completeSite(first.taskId, []);

      for (const other of others)
        expect(await setting.task(other)).toMatchObject({
          status: "CompletedSuccess",
          details: ["CustomerAlreadyConverted"],
          messages: [warning("Undo")],
          umpCustomerGuid: null,
        });
    });

    it("passes over those that fail at their verdict, to the first that can run", async () => {
      await setting.accept({ shortName: "Taken" });
      const first = await setting.accept();
      const tenantId = first.tenantId;
      const second = await setting.accept({ tenantId, shortName: "taken" });
      const third = await setting.accept({ tenantId, shortName: "TAKEN" });
      const fourth = await setting.accept({ tenantId });
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(first)]);

      expect(await setting.task(second)).toMatchObject({ status: "CompletedFailed" });
      expect(await setting.task(third)).toMatchObject({ status: "CompletedFailed" });
      expect(await setting.conversion(fourth)).toMatchObject({ state: "ready" });
    });

    it("tries the next when the oldest ends overdue", async () => {
      const first = await setting.accept();
      setting.now += 1;
      const second = await setting.accept({ tenantId: first.tenantId });
      setting.now = first.deadlineAt;
      expect(await setting.store.endOverdue(() => [failure("too late")])).toEqual([first.taskId]);

      expect(second.deadlineAt).toBe(second.acceptedAt + deadlineMs);
      expect(await setting.conversion(second)).toMatchObject({ state: "ready" });
    });

    it("cannot be jumped, whatever the rules say", async () => {
      const first = await setting.accept();
      setting.judge = ({ variant }) =>
        variant === "tenant" ? { kind: "site" } : { kind: "device", message: information("queued") };
      const jump = { ...newConversion(), tenantId: first.tenantId };

      await expect(setting.store.accept(jump)).rejects.toThrow();
      await expect(setting.store.accept({ ...jump, variant: "tenant" })).rejects.toThrow();
    });

    it("makes one customer of a tenant, whatever the rules say", async () => {
      const first = await setting.link();
      await setting.store.completeSite(first.taskId, []);
      setting.judge = () => ({ kind: "device", message: information("queued") });
      const second = await setting.accept({ tenantId: first.tenantId });
      const { lease } = await setting.claim();

      await expect(setting.store.complete(lease, [linked(second)])).rejects.toThrow();
      expect(await setting.conversion(second)).toMatchObject({ state: "ready" });
      expect(await setting.store.customers()).toHaveLength(1);
      expect(await setting.store.links({})).toHaveLength(1);
    });
  });

  describe("progress", () => {
    const setting = inNewPlace(newPlace);
    const messagesOf = async (task: { taskId: string }) => (await setting.task(task)).messages;

    it("is appended to the tasks that are named, repetitions left out", async () => {
      const [one, two] = [await setting.accept(), await setting.accept()];
      await setting.store.noteProgress([one.taskId, two.taskId], warning("device busy"));
      await setting.store.noteProgress([one.taskId], warning("device busy"));
      await setting.store.noteProgress([one.taskId], information("device busy"));

      expect(await messagesOf(one)).toEqual([
        information("queued"),
        warning("device busy"),
        information("device busy"),
      ]);
      expect(await messagesOf(two)).toEqual([information("queued"), warning("device busy")]);
    });

    it("gives way to the result, except for its Warnings, which come first", async () => {
      const conversion = await setting.accept();
      await setting.store.noteProgress([conversion.taskId], warning("device busy"));
      await setting.store.noteProgress([conversion.taskId], information("device free"));
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [linked(conversion, [information("done")])]);
      await setting.store.noteProgress([conversion.taskId], warning("OVOC away"));
      expect(await messagesOf(conversion)).toEqual([
        information("queued"),
        warning("device busy"),
        information("device free"),
        information("done"),
        warning("OVOC away"),
      ]);

      await setting.store.completeSite(conversion.taskId, [information("site made")]);
      expect(await messagesOf(conversion)).toEqual([
        warning("device busy"),
        warning("OVOC away"),
        information("done"),
        information("site made"),
      ]);
    });

    it("is not added to a task that has ended, nor to one that is not known", async () => {
      const conversion = await setting.accept();
      const { lease } = await setting.claim();
      await setting.store.complete(lease, [failed(conversion)]);
      await setting.store.noteProgress([conversion.taskId, "wst_0"], warning("late"));

      expect(await messagesOf(conversion)).toEqual([failure("refused")]);
    });

    it("keeps 50 messages, dropping the oldest Information and no Warning before that", async () => {
      const conversion = await setting.accept();
      await setting.store.noteProgress([conversion.taskId], warning("first"));
      for (let turn = 1; turn <= 60; turn += 1)
        await setting.store.noteProgress([conversion.taskId], information(`try ${turn}`));
      const messages = await messagesOf(conversion);

      expect(messages).toHaveLength(50);
      expect(messages[0]).toEqual(warning("first"));
      expect(messages[1]).toEqual(information("try 12"));
      expect(messages.at(-1)).toEqual(information("try 60"));
    });

    it("stays at 50 messages when all of them are Warnings", async () => {
      const conversion = await setting.accept();
      for (let turn = 1; turn <= 60; turn += 1)
        await setting.store.noteProgress([conversion.taskId], warning(`try ${turn}`));
      const messages = await messagesOf(conversion);

      expect(messages).toHaveLength(50);
      expect(messages[0]).toEqual(warning("try 11"));
      expect(messages.at(-1)).toEqual(warning("try 60"));
    });
  });
}
