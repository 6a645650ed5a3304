import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { createExplainer } from "../../agent/explanation/explainer.ts";
import { reportPortalHealth } from "../../agent/operations/portal-health.ts";
import { makeDevice, makeHealth } from "../cli/reports.ts";
import { startServer, siptest4, gateway, device, tenant } from "../portal/server.ts";
import { announcement } from "../store/contract/setting.ts";

/** What a portal alone explains, on a real store. */
async function preparePortal() {
  const server = await startServer();
  const { store } = server;
  let now = Date.now();
  const explain = createExplainer({
    knowledge: { portal: store },
    health: () => reportPortalHealth({ store, version: "1", startedAt: 0, now: () => now }),
    now: () => now,
  });
  await store.createLead({ tenantId: tenant, companyName: "SIP Test" });
  await store.announce(announcement({ devices: [{ device, gateways: [gateway], standing: false }] }));
  const post = (shortName: string, msTenantId = tenant) =>
    server.convert({ ...siptest4, customerShortName: shortName, customerFullName: shortName, msTenantId });
  return { server, store, explain, post, pass: (ms: number) => (now += ms) };
}

it("follows a tenant from its lead to its customer, whatever it is called by", async () => {
  const { server, store, explain, post } = await preparePortal();
  expect(await explain(tenant.toUpperCase())).toMatchObject({ kind: "lead", state: "lead" });

  const id = await post("Acme");
  for (const subject of [id, tenant, "acme"])
    expect(await explain(subject)).toMatchObject({ subject, kind: "conversion", state: "served elsewhere" });
  const second = await post("Other");
  expect(await explain(second)).toMatchObject({ state: "waiting", waitsFor: `task ${id} of the same tenant` });

  await server.finish(id);
  const guid = (await store.customers())[0]?.guid ?? "";
  for (const subject of [guid.toUpperCase(), tenant, "ACME"])
    expect(await explain(subject)).toMatchObject({ subject, kind: "customer", state: "unknown" });
  expect((await explain(id)).state).toBe("converted");
  expect((await explain(second)).state).toBe("already-converted");
});

it("tells of OVOC what is in the way, while the customer is linked already", async () => {
  const { store, explain, post } = await preparePortal();
  const taskId = await post("Acme");
  const claimed = await store.claimDevice(device, { holder: "near", durationMs: 60_000, graceMs: 0, max: 1 });
  if (claimed.kind === "held") throw new Error("held");
  expect(await explain(taskId)).toMatchObject({
    state: "running",
    waitsFor: expect.stringContaining("'near'") as string,
  });
  const [conversion] = claimed.claim.conversions;
  if (conversion === undefined) throw new Error("nothing was claimed");
  const { customerGuid, tenantId, shortName, fullName } = conversion;
  const intent = { customerGuid, tenantId, shortName, blueprint: { name: "oc-default", hash: "" }, rows: [] };
  const link = {
    customerGuid,
    tenantId,
    shortName,
    fullName,
    device,
    gateway,
    intent,
    variables: {},
    proxySet: "SIPTrunk",
  };
  await store.complete(claimed.claim.lease, [
    {
      kind: "linked",
      taskId,
      link: { ...link, secretHashes: {} },
      messages: [{ level: "Information", message: "done" }],
    },
  ]);
  expect(await explain(taskId)).toMatchObject({ state: "site", humanCan: null });
  await store.noteProgress([taskId], { level: "Information", message: "Not in Ovoc yet: it answered 401." });
  expect((await explain(taskId)).waitsFor).toBe("its site in OVOC (Not in Ovoc yet: it answered 401)");
  expect((await explain("Acme")).next).toContain(`task ${taskId} still makes its site`);
});

it("tells a silent agent, and one that lets its device stand", async () => {
  const { store, explain, post, pass } = await preparePortal();
  const id = await post("Acme");
  await store.announce(announcement({ devices: [{ device, gateways: [gateway], standing: true }] }));
  expect((await explain(id)).state).toBe("standing");
  pass(120_000);
  for (const subject of [id, device]) expect((await explain(subject)).state).toBe("silent");
});

it("refuses what it does not know, and a name that several bear", async () => {
  const { server, store, explain, post } = await preparePortal();
  for (const subject of ["wst_1", "tsk_1", "nobody", randomUUID(), ""])
    await expect(explain(subject)).rejects.toThrow(`'${subject}' is no task, device or customer that is known here`);

  const other = randomUUID();
  await store.createLead({ tenantId: other, companyName: "Other" });
  const tasks = [await post("Acme")];
  tasks.push(
    await server.convert({
      configurationName: "OcEssential_TENANT_TYPE",
      customerShortName: "acme",
      customerFullName: "Acme",
      msTenantID: other,
    }),
  );
  for (const id of tasks) await server.finish(id);
  await expect(explain("Acme")).rejects.toThrow("2 customers are called 'Acme': name one by its GUID (");
  expect(await explain(other)).toMatchObject({ kind: "customer", state: "unlinked" });
});

it("tells of a customer by which task it is changed or removed, and who waits for that", async () => {
  const { server, store, post } = await preparePortal();
  await server.finish(await post("Acme"));
  const [customer] = await store.customers();
  if (customer === undefined) throw new Error("there is no customer");
  const shared = { customerGuid: customer.guid, shortName: "Acme", device, state: "ready", sent: false } as const;
  const open = [
    { ...shared, taskId: "tsk_1", kind: "change" },
    { ...shared, taskId: "tsk_2", kind: "removal" },
  ] as const;
  const explain = createExplainer({
    knowledge: {
      portal: {
        ...store,
        amendment: async (id) => open.find(({ taskId }) => taskId === id),
        openAmendments: async ({ customerGuid }) => open.filter((one) => one.customerGuid === customerGuid),
      },
    },
    health: () => reportPortalHealth({ store, version: "1", startedAt: 0, now: Date.now }),
    now: Date.now,
  });

  expect(await explain("Acme")).toMatchObject({
    state: "leaving",
    waitsFor: `task tsk_2, which removes it from device ${device}`,
  });
  expect(await explain("tsk_1")).toMatchObject({ kind: "change", state: "served elsewhere" });
  expect(await explain("tsk_2")).toMatchObject({
    kind: "removal",
    state: "waiting",
    waitsFor: "task tsk_1 of the same customer",
  });
  await expect(explain("tsk_3")).rejects.toThrow("'tsk_3' is no task");
});

it("tells by the rows that differed which customers of a device have drifted, as far as they are listed", async () => {
  const link = (shortName: string) => ({
    customerGuid: `guid of ${shortName}`,
    tenantId: `tenant of ${shortName}`,
    shortName,
    fullName: shortName,
    device: "sbc-1",
    gateway,
    intent: { customerGuid: "", tenantId: "", shortName, blueprint: { name: "", hash: "" }, rows: [] },
    variables: {},
    proxySet: "SIPTrunk",
    secretHashes: {},
    linkedAt: 0,
  });
  const drift = { checkedAt: new Date().toISOString(), updatedAt: null, drifted: 1, stale: false, afterRestart: false };
  const rows = [{ row: 'ip-group 5 "Acme"', customers: ["Acme"], findings: [] }];
  const states = async (unlisted: number): Promise<string[]> => {
    const evidence = { customers: 2, drifted: 1, kept: 0, afterRestart: false, restore: null, rows, unlisted };
    const explain = createExplainer({
      knowledge: {
        agent: {
          portalUrl: "https://portal",
          find: async () => undefined,
          links: async () => [link("Acme"), link("Bolt")],
        },
      },
      health: async () => makeHealth([makeDevice({ drift })]),
      drift: async (name) => (name === "sbc-1" ? { checkedAt: Date.now(), updatedAt: undefined, evidence } : undefined),
      now: Date.now,
    });
    return Promise.all(["acme", "bolt"].map(async (name) => (await explain(name)).state));
  };

  expect(await states(0)).toEqual(["drifted", "in-sync"]);
  expect(await states(3)).toEqual(["drifted", "unknown"]);
});
