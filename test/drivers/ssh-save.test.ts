import { readFileSync } from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import type { Driver, Step } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import { control } from "./mock-environment.ts";
import { openSshDriver, startSshMock } from "./ssh-device.ts";

const { signal } = new AbortController();
const step: Step = {
  kind: "create",
  table: "proxy-set",
  index: 40,
  fields: { "proxy-name": "Fresh", "srd-name": "DefaultSRD", "sbcipv4-sip-int-name": "SIF_WAN" },
};

async function prepare() {
  const mock = await startSshMock({ ini: readFileSync("config/devices/oc1-7.40.ini", "utf8") });
  const driver = openSshDriver(mock);
  onTestFinished(async () => {
    await driver.close();
    await mock.stop();
  });
  await driver.status(signal);
  await driver.read(signal);
  await driver.apply([step], signal);
  return { mock, driver };
}

/** Resolves once the driver has a session on the device that started anew. */
async function restart({ mock, driver }: Awaited<ReturnType<typeof prepare>>): Promise<void> {
  await control(mock, "POST", "/reboot", {});
  const answers = (): Promise<boolean> =>
    driver.status(signal).then(
      () => mock.device.recorder.stats.shells > 1,
      () => false,
    );
  await expect.poll(answers).toBe(true);
}

async function saveOf(driver: Driver): Promise<string> {
  try {
    await driver.save(signal);
    return "saved";
  } catch (error) {
    if (error instanceof DriverError) return `${error.code}, ${error.mayHaveActed ? "may have" : "has not"} acted`;
    throw error;
  }
}

it("saves nothing on another session than the one that the latest read came from: the device may have started anew", async () => {
  const prepared = await prepare();
  const { mock, driver } = prepared;
  await restart(prepared);
  expect(await saveOf(driver)).toBe("unreachable, has not acted");
  expect(mock.device.recorder.stats.saves).toBe(0);
});

it("saves again once the device was read on the new session", async () => {
  const prepared = await prepare();
  const { driver } = prepared;
  await restart(prepared);
  await driver.read(signal);
  expect(await saveOf(driver)).toBe("saved");
});
