import { describe, expect, it } from "vitest";
import type { ClaimAnswer, ClaimRequest } from "../../agent/pull-shapes.ts";
import { LeaseLost } from "../../agent/store/store.ts";
import {
  canary,
  device,
  gateway,
  identity,
  linkedOf,
  prefix,
  sibling,
  siblingGateway,
  startPortal,
  tokenOf,
  type Answer,
  type CallOptions,
  type PullServer,
} from "./pull-server.ts";

const pollBody = {
  identity,
  version: "0.1.0",
  fresh: false,
  devices: [{ device, gateways: [gateway], standing: false }],
  cursor: "",
  waitSeconds: 0,
};
const claimBody: ClaimRequest = {
  identity,
  durationMs: 60_000,
  graceMs: 10_000,
  max: 10,
  links: true,
  amendments: true,
  openTasks: [],
};
const note = { level: "Information", message: "The device is rebooting." } as const;

const leasePath = (name: string, of: string = device) => `${prefix}/leases/${of}/${name}`;
/** Every route, as agent north may call it for `device`. */
const routesFor = (of: string): { method: string; path: string; body?: unknown }[] => [
  { method: "POST", path: `${prefix}/devices/${of}/claim`, body: claimBody },
  { method: "GET", path: `${prefix}/devices/${of}/work?links=true` },
  { method: "POST", path: `${prefix}/devices/${of}/adoptable`, body: { adoptions: [] } },
  { method: "POST", path: leasePath("renew", of), body: { fence: 1 } },
  { method: "POST", path: leasePath("release", of), body: { fence: 1 } },
  { method: "POST", path: leasePath("sent", of), body: { fence: 1, taskIds: [], sent: true } },
  { method: "POST", path: leasePath("complete", of), body: { fence: 1, completions: [] } },
  { method: "PUT", path: leasePath("links", of), body: { fence: 1, links: [] } },
  { method: "POST", path: leasePath("adopt", of), body: { fence: 1, by: "ann", adoptions: [] } },
];
const routes = [
  { method: "POST", path: `${prefix}/poll`, body: pollBody },
  ...routesFor(device),
  { method: "POST", path: `${prefix}/progress`, body: { taskIds: [], message: note } },
];

const problemOf = ({ status, body }: Answer) => {
  const { title, detail } = body as { title: string; detail: string };
  return [status, title, detail];
};

async function claim(
  server: PullServer,
  request: Partial<ClaimRequest> = {},
  { of = device, ...more }: CallOptions & { of?: string } = {},
): Promise<ClaimAnswer> {
  const devices = [{ device: of, gateways: [of === sibling ? siblingGateway : gateway], standing: false }];
  const who = request.identity === undefined ? {} : { identity: request.identity };
  expect((await server.poll({ devices, ...who }, more)).status).toBe(200);
  const path = `${prefix}/devices/${of}/claim`;
  const answer = await server.call("POST", path, { ...more, body: { ...claimBody, ...request } });
  expect(answer.status, answer.text).toBe(200);
  return answer.body as ClaimAnswer;
}

async function claimed(
  server: PullServer,
  request: Partial<ClaimRequest> = {},
  more: CallOptions & { of?: string } = {},
) {
  const answer = await claim(server, request, more);
  if (answer.kind !== "claimed") throw new Error("the device is held");
  return answer;
}

/** A portal whose agent north has polled, with one conversion handed out. */
async function startClaimed() {
  const server = await startPortal();
  await server.poll({ fresh: true });
  const taskId = await server.accept("Bakery");
  const { lease, conversions } = await claimed(server);
  const [conversion] = conversions;
  if (conversion === undefined) throw new Error("nothing was handed out");
  const call = (name: string, body: object, method = "POST") =>
    server.call(method, leasePath(name), { body: { fence: lease.fence, ...body } });
  return { server, taskId, conversion, fence: lease.fence, call };
}

describe("the pull API", () => {
  it.each(routes)("$method $path is for agents alone, administrators included", async ({ method, path, body }) => {
    const server = await startPortal();
    for (const scope of ["client", "read", "operate", "admin"] as const) {
      const answer = await server.call(method, path, { token: tokenOf(scope), body });
      expect(problemOf(answer)).toEqual([
        403,
        "Forbidden",
        expect.stringMatching(`^Token '${scope}' is bound to no device`),
      ]);
    }
    const answer = await server.call(method, path, { token: "wrong", body });
    expect([answer.status, answer.headers["www-authenticate"]]).toEqual([401, "Bearer"]);
    expect([200, 204, 409]).toContain((await server.call(method, path, { body })).status);
  });

  it.each(["/api/v3/customer", "/api/v2/oc/lead", "/health", "/metrics", "/api/agent/v1/audit", "/openapi.json"])(
    "is all that an agent's token may call: not %s",
    async (path) => {
      const server = await startPortal();
      expect((await server.call("GET", path)).status).toBe(403);
    },
  );

  it("shows no plans, and says who does", async () => {
    const server = await startPortal();
    const answer = await server.call("POST", "/api/agent/v1/plan", {
      token: tokenOf("operate"),
      body: { taskId: "x" },
    });
    expect(problemOf(answer)).toEqual([404, "Not Found", expect.stringContaining("ask the agent near the device")]);
  });

  it.each(routesFor("sbc-foreign"))("$method $path names a device that the token is not bound to", async (route) => {
    const server = await startPortal();
    const answer = await server.call(route.method, route.path, { body: route.body });
    expect(problemOf(answer)).toEqual([403, "Forbidden", "Token 'north' is not bound to device 'sbc-foreign'."]);
  });

  it.each(routes)("$method $path answers over TLS only", async ({ method, path, body }) => {
    const plain = await startPortal({ tls: false });
    for (const headers of [{}, { "x-forwarded-proto": "https" }])
      expect(problemOf(await plain.call(method, path, { body, headers }))).toEqual([
        403,
        "TLS needed",
        expect.stringContaining("over TLS only"),
      ]);
    expect(await plain.store.announcedDevices()).toEqual([]);
  });

  it.each([
    ["plain, from a proxy that was called over TLS", false, { "x-forwarded-proto": "https" }, 200],
    ["plain, from a proxy that was not", false, { "x-forwarded-proto": "http" }, 403],
    ["plain, from a proxy that does not say", false, {}, 403],
    ["plain, where the client itself wrote the header first", false, { "x-forwarded-proto": "https, http" }, 403],
    ["over TLS, from a proxy that was not called so", true, { "x-forwarded-proto": "http" }, 403],
    ["over TLS", true, {}, 200],
  ])("behind a proxy, %s: its word decides", async (_what, tls, headers, status) => {
    const server = await startPortal({ tls, settings: { behindProxy: true } });
    expect((await server.poll({}, { headers })).status).toBe(status);
  });

  it.each(routes.filter(({ method }) => method !== "GET"))(
    "$method $path takes 16 MiB and no more, and each name once",
    async ({ method, path, body }) => {
      const server = await startPortal();
      const padded = (bytes: number) => {
        const text = JSON.stringify({ ...(body as object), padding: "" });
        return text.replace('"padding":""', `"padding":"${"x".repeat(bytes - text.length)}"`);
      };
      const limit = 16 * 1024 * 1024;
      expect([200, 204, 409]).toContain((await server.call(method, path, { body: padded(limit) })).status);
      expect((await server.call(method, path, { body: padded(limit + 1) })).status).toBe(413);
      const twice = JSON.stringify(body).replace("{", '{"padding":1,"padding":1,');
      expect((await server.call(method, path, { body: twice })).status).toBe(400);
    },
  );

  it("leaves the limit of other bodies as it is", async () => {
    const server = await startPortal();
    const body = JSON.stringify({ companyName: "x".repeat(64 * 1024) });
    const answer = await server.call("POST", "/api/v2/oc/lead", { token: tokenOf("client"), body });
    expect(answer.status).toBe(413);
  });

  it("is limited in requests, and says when to come again", async () => {
    const server = await startPortal({ settings: { requestsPerMinute: 2 } });
    for (let i = 0; i < 2; i += 1) expect((await server.poll()).status).toBe(200);
    const answer = await server.poll();
    expect(answer.status).toBe(429);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
  });

  it("keeps the portal's own trouble apart from what it refuses", async () => {
    const trouble = Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR" });
    const server = await startPortal({
      before: (store) => ({ ...store, complete: async () => Promise.reject(trouble) }),
    });
    const answer = await server.call("POST", leasePath("complete"), { body: { fence: 1, completions: [] } });
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain("disk");
  });
});

describe("an announcement", () => {
  it("is kept under the token's name, with gateways in lower case", async () => {
    const server = await startPortal();
    const devices = [{ device, gateways: ["OC1.example.COM"], standing: true }];
    expect((await server.poll({ devices })).status).toBe(200);
    expect(await server.store.announcedDevices()).toMatchObject([
      { device, agent: "north", version: "0.1.0", gateways: [gateway], standing: true },
    ]);
  });

  it("of what the token is not bound to names it all, and none of it is taken", async () => {
    const server = await startPortal();
    const devices = [
      { device, gateways: [gateway, "oc9.example.com"], standing: false },
      { device: "sbc-foreign", gateways: [], standing: false },
    ];
    expect(problemOf(await server.poll({ devices }))).toEqual([
      403,
      "Forbidden",
      "Token 'north' is not bound to device 'sbc-foreign', gateway 'oc9.example.com'.",
    ]);
    expect(await server.store.announcedDevices()).toEqual([]);
  });

  it.each([
    ["device", [device, device], [[gateway], [siblingGateway]], device],
    ["gateway", [device, sibling], [[gateway], [gateway.toUpperCase()]], gateway],
  ])("that names a %s twice is refused", async (_what, names, gateways, repeated) => {
    const server = await startPortal();
    const devices = names.map((name, i) => ({ device: name, gateways: gateways[i] ?? [], standing: false }));
    const answer = await server.poll({ devices });
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ errors: { devices: [`'${repeated}' stands more than once`] } });
    expect(await server.store.announcedDevices()).toEqual([]);
  });

  it.each([
    ["identity", { identity: "a/b/c/d/e" }],
    ["waitSeconds", { waitSeconds: 26 }],
    ["fresh", { fresh: "yes" as unknown as boolean }],
  ])("with a faulty %s is refused by the field's name", async (field, fault) => {
    const server = await startPortal();
    const answer = await server.poll(fault);
    expect(answer.status).toBe(400);
    expect(Object.keys((answer.body as { errors: object }).errors)).toEqual([field]);
  });

  it("of a gateway that another agent has is refused until that one is silent for a minute", async () => {
    let now = Date.now();
    const server = await startPortal({ now: () => now });
    const devices = [{ device: sibling, gateways: [siblingGateway], standing: false }];
    const north = () => server.poll({ devices });
    const south = () => server.poll({ devices, identity: "south-0001" }, { token: tokenOf("south") });
    expect((await north()).status).toBe(200);
    expect(problemOf(await south())).toEqual([
      409,
      "Announced elsewhere",
      expect.stringMatching(new RegExp(`${sibling}.*'north'.*${siblingGateway}.*'north'`)),
    ]);
    expect(await server.store.announcedDevices()).toMatchObject([{ device: sibling, agent: "north" }]);
    now += 60_000;
    expect((await south()).status).toBe(200);
    expect((await north()).status).toBe(409);
  });

  it("gives the conversions that waited for its gateway a device before the state is told", async () => {
    const server = await startPortal();
    const taskId = await server.accept("Bakery");
    expect(await server.store.conversion(taskId)).toMatchObject({ state: "unplaced" });
    expect((await server.poll()).body).toMatchObject({ devices: [{ device, waiting: 1 }] });
  });

  it("of a fresh agent frees its own leases, and those of no other token that gives the same identity", async () => {
    const server = await startPortal();
    const { lease } = await claimed(server, {}, { of: sibling });
    const fresh = (token: string) => server.poll({ devices: [], fresh: true }, { token });
    const renewed = async () =>
      (await server.call("POST", leasePath("renew", sibling), { body: { fence: lease.fence } })).status;

    expect((await fresh(tokenOf("south"))).status).toBe(200);
    expect(await renewed()).toBe(204);
    expect((await fresh(tokenOf("north"))).status).toBe(200);
    expect(await renewed()).toBe(409);
  });

  it("tells which devices of the token nobody announces although customers or conversions name them", async () => {
    let now = Date.now();
    const server = await startPortal({ now: () => now });
    const both = [
      { device, gateways: [gateway], standing: false },
      { device: sibling, gateways: [siblingGateway], standing: false },
    ];
    const missing = async (devices: typeof both) =>
      ((await server.poll({ devices })).body as { missing: string[] }).missing;
    expect(await missing(both)).toEqual([]);
    await server.accept("Bakery", { gateway: siblingGateway });
    expect(await missing(both)).toEqual([]);
    expect(await missing(both.slice(0, 1))).toEqual([sibling]);

    const south = { identity: "south-0001", devices: both.slice(1) };
    await server.poll(south, { token: tokenOf("south") });
    expect(await missing(both.slice(0, 1))).toEqual([]);
    // Heard of a minute ago, as the store tells the time.
    now -= 60_000;
    await server.poll({ ...south, version: "0.1.1" }, { token: tokenOf("south") });
    expect(await missing(both.slice(0, 1))).toEqual([sibling]);
  });
});

describe("a poll's missing devices", () => {
  it("are none that it announces itself, whatever the store's clock shows", async () => {
    const server = await startPortal({ now: () => Date.now() - 3_600_000 });
    await server.accept("Bakery");
    expect((await server.poll()).body).toMatchObject({ devices: [{ waiting: 1 }], missing: [] });
  });
});

describe("a claim", () => {
  it("hands out what waits, oldest first, with secrets, times and the links of the device", async () => {
    const server = await startPortal();
    await server.poll();
    const taskIds = [
      await server.accept("Bakery", { secrets: { CarrierUserPassword: canary } }),
      await server.accept("Butcher"),
    ];
    const { lease, conversions, links } = await claimed(server);
    expect(lease).toEqual({ device, fence: 1, durationMs: 60_000 });
    expect(conversions.map(({ taskId }) => taskId)).toEqual(taskIds);
    expect(links).toEqual([]);
    const [stored, first] = [await server.store.conversionWithSecrets(taskIds[0] ?? ""), conversions[0]];
    expect(first).toEqual({
      taskId: taskIds[0],
      tenantId: stored?.tenantId,
      customerGuid: stored?.customerGuid,
      shortName: "Bakery",
      fullName: "Bakery Ltd",
      gateway,
      proxySet: "SIPTrunk",
      variables: { City: "Breda" },
      secrets: { CarrierUserPassword: canary },
      acceptedAt: new Date(stored?.acceptedAt ?? 0).toISOString(),
      deadlineAt: new Date(stored?.deadlineAt ?? 0).toISOString(),
      sent: false,
    });
    if (first === undefined) throw new Error("nothing was handed out");
    const complete = { fence: lease.fence, completions: [linkedOf(first)] };
    expect((await server.call("POST", leasePath("complete"), { body: complete })).status).toBe(204);

    const again = await claimed(server);
    expect(again.links).toMatchObject([{ shortName: "Bakery", secrets: { CarrierUserPassword: canary } }]);
    expect(Date.parse(again.links[0]?.linkedAt ?? "")).toBe((await server.store.links({ device }))[0]?.linkedAt);
    expect((await claimed(server, { links: false })).links).toEqual([]);
  });

  it("takes no more than it asks for, and nothing for a re-sync", async () => {
    const server = await startPortal();
    await server.poll();
    for (const name of ["Bakery", "Butcher", "Chemist"]) await server.accept(name);
    expect((await claimed(server, { max: 2 })).conversions).toHaveLength(2);
    expect((await claimed(server, { max: 0 })).conversions).toHaveLength(0);
  });

  it("by its own holder is answered at once with a higher fence and all that was not completed", async () => {
    const { server, taskId, fence } = await startClaimed();
    const again = await claimed(server);
    expect(again.lease.fence).toBe(fence + 1);
    expect(again.conversions.map((one) => one.taskId)).toEqual([taskId]);
  });

  it("is for whoever announced the device, and for nobody else", async () => {
    const server = await startPortal();
    const path = `${prefix}/devices/${sibling}/claim`;
    const ask = (token: string) => server.call("POST", path, { token, body: claimBody });
    expect(problemOf(await ask(tokenOf("south")))).toEqual([
      409,
      "Announced elsewhere",
      `Nobody announced device ${sibling}: poll first.`,
    ]);
    await claimed(server, {}, { of: sibling });
    expect(problemOf(await ask(tokenOf("south")))).toEqual([
      409,
      "Announced elsewhere",
      `Device ${sibling} is announced by another agent, 'north'.`,
    ]);
    expect((await ask(tokenOf("north"))).status).toBe(200);
  });

  it("by another is held off until the lease and its grace are over", async () => {
    let now = Date.now();
    const server = await startPortal({ now: () => now });
    await claimed(server, { durationMs: 60_000, graceMs: 10_000 }, { of: sibling });
    const south = () => claim(server, { identity: "south-0001" }, { of: sibling, token: tokenOf("south") });
    now += 60_000;
    expect(await south()).toEqual({ kind: "held", retryAfterMs: 10_000 });
    now += 9_999;
    expect(await south()).toEqual({ kind: "held", retryAfterMs: 1 });
    now += 1;
    expect(await south()).toMatchObject({ kind: "claimed", lease: { fence: 2 } });
  });

  it("says which tasks of the agent's records are open", async () => {
    const { server, taskId, conversion, call } = await startClaimed();
    const open = async () => (await claimed(server, { openTasks: ["wst_unknown", taskId] })).openTasks;
    expect(await open()).toEqual([taskId]);
    const { lease } = await claimed(server);
    await call("complete", { fence: lease.fence, completions: [linkedOf(conversion)] });
    expect(await open()).toEqual([]);
  });
});

describe("a peek", () => {
  it("shows what waits with secrets struck out, and changes nothing", async () => {
    const server = await startPortal();
    await server.poll();
    for (const name of ["Bakery", "Butcher"]) await server.accept(name, { secrets: { CarrierUserPassword: canary } });
    const { lease, conversions } = await claimed(server, { max: 1 });
    const first = conversions.map((conversion) => linkedOf(conversion));
    await server.call("POST", leasePath("complete"), { body: { fence: lease.fence, completions: first } });

    const answer = await server.call("GET", `${prefix}/devices/${device}/work?links=true`);
    expect(answer.text).not.toContain(canary);
    const { conversions: shown, links } = answer.body as { conversions: object[]; links: object[] };
    expect(shown).toMatchObject([{ shortName: "Butcher", secrets: { CarrierUserPassword: "********" } }]);
    expect(links).toMatchObject([{ shortName: "Bakery", secrets: { CarrierUserPassword: "********" } }]);
    const bare = await server.call("GET", `${prefix}/devices/${device}/work?links=false`);
    expect(bare.body).toMatchObject({ conversions: [{ shortName: "Butcher" }], links: [] });
    expect((await server.call("POST", leasePath("renew"), { body: { fence: lease.fence } })).status).toBe(204);
  });

  it("does not show what a live lease has", async () => {
    const { server } = await startClaimed();
    const answer = await server.call("GET", `${prefix}/devices/${device}/work`);
    expect(answer.body).toEqual({ conversions: [], amendments: [], links: [] });
  });
});

describe("a lease", () => {
  it("lives on from its renewal, and ends with its release", async () => {
    let now = Date.now();
    const server = await startPortal({ now: () => now });
    const { lease } = await claimed(server);
    const call = (name: string) => server.call("POST", leasePath(name), { body: { fence: lease.fence } });
    now += 59_999;
    expect((await call("renew")).status).toBe(204);
    now += 59_999;
    expect((await call("renew")).status).toBe(204);
    expect((await call("release")).status).toBe(204);
    expect((await call("release")).status).toBe(204);
    expect((await call("renew")).status).toBe(409);
  });

  it("that is lost is refused to whoever writes under it, and nothing is stored", async () => {
    const { server, taskId, conversion, fence } = await startClaimed();
    await claimed(server);
    const link = { ...linkedOf(conversion), kind: "linked" };
    const calls: [string, string, object][] = [
      ["POST", "renew", {}],
      ["POST", "sent", { taskIds: [taskId], sent: true }],
      ["POST", "complete", { completions: [link] }],
      ["PUT", "links", { links: [] }],
    ];
    for (const [method, name, body] of calls)
      expect(problemOf(await server.call(method, leasePath(name), { body: { fence, ...body } })), name).toEqual([
        409,
        "Lease lost",
        expect.stringContaining(`lease ${fence} of ${device} was taken over`),
      ]);
    expect((await server.call("POST", leasePath("release"), { body: { fence } })).status).toBe(204);
    expect(await server.store.conversion(taskId)).toMatchObject({ state: "ready", sent: false });
    await expect(server.store.renewLease({ device, fence, durationMs: 1 })).rejects.toThrow(LeaseLost);
    await server.store.renewLease({ device, fence: fence + 1, durationMs: 1 });
  });

  it("that the portal never granted is lost", async () => {
    const server = await startPortal();
    expect((await server.call("POST", leasePath("renew"), { body: { fence: 7 } })).status).toBe(409);
  });

  it("marks what was sent, takes it back, and leaves tasks of other devices alone", async () => {
    const { server, taskId, call } = await startClaimed();
    await server.poll({ devices: [{ device: sibling, gateways: [siblingGateway], standing: false }] });
    const elsewhere = await server.accept("Butcher", { gateway: siblingGateway });
    const sent = async () =>
      Promise.all([taskId, elsewhere].map(async (id) => (await server.store.conversion(id))?.sent));
    expect((await call("sent", { taskIds: [taskId, elsewhere, "wst_unknown"], sent: true })).status).toBe(204);
    expect(await sent()).toEqual([true, false]);
    expect((await call("sent", { taskIds: [taskId], sent: false })).status).toBe(204);
    expect(await sent()).toEqual([false, false]);
  });
});

describe("a completion", () => {
  it("links the customer once, however often it is repeated", async () => {
    const { server, taskId, conversion, call } = await startClaimed();
    const completions = [linkedOf(conversion)];
    for (let i = 0; i < 3; i += 1) expect((await call("complete", { completions })).status).toBe(204);
    expect(await server.store.conversion(taskId)).toMatchObject({ state: "site" });
    const links = await server.store.links({ device });
    expect(links).toHaveLength(1);
    expect(links[0]).toMatchObject({ customerGuid: conversion.customerGuid, intent: { shortName: "Bakery" } });
    expect((await server.store.task(taskId))?.messages.at(-1)?.message).toContain("done for site Bakery");
  });

  it("that failed ends the task with its details and messages", async () => {
    const { server, taskId, call } = await startClaimed();
    const messages = [{ level: "Error", message: "The table is full." }];
    const failed = { kind: "failed", taskId, details: ["Failed"], messages };
    for (let i = 0; i < 2; i += 1) expect((await call("complete", { completions: [failed] })).status).toBe(204);
    const task = await server.store.task(taskId);
    expect(task).toMatchObject({ status: "CompletedFailed", details: ["Failed"] });
    expect(task?.messages).toContainEqual(messages[0]);
  });

  it("that does not match what was claimed is refused as a whole", async () => {
    const { server, taskId, conversion, call } = await startClaimed();
    await server.poll({ devices: [{ device: sibling, gateways: [siblingGateway], standing: false }] });
    const elsewhere = await server.accept("Butcher", { gateway: siblingGateway });
    const later = await server.accept("Chemist");
    const good = linkedOf(conversion);
    if (good.kind !== "linked") throw new Error("not linked");
    const failed = (id: string) => ({ kind: "failed", taskId: id, details: ["Failed"], messages: [] });
    const faults: [unknown[], string][] = [
      [[good, failed("wst_unknown")], "wst_unknown"],
      [[good, failed(elsewhere)], elsewhere],
      [[good, failed(later)], later],
      [[good, failed(taskId)], taskId],
      [[{ ...good, link: { ...good.link, customerGuid: "99999999-0000-4000-8000-000000000000" } }], taskId],
      [[{ ...good, link: { ...good.link, device: sibling } }], taskId],
    ];
    for (const [completions, named] of faults) {
      const answer = await call("complete", { completions });
      expect(problemOf(answer)).toEqual([422, "Unprocessable Entity", expect.stringContaining(named)]);
      expect(await server.store.conversion(taskId)).toMatchObject({ state: "ready" });
    }
    expect(await server.store.customers()).toEqual([]);
    expect((await call("complete", { completions: [good] })).status).toBe(204);
    expect((await call("complete", { completions: [failed(taskId)] })).status).toBe(422);
    expect(await server.store.conversion(taskId)).toMatchObject({ state: "site" });
  });
});

describe("links", () => {
  it("are replaced, but for whose they are and since when", async () => {
    const { server, conversion, call } = await startClaimed();
    await call("complete", { completions: [linkedOf(conversion)] });
    const { links } = (await server.call("GET", `${prefix}/devices/${device}/work`)).body as {
      links: { fullName: string; linkedAt: string; secretHashes: object }[];
    };
    const changed = links.map((link) => ({
      ...link,
      fullName: "Bakery & Sons",
      linkedAt: "2020-01-01T00:00:00.000Z",
      secretHashes: { CarrierUserPassword: "0f" },
    }));
    const before = (await server.store.links({ device }))[0];
    for (let i = 0; i < 2; i += 1) expect((await call("links", { links: changed }, "PUT")).status).toBe(204);
    expect(await server.store.links({ device })).toEqual([
      { ...before, fullName: "Bakery & Sons", secretHashes: { CarrierUserPassword: "0f" } },
    ]);

    const stranger = changed.map((link) => ({ ...link, customerGuid: "99999999-0000-4000-8000-000000000000" }));
    const answer = await call("links", { links: [...links, ...stranger] }, "PUT");
    expect(problemOf(answer)).toEqual([422, "Unprocessable Entity", expect.stringContaining("99999999-")]);
    expect((await server.store.links({ device }))[0]?.fullName).toBe("Bakery & Sons");
  });
});

describe("progress", () => {
  it("is told on the token's own tasks, and on no others", async () => {
    const server = await startPortal();
    const gateways = [gateway, siblingGateway];
    await server.poll({
      devices: [device, sibling].map((name, i) => ({ device: name, gateways: [gateways[i] ?? ""], standing: false })),
    });
    const foreign = await server.accept("Bakery");
    const own = await server.accept("Butcher", { gateway: siblingGateway });
    const tell = () =>
      server.call("POST", `${prefix}/progress`, {
        token: tokenOf("south"),
        body: { taskIds: [foreign, "wst_unknown", own], message: note },
      });
    for (let i = 0; i < 2; i += 1) expect((await tell()).status).toBe(204);
    const told = async (taskId: string) =>
      (await server.store.task(taskId))?.messages.filter(({ message }) => message === note.message);
    expect(await told(own)).toEqual([note]);
    expect(await told(foreign)).toEqual([]);
  });
});

describe("secrets", () => {
  it("stand in claims alone, and in no log line", async () => {
    const server = await startPortal();
    await server.poll();
    const taskId = await server.accept("Bakery", { secrets: { CarrierUserPassword: canary } });
    const { lease, conversions } = await claimed(server);
    expect(JSON.stringify(conversions)).toContain(canary);
    const [conversion] = conversions;
    if (conversion === undefined) throw new Error("nothing was handed out");
    const body = (more: object) => ({ body: { fence: lease.fence, ...more } });
    const answers = [
      await server.poll(),
      await server.call("GET", `${prefix}/devices/${device}/work`),
      await server.call("POST", leasePath("sent"), body({ taskIds: [taskId], sent: true })),
      await server.call("POST", leasePath("complete"), body({ completions: [{ kind: "failed", secret: canary }] })),
      await server.call("POST", leasePath("complete"), body({ completions: [linkedOf(conversion)] })),
      await server.call("GET", `${prefix}/devices/${device}/work`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 204, 400, 204, 200]);
    for (const { text } of answers) expect(text).not.toContain(canary);
    await expect.poll(() => server.log.length).toBe(answers.length + 3);
    expect(JSON.stringify(server.log)).not.toContain(canary);
  });
});

describe("a removal", () => {
  it("is given to agents that know removals, stays ready for others, and has no secret in a peek", async () => {
    const { server, conversion, call, taskId } = await startClaimed();
    expect((await call("complete", { completions: [linkedOf(conversion)] })).status).toBe(204);
    await server.store.completeSite(taskId, []);
    const { customerGuid } = conversion;
    const asked = await server.store.removeCustomer({ customerGuid, by: "ann", forgetDevice: false });
    if (asked.kind !== "asked") throw new Error("the removal was not taken");

    const claimWith = (amendments?: boolean) =>
      server.call("POST", `${prefix}/devices/${device}/claim`, { body: { ...claimBody, amendments } });
    expect((await claimWith()).body).toMatchObject({ amendments: [], links: [] });
    expect((await server.poll()).body).toMatchObject({ devices: [{ waiting: 0, amendments: 1, owed: 0 }] });
    const { lease, amendments } = (await claimWith(true)).body as { lease: { fence: number }; amendments: unknown[] };
    expect(amendments).toMatchObject([
      { taskId: asked.taskId, kind: "removal", by: "ann", state: "ready", link: { customerGuid, device } },
    ]);
    const peek = await server.call("GET", `${prefix}/devices/${device}/work?links=true`);
    expect(peek.text).not.toContain(canary);

    const note = { level: "Information", message: "half gone" };
    await server.call("POST", `${prefix}/progress`, { body: { taskIds: [asked.taskId], message: note } });
    expect((await server.store.task(asked.taskId))?.messages).toContainEqual(note);
    const completions = [{ kind: "removed", taskId: asked.taskId, messages: [] }];
    const complete = () => server.call("POST", leasePath("complete"), { body: { fence: lease.fence, completions } });
    expect([(await complete()).status, (await complete()).status]).toEqual([204, 204]);
    expect(await server.store.customers()).toEqual([]);
  });
});
