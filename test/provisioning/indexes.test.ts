import { describe, expect, it } from "vitest";
import { allocateIndexes } from "../../agent/provisioning/indexes.ts";
import { configOf, row } from "./device-fixture.ts";

const groups = (...indexes: number[]) => indexes.map((index) => row("ip-group", index, { name: `G${index}` }));
const places = (...indexes: number[]) => indexes.map((index) => ({ table: "ip-group" as const, index }));
const limits = { "ip-group": 6, "proxy-set": 3 };

describe("new indexes", () => {
  it.each([
    ["the first above the highest used one", [1, 2], [], 1, [3]],
    ["1 on an empty table, never 0", [], [], 1, [1]],
    ["1 beside index 0 alone", [0], [], 1, [1]],
    ["above a gap, not in it", [3], [], 1, [4]],
    ["one after the other", [1], [], 2, [2, 3]],
    ["above a reserved one", [1], [3], 1, [4]],
    ["gaps once the end is reached", [1, 5], [], 1, [2]],
    ["gaps that nobody reserved", [1, 5], [2], 1, [3]],
    ["the last index before gaps", [1, 4], [], 2, [5, 2]],
    ["gaps when the last index is reserved", [1], [5], 1, [2]],
  ])("are %s", (_, used, reserved, count, expected) => {
    const indexes = allocateIndexes(configOf(groups(...used)), limits, places(...reserved));
    expect(indexes.take(new Array(count).fill("ip-group"))).toEqual(expected);
  });

  it.each([
    ["all are used", [1, 2, 3, 4, 5], []],
    ["those that are not used are reserved", [1, 2, 3], [4, 5]],
    ["only index 0 is left", [1, 2, 3, 4, 5], [1]],
  ])("are refused when %s", (_, used, reserved) => {
    const indexes = allocateIndexes(configOf(groups(...used)), limits, places(...reserved));
    expect(indexes.take(["ip-group"])).toBeUndefined();
  });

  it("are given for all tables or for none", () => {
    const config = configOf([...groups(1), row("proxy-set", 1, {}), row("proxy-set", 2, {})]);
    const indexes = allocateIndexes(config, limits, []);
    expect(indexes.take(["ip-group", "ip-group", "proxy-set"])).toBeUndefined();
    expect(indexes.take(["ip-group"])).toEqual([2]);
  });

  it("are given back in gaps, too, when a table beside is full", () => {
    const config = configOf([...groups(1, 5), row("proxy-set", 1, {}), row("proxy-set", 2, {})]);
    const indexes = allocateIndexes(config, limits, []);
    expect(indexes.take(["ip-group", "proxy-set"])).toBeUndefined();
    expect(indexes.take(["ip-group"])).toEqual([2]);
  });

  it("have no end where no limit is known", () => {
    expect(allocateIndexes(configOf(groups(9_999)), {}, []).take(["ip-group"])).toEqual([10_000]);
  });

  it("do not count child rows", () => {
    const config = configOf([row("proxy-set", 1, {}), row("proxy-ip", 9, {}, { parent: 1 })]);
    expect(allocateIndexes(config, {}, [{ table: "proxy-ip", index: 7, parent: 1 }]).take(["proxy-ip"])).toEqual([1]);
  });
});
