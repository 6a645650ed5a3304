import dns from "node:dns";
import { afterEach, describe, expect, it, vi } from "vitest";
import { startMockSbc, type MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { eventually } from "../e2e/client.ts";
import { doorsFor, reachOf, type Reach, type Route } from "../e2e/reach.ts";
import { control, deviceFile, startRig, statsOf, type Rig } from "../e2e/rig.ts";
import { convert, expectConverted, failsWith, received, tells } from "./conversions.ts";
import { assertDevice, assertInvariants } from "./invariants.ts";
import { startRelay, type Relay } from "./relay.ts";

/** The line of the catalogue has a round trip of 5 s; FAULTS=all takes it at that, else all its times are so much shorter. */
const scale = process.env["FAULTS"] === "all" ? 1 : 1 / 50;
const roundTripMs = 5_000 * scale;

let rig: Rig;
let relay: Relay;
afterEach(async () => {
  vi.restoreAllMocks();
  await rig.stop();
  await relay.stop();
});

const impatient = { connectMs: 500, requestMs: 500, writeDeadlineMs: 500, saveMs: 500, leaseMs: 10_000 };

/** A device that is reached over the relay alone. */
async function start(route: Route, run: Record<string, number> = impatient, host = "127.0.0.1"): Promise<void> {
  relay = await startRelay();
  const overRelay = (mock: MockSbc): Reach => {
    const reach = reachOf(mock, route);
    const { host: direct, port } = new URL(reach.address);
    relay.lead(Number(port));
    return { ...reach, address: reach.address.replace(direct, `${host}:${relay.port}`) };
  };
  rig = await startRig({ route, reach: overRelay, overrides: { run } });
}

const deviceHas = (line: string): Promise<unknown> =>
  eventually(
    () => received(rig.mock),
    ({ lines }) => lines.some((one) => one.line.includes(line)),
    () => `no line holds ${line}`,
  );

const again = "It is tried again";

describe.each(["rest", "ssh"] as const)("over %s,", (route) => {
  it("F43 a partition before a run: the task says why it waits, and nothing is written until it is over", async () => {
    await start(route);
    relay.shape("both", { isHeld: true });
    const task = await convert(rig, "Parted");
    await tells(rig, task, again);
    expect(await statsOf(rig.mock)).toMatchObject({ uploads: 0, saves: 0, sshLogins: 0 });
    relay.calm();
    await expectConverted(rig, task);
    await assertInvariants(rig, [["Parted"]]);
  });

  it.each(["toServer", "toClient", "both"] as const)(
    "F43 a partition in mid-write, %s: what was begun is found, and ended once",
    async (direction) => {
      await start(route);
      await control(rig.mock, "POST", "/faults", { name: "slow-lines", ms: 10 });
      const task = await convert(rig, "Parted");
      await deviceHas("proxy-set");
      relay.shape(direction, { isHeld: true });
      await tells(rig, task, again);
      await control(rig.mock, "DELETE", "/faults");
      relay.calm();
      await expectConverted(rig, task);
      await assertInvariants(rig, [["Parted"]]);
    },
  );

  it("F44 a round trip of 5 s and a loss of 30 %: deadlines that reckon with it carry the run through", async () => {
    const ms = 40 * roundTripMs + 5_000;
    await start(route, { connectMs: ms, requestMs: ms, writeDeadlineMs: ms, saveMs: ms, leaseMs: 4 * ms });
    relay.shape("both", { delayMs: roundTripMs / 2, jitterMs: roundTripMs / 10, loss: 0.3, retransmitMs: roundTripMs });
    const task = await convert(rig, "Faraway");
    await eventually(
      () => rig.client.task(task),
      ({ status }) => status !== "InProgress",
      (t) => JSON.stringify(t),
      600_000 * scale + 60_000,
    );
    relay.calm();
    await expectConverted(rig, task);
    await assertInvariants(rig, [["Faraway"]]);
  }, 700_000);

  it("F44 a round trip as long as the deadline: the task says why it waits, and converts when the line is better", async () => {
    await start(route, { ...impatient, connectMs: 200 });
    relay.shape("both", { delayMs: 100, jitterMs: 20 });
    const task = await convert(rig, "Faraway");
    await tells(rig, task, again);
    expect(await statsOf(rig.mock)).toMatchObject({ uploads: 0, saves: 0, sshLogins: 0 });
    relay.calm();
    await expectConverted(rig, task);
    await assertInvariants(rig, [["Faraway"]]);
  });

  it("F45 DNS gives no address, and then that of another device: nobody is shown credentials, nothing is written", async () => {
    const addresses = { host: "127.0.0.1" as string | undefined };
    resolve("sbc.example", addresses);
    await start(route, impatient, "sbc.example");
    const port = { [route === "rest" ? "restPort" : "sshPort"]: relay.port };
    const other = await startMockSbc({ ini: deviceFile, host: "127.0.0.2", ...doorsFor(route), ...port });
    try {
      const first = await convert(rig, "Resolved");
      await expectConverted(rig, first);
      addresses.host = undefined;
      const second = await convert(rig, "Moved");
      await failsWith(rig, "unreachable");
      await tells(rig, second, again);
      addresses.host = "127.0.0.2";
      await failsWith(rig, "identity");
      expect(await statsOf(other)).toMatchObject({ requests: 0, sshLogins: 0, sshFailedLogins: 0, uploads: 0 });
      await assertDevice(other, []);
      addresses.host = "127.0.0.1";
      await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/resume", { reason: "DNS corrected" });
      await expectConverted(rig, second);
      await assertInvariants(rig, [["Resolved", "Moved"]]);
    } finally {
      await other.stop();
    }
  });

  it("F46 connections that are forgotten in mid-write: given up at the deadline, and ended once on others", async () => {
    await start(route);
    await control(rig.mock, "POST", "/faults", { name: "slow-lines", ms: 10 });
    const task = await convert(rig, "Forgotten");
    await deviceHas("proxy-set");
    relay.forget("both");
    const { connections } = relay.carried();
    await control(rig.mock, "DELETE", "/faults");
    await expectConverted(rig, task);
    expect(relay.carried().connections).toBeGreaterThan(connections);
    await assertInvariants(rig, [["Forgotten"]]);
  });

  it("F46 connections that are forgotten before they carried anything: nothing is written, and others convert", async () => {
    await start(route, { ...impatient, lingerMs: 300 });
    const task = await convert(rig, "Forgotten");
    await eventually(
      async () => relay.carried(),
      ({ connections }) => connections > 0,
      () => "nothing was connected beforehand",
    );
    relay.forget("both");
    await tells(rig, task, again);
    await expectConverted(rig, task);
    await assertInvariants(rig, [["Forgotten"]]);
  });

  it("F23 F28 a line that is cut anywhere, either way: each conversion ends once", async () => {
    await start(route);
    const names = ["CutFirst"];
    await expectConverted(rig, await convert(rig, "CutFirst"));
    const whole = relay.carried();
    for (const direction of ["toServer", "toClient"] as const)
      for (const share of [0.05, 0.3, 0.6, 0.9]) {
        const name = `Cut${direction}${share * 100}`;
        // Over REST the bytes are spread over a few connections.
        relay.shape(direction, { cutAfterBytes: Math.floor((share * whole[direction]) / (route === "rest" ? 3 : 1)) });
        const { cuts } = relay.carried();
        const task = await convert(rig, name);
        // A later part of the bytes may belong to connections that end before it.
        await eventually(
          () => rig.client.task(task),
          ({ status }) => status !== "InProgress" || relay.carried().cuts > cuts,
          (t) => JSON.stringify(t),
        );
        relay.calm();
        await expectConverted(rig, task);
        names.push(name);
      }
    expect(relay.carried().cuts).toBeGreaterThanOrEqual(4);
    await assertInvariants(rig, [names]);
  });

  it("bytes that a line doubles end the connection, and no row is made twice", async () => {
    await start(route);
    await control(rig.mock, "POST", "/faults", { name: "slow-lines", ms: 10 });
    const begun = await convert(rig, "Doubled");
    await deviceHas("proxy-set");
    relay.shape("toServer", { isDoubled: true });
    const next = await convert(rig, "DoubledTwo");
    await tells(rig, next, again);
    await control(rig.mock, "DELETE", "/faults");
    relay.calm();
    for (const task of [begun, next]) await expectConverted(rig, task);
    await assertInvariants(rig, [["Doubled", "DoubledTwo"]]);
  });

  it("all that was said to a device, said once more by somebody on the line, does nothing there", async () => {
    await start(route);
    await expectConverted(rig, await convert(rig, "Replayed"));
    const before = await statsOf(rig.mock);
    await relay.replay();
    const { sshConnections, ...heard } = await statsOf(rig.mock);
    expect(heard).toEqual({ ...before, sshConnections: undefined });
    expect(sshConnections > before.sshConnections).toBe(route === "ssh");
    await assertInvariants(rig, [["Replayed"]]);
  });
});

type Found = (error: Error | null, address?: string | dns.LookupAddress[], family?: number) => void;

/** Makes this process find a host where `addresses` says it is at the time, or not at all. */
function resolve(host: string, addresses: { host: string | undefined }): void {
  const lookup = dns.lookup as (name: string, options: dns.LookupOptions, done: Found) => void;
  const found = (name: string, options: dns.LookupOptions, done: Found): void => {
    const { host: address } = addresses;
    if (name !== host) lookup(name, options, done);
    else if (address === undefined) done(Object.assign(new Error(`ENOTFOUND ${host}`), { code: "ENOTFOUND" }));
    else if (options.all === true) done(null, [{ address, family: 4 }]);
    else done(null, address, 4);
  };
  vi.spyOn(dns, "lookup").mockImplementation(found as never);
}
