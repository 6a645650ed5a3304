import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createPreparedDriver, type PreparedDriver } from "../agent/prepared-driver.ts";
import type { Driver } from "../drivers/driver.ts";
import { DriverError } from "../drivers/errors.ts";
import { fakeDevice } from "./provisioning/fake-device.ts";

let opened: { driver: Driver; state: "open" | "warm" | "closed" }[];
let prepared: PreparedDriver;
let refusal: DriverError | undefined;

function open(): Driver {
  if (refusal !== undefined) throw refusal;
  const entry: (typeof opened)[number] = { driver: fakeDevice([]).driver, state: "open" };
  entry.driver = {
    ...entry.driver,
    warm: () => void (entry.state = "warm"),
    close: async () => void (entry.state = "closed"),
  };
  opened.push(entry);
  return entry.driver;
}

const states = (): string[] => opened.map(({ state }) => state);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  opened = [];
  refusal = undefined;
  prepared = createPreparedDriver(open);
});
afterEach(() => {
  vi.useRealTimers();
});

it("hands over the driver that was prepared, once", () => {
  prepared.prepare();
  expect(states()).toEqual(["warm"]);
  expect(prepared.take()).toBe(opened[0]?.driver);
  expect(prepared.take()).toBe(opened[1]?.driver);
  expect(states()).toEqual(["warm", "open"]);
});

it("prepares one driver, however often it is asked", () => {
  prepared.prepare();
  prepared.prepare();
  expect(states()).toEqual(["warm"]);
});

it("opens a new driver in place of one that stood too long, and closes the old one", () => {
  prepared.prepare();
  vi.advanceTimersByTime(5_000);
  expect(prepared.take()).toBe(opened[1]?.driver);
  expect(states()).toEqual(["closed", "open"]);
});

it("prepares anew after one that stood too long, and closes the old one", () => {
  prepared.prepare();
  vi.advanceTimersByTime(5_000);
  prepared.prepare();
  expect(states()).toEqual(["closed", "warm"]);
});

it("closes a driver that nobody took, and leaves a taken one to its taker", async () => {
  prepared.prepare();
  await prepared.discard();
  expect(states()).toEqual(["closed"]);
  prepared.prepare();
  prepared.take();
  await prepared.discard();
  expect(states()).toEqual(["closed", "warm"]);
});

it("leaves it to the run to say that no driver can be opened", () => {
  refusal = new DriverError("identity", "edge-1 is not enrolled");
  expect(() => prepared.prepare()).not.toThrow();
  expect(() => prepared.take()).toThrow("edge-1 is not enrolled");
});
