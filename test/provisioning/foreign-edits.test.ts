import { describe, expect, it } from "vitest";
import type { DeviceStatus } from "../../drivers/driver.ts";
import { watchForeignEdits, type ForeignEdits } from "../../agent/provisioning/foreign-edits.ts";
import { PutOff } from "../../agent/provisioning/outcome.ts";

let time = 0;
const watch = (policy: "wait" | "save" | "refuse"): ForeignEdits => {
  time = 1_000_000;
  return watchForeignEdits("sbc1", policy, { foreignEditsWaitMs: 900_000 }, () => time);
};

const status = (saveNeeded: DeviceStatus["saveNeeded"]): DeviceStatus => ({
  firmware: "unknown",
  product: "unknown",
  serialNumber: "unknown",
  saveNeeded,
  resetNeeded: "unknown",
  locked: "unknown",
  highAvailability: "unknown",
  upgrading: "unknown",
  upTime: "unknown",
});

/** What a run that starts from this status and is about to write is told. */
function admit(edits: ForeignEdits, saveNeeded: DeviceStatus["saveNeeded"], ownUnsaved = false): string | undefined {
  edits.look(status(saveNeeded), ownUnsaved);
  return edits.admit();
}

/** Time passes, and a run a minute looks and is put off. */
function wait(edits: ForeignEdits, ms: number): void {
  for (let left = ms; left > 0; left -= 60_000) {
    time += Math.min(left, 60_000);
    edits.look(status(true), false);
  }
}

/** What kept the run from writing. */
function putOff(edits: ForeignEdits): PutOff | undefined {
  try {
    admit(edits, true);
    return undefined;
  } catch (error) {
    if (error instanceof PutOff) return error;
    throw error;
  }
}

describe.each(["wait", "save", "refuse"] as const)("with policy '%s' a run goes on without a word", (policy) => {
  it.each([
    ["nothing is unsaved", false, false],
    ["the device does not tell", "unknown", false],
    ["what is unsaved was written by us", true, true],
  ] as const)("when %s", (_, saveNeeded, ownUnsaved) => {
    expect(admit(watch(policy), saveNeeded, ownUnsaved)).toBeUndefined();
  });
});

describe("unsaved changes of others", () => {
  it("are waited for, half a minute at a time", () => {
    expect(putOff(watch("wait"))).toMatchObject({ code: "foreign-edits", afterMs: 30_000, needsHuman: false });
  });

  it("are waited for until the time is over, and the message says when that is", () => {
    const edits = watch("wait");
    expect(putOff(edits)?.message).toContain(new Date(1_900_000).toISOString());
    wait(edits, 890_000);
    expect(putOff(edits)?.afterMs).toBe(10_000);
  });

  it("are saved with a warning when the time is over", () => {
    const edits = watch("wait");
    putOff(edits);
    wait(edits, 900_000);
    expect(admit(edits, true)).toContain("Unsaved changes of others on device sbc1 were saved");
  });

  it("are waited for anew when they had been saved in between", () => {
    const edits = watch("wait");
    putOff(edits);
    wait(edits, 899_000);
    admit(edits, false);
    time += 2_000;
    expect(putOff(edits)?.afterMs).toBe(30_000);
  });

  it("are waited for anew when nobody had looked for a while: they may be somebody's new work", () => {
    const edits = watch("wait");
    putOff(edits);
    time += 5 * 3_600_000;
    expect(putOff(edits)?.afterMs).toBe(30_000);
  });

  it("are waited for no longer than that when the clock is set back", () => {
    const edits = watch("wait");
    putOff(edits);
    time -= 10 * 3_600_000;
    // From the first look on, which comes within a minute.
    wait(edits, 960_000);
    expect(admit(edits, true)).toContain("were saved along with this customer's");
  });

  it("are waited for anew after they were once saved along", () => {
    const edits = watch("wait");
    putOff(edits);
    wait(edits, 900_000);
    admit(edits, true);
    expect(putOff(edits)).toBeDefined();
  });

  it("are saved at once, with a warning, by policy 'save'", () => {
    expect(admit(watch("save"), true)).toContain("were saved along with this customer's");
  });

  it("are never written over by policy 'refuse', however long they stand", () => {
    const edits = watch("refuse");
    putOff(edits);
    wait(edits, 10_000_000);
    expect(putOff(edits)).toMatchObject({ code: "foreign-edits", afterMs: 60_000 });
  });
});
