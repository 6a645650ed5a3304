import { afterEach, describe, expect, it } from "vitest";
import { startMockOvoc } from "../../mocks/ovoc.ts";
import { startTcp, startFakeDevice } from "../drivers/fake-device.ts";
import { eventually } from "../e2e/client.ts";
import { drawTenant, environment, shapes, startRig, statsOf, type Rig } from "../e2e/rig.ts";
import type { HealthReport } from "../../agent/reports.ts";

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

/** Listens where a text of a client points to, and counts who comes. */
async function startTrap(): Promise<{ port: number; visits: () => number }> {
  let visits = 0;
  const trap = await startTcp((socket) => {
    visits += 1;
    socket.destroy();
  });
  opened.push(() => trap.close());
  return { port: trap.port, visits: () => visits };
}

async function start(setting: Parameters<typeof startRig>[0]): Promise<Rig> {
  const rig = await startRig(setting);
  opened.push(() => rig.stop());
  return rig;
}

describe.each(shapes)("rule 6, %s:", (shape) => {
  it("addresses in what a client sends lead nowhere", async () => {
    const trap = await startTrap();
    const ovoc = await startMockOvoc({ user: "ovoc", password: environment.SBC_PASSWORD });
    opened.push(() => ovoc.stop());
    const rig = await start({
      shape,
      overrides: { ovoc: { url: ovoc.url, user: "ovoc", password: { env: "SBC_PASSWORD" } } },
    });
    const url = `http://127.0.0.1:${trap.port}/`;
    const tenant = drawTenant();
    const { client, mock } = rig;
    await client.ask("POST", "/api/v2/oc/lead", { tenantId: tenant, companyName: url });
    const { status, body } = await client.ask("POST", "/api/v3/customer", {
      configurationName: "OcEssential_IPGROUP_TYPE",
      customerShortName: "Trapped",
      customerFullName: "Trapped",
      msTenantId: tenant,
      ovocCustomerType: url,
      channelId: url,
      siteLocation: { siteLocationName: url, sbcId: 99_999, sbcOnboardingScript: 1, sbcDeploymentState: url },
      scriptParameters: {
        ProxySet: "SIPTrunk",
        OnlinePstnGateway: "gw0.example.com",
        CarrierHostName: `127.0.0.1:${trap.port}`,
        address: url,
        Url: url,
        ovoc: url,
      },
    });
    expect(status, JSON.stringify(body)).toBe(200);
    const task = await client.ended((body as { taskId: string }).taskId);
    expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
    expect(await statsOf(mock)).toMatchObject({ uploads: 1 });
    expect(trap.visits()).toBe(0);
  });

  it("a gateway that no device has makes no connection, not even to a device that is known", async () => {
    const trap = await startTrap();
    const rig = await start({ shape, overrides: shape === "apart" ? { portal: { gatewayWait: "1m" } } : {} });
    const { client, mock } = rig;
    const before = await statsOf(mock);
    for (const gateway of [
      "127.0.0.1",
      `127.0.0.1:${trap.port}`,
      `http://127.0.0.1:${trap.port}`,
      "localhost",
      "gw9.x",
    ]) {
      const tenant = drawTenant();
      await client.addLead(tenant);
      const taskId = await client.post("Nowhere", tenant, 0, { OnlinePstnGateway: gateway });
      const task = await client.task(taskId);
      // Apart, another agent might announce it.
      if (shape === "embedded") expect(task.status).toBe("CompletedFailed");
      expect(JSON.stringify(task.executionMessages)).toContain(gateway);
    }
    expect(await statsOf(mock)).toMatchObject({ requests: before.requests, uploads: 0 });
    expect(trap.visits()).toBe(0);
  });
});

describe("rule 6: a redirection", () => {
  it.each([301, 302, 303, 307, 308])(
    "of a device (%i) is not followed, and its password goes nowhere",
    async (status) => {
      const trap = await startTrap();
      const device = await startFakeDevice((_request, response) => {
        response.writeHead(status, { Location: `http://127.0.0.1:${trap.port}/api/v1/status` }).end();
      }, "plaintext");
      opened.push(() => device.close());
      const rig = await start({ reach: () => ({ driver: "rest", address: device.address }) });
      const tenant = drawTenant();
      await rig.client.addLead(tenant);
      await rig.client.post("Redirected", tenant);
      const { lastError } = await eventually(
        async () => ((await rig.client.ask("GET", "/health")).body as HealthReport).devices[0] ?? { lastError: null },
        (report) => report.lastError !== null,
        (report) => JSON.stringify(report),
      );
      expect(lastError?.code).toBe("protocol");
      expect(lastError?.message).toContain("redirect");
      expect(trap.visits()).toBe(0);
    },
  );
});
