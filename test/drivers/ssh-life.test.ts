import { afterEach, describe, expect, it } from "vitest";
import { DriverError } from "../../drivers/errors.ts";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { faultOf, never } from "./fake-device.ts";
import { control } from "./mock-environment.ts";
import { openSshDriver, startSshMock } from "./ssh-device.ts";

let mock: MockSbc | undefined;
afterEach(async () => {
  await mock?.stop();
  mock = undefined;
});

/** Set it higher for a long look; each cycle is a whole log-in. */
const cycles = Number(process.env["SSH_CYCLES"] ?? 20);

async function stats(): Promise<Record<string, number>> {
  return mock === undefined ? {} : ((await control(mock, "GET", "/stats")) as Record<string, number>);
}

const held = (): string[] =>
  process
    .getActiveResourcesInfo()
    .filter((name) => /^(?:TCPSocketWrap|TCPWRAP|TCPConnectWrap|Timeout)$/.test(name))
    .sort();

describe("a driver", () => {
  it("has one shell on its device for all that it does, and one log-in", async () => {
    mock = await startSshMock({ firmware: "7.40A.250.440" });
    const driver = openSshDriver(mock);
    await driver.status(never);
    await driver.read(never);
    await driver.save(never);
    await driver.read(never);
    await driver.status(never);
    await driver.close();
    expect(await stats()).toMatchObject({ sshConnections: 1, sshLogins: 1, shells: 1 });
  });

  it("opens another session when the one that it had was ended", async () => {
    mock = await startSshMock({ firmware: "7.40A.250.440" });
    const driver = openSshDriver(mock);
    await driver.status(never);
    await control(mock, "POST", "/faults", { name: "shell-close", match: "show", times: 1 });
    expect(await faultOf(driver.status(never))).toMatchObject({ code: "unreachable", mayHaveActed: false });
    expect((await driver.status(never)).firmware).toBe("7.40A.250.440");
    await driver.close();
  });

  it("asks before each log-in but the first, and logs in no more where it may not", async () => {
    mock = await startSshMock({ firmware: "7.40A.250.440" });
    const counted: string[] = [];
    let allowed = true;
    const driver = openSshDriver(mock, {
      async logInAgain(logIn) {
        counted.push(`begun at ${(await stats())["sshLogins"] ?? 0}`);
        if (!allowed) throw new DriverError("auth", "edge-1: no log-in was tried");
        const result = await logIn();
        counted.push("done");
        return result;
      },
    });
    const breakSession = async (): Promise<void> => {
      if (mock !== undefined) await control(mock, "POST", "/faults", { name: "shell-close", match: "show", times: 1 });
      await faultOf(driver.status(never));
    };
    await driver.status(never);
    await breakSession();
    expect(counted).toEqual([]);
    await driver.status(never);
    expect(counted).toEqual(["begun at 1", "done"]);
    await breakSession();
    allowed = false;
    expect(await faultOf(driver.status(never))).toMatchObject({ code: "auth", mayHaveActed: false });
    expect(await stats()).toMatchObject({ sshLogins: 2 });
    await driver.close();
  });

  it("uses a connection that was set up before, on which nobody had logged in", async () => {
    mock = await startSshMock({ firmware: "7.40A.250.440" });
    const driver = openSshDriver(mock);
    driver.warm();
    await expect.poll(async () => (await stats())["sshConnections"]).toBe(1);
    expect(await stats()).toMatchObject({ sshLogins: 0, sshFailedLogins: 0 });
    await driver.status(never);
    expect(await stats()).toMatchObject({ sshConnections: 1, sshLogins: 1 });
    await driver.close();
  });

  it("may be closed with a connection that nobody used", async () => {
    mock = await startSshMock({ firmware: "7.40A.250.440" });
    const before = held();
    const driver = openSshDriver(mock);
    driver.warm();
    await driver.close();
    await expect.poll(() => held().length).toBeLessThanOrEqual(before.length);
  });

  it(
    `leaves no socket and no timer behind in ${cycles} lives, failed ones among them`,
    async () => {
      mock = await startSshMock({ firmware: "7.40A.250.440", settings: { denyAccessOnFailCount: 0 } });
      const before = held();
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        const failing = cycle % 10 === 3;
        const driver = openSshDriver(mock, failing ? { password: "wrong-hunter" } : {});
        if (failing) expect(await faultOf(driver.status(never))).toMatchObject({ code: "auth" });
        else {
          await driver.status(never);
          if (cycle % 10 === 5) await driver.read(never);
        }
        await driver.close();
      }
      await expect.poll(() => held().length).toBeLessThanOrEqual(before.length);
      const { shells, sshConnections } = await stats();
      expect(sshConnections).toBe(cycles);
      expect(shells).toBe(cycles - Math.ceil((cycles - 3) / 10));
    },
    30_000 + cycles * 500,
  );
});
