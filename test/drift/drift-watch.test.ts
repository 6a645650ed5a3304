import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createDriftWatch } from "../../agent/drift/drift-watch.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it("asks each device once an interval, not all at the same moment, until it is stopped", () => {
  const asked: [string, number][] = [];
  const start = Date.now();
  const lanes = new Map(
    ["a", "b"].map((name) => [name, { probe: () => void asked.push([name, Date.now() - start]) }] as const),
  );
  const watch = createDriftWatch(lanes, 10_000);
  watch.start();
  vi.advanceTimersByTime(25_000);
  expect(asked).toEqual([
    ["a", 5_000],
    ["b", 10_000],
    ["a", 15_000],
    ["b", 20_000],
    ["a", 25_000],
  ]);
  watch.stop();
  vi.advanceTimersByTime(50_000);
  expect(asked).toHaveLength(5);
  expect(vi.getTimerCount()).toBe(0);
});
