import { describe, expect, it } from "vitest";
import { DriverError, type DriverErrorCode } from "../../drivers/errors.ts";
import { backoff, decideOutcome, PutOff, type Outcome } from "../../agent/provisioning/outcome.ts";
import { LeaseLost } from "../../agent/store/store.ts";
import { StoreTrouble } from "../../agent/store/trouble.ts";

/** A code that is added to the driver's must be added here as well. */
const byCode: Readonly<Record<DriverErrorCode, Outcome["kind"]>> = {
  unreachable: "later",
  timeout: "later",
  busy: "later",
  protocol: "later",
  rejected: "later",
  auth: "human",
  forbidden: "human",
  identity: "human",
  unsupported: "human",
};
const codes: DriverErrorCode[] = [
  "unreachable",
  "timeout",
  "busy",
  "protocol",
  "rejected",
  "auth",
  "forbidden",
  "identity",
  "unsupported",
];

describe("a run that ended with", () => {
  it.each(codes.map((code) => [code, byCode[code]] as const))("'%s' is %s", (code, kind) => {
    expect(decideOutcome(new DriverError(code, "what was tried"))).toEqual({ kind, code, message: "what was tried" });
  });

  it("a lost lease is lost", () => {
    expect(decideOutcome(new LeaseLost("fenced"))).toEqual({ kind: "lost", code: "lease", message: "fenced" });
  });

  it("trouble with the store is tried again, and tells nobody where it lies: nothing was sent that is not on record", () => {
    const trouble = new StoreTrouble("/var/lib/agent.db", "the disk is full", "free some space", undefined);
    expect(decideOutcome(trouble)).toEqual({
      kind: "later",
      code: "store",
      message: "the store cannot be used: the disk is full",
    });
  });

  it("a reason to put it off is tried again, after the time it names", () => {
    const outcome = decideOutcome(new PutOff("foreign-edits", "wait", { afterMs: 30_000 }));
    expect(outcome).toEqual({ kind: "later", code: "foreign-edits", message: "wait", afterMs: 30_000 });
  });

  it("a reason to put it off without a time is tried again after the usual back-off", () => {
    expect(decideOutcome(new PutOff("unsaved", "x"))).toEqual({ kind: "later", code: "unsaved", message: "x" });
  });

  it("a reason that needs a human waits for one", () => {
    const outcome = decideOutcome(new PutOff("limit", "too many", { needsHuman: true }));
    expect(outcome).toEqual({ kind: "human", code: "limit", message: "too many" });
  });

  it.each([new TypeError("x is undefined"), "text", undefined])("a defect of the agent is thrown on: %s", (defect) => {
    let thrown: unknown = "nothing";
    try {
      decideOutcome(defect);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBe(defect);
  });
});

describe("the back-off", () => {
  it.each([
    [0, 1_000],
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [6, 32_000],
    [7, 60_000],
    [5_000, 60_000],
  ])("after %i failures is %i ms", (failures, expected) => {
    expect(backoff(failures, 1_000, 60_000, () => 0)).toBe(expected);
  });

  it("is shortened by at most a fifth", () => {
    expect(backoff(1, 1_000, 60_000, () => 0.999_999)).toBe(800);
  });
});
