import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reportFailures, causeOf } from "../../agent/operations/failures.ts";
import type { FailedTask } from "../../agent/store/portal-store.ts";

const hour = 3_600_000;
const now = Date.UTC(2026, 2, 1, 12);

const failedTask = (parts: Partial<FailedTask> & { message?: string } = {}): FailedTask => {
  const { message = "refused", ...rest } = parts;
  return {
    taskId: "wst_1",
    shortName: "Acme",
    tenantId: "f79a7f93-5ef7-47d2-92c8-e4570503cec3",
    device: "sbc-ams",
    gateway: "oc1.example.com",
    messages: [{ level: "Error", message }],
    endedAt: now - hour,
    ...rest,
  };
};

const report = (...tasks: FailedTask[]) => reportFailures({ failedTasks: async () => tasks }, 24 * hour, now);

describe("what is struck out of a message", () => {
  it.each([
    [
      "Short name Acme is held on device sbc-ams by customer Acme_2 of tenant f79a7f93-5ef7-47d2-92c8-e4570503cec3.",
      "Short name … is held on device … by customer … of tenant ….",
    ],
    ["Gateway 'oc1 example' of customer Acme is unknown", "Gateway … of customer … is unknown"],
    ['name "x y" (index 5/0) at 192.0.2.1:5060', "name … (index …) at …"],
    ["it wasn't there, and the customer's row isn't 'either way'", "it wasn't there, and the customer's row isn't …"],
    ["an open 'quote stays", "an open 'quote stays"],
    ["oc2.example.com, oc3.example.com: not known.", "…, …: not known."],
    ["12 13 14 rows", "… rows"],
    ["a log-in  was\nrefused\t again", "a log-in was refused again"],
    ["key=value and a@b and path/to", "… and … and …"],
    ["", ""],
  ])("%s", (message, struck) => {
    expect(causeOf(message, new Set(["acme", "sbc-ams"]))).toBe(struck);
  });

  it("leaves no digit of any message, and nothing to strike out of what is struck", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (message) => {
        const struck = causeOf(message, new Set());
        if (/\d/.test(struck) || causeOf(struck, new Set()) !== struck) throw new Error(struck);
      }),
    );
  });
});

describe("failures", () => {
  it("of one cause are one group, whatever names and numbers they hold", async () => {
    const { failed, complete, groups } = await report(
      failedTask({ taskId: "wst_3", shortName: "Beta", message: "Short name Beta is held on device sbc-ams" }),
      failedTask({ taskId: "wst_2", message: "the device refused line 17" }),
      failedTask({
        taskId: "wst_1",
        device: "sbc-lon",
        endedAt: now - 2 * hour,
        message: "Short name Acme is held on device sbc-lon",
      }),
    );
    expect({ failed, complete }).toEqual({ failed: 3, complete: true });
    expect(groups).toEqual([
      {
        cause: "Short name … is held on device …",
        example: "Short name Beta is held on device sbc-ams",
        count: 2,
        firstAt: "2026-03-01T10:00:00.000Z",
        lastAt: "2026-03-01T11:00:00.000Z",
        devices: ["sbc-ams", "sbc-lon"],
        tasks: ["wst_3", "wst_1"],
      },
      expect.objectContaining({ cause: "the device refused line …", count: 1, tasks: ["wst_2"] }),
    ]);
  });

  it("name five tasks of a group at most, and devices once", async () => {
    const { groups } = await report(...Array.from({ length: 9 }, (_, i) => failedTask({ taskId: `wst_${i}` })));
    expect(groups).toMatchObject([{ count: 9, devices: ["sbc-ams"], tasks: [0, 1, 2, 3, 4].map((i) => `wst_${i}`) }]);
  });

  it("are known by their Errors, and where there is none by what was said last", async () => {
    const messages = [
      { level: "Warning" as const, message: "odd" },
      { level: "Error" as const, message: "bad name" },
      { level: "Error" as const, message: "bad length" },
      { level: "Information" as const, message: "done" },
    ];
    const { groups } = await report(
      failedTask({ messages }),
      failedTask({ messages: messages.slice(0, 1), endedAt: now - 2 * hour }),
      failedTask({ messages: [], endedAt: now - 3 * hour }),
    );
    expect(groups.map(({ cause }) => cause)).toEqual(["bad name bad length", "odd", "no reason was kept"]);
  });

  it("are told to be incomplete where there are too many", async () => {
    const many = Array.from({ length: 10_001 }, () => failedTask());
    expect(await report(...many)).toMatchObject({ failed: 10_000, complete: false, groups: [{ count: 10_000 }] });
  });
});
