import { afterEach, describe, expect, it } from "vitest";
import { DriverError } from "../../drivers/errors.ts";
import type { Driver } from "../../drivers/driver.ts";
import { drivers, openAuto } from "../../drivers/index.ts";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { faultOf, json, never, startFakeDevice, startTcp } from "./fake-device.ts";
import { control } from "./mock-environment.ts";
import { openSshDriver, password, startSshMock } from "./ssh-device.ts";

let mock: MockSbc | undefined;
let driver: Driver | undefined;
afterEach(async () => {
  await driver?.close();
  await mock?.stop();
  [driver, mock] = [undefined, undefined];
});

async function open(rest: { address?: string; password?: string; pem?: string } = {}): Promise<Driver> {
  const device = await startSshMock({ firmware: "7.40A.250.440" });
  mock = device;
  driver = openAuto("edge-1", [
    {
      name: "REST",
      open: () =>
        drivers.rest.open({
          device: "edge-1",
          address: rest.address ?? device.rest,
          user: "agent",
          password: rest.password ?? password,
          trust: { kind: "certificate", pem: rest.pem ?? device.certificatePem, checkName: true },
          model: undefined,
          deadlines: { connectMs: 500, requestMs: 500, writeMs: 5_000, saveMs: 5_000 },
        }),
    },
    { name: "SSH", open: () => openSshDriver(device) },
  ]);
  return driver;
}

async function deadAddress(): Promise<string> {
  const { port, close } = await startTcp();
  await close();
  return `https://127.0.0.1:${port}`;
}

async function sshConnections(): Promise<number> {
  if (mock === undefined) return -1;
  return ((await control(mock, "GET", "/stats")) as { sshConnections: number }).sshConnections;
}

describe("a device that is reached by whatever way leads to it", () => {
  it("is reached over REST where that answers", async () => {
    const device = await open();
    expect((await device.status(never)).saveNeeded).toBe(false);
    expect(device.describe().way).toBe("REST");
    expect(await sshConnections()).toBe(0);
  });

  it("is reached over SSH where nobody listens to REST, and says so", async () => {
    const device = await open({ address: await deadAddress() });
    expect((await device.status(never)).firmware).toBe("7.40A.250.440");
    expect(device.describe().way).toMatch(/^SSH; REST: .*ECONNREFUSED/);
    expect((await device.read(never)).rows).not.toEqual([]);
    expect((await device.status(never)).saveNeeded).toBe("unknown");
    expect(device.describe().way).toMatch(/^SSH; REST: .*ECONNREFUSED/);
  });

  it("stays with the way that was chosen when that fails later, and goes on when it is back", async () => {
    let listening = true;
    const rest = await startFakeDevice((request, response) => {
      if (listening) json(response, 200, { softwareVersion: "7.40A.250.440" });
      else request.socket.destroy();
    }, "plaintext");
    mock = await startSshMock({ firmware: "7.40A.250.440" });
    const device = mock;
    const shared = { device: "edge-1", user: "agent", password, model: undefined };
    const deadlines = { connectMs: 5_000, requestMs: 5_000, writeMs: 5_000, saveMs: 5_000 };
    const trust = { kind: "plaintext" } as const;
    driver = openAuto("edge-1", [
      { name: "REST", open: () => drivers.rest.open({ ...shared, address: rest.address, trust, deadlines }) },
      { name: "SSH", open: () => openSshDriver(device) },
    ]);
    await driver.status(never);
    listening = false;
    expect(await faultOf(driver.status(never))).toMatchObject({ code: "unreachable" });
    expect(await faultOf(driver.read(never))).toMatchObject({ code: "unreachable" });
    expect(driver.describe().way).toBe("REST");
    expect(await sshConnections()).toBe(0);
    listening = true;
    await driver.status(never);
    await rest.close();
  });

  it("is not tried over SSH after a refused log-in", async () => {
    const device = await open({ password: "wrong-hunter" });
    expect(await faultOf(device.status(never))).toMatchObject({ code: "auth" });
    expect(await sshConnections()).toBe(0);
  });

  it("is not tried another way after a log-in that may have been refused", async () => {
    mock = await startSshMock({ firmware: "7.40A.250.440" });
    const device = mock;
    const error = new DriverError("unreachable", "it hung up", { mayBeRefused: true });
    const first = { ...openSshDriver(device), status: () => Promise.reject(error) };
    driver = openAuto("edge-1", [
      { name: "first", open: () => first },
      { name: "second", open: () => openSshDriver(device) },
    ]);
    expect(await faultOf(driver.status(never))).toBe(error);
    expect(await sshConnections()).toBe(0);
  });

  it("is not tried over SSH after a wrong certificate", async () => {
    const other = await startSshMock({ firmware: "7.40A.250.440" });
    const device = await open({ pem: other.certificatePem });
    expect(await faultOf(device.status(never))).toMatchObject({ code: "identity" });
    expect(await sshConnections()).toBe(0);
    await other.stop();
  });

  it("is not tried over SSH after a late answer", async () => {
    const device = await open();
    if (mock !== undefined) await control(mock, "POST", "/faults", { name: "hang", path: "status" });
    expect(await faultOf(device.status(never))).toMatchObject({ code: "timeout" });
    expect(await sshConnections()).toBe(0);
  });

  it("is unreachable where no way leads to it, and says why for each", async () => {
    const device = await open({ address: await deadAddress() });
    await mock?.stop();
    const fault = await faultOf(device.status(never));
    expect(fault).toMatchObject({ code: "unreachable", mayHaveActed: false });
    for (const part of ["REST", "SSH", "edge-1"]) expect(fault.message).toContain(part);
  });

  it("does nothing before it was asked how it is", async () => {
    const device = await open();
    expect(await faultOf(device.read(never))).toMatchObject({ code: "unsupported" });
    expect(() => device.render([])).toThrow("status");
  });
});
