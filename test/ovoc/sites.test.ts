import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { checkConfig } from "../../agent/settings/config.ts";
import { openOvoc } from "../../agent/ovoc/client.ts";
import { createSites, type Sites, type SitesDependencies } from "../../agent/ovoc/sites.ts";
import { openSealer } from "../../agent/store/seal.ts";
import { openSqliteStore } from "../../agent/store/sqlite/open.ts";
import type { Conversion, Task } from "../../agent/store/model.ts";
import type { OvocFault } from "../../mocks/ovoc-faults.ts";
import { startMockOvoc, type Entity, type MockOvoc, type MockOvocOptions } from "../../mocks/ovoc.ts";
import { deadlineMs, inNewPlace, information, linkOf, present } from "../store/contract/setting.ts";

/** The OVOC step on a real store, against the mock. */

const setting = inNewPlace(async () => {
  const folder = mkdtempSync(join(tmpdir(), "store-"));
  const sealer = openSealer(randomBytes(32));
  return {
    open: async (setup) => openSqliteStore({ file: join(folder, "store.db"), sealer, ...setup }),
    remove: async () => rmSync(folder, { recursive: true }),
  };
});

// Before the store is closed: of all such hooks, the last one declared runs first.
const started: Sites[] = [];
afterEach(async () => {
  for (const sites of started.splice(0)) await sites.stop();
});

const devices = [{ name: "sbc-1", ipAddress: "192.0.2.10" }];
const created = information("Site created in Ovoc");
const device = { user: "u", password: { env: "P" }, gateways: ["oc1.example.com"] };

/** So long that no second try falls into a test. */
const never = { retryMinMs: 3_600_000, retryMaxMs: 3_600_000 };

function ovocAt(url: string, changes: object) {
  const { ovoc: settings, devices: known } = checkConfig(
    {
      sealKey: { file: "seal.key" },
      devices: [{ name: "sbc-1", address: "https://192.0.2.10", ...device }],
      ovoc: { url, user: "ovoc", password: { env: "OVOC" }, requestMs: 2_000, ...changes },
    },
    "test",
    "/etc/sbc-agent",
  );
  if (settings === undefined) throw new Error("no OVOC settings");
  const client = openOvoc(settings, "ovoc", undefined, known);
  onTestFinished(() => client.close());
  return client;
}

async function startOvoc(options: MockOvocOptions = {}): Promise<MockOvoc> {
  const mock = await startMockOvoc({ entities: { devices }, ...options });
  onTestFinished(() => mock.stop());
  return mock;
}

function startSites(
  mock: MockOvoc | undefined,
  settings: object = {},
  changes: Partial<SitesDependencies> = {},
): Sites {
  const sites = createSites({
    store: setting.store,
    ovoc: mock && ovocAt(mock.url, settings),
    log: { error: silent, warn: silent, info: silent, debug: silent, close: async () => undefined },
    pollMs: 3_600_000,
    retryMinMs: 5,
    retryMaxMs: 20,
    now: () => setting.now,
    ...changes,
  });
  started.push(sites);
  sites.start();
  return sites;
}

const silent = (): void => undefined;

async function order(mock: MockOvoc, ...faults: Partial<OvocFault>[]): Promise<void> {
  const { status } = await fetch(`${mock.control}/faults`, { method: "POST", body: JSON.stringify(faults) });
  expect(status).toBe(200);
}

const stateOf = async (mock: MockOvoc) =>
  (await (await fetch(`${mock.control}/state`)).json()) as Record<"sites" | "links", Entity[]>;

const requestsOf = async (mock: MockOvoc): Promise<{ method: string }[]> =>
  ((await (await fetch(`${mock.control}/received`)).json()) as { requests: { method: string }[] }).requests;

const ended = (of: { taskId: string }): Promise<Task> =>
  vi.waitFor(
    async () => {
      const task = await setting.task(of);
      expect(task.status).not.toBe("InProgress");
      return task;
    },
    { timeout: 15_000, interval: 5 },
  );

const noted = (of: { taskId: string }, words: string): Promise<void> =>
  vi.waitFor(
    async () => expect((await setting.task(of)).messages.map(({ message }) => message).join("\n")).toContain(words),
    { timeout: 15_000, interval: 5 },
  );

/** A customer with the IP Groups `NAME-c` and `NAME-t`, done on its device. */
async function linkTwoLegs(): Promise<Conversion> {
  const { taskId } = await setting.accept();
  const { lease, conversions } = await setting.claim();
  const conversion = present(conversions.find((claimed) => claimed.taskId === taskId));
  const link = linkOf(conversion);
  const rows = link.intent.rows.flatMap((row) =>
    row.table === "ip-group" ? ["-c", "-t"].map((leg) => ({ ...row, name: `${row.name}${leg}` })) : [row],
  );
  const messages = [information("done on the device")];
  await setting.store.complete(lease, [
    { kind: "linked", taskId, link: { ...link, intent: { ...link.intent, rows } }, messages },
  ]);
  await setting.store.releaseLease(lease);
  return conversion;
}

const acceptTenant = (shortName: string): Promise<Conversion> =>
  setting.accept({ variant: "tenant", shortName, gateway: null, proxySet: null, device: null });

describe("the OVOC step", () => {
  it("makes a site, and no link unless links are wanted", async () => {
    const mock = await startOvoc();
    const conversion = await linkTwoLegs();
    startSites(mock);
    const task = await ended(conversion);
    expect(task).toMatchObject({ status: "CompletedSuccess", details: ["Converted"] });
    expect(task.messages).toEqual([information("done on the device"), created]);
    const { sites, links } = await stateOf(mock);
    expect([sites, links]).toMatchObject([[{ name: conversion.shortName }], []]);
    expect([sites.length, links.length]).toEqual([1, 0]);
  });

  it("makes a link for each IP Group of the customer, on its device and its site", async () => {
    const mock = await startOvoc();
    const conversion = await linkTwoLegs();
    startSites(mock, { links: true });
    const legs = ["-c", "-t"].map((leg) => `${conversion.shortName}${leg}`);
    expect((await ended(conversion)).messages).toEqual([
      information("done on the device"),
      created,
      ...legs.map((name) => information(`Link of IP Group '${name}' is in Ovoc`)),
    ]);
    const { sites, links } = await stateOf(mock);
    const [site] = sites;
    expect(links).toMatchObject(legs.map((name) => ({ name, deviceId: 1, siteId: site?.id })));
    expect([sites.length, links.length]).toEqual([1, 2]);
  });

  it("keys the link of a customer without IP Group by its tenant", async () => {
    const mock = await startOvoc();
    const conversion = await acceptTenant("Acme");
    startSites(mock, { links: true });
    expect((await ended(conversion)).messages).toEqual([created, information("Link of the tenant is in Ovoc")]);
    expect((await stateOf(mock)).links).toMatchObject([{ name: conversion.tenantId }]);
  });

  it("says that OVOC is not configured, and claims no site", async () => {
    const conversion = await linkTwoLegs();
    startSites(undefined);
    const task = await ended(conversion);
    expect(task).toMatchObject({ status: "CompletedSuccess", details: ["Converted"] });
    expect(task.messages).toEqual([
      information("done on the device"),
      information("OVOC is not configured: no site was created in Ovoc."),
    ]);
  });

  it("takes up what becomes ready while it runs", async () => {
    const mock = await startOvoc();
    startSites(mock);
    expect((await ended(await acceptTenant("Acme"))).messages).toEqual([created]);
  });
});

describe("trouble in the OVOC step", () => {
  it.each<[string, Partial<OvocFault>[]]>([
    ["is down for a while", [{ name: "down", times: 3 }]],
    ["cuts the connection", [{ name: "cut", times: 2 }]],
    ["answers what makes no sense", [{ name: "malformed", times: 2 }]],
    ["refuses a while", [{ name: "error", status: 400, method: "POST", times: 2 }]],
    [
      "takes each creation without saying so",
      [
        { name: "error", method: "POST", path: "sites", processed: true, times: 1 },
        { name: "cut", method: "POST", path: "links", processed: true, times: 1 },
      ],
    ],
  ])("is over when OVOC %s: one site, one link a leg", async (_, faults) => {
    const mock = await startOvoc();
    await order(mock, ...faults);
    const conversion = await linkTwoLegs();
    startSites(mock, { links: true });
    const { messages } = await ended(conversion);
    expect(messages.map(({ level }) => level)).toEqual(Array(4).fill("Information"));
    expect(messages).toContainEqual(created);
    const { sites, links } = await stateOf(mock);
    expect([sites.length, links.length]).toEqual([1, 2]);
  });

  it("by a crash between creation and completion makes no second site and no second link", async () => {
    const mock = await startOvoc();
    const conversion = await linkTwoLegs();
    let crashed = false;
    const { store } = setting;
    const first = startSites(
      mock,
      { links: true },
      {
        store: {
          sites: (max) => store.sites(max),
          links: (filter) => store.links(filter),
          noteProgress: (ids, message) => store.noteProgress(ids, message),
          watch: (listener) => store.watch(listener),
          async completeSite() {
            crashed = true;
            throw new Error("the process ended");
          },
        },
      },
    );
    await vi.waitFor(() => expect(crashed).toBe(true));
    await first.stop();
    expect((await setting.task(conversion)).status).toBe("InProgress");
    expect((await stateOf(mock)).links).toHaveLength(2);

    startSites(mock, { links: true });
    expect((await ended(conversion)).messages).toContainEqual(created);
    const { sites, links } = await stateOf(mock);
    expect([sites.length, links.length]).toEqual([1, 2]);
  });

  it("is told on the task while it lasts", async () => {
    const mock = await startOvoc();
    await order(mock, { name: "error", status: 400, method: "POST" });
    const conversion = await acceptTenant("Acme");
    startSites(mock);
    await noted(conversion, "Not in Ovoc yet: the site of customer 'Acme'");
    await fetch(`${mock.control}/faults`, { method: "DELETE" });
    expect((await ended(conversion)).messages).toEqual([created]);
  });

  it("ends past the deadline with a Warning that names all that is missing", async () => {
    const mock = await startOvoc();
    await order(mock, { name: "down" });
    const conversion = await linkTwoLegs();
    setting.now += deadlineMs;
    startSites(mock, { links: true });
    const task = await ended(conversion);
    expect(task).toMatchObject({ status: "CompletedSuccess", details: ["Converted"] });
    expect(task.umpCustomerGuid).toBe(conversion.customerGuid);
    expect(task.messages).not.toContainEqual(created);
    const { level, message } = present(task.messages.at(-1));
    expect(level).toBe("Warning");
    for (const words of [
      `site of customer '${conversion.shortName}'`,
      `${conversion.shortName}-c`,
      `${conversion.shortName}-t`,
      "answered 503",
    ])
      expect(message).toContain(words);
  });

  it("with one link keeps neither the site nor the other link, and names that one", async () => {
    const mock = await startOvoc();
    const conversion = await linkTwoLegs();
    await order(mock, { name: "error", path: `${conversion.shortName}-c` });
    setting.now += deadlineMs;
    startSites(mock, { links: true });
    const { messages } = await ended(conversion);
    expect(messages.slice(1)).toEqual([
      created,
      information(`Link of IP Group '${conversion.shortName}-t' is in Ovoc`),
      {
        level: "Warning",
        message: expect.stringContaining(`the link of IP Group '${conversion.shortName}-c'`) as string,
      },
    ]);
    expect(messages.at(-1)?.message).not.toContain("the site of");
    expect((await stateOf(mock)).links).toMatchObject([{ name: `${conversion.shortName}-t` }]);
  });

  it("of another's link under the same name leaves that link alone and says so", async () => {
    const conversion = await linkTwoLegs();
    const taken = [{ name: `${conversion.shortName}-c`, deviceId: 99, siteId: 7 }];
    const mock = await startOvoc({ entities: { devices, links: taken } });
    setting.now += deadlineMs;
    startSites(mock, { links: true });
    expect((await ended(conversion)).messages.at(-1)?.message).toContain("deviceId is 99, not 2");
    expect((await stateOf(mock)).links).toMatchObject([taken[0], { name: `${conversion.shortName}-t` }]);
  });

  it("of more customers than are taken up at a time hides nobody who comes later", async () => {
    const mock = await startOvoc();
    await order(mock, { name: "error", path: "Stuck" });
    for (let i = 0; i < 11; i += 1) await acceptTenant(`Stuck${i}`);
    const last = await acceptTenant("Acme");
    startSites(mock, {}, { ...never, pageSize: 5 });
    expect((await ended(last)).messages).toEqual([created]);
    expect((await ended(await acceptTenant("Later"))).messages).toEqual([created]);
  });

  it("of OVOC itself costs a few requests, however many wait, and is told on every task", async () => {
    const mock = await startOvoc();
    await order(mock, { name: "down" });
    const waiting: Conversion[] = [];
    for (let i = 0; i < 30; i += 1) waiting.push(await acceptTenant(`Acme${i}`));
    startSites(mock, {}, never);
    for (const conversion of waiting.slice(4)) await noted(conversion, "answered 503");
    // Round trips enough for anybody who would go on asking.
    for (let i = 0; i < 50; i += 1) expect((await requestsOf(mock)).length).toBeLessThanOrEqual(4);
  });

  it("of OVOC itself ends also those past their deadline whose turn did not come", async () => {
    const mock = await startOvoc();
    await order(mock, { name: "down" });
    const waiting: Conversion[] = [];
    for (let i = 0; i < 20; i += 1) waiting.push(await acceptTenant(`Acme${i}`));
    setting.now += deadlineMs;
    startSites(mock);
    for (const conversion of waiting) expect((await ended(conversion)).messages.at(-1)?.level).toBe("Warning");
    expect((await requestsOf(mock)).length).toBeLessThan(20);
  });

  it.each<[string, Partial<OvocFault>]>([
    ["OVOC is down", { name: "down", times: 3 }],
    ["OVOC refuses", { name: "error", times: 3 }],
  ])("for a moment does not end a conversion that came late from its device: %s", async (_, fault) => {
    const mock = await startOvoc();
    await order(mock, fault);
    const conversion = await acceptTenant("Acme");
    setting.now += deadlineMs;
    startSites(mock);
    expect((await ended(conversion)).messages).toEqual([created]);
  });

  it("past the deadline does not call missing what was seen before", async () => {
    const mock = await startOvoc({ entities: {} });
    const conversion = await linkTwoLegs();
    startSites(mock, { links: true });
    await noted(conversion, "no device with ipAddress");
    setting.now += deadlineMs;
    await order(mock, { name: "down" });
    const { messages } = await ended(conversion);
    expect(messages).toContainEqual(created);
    expect(messages.at(-1)?.message).toMatch(/as far as is known: the link of IP Group/);
  });

  it("of OVOC itself is over for all at once", async () => {
    const mock = await startOvoc();
    await order(mock, { name: "down", times: 6 });
    const waiting: Conversion[] = [];
    for (let i = 0; i < 30; i += 1) waiting.push(await acceptTenant(`Acme${i}`));
    startSites(mock);
    for (const conversion of waiting) expect((await ended(conversion)).messages).toEqual([created]);
    expect((await stateOf(mock)).sites).toHaveLength(30);
  });

  it("does not keep it from stopping", async () => {
    const mock = await startOvoc();
    await order(mock, { name: "hang" });
    for (let i = 0; i < 10; i += 1) await acceptTenant(`Acme${i}`);
    const sites = startSites(mock);
    await vi.waitFor(async () => expect((await requestsOf(mock)).length).toBeGreaterThan(0));
    await sites.stop();
    expect((await stateOf(mock)).sites).toEqual([]);
  });
});
