import { afterEach, expect, it } from "vitest";
import { armFailPoint, failPoints, reach } from "../agent/fail-points.ts";

afterEach(() => {
  armFailPoint({});
});

it("are not armed where nobody asks for one", () => {
  expect(armFailPoint({})).toBeUndefined();
  for (const point of failPoints) reach(point);
});

it("leave everything alone but the one that is armed, and that one until its time has come", () => {
  expect(armFailPoint({ SBC_AGENT_FAIL_POINT: "record-stored:2=stop" })).toBe("record-stored:2=stop");
  for (const point of failPoints) reach(point);
});

it("wait for orders in a file that is not there yet", () => {
  armFailPoint({ SBC_AGENT_FAIL_POINT: "@/nowhere/orders" });
  for (const point of failPoints) reach(point);
});

it.each(["nowhere", "", "record-stored:0", "record-stored=pause", "record-stored:2:3"])(
  "refuse the order '%s', and name those that there are",
  (order) => {
    expect(() => armFailPoint({ SBC_AGENT_FAIL_POINT: order })).toThrow(/give POINT.*record-stored/);
  },
);
