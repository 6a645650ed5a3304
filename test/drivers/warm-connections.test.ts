import { afterEach, expect, it } from "vitest";
import type { Driver } from "../../drivers/driver.ts";
import type { FakeDevice } from "./fake-device.ts";
import { faultOf, json, never, openDriver, otherCertificate, startFakeDevice, startTcp } from "./fake-device.ts";

let device: FakeDevice | undefined;
let driver: Driver | undefined;
afterEach(async () => {
  await driver?.close();
  await device?.close();
});

const start = async (): Promise<FakeDevice> =>
  (device = await startFakeDevice((_request, response) => json(response, 200, { versionID: "7.40A.250.440" })));

it("sets up the connections that requests use, and sends nothing on them", async () => {
  const { address, connections, requests } = await start();
  driver = openDriver(address);
  driver.warm();
  await expect.poll(connections).toBe(2);
  expect(requests).toEqual([]);
  await Promise.all([driver.status(never), driver.status(never)]);
  await driver.status(never);
  expect(connections()).toBe(2);
  expect(requests).toHaveLength(3);
});

it("is waited for by a request that comes before they stand", async () => {
  const { address, connections } = await start();
  driver = openDriver(address);
  driver.warm();
  await Promise.all([driver.status(never), driver.status(never)]);
  expect(connections()).toBe(2);
});

it("replaces a connection that the device has closed meanwhile", async () => {
  const { address, connections, closeConnections } = await start();
  driver = openDriver(address);
  driver.warm();
  await expect.poll(connections).toBe(2);
  await closeConnections();
  expect(await driver.status(never)).toMatchObject({ firmware: "7.40A.250.440" });
  expect(connections()).toBe(3);
});

it("trusts no more than a request does", async () => {
  const { address, requests } = await start();
  const trust = { kind: "certificate" as const, pem: otherCertificate.certificatePem, checkName: true };
  driver = openDriver(address, { trust });
  driver.warm();
  expect(await faultOf(driver.status(never))).toMatchObject({ code: "identity" });
  expect(requests).toEqual([]);
});

it("leaves it to the first request to say that nobody is there", async () => {
  const { port, close } = await startTcp();
  await close();
  driver = openDriver(`https://127.0.0.1:${port}`);
  driver.warm();
  expect(await faultOf(driver.status(never))).toMatchObject({ code: "unreachable" });
});

it("leaves no connection behind when the driver is closed", async () => {
  const { address, connections, open } = await start();
  for (const settled of [true, false]) {
    driver = openDriver(address);
    driver.warm();
    if (settled) await expect.poll(connections).toBe(2);
    await driver.close();
    await expect.poll(open).toBe(0);
  }
});
