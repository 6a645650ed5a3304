import { expect, it } from "vitest";
import type { Moment } from "./relay.ts";
import { explain } from "./timeline.ts";

const on =
  (connection: number) =>
  (kind: Moment["kind"], atMs: number): Moment => ({ connection, kind, atMs });

it("a run's time is told apart into exchanges, which may overlap, and what lies before, between and after them", () => {
  const [first, second] = [on(1), on(2)];
  const moments = [
    first("opened", 190),
    first("sent", 200),
    first("answered", 230),
    // Of one answer, in two pieces.
    first("answered", 240),
    first("sent", 250),
    second("opened", 250),
    second("sent", 250),
    first("answered", 300),
    second("answered", 330),
    second("sent", 360),
    second("answered", 400),
  ];
  expect(explain(moments, 100, 410)).toEqual({
    beforeMs: 100,
    waitingMs: 40 + 80 + 40,
    agentMs: 10 + 30,
    afterMs: 10,
    exchanges: 3,
  });
});

it("a device that was never asked took no time of its own", () => {
  expect(explain([], 100, 130)).toEqual({ beforeMs: 0, waitingMs: 0, agentMs: 0, afterMs: 30, exchanges: 0 });
});
