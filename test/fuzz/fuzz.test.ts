import { describe, expect, it } from "vitest";
import { fuzz } from "./fuzz.ts";
import { worstInputs } from "./growth.ts";
import { createTargets } from "./targets.ts";

const runs = Number(process.env["FUZZ_RUNS"] ?? 2_000);
const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const targets = await createTargets();

describe("what comes from outside", () => {
  it.each(targets)(`is read or refused in the way that is declared: $name, seed ${seed}`, async (target) => {
    const failure = await fuzz(target, { runs, seed });
    expect(failure, failure?.reason).toBeUndefined();
  });

  // A reader that takes the square of it would not end within the time of a test.
  it.each(worstInputs(1_000_000))("is read to its end however long it is: $name", ({ read }) => {
    read();
  });
});

describe("the fuzzer", () => {
  it("finds what a reader may not do, makes it small, and finds it again by its seed", async () => {
    const target = {
      name: "fragile",
      samples: ["one\ntwo\nthree\n".repeat(20)],
      check({ text }: { text: string }) {
        if (text.includes("{") && text.includes("\n")) throw new RangeError("a defect");
      },
    };
    const found = await fuzz(target, { runs: 10_000, seed: 1 });
    expect(found?.reason).toContain("RangeError: a defect");
    expect(found?.smallest).toMatch(/^(?:\n\{|\{\n)$/);
    const again = await fuzz(target, { runs: 1, seed: found?.seed ?? 0 });
    expect(again?.input).toEqual(found?.input);
  });
});
