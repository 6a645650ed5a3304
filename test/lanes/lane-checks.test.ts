import { describe, expect, it } from "vitest";
import { DriverError } from "../../drivers/errors.ts";
import type { DriftChecks } from "../../agent/drift/drift-checks.ts";
import { createLaneChecks } from "../../agent/lanes/lane-checks.ts";
import { decideOutcome, PutOff } from "../../agent/provisioning/outcome.ts";

/** A lane's turn that is taken at once, and what was done in it. */
function laneOf(setting: {
  mayLook?: boolean;
  mayRestore?: boolean;
  isDue?: boolean;
  isWanted?: boolean;
  fault?: Error;
}) {
  const done: string[] = [];
  const turns: Promise<void>[] = [];
  const drift: Omit<DriftChecks, "follow"> = {
    async check(restore) {
      done.push(restore === undefined ? "check" : "check and restore");
      if (setting.fault !== undefined) throw setting.fault;
    },
    note: async () => undefined,
    isDue: async () => setting.isDue === true,
    isWanted: async () => setting.isWanted === true,
  };
  const checks = createLaneChecks({
    device: "sbc-1",
    drift,
    breaker: { succeed: () => void done.push("well"), holds: () => false },
    async probe() {
      done.push("probe");
      if (setting.fault !== undefined) throw setting.fault;
    },
    run: async () => ({ kind: "idle" }),
    mayRestore: () => setting.mayRestore === true,
    mayLook: () => setting.mayLook !== false,
    failed(error) {
      done.push("failed");
      return decideOutcome(error);
    },
    ended: (result) => void done.push(`ended ${result}`),
    enqueue(work) {
      const turn = Promise.resolve().then(work);
      turns.push(turn);
      return turn;
    },
    log: {
      error: () => undefined,
      warn: (message) => void done.push(`warned: ${message}`),
      info: () => undefined,
      debug: () => undefined,
      close: async () => undefined,
    },
    signal: new AbortController().signal,
  });
  return { checks, done, turns, settled: () => Promise.allSettled(turns) };
}

describe("a look at an idle device", () => {
  it.each([
    ["is one status where nothing is wanted", {}, ["probe", "well"]],
    ["is a check where one is wanted", { isWanted: true }, ["check", "well", "ended done"]],
    [
      "restores where that is allowed",
      { isWanted: true, mayRestore: true },
      ["check and restore", "well", "ended done"],
    ],
    ["is none at a device that is paused or waited for", { isWanted: true, mayLook: false }, []],
    ["notes that the device does not answer", { fault: new DriverError("unreachable", "no") }, ["probe", "failed"]],
  ])("%s", async (_, setting, expected) => {
    const { checks, done, settled } = laneOf(setting);
    checks.look();
    await settled();
    expect(done).toEqual(expected);
  });

  it("takes no turn of a device that is paused or waited for", () => {
    const { checks, turns } = laneOf({ isDue: true, mayLook: false });
    checks.checkIfDue();
    checks.look();
    expect(turns).toEqual([]);
  });

  it("is taken once, however often it is asked for, and not where the device was paused meanwhile", async () => {
    const setting = { isDue: true, mayLook: true };
    const { checks, done, turns, settled } = laneOf(setting);
    checks.checkIfDue();
    checks.look();
    expect(turns).toHaveLength(1);
    setting.mayLook = false;
    await settled();
    expect(done).toEqual([]);
  });

  it("is taken again for what is noticed while it is under way", async () => {
    const { checks, turns, settled } = laneOf({ isDue: true });
    checks.checkIfDue();
    await settled();
    checks.checkIfDue();
    await settled();
    expect(turns).toHaveLength(2);
  });
});

describe("a check", () => {
  it("that stopped after its plan, by a limit, is no trouble with the device, and said all the same", async () => {
    const { checks, done } = laneOf({ fault: new PutOff("limit", "too many", { needsHuman: true }) });
    expect(await checks.check()).toBe("too many");
    const told = ["check", "warned: drift check ended early", "ended failed"];
    expect(done).toEqual(told);
    const refused = laneOf({ fault: new DriverError("unsupported", "only read") });
    expect([await refused.checks.check(), refused.done]).toEqual(["only read", told]);
  });

  it("throws a defect of ours", async () => {
    const { checks } = laneOf({ fault: new TypeError("a defect") });
    await expect(checks.check()).rejects.toThrow("a defect");
  });
});
