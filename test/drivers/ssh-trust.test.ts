import ssh2 from "ssh2";
import { inspect } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import type { Driver } from "../../drivers/driver.ts";
import { drivers } from "../../drivers/index.ts";
import type { MockSbc, MockSbcOptions } from "../../mocks/sbc/mock-sbc.ts";
import { faultOf, never, startTcp } from "./fake-device.ts";
import { control } from "./mock-environment.ts";
import { openSshDriver, startSshMock } from "./ssh-device.ts";

let mock: MockSbc | undefined;
let driver: Driver | undefined;
afterEach(async () => {
  await driver?.close();
  await mock?.stop();
  [driver, mock] = [undefined, undefined];
});

type More = Parameters<typeof openSshDriver>[1];

async function open(more: More = {}, options: MockSbcOptions = {}): Promise<[Driver, MockSbc]> {
  mock = await startSshMock({ firmware: "7.40A.250.440", ...options });
  driver = openSshDriver(mock, more);
  return [driver, mock];
}

async function stats(of: MockSbc): Promise<Record<string, number>> {
  return (await control(of, "GET", "/stats")) as Record<string, number>;
}

describe("the host key", () => {
  it("that is not the enrolled one ends it before any credential is sent", async () => {
    const sha256 = `SHA256:${"A".repeat(43)}`;
    const [device, of] = await open({ trust: { kind: "host-key", sha256 } });
    const fault = await faultOf(device.status(never));
    expect(fault).toMatchObject({ code: "identity", mayHaveActed: false });
    for (const part of ["edge-1", sha256, of.hostKeySha256]) expect(fault.message).toContain(part);
    expect(await stats(of)).toMatchObject({ sshLogins: 0, sshFailedLogins: 0 });
  });

  it("is fetched for enrolment without a log-in, and is then trusted", async () => {
    const [, of] = await open();
    const identity = await drivers.ssh.identify(`ssh://${of.ssh ?? ""}`, 5_000);
    expect(identity).toEqual({
      kind: "host-key",
      algorithm: "ecdsa-sha2-nistp256",
      sha256: of.hostKeySha256,
    });
    expect(await stats(of)).toMatchObject({ sshLogins: 0, sshFailedLogins: 0 });
  });

  it("cannot be fetched where nobody listens or nobody speaks", async () => {
    const { port, close } = await startTcp();
    const address = `ssh://127.0.0.1:${port}`;
    expect(await faultOf(drivers.ssh.identify(address, 100))).toMatchObject({ code: "unreachable" });
    await close();
    expect(await faultOf(drivers.ssh.identify(address, 5_000))).toMatchObject({ code: "unreachable" });
  });

  it.each(["https://127.0.0.1", "ssh://agent@127.0.0.1", "ssh://127.0.0.1/x", "127.0.0.1"])(
    "belongs to an address of a device, which %s is not",
    async (address) => {
      expect(await faultOf(drivers.ssh.identify(address, 100))).toMatchObject({ code: "unsupported" });
    },
  );
});

describe("the log-in", () => {
  it("that is refused is tried once, and its password is told to nobody", async () => {
    const [device, of] = await open({ password: "wrong-hunter" });
    const fault = await faultOf(device.status(never));
    expect(fault).toMatchObject({ code: "auth", mayHaveActed: false });
    expect(inspect(fault, { depth: 9 })).not.toContain("wrong-hunter");
    expect(await stats(of)).toMatchObject({ sshFailedLogins: 1 });
  });

  it("works with a key alone", async () => {
    const keys = ssh2.utils.generateKeyPairSync("ed25519");
    const [device] = await open(
      { password: "wrong-hunter", ssh: { privateKey: { pem: keys.private } } },
      { authorizedKeys: [keys.public] },
    );
    expect((await device.status(never)).firmware).toBe("7.40A.250.440");
  });

  it("falls back to the password where the key is not known", async () => {
    const keys = ssh2.utils.generateKeyPairSync("ed25519");
    const [device] = await open({ ssh: { privateKey: { pem: keys.private } } });
    expect((await device.status(never)).firmware).toBe("7.40A.250.440");
  });

  it("is not opened with something that is no key, and does not repeat it", () => {
    const privateKey = { pem: "no-key-at-all" };
    const fault = (() => {
      try {
        openSshDriver({ ssh: "127.0.0.1:1", hostKeySha256: "x" } as MockSbc, { ssh: { privateKey } });
      } catch (error) {
        return error;
      }
      return undefined;
    })();
    expect(fault).toMatchObject({ code: "unsupported" });
    expect(inspect(fault, { depth: 9 })).not.toContain("no-key-at-all");
  });

  it("works with old algorithms in the legacy profile, and says that it needs it", async () => {
    const [device, of] = await open({ ssh: { profile: "legacy" } }, { settings: { shell: { algorithms: "legacy" } } });
    expect((await device.status(never)).firmware).toBe("7.40A.250.440");
    const modern = openSshDriver(of);
    expect(await faultOf(modern.status(never))).toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("legacy") as string,
    });
    await modern.close();
  });

  it.each([
    ["tcp", "unreachable"],
    ["message", "busy"],
  ] as const)("beyond the session limit, told by %s, is %s", async (overLimit, code) => {
    const [device, of] = await open({}, { settings: { shell: { sessionLimit: 1, overLimit, sftp: "off" } } });
    await device.status(never);
    const second = openSshDriver(of);
    expect(await faultOf(second.status(never))).toMatchObject({ code, mayHaveActed: false });
    await device.close();
    expect((await second.status(never)).firmware).toBe("7.40A.250.440");
    await second.close();
  });
});

describe("the level of enable", () => {
  it.each(["denied", "again"] as const)("with a wrong secret (%s) is tried once and is auth", async (wrongEnable) => {
    const [device, of] = await open(
      { ssh: { enablePassword: "wrong-enable" } },
      { settings: { shell: { wrongEnable } } },
    );
    const fault = await faultOf(device.status(never));
    expect(fault).toMatchObject({ code: "auth", mayHaveActed: false });
    expect(inspect(fault, { depth: 9 })).not.toContain("wrong-enable");
    expect(await stats(of)).toMatchObject({ failedEnables: 1 });
  });

  it("is not asked for where the log-in lands there", async () => {
    const [device, of] = await open({}, { settings: { shell: { landing: "#" } } });
    await device.status(never);
    await device.save(never);
    expect(await stats(of)).toMatchObject({ enables: 0, failedEnables: 0 });
  });

  it("that nobody has the secret of leaves reading, and says why nothing is written", async () => {
    mock = await startSshMock({ firmware: "7.40A.250.440" });
    driver = openSshDriver(mock, { ssh: { enablePassword: undefined } });
    await driver.status(never);
    expect((await driver.read(never)).rows).not.toEqual([]);
    expect(driver.describe().readOnly).toContain("enable");
    expect(await faultOf(driver.save(never))).toMatchObject({ code: "forbidden", mayHaveActed: false });
  });

  it("that the user may not have is auth or forbidden, and nothing was written", async () => {
    const [device] = await open({}, { settings: { shell: { allowEnable: false } } });
    expect(["auth", "forbidden"]).toContain((await faultOf(device.status(never))).code);
  });
});
