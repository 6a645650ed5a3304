import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { registering, subjectOf } from "./customers.ts";
import { neighbours } from "./device-fixture.ts";
import { fakeDevice, type Behaviour } from "./fake-device.ts";
import { conversion, removalOf, siteOn, work, type Site } from "./amended-run.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A device on which these customers were converted. */
async function siteWith(names: readonly string[], behaviour: Partial<Behaviour> = {}): Promise<Site> {
  const site = siteOn(fakeDevice(neighbours));
  await work(site, { conversions: names.map((name) => conversion(subjectOf(name, registering))) });
  Object.assign(site.device.behaviour, behaviour);
  return site;
}
const before = fakeDevice(neighbours).config().rows;

describe("a customer that is removed", () => {
  it("leaves the device as it was before its conversion, saved", async () => {
    const site = await siteWith(["A"]);
    const { completions } = await work(site, { amendments: [removalOf(site, "A")] });
    expect(completions.map(({ kind }) => kind)).toEqual(["removed"]);
    expect(site.device.config().rows).toEqual(before);
    expect(site.device.startup().rows).toEqual(before);
    expect(site.journal.made).toEqual([]);
  });
});
