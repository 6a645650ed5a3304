import { afterEach, describe, expect, it } from "vitest";
import type { HealthReport } from "../../agent/reports.ts";
import { startMockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { writeConfig, runCommand } from "../e2e/daemon.ts";
import { eventually } from "../e2e/client.ts";
import { doorsFor } from "../e2e/reach.ts";
import { startRelay } from "../faults/relay.ts";
import { deviceFile, drawTenant, named, startRig, stateOf, statsOf, type Rig } from "../e2e/rig.ts";

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function post(rig: Rig, shortName: string): Promise<string> {
  const tenant = drawTenant();
  await rig.client.addLead(tenant);
  return rig.client.post(shortName, tenant);
}

const deviceOf = async (rig: Rig): Promise<HealthReport["devices"][number] | undefined> =>
  ((await rig.client.ask("GET", "/health")).body as HealthReport).devices[0];

const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(":") + 1));

describe.each([
  { route: "rest", what: "rule 1: a device that shows another certificate" },
  { route: "ssh", what: "rule 2: a device that shows another host key" },
] as const)("$what", ({ route }) => {
  it("between two runs hears no password, waits for a human, and is worked on once it is enrolled", async () => {
    const relay = await startRelay();
    opened.push(() => relay.stop());
    const enable = { enablePassword: { env: "SBC_ENABLE" } };
    const rig = await startRig({
      route,
      reach: () =>
        route === "rest"
          ? { driver: route, address: `https://127.0.0.1:${relay.port}` }
          : { driver: route, address: `ssh://127.0.0.1:${relay.port}`, ssh: enable },
      mock: { serialNumber: "1000" },
    });
    opened.push(() => rig.stop());
    const doorOf = (mock: { rest: string; ssh: string | undefined }): number =>
      portOf(route === "rest" ? mock.rest : (mock.ssh ?? ""));
    relay.lead(doorOf(rig.mock));
    expect((await rig.client.ended(await post(rig, "Before"))).details).toEqual(["Converted"]);

    const stranger = await startMockSbc({ ini: deviceFile, serialNumber: "1000", ...doorsFor(route) });
    opened.push(() => stranger.stop());
    relay.lead(doorOf(stranger));
    relay.cut();
    const waiting = await post(rig, "After");
    const device = await eventually(
      () => deviceOf(rig),
      (report) => report?.lastError?.code === "identity",
      (report) => JSON.stringify(report),
    );
    // Nothing is tried again until somebody says so.
    expect(device).toMatchObject({ nextTryAt: null });
    expect((await rig.client.task(waiting)).status).toBe("InProgress");
    const heard = { requests: 0, uploads: 0, saves: 0, sshLogins: 0, sshFailedLogins: 0, shells: 0 };
    expect(await statsOf(stranger)).toMatchObject(heard);
    expect((await stateOf(stranger)).running["IPGroup"]).toHaveLength(3);

    const enroll = ["enroll", "sbc0", "--yes", "--replace", "--config", writeConfig(rig.folder, rig.config)];
    const { code, output } = await runCommand(enroll);
    expect(code, output).toBe(0);
    expect(await statsOf(stranger), "enrolment shows no password either").toMatchObject(heard);
    await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/resume", { reason: "its certificate was renewed" });
    const task = await rig.client.ended(waiting);
    expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
    expect(named((await stateOf(stranger)).startup["IPGroup"], "Name").get("After")?.active).toBe(true);
  });
});
