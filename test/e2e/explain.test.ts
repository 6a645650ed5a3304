import { afterEach, describe, expect, it } from "vitest";
import type { Explanation } from "../../agent/explanation/explanation.ts";
import { eventually } from "./client.ts";
import { drawTenant, startRig, type Rig } from "./rig.ts";

let rig: Rig;
afterEach(async () => {
  await rig.stop();
});

async function post(shortName: string, tenant = drawTenant()): Promise<string> {
  await rig.client.addLead(tenant);
  return rig.client.post(shortName, tenant);
}

async function explain(subject: string): Promise<Explanation> {
  const { status, body } = await rig.client.ask("GET", `/api/agent/v1/explain/${subject}`);
  if (status !== 200) throw new Error(`explain ${subject} was answered ${status}: ${JSON.stringify(body)}`);
  return body as Explanation;
}

const waitFor = (subject: string, state: string): Promise<Explanation> =>
  eventually(
    () => explain(subject),
    (explained) => explained.state === state,
    (explained) => JSON.stringify(explained),
  );

describe("an explanation", () => {
  it("follows a conversion from a dead device to its customer", async () => {
    rig = await startRig({ overrides: { run: { retryMinMs: 60_000, retryMaxMs: 60_000 } } });
    await rig.mock.stop();
    const tenant = drawTenant();
    const id = await post("Followed", tenant);
    const second = await rig.client.post("Second", tenant);

    const retrying = await waitFor(id, "retrying");
    expect(retrying.sentence).toContain(`Task ${id}, the conversion of Followed, waits for device sbc0 (unreachable: `);
    expect(retrying).toMatchObject({ kind: "conversion", humanCan: expect.stringContaining("resume sbc0") as string });
    expect(await explain("followed")).toMatchObject({ kind: "conversion", state: "retrying" });
    expect(await explain(tenant)).toMatchObject({ kind: "conversion", state: "retrying" });
    expect((await explain("sbc0")).sentence).toMatch(
      /^Device sbc0 cannot be worked on now .*; 1 task waits for it, it is tried again/,
    );
    expect((await explain(second)).waitsFor).toBe(`task ${id} of the same tenant`);
  });

  it("tells a paused device, and of a customer where it is linked and what is known of it", async () => {
    rig = await startRig();
    const id = await post("Linked");
    await rig.client.ended(id);
    await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/pause", { reason: "upgrade tonight" });
    const waiting = await post("Waiting");

    expect(await explain(id)).toMatchObject({ state: "converted", waitsFor: null, humanCan: null });
    expect((await waitFor(waiting, "paused")).sentence).toMatch(
      /waits for the end of the pause of device sbc0 \(by admin since .*Z: upgrade tonight\); deadlines stand still/,
    );
    expect(await explain("Linked")).toMatchObject({ kind: "customer", state: "unknown", waitsFor: null });
    await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/resume", { reason: "done" });
    await rig.client.ended(waiting);
    await rig.client.resync({ dryRun: true });
    const explained = await explain("linked");
    expect(explained).toMatchObject({ kind: "customer", state: "in-sync", humanCan: null });
    expect(explained.sentence).toMatch(/^Customer Linked \(.*\) is linked to device sbc0 since .*Z; sbc0 held what/);
    expect(await explain("sbc0")).toMatchObject({ state: "idle", waitsFor: null });
    expect((await rig.client.ask("GET", "/api/agent/v1/explain/nobody")).status).toBe(404);
  });

  it("is given by portal and agent apart, each of what it knows", async () => {
    rig = await startRig({ shape: "apart" });
    await rig.client.ended(await post("Linked"));
    await rig.client.ask("POST", "/api/agent/v1/devices/sbc0/pause", { reason: "upgrade tonight" });
    const id = await post("Waiting");

    expect((await waitFor(id, "paused")).sentence).toMatch(/; what is decided without a device is known to the portal/);
    expect(await explain("Linked")).toMatchObject({ kind: "customer", state: "unknown" });
    expect((await rig.client.ask("GET", "/api/agent/v1/explain/wst_other")).body).toMatchObject({
      detail: expect.stringContaining("is known to the portal https://") as string,
    });
  });
});
