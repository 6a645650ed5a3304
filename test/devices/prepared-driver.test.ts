import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createPreparedDriver, type PreparedDriver } from "../../agent/devices/prepared-driver.ts";
import type { Driver } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import { fakeDevice } from "../provisioning/fake-device.ts";

let opened: { driver: Driver; state: "open" | "warm" | "closed" }[];
let prepared: PreparedDriver;
let refusal: DriverError | undefined;
let password: string;

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
  vi.useFakeTimers();
  opened = [];
  refusal = undefined;
  password = "first";
  prepared = createPreparedDriver(open, () => password);
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

it("closes one that nobody takes for two seconds, and opens a new one afterwards", () => {
  prepared.prepare();
  vi.advanceTimersByTime(1_999);
  expect(states()).toEqual(["warm"]);
  vi.advanceTimersByTime(1);
  expect(states()).toEqual(["closed"]);
  expect(prepared.take()).toBe(opened[1]?.driver);
});

it("leaves a driver that was taken alone", () => {
  prepared.prepare();
  prepared.take();
  vi.advanceTimersByTime(10_000);
  expect(states()).toEqual(["warm"]);
});

it("never hands over one that was opened with another password", () => {
  prepared.prepare();
  password = "second";
  expect(prepared.take()).toBe(opened[1]?.driver);
  expect(states()).toEqual(["closed", "open"]);
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
