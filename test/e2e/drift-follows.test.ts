import { afterEach, describe, expect, it } from "vitest";
import type { CommandContext } from "../../agent/commands/context.ts";
import type { DriftDeviceReport, DriftReport, HealthReport } from "../../agent/reports.ts";
import { runCommand } from "../cli/command-line.ts";
import { changeCustomer, convertCustomer, removeCustomer } from "./customer.ts";
import { control, named, startRig, stateOf, statsOf, type Rig } from "./rig.ts";

let rig: Rig;
afterEach(() => rig.stop());

const edit = (...lines: string[]): Promise<void> =>
  control(rig.mock, "POST", "/edit", { lines: ["configure voip", ...lines, "exit", "write"] });

function run(...argv: string[]) {
  const context: Partial<CommandContext> = { env: { SBC_AGENT_TOKEN: rig.adminToken() } };
  return runCommand([...argv, "--url", rig.url()], rig.folder, context);
}

async function check(): Promise<void> {
  const { status } = await rig.client.ask("POST", "/api/agent/v1/drift/check", {});
  expect(status).toBe(200);
}

/** What `sbc-agent drift`, `/health` and the metrics say of the device; an error unless they agree. */
async function evidence(): Promise<DriftDeviceReport> {
  const { code, stdout } = await run("drift", "--json");
  const [shown] = (JSON.parse(stdout) as DriftReport).devices;
  if (shown === undefined) throw new Error(stdout);
  const headers = { authorization: `Bearer ${rig.adminToken()}` };
  const health = (await (await fetch(`${rig.url()}/health`, { headers })).json()) as HealthReport;
  const page = await (await fetch(`${rig.url()}/metrics`, { headers })).text();
  const { state, drifted, checkedAt, updatedAt } = shown;
  expect(health.devices[0]?.drift).toMatchObject({ drifted, checkedAt, updatedAt });
  expect(health.remarks.join().includes(`${drifted} customer(s) differ`)).toBe(state === "drifted");
  expect(page).toContain(`sbc_agent_drifted_customers{device="sbc0"} ${drifted}\n`);
  expect(page).toContain(
    `sbc_agent_drift_checked_timestamp_seconds{device="sbc0"} ${Date.parse(checkedAt ?? "") / 1_000}\n`,
  );
  expect(code).toBe(state === "in-sync" ? 0 : 3);
  return shown;
}

const rowsIn = ({ rows }: DriftDeviceReport) => rows.map(({ row, customers }) => [row, customers.join()]);

describe.each(["embedded", "apart"] as const)("evidence of drift, %s", (shape) => {
  it("follows a re-sync of one customer, a change and a removal, and stays as old as the check", async () => {
    const fields = { "ip-group.media-realm-name": "keep" };
    rig = await startRig({ shape, overrides: { drift: { fields } } });
    await convertCustomer(rig.client, "Acme");
    const bolt = await convertCustomer(rig.client, "Bolt");
    const corp = await convertCustomer(rig.client, "Corp");
    expect((await run("drift")).code).toBe(3);
    for (const index of [5, 6, 7]) await edit(`ip-group ${index}`, 'media-realm-name ""', 'ip-profile-name ""', "exit");
    await check();
    const found = await evidence();
    expect(found).toMatchObject({ state: "drifted", customers: 3, drifted: 3, kept: 3, updatedAt: null });

    expect(await run("resync", "--customer", "acme")).toMatchObject({ code: 0 });
    const { checkedAt } = found;
    const left = await evidence();
    expect(left).toMatchObject({ state: "drifted", customers: 3, drifted: 2, kept: 3, checkedAt });
    expect(rowsIn(left)).toEqual([
      ['ip-group 6 "Bolt"', "Bolt"],
      ['ip-group 7 "Corp"', "Corp"],
    ]);
    expect(Date.parse(left.updatedAt ?? "")).toBeGreaterThanOrEqual(Date.parse(checkedAt ?? ""));
    expect((await run("drift")).stdout).toContain(
      `since the check, runs brought single customers up to date, the last at ${left.updatedAt ?? ""}`,
    );

    const change = { scriptParameters: { CarrierHostName: "b.example" } };
    expect((await changeCustomer(rig.client, bolt, change)).status).toBe("CompletedSuccess");
    const changed = await evidence();
    expect(changed).toMatchObject({ customers: 3, drifted: 1, kept: 2, checkedAt });
    expect(rowsIn(changed)).toEqual([['ip-group 7 "Corp"', "Corp"]]);

    expect((await removeCustomer(rig.client, corp)).status).toBe("CompletedSuccess");
    expect(await evidence()).toMatchObject({
      state: "in-sync",
      customers: 2,
      drifted: 0,
      kept: 1,
      rows: [],
      checkedAt,
    });
    const before = await statsOf(rig.mock);
    await check();
    expect(await evidence()).toMatchObject({ state: "in-sync", customers: 2, drifted: 0, kept: 1, updatedAt: null });
    expect(await statsOf(rig.mock)).toMatchObject({ uploads: before.uploads, saves: before.saves });
  });

  it("follows a conversion that makes a shared Proxy Set anew, for all who need it", async () => {
    rig = await startRig({ shape });
    await convertCustomer(rig.client, "Acme");
    await convertCustomer(rig.client, "Bolt");
    const set = named((await stateOf(rig.mock)).running["ProxySet"], "ProxyName").get("SIPTrunk")?.index;
    await edit("no ip-group 5", "no ip-group 6", `no proxy-set ${set ?? ""}`);
    await check();
    expect(await evidence()).toMatchObject({ customers: 2, drifted: 2, rows: [{}, {}, {}] });
    await convertCustomer(rig.client, "Corp");
    const followed = await evidence();
    expect(followed).toMatchObject({ state: "drifted", customers: 2, drifted: 2 });
    expect(rowsIn(followed)).toEqual([
      ['ip-group "Acme"', "Acme"],
      ['ip-group "Bolt"', "Bolt"],
    ]);
  });

  it("is not made by a run that looked at one customer alone", async () => {
    rig = await startRig({ shape });
    await convertCustomer(rig.client, "Acme");
    await edit("ip-group 5", 'tags ""', "exit");
    expect(await rig.client.resync({ customer: "Acme" })).toMatchObject({ devices: [{ result: "changed" }] });
    const { code, stdout } = await run("drift", "--json");
    expect({ code, ...(JSON.parse(stdout) as DriftReport).devices[0] }).toMatchObject({
      code: 3,
      state: "unknown",
      checkedAt: null,
      updatedAt: null,
    });
  });
});
