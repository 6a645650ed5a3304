import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startMockSbc } from "../../mocks/sbc/mock-sbc.ts";
import type { PlanReport } from "../../agent/reports.ts";
import { eventually } from "./client.ts";
import { askRemoval, convertCustomer, holdings, registering, removeCustomer, wordsOf } from "./customer.ts";
import { startDaemon, writeConfig } from "./daemon.ts";
import { pin, reachOf, type Route } from "./reach.ts";
import { configFor, control, deviceFile, named, startRig, stateOf, statsOf, type Rig } from "./rig.ts";

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

const namesIn = async ({ mock }: Pick<Rig, "mock">, table: string, column: string): Promise<string[]> => [
  ...named((await stateOf(mock)).running[table], column).keys(),
];

describe.each<Route>(["rest", "ssh"])("a customer that is removed, over %s", (route) => {
  it("leaves the device as it was before the conversion, saved, and its tenant may be converted again", async () => {
    rig = await startRig({ route });
    const { client, mock } = rig;
    const before = await stateOf(mock);
    const customer = await convertCustomer(client, "Leaver", registering);
    const { saves } = await statsOf(mock);
    const task = await removeCustomer(client, customer);
    expect(task.status, JSON.stringify(task)).toBe("CompletedSuccess");
    expect(holdings(await stateOf(mock))).toEqual(holdings(before));
    expect((await statsOf(mock)).saves).toBe(saves + 1);
    const again = await client.ended(await client.post("Leaver", customer.tenant));
    expect(again.details).toEqual(["Converted"]);
  });

  it("is planned with the lines that bring its rows back, and with what they cannot say", async () => {
    rig = await startRig({ route });
    const { client, mock } = rig;
    const customer = await convertCustomer(client, "Undone");
    const before = holdings(await stateOf(mock));
    const asked = await client.ask("POST", "/api/agent/v1/plan", { removal: { customer: "Undone" } });
    const { reverse } = asked.body as PlanReport;
    expect((await removeCustomer(client, customer)).status).toBe("CompletedSuccess");
    expect(holdings(await stateOf(mock))).not.toEqual(before);
    const lines = reverse.filter((line) => !line.startsWith("!"));
    await control(mock, "POST", "/edit", { lines: [...lines, "write"] });
    expect(holdings(await stateOf(mock))).toEqual(before);
    expect(reverse.filter((line) => line.startsWith("!")).join()).toContain("re-routing-mode (was '-1')");
  });

  it("is kept while rows of others refer to its own; each of them is named, and nothing is written", async () => {
    rig = await startRig({ route });
    const { client, mock } = rig;
    const customer = await convertCustomer(client, "Routed");
    const lines = [
      "configure voip",
      "sbc routing ip2ip-routing 20",
      'route-name "to Routed"',
      'dst-ip-group-name "Routed"',
      "activate",
      "exit",
      "sbc classification 20",
      'classification-name "from Routed"',
      'src-ip-group-name "Routed"',
      "activate",
      "exit",
      "exit",
      "write",
    ];
    await control(mock, "POST", "/edit", { lines });
    const before = await stateOf(mock);
    const task = await removeCustomer(client, customer);
    expect(task.status).toBe("CompletedFailed");
    expect(wordsOf(task)).toContain("sbc routing ip2ip-routing 20 (dst-ip-group-name)");
    expect(wordsOf(task)).toContain("sbc classification 20 (src-ip-group-name)");
    expect(holdings(await stateOf(mock))).toEqual(holdings(before));
    expect(await client.resync({ dryRun: true })).toMatchObject({ devices: [{ result: "in-sync", customers: 1 }] });

    const clear = ["configure voip", "no sbc routing ip2ip-routing 20", "no sbc classification 20", "exit", "write"];
    await control(mock, "POST", "/edit", { lines: clear });
    expect((await removeCustomer(client, customer)).status).toBe("CompletedSuccess");
    expect(await namesIn(rig, "IPGroup", "Name")).not.toContain("Routed");
  });

  it("is not removed where the device refuses; the task has its words, and all stays as it was", async () => {
    rig = await startRig({ route });
    const { client, mock } = rig;
    const customer = await convertCustomer(client, "Kept");
    await control(mock, "POST", "/faults", { name: "reject-line", pattern: "no ip-group" });
    const before = await stateOf(mock);
    const task = await removeCustomer(client, customer);
    expect(task.status).toBe("CompletedFailed");
    expect(wordsOf(task)).toContain("it was refused");
    expect((await stateOf(mock)).running).toEqual(before.running);
    await control(mock, "DELETE", "/faults");
    expect((await removeCustomer(client, customer)).status).toBe("CompletedSuccess");
  });
});

describe("a Proxy Set that customers shared", () => {
  it("goes with the last of them where it was made here", async () => {
    rig = await startRig();
    const { client } = rig;
    const first = await convertCustomer(client, "First");
    const last = await convertCustomer(client, "Last");
    expect(wordsOf(await removeCustomer(client, first))).toContain("Proxy Set 'SIPTrunk' stays");
    expect(await namesIn(rig, "ProxySet", "ProxyName")).toContain("SIPTrunk");
    await removeCustomer(client, last);
    expect(await namesIn(rig, "ProxySet", "ProxyName")).not.toContain("SIPTrunk");
  });

  it("stays where it was there before, though nobody uses it any more", async () => {
    rig = await startRig();
    const { client } = rig;
    const before = await stateOf(rig.mock);
    const customer = await convertCustomer(client, "Guest", { ProxySet: "ProxySet_0" });
    expect((await removeCustomer(client, customer)).status).toBe("CompletedSuccess");
    expect(holdings(await stateOf(rig.mock))).toEqual(holdings(before));
  });
});

describe("an agent that is killed with SIGKILL", () => {
  it("in the middle of a removal takes it up again, and nothing of the customer is left", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sbc-agent-crash-"));
    const mock = await startMockSbc({ ini: deviceFile });
    const config = configFor(folder, [reachOf(mock)]);
    await pin(config, [mock]);
    const file = writeConfig(folder, config);
    let daemon = await startDaemon(file, config);
    try {
      const before = await stateOf(mock);
      const customer = await convertCustomer(daemon.client, "Killed", registering);
      await control(mock, "POST", "/faults", { name: "slow-lines", ms: 100 });
      const task = await askRemoval(daemon.client, customer);
      await eventually(
        () => stateOf(mock),
        ({ running }) => (running["Account"] ?? []).length === (before.running["Account"] ?? []).length,
        () => "no line of the removal was executed",
      );
      await daemon.kill("SIGKILL");
      await control(mock, "DELETE", "/faults");
      daemon = await startDaemon(file, config);
      expect((await daemon.client.ended(task)).status).toBe("CompletedSuccess");
      expect(holdings(await stateOf(mock))).toEqual(holdings(before));
    } finally {
      await daemon.kill("SIGTERM");
      await mock.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
