import { afterAll, describe, expect, it } from "vitest";
import { prepareAgents } from "./agents.ts";
import { brownSet, expectCustomer, type Asked } from "./model.ts";
import { drawSteps, walk } from "./walk.ts";

const agents = prepareAgents();
afterAll(() => agents.stop());

/** CI walks a few; `npm run chaos -- --runs N --seed S` walks many. */
const seeds = [1, 2, 3, 4];

describe("a random walk over three devices, by both drivers", () => {
  it.each(seeds)("of seed %i ends with the rows of the model, saved, and nothing else", async (seed) => {
    const { steps, violations, output } = await walk(agents, seed, 14);
    expect(violations, [...steps, output].join("\n")).toEqual([]);
  });

  it("takes the same steps for the same seed", () => {
    const texts = (seed: number): string[] => drawSteps(seed, 50).map(String);
    expect(texts(7)).toEqual(texts(7));
    expect(texts(7)).not.toEqual(texts(8));
  });
});

describe("the model", () => {
  const convert = { kind: "convert", name: "Alpha", device: 0, proxySet: "A", repeated: false } as const;
  const customer = { tenant: "t", name: "Alpha", device: 0, proxySet: "A" };
  const outcome = (asked: Asked[], details: readonly string[]): unknown =>
    expectCustomer("t", asked, (taskId) => {
      const detail = details[Number(taskId)] ?? "";
      return { status: detail === "Failed" ? "CompletedFailed" : "CompletedSuccess", details: [detail] };
    });

  it("has the customer of the conversion that was converted", () => {
    const asked: Asked[] = [
      { ...convert, taskId: "0", name: "Beta" },
      { ...convert, taskId: "1" },
    ];
    expect(outcome(asked, ["Failed", "Converted"])).toEqual(customer);
  });

  it("has none after a removal that succeeded, and the same after one that failed", () => {
    const asked: Asked[] = [
      { ...convert, taskId: "0" },
      { kind: "removal", taskId: "1" },
    ];
    expect(outcome(asked, ["Converted", ""])).toBeUndefined();
    expect(outcome(asked, ["Converted", "Failed"])).toEqual(customer);
  });

  it("has the customer that was adopted", () => {
    const asked: Asked[] = [{ kind: "adoption", name: "Alpha", device: 0 }];
    expect(outcome(asked, [])).toEqual({ ...customer, proxySet: brownSet });
  });

  it("has the Proxy Set of the last change that succeeded", () => {
    const asked: Asked[] = [
      { ...convert, taskId: "0" },
      { kind: "change", taskId: "1", proxySet: "B" },
      { kind: "change", taskId: "2", proxySet: "C" },
    ];
    expect(outcome(asked, ["Converted", "", "Failed"])).toEqual({ ...customer, proxySet: "B" });
  });

  it("believes that a conversion whose answer was lost made the customer that a repetition found", () => {
    const asked: Asked[] = [{ ...convert, taskId: "0", repeated: true }];
    expect(outcome(asked, ["CustomerAlreadyConverted"])).toEqual(customer);
    expect(outcome([{ ...convert, taskId: "0" }], ["CustomerAlreadyConverted"])).toBeUndefined();
  });
});
