import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startAgent } from "../../agent/main.ts";
import type { AdoptReport, PlanReport } from "../../agent/reports.ts";
import { startMockSbc, type MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { startHandMadePortal, type HandMadePortal } from "../source/hand-made-portal.ts";
import type { PortalAmendment } from "../source/portal-amendments.ts";
import type { PortalConversion } from "../source/portal-state.ts";
import { clientOf, gatewayOf, type Client } from "./client.ts";
import { holdings, registering } from "./customer.ts";
import { pin, reachOf } from "./reach.ts";
import { configFor, deviceFile, doorOf, drawTenant, environment, named, stateOf, statsOf } from "./rig.ts";

/** An agent and its device at a portal that is not ours, and keeps the rules of docs/pull-api.md. */
let folder: string;
let mock: MockSbc;
let portal: HandMadePortal;
let agent: Awaited<ReturnType<typeof startAgent>>;
let client: Client;

const carriers = [
  { name: "SIPTrunk", addresses: [{ address: "192.0.2.60:5060", transport: "udp" }] },
  { name: "Other", addresses: [{ address: "192.0.2.61:5060", transport: "udp" }] },
];

async function start(): Promise<void> {
  writeFileSync(join(folder, "ca.pem"), portal.ca);
  const source = { url: portal.url, ca: join(folder, "ca.pem") };
  const config = configFor(folder, [reachOf(mock)], { source, carriers });
  await pin(config, [mock]);
  agent = await startAgent(config, { env: environment, logFormat: "text", role: "agent" });
  client = clientOf(doorOf(config, agent.url));
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "sbc-agent-foreign-"));
  mock = await startMockSbc({ ini: deviceFile });
  portal = await startHandMadePortal();
  portal.replaceToken(environment.SBC_AGENT_SOURCE_TOKEN);
  await start();
});
afterEach(async () => {
  await agent.stop();
  await portal.stop();
  await mock.stop();
  rmSync(folder, { recursive: true, force: true });
});

const accept = (shortName: string): PortalConversion => {
  const { CarrierUserPassword, ...variables } = registering;
  return portal.accept({ shortName, gateway: gatewayOf(0), variables, secrets: { CarrierUserPassword } });
};

const ended = (one: PortalConversion | PortalAmendment): Promise<void> =>
  portal.until(() => one.state === "ended" && !portal.holds("sbc0"));

async function convert(shortName: string): Promise<PortalConversion> {
  const conversion = accept(shortName);
  await ended(conversion);
  expect(conversion.completion, JSON.stringify(conversion.completion)).toMatchObject({ kind: "linked" });
  return conversion;
}

const ipGroups = async () => named((await stateOf(mock)).running["IPGroup"], "Name");

describe("an agent at a foreign portal", () => {
  it("changes a customer and removes it again, each saved, marked before it leaves, and reported once", async () => {
    const before = await stateOf(mock);
    const { customerGuid } = await convert("Butcher");
    const change = portal.change(customerGuid, { proxySet: "Other" }, { CarrierUserPassword: "s3cret-Two" });
    await ended(change);
    expect(change.completion).toMatchObject({ kind: "changed", link: { customerGuid, proxySet: "Other" } });
    expect(portal.links.get(customerGuid)).toMatchObject({ proxySet: "Other" });
    const state = await stateOf(mock);
    expect(named(state.running["IPGroup"], "Name").get("Butcher")?.fields["ProxySetName"]).toBe("Other");
    expect(state.startup).toEqual(state.running);

    const removal = portal.remove(customerGuid);
    await ended(removal);
    expect(removal.completion).toMatchObject({ kind: "removed" });
    expect(holdings(await stateOf(mock))).toEqual(holdings(before));
    expect(portal.links.size).toBe(0);
    expect([change.sent, removal.sent]).toEqual([true, true]);
    expect(portal.requestsTo("complete").map(({ status }) => status)).toEqual([204, 204, 204]);
    expect(JSON.stringify(portal.requests)).not.toContain("s3cret-");
  });

  it("does what is asked of one customer one after the other, and of all in one run with the conversions", async () => {
    const { customerGuid } = await convert("Draper");
    const { saves } = await statsOf(mock);
    const [change, removal] = [portal.change(customerGuid, { proxySet: "Other" }), portal.remove(customerGuid)];
    const conversion = accept("Florist");
    await Promise.all([change, removal, conversion].map(ended));

    expect([change, removal, conversion].map(({ completion }) => completion?.kind)).toEqual([
      "changed",
      "removed",
      "linked",
    ]);
    expect([...(await ipGroups()).keys()]).not.toContain("Draper");
    expect((await ipGroups()).get("Florist")?.active).toBe(true);
    expect((await statsOf(mock)).saves).toBeLessThanOrEqual(saves + 3);
  });

  it("removes what is owed by the link that comes with it, and says so", async () => {
    const before = await stateOf(mock);
    const { customerGuid } = await convert("Baker");
    const debt = portal.giveUp(customerGuid);
    await ended(debt);

    expect(debt.completion).toMatchObject({ kind: "removed" });
    expect(holdings(await stateOf(mock))).toEqual(holdings(before));
  });

  it("removes nothing that is owed of a tenant that is a customer again, and reports it gone", async () => {
    const first = await convert("Tailor");
    const { tenantId, shortName } = first;
    const before = await stateOf(mock);
    const again = { ...first, taskId: "wst_again", customerGuid: randomUUID(), state: "open", completion: undefined };
    const debt = portal.giveUp(first.customerGuid);
    const conversion = portal.accept({ ...again, state: "open" });
    await Promise.all([ended(conversion), ended(debt)]);

    expect(conversion.completion).toMatchObject({ kind: "linked", link: { tenantId, shortName } });
    expect(debt.completion).toMatchObject({ kind: "removed" });
    expect((await ipGroups()).get("Tailor")?.active).toBe(true);
    expect((await stateOf(mock)).running["IPGroup"]).toHaveLength(before.running["IPGroup"]?.length ?? 0);
  });

  it("changes nothing of a customer whose change the device refuses, and reports why", async () => {
    const { customerGuid } = await convert("Cooper");
    const before = await stateOf(mock);
    const change = portal.change(customerGuid, { proxySet: "Nowhere" });
    await ended(change);

    expect(change.completion).toMatchObject({ kind: "failed" });
    expect(JSON.stringify(change.completion)).toContain("Nowhere");
    expect(holdings(await stateOf(mock))).toEqual(holdings(before));
    expect(portal.links.get(customerGuid)).toMatchObject({ proxySet: "SIPTrunk" });
  });

  it("reports once more where the answer was lost, and the portal takes it for what it is", async () => {
    const { customerGuid } = await convert("Weaver");
    portal.trouble("complete", { connection: "reset", done: true });
    const removal = portal.remove(customerGuid);
    await portal.until(() => portal.requestsTo("complete").length === 3 && !portal.holds("sbc0"));

    const [, first, second] = portal.requestsTo("complete");
    expect(second?.body).toEqual(first?.body);
    expect(second?.status).toBe(204);
    expect(removal.state).toBe("ended");
    expect((await ipGroups()).has("Weaver")).toBe(false);
  });

  it("reports under its next lease what it did under one that was lost, and does it no second time", async () => {
    const { customerGuid } = await convert("Smith");
    const { uploads } = await statsOf(mock);
    portal.trouble("complete", { answer: { status: 409 } });
    const change = portal.change(customerGuid, { proxySet: "Other" });
    await ended(change);

    const [, late, next] = portal.requestsTo("complete");
    expect([late?.status, next?.status]).toEqual([409, 204]);
    expect(Number(next?.body["fence"])).toBeGreaterThan(Number(late?.body["fence"]));
    expect(change.completion).toMatchObject({ kind: "changed" });
    expect((await ipGroups()).get("Smith")?.fields["ProxySetName"]).toBe("Other");
    // One script points to the other Proxy Set, one deletes that which nobody names any more.
    expect((await statsOf(mock)).uploads).toBe(uploads + 2);
  });

  it("that withdrew a change which was written already: no other report is kept back, and it goes on", async () => {
    const [withdrawn, other] = [await convert("Glover"), await convert("Hatter")];
    portal.trouble("complete", { answer: { status: 503 } });
    const change = portal.change(withdrawn.customerGuid, { proxySet: "Other" });
    const beside = portal.remove(other.customerGuid);
    await portal.until(() => portal.requestsTo("complete").some(({ status }) => status === 503));
    portal.withdraw(change.taskId);
    await ended(beside);

    expect(beside.completion).toMatchObject({ kind: "removed" });
    expect(change.completion).toBeUndefined();
    expect(portal.requestsTo("complete").map(({ status }) => status)).toContain(422);
    const conversion = await convert("Mercer");
    expect([...(await ipGroups()).keys()]).toContain(conversion.shortName);
    const { running, startup } = await stateOf(mock);
    expect(running).toEqual(startup);
  });

  it("shows the plan of a change or removal that nobody asked for, or of a task that waits, and writes nothing", async () => {
    const { customerGuid, tenantId } = await convert("Cutler");
    const before = await stateOf(mock);
    const plan = async (subject: object): Promise<PlanReport> => {
      const { status, body } = await client.ask("POST", "/api/agent/v1/plan", subject);
      expect(status, JSON.stringify(body)).toBe(200);
      return body as PlanReport;
    };
    const change = await plan({
      change: {
        customer: "cutler",
        site: { scriptParameters: { ProxySet: "Other", CarrierUserPassword: "s3cret-2" } },
      },
    });
    expect(change.conflicts).toEqual([]);
    expect(change.lines.join("\n")).toContain('proxy-set-name "Other"');
    expect(JSON.stringify(change)).not.toContain("s3cret-");
    const removal = await plan({ removal: { customer: tenantId } });
    expect(removal.changes.map(({ action }) => action)).toContain("delete");
    expect(removal.reverse.join()).toMatch(/! password of account \d+.*is to be set by hand/);

    await client.ask("POST", "/api/agent/v1/devices/sbc0/pause", { reason: "a look first" });
    const { taskId } = portal.remove(customerGuid);
    expect(await plan({ taskId })).toEqual(removal);
    expect(await stateOf(mock)).toEqual(before);
    await client.ask("POST", "/api/agent/v1/devices/sbc0/resume", { reason: "looked at" });
    await portal.until(() => portal.amendments.get(taskId)?.state === "ended" && !portal.holds("sbc0"));
    expect((await ipGroups()).has("Cutler")).toBe(false);
  });

  it("links what stands on the device already, each by the portal's own verdict, and writes nothing", async () => {
    const [known, unknown] = [drawTenant(), drawTenant()];
    portal.addLead(known, "Fabrikam Ltd");
    const before = await stateOf(mock);
    const names = [...(await ipGroups()).keys()];
    const mapping = [known, unknown].map((tenantId, i) => ({ ipGroup: names[names.length - 1 - i], tenantId }));
    const adopt = async (more: object = {}): Promise<AdoptReport> => {
      const { status, body } = await client.ask("POST", "/api/agent/v1/adopt", { device: "sbc0", mapping, ...more });
      expect(status, JSON.stringify(body)).toBe(200);
      return body as AdoptReport;
    };

    expect((await adopt({ dryRun: true })).adopted).toMatchObject([{ tenantId: known, customerGuid: null }]);
    expect(portal.links.size).toBe(0);
    // Its answer is lost: what is said once more is the same adoption.
    portal.trouble("adopt", { connection: "reset", done: true });
    const report = await adopt();
    expect(report.adopted).toMatchObject([{ tenantId: known, fullName: "Fabrikam Ltd" }]);
    expect(report.skipped).toMatchObject([
      { tenantId: unknown, reason: expect.stringContaining("not known") as string },
    ]);
    expect([...portal.links.keys()]).toEqual([report.adopted[0]?.customerGuid]);
    expect((await adopt()).adopted).toEqual([]);
    expect(await statsOf(mock)).toMatchObject({ uploads: 0, saves: 0 });
    expect(await stateOf(mock)).toEqual(before);
  });
});
