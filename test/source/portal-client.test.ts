import { afterEach, describe, expect, it } from "vitest";
import { openPortalClient } from "../../agent/source/portal-client.ts";
import { LeaseLost } from "../../agent/store/store.ts";
import { startHandMadePortal, type HandMadePortal, type Trouble } from "./hand-made-portal.ts";
import { atPortal, device, failed, faultOf, gateway } from "./setting.ts";

const never = new AbortController().signal;
const setting = atPortal();
const lease = { device, fence: 1, durationMs: 120_000 };
const peek = () => setting.client.peek(device, false, never);
const works = { conversions: [], amendments: [], links: [] };
const told = (status: number, headers: Record<string, string> = {}): Trouble => ({ answer: { status, headers } });
const instead = (body: string | ((honest: string) => string)): Trouble => ({ answer: { status: 200, body } });

describe("a portal in trouble", () => {
  it.each([429, 503])("is left alone for the seconds that it asks for with %i, by all calls", async (status) => {
    setting.portal.trouble("work", told(status, { "retry-after": "20" }));
    const first = peek();
    await setting.pace.untilWaitingFor(20_000);
    setting.pace.advance(19_999);
    expect(setting.portal.requestsTo("work")).toHaveLength(1);

    expect(await Promise.all([first, peek()])).toEqual([works, works]);
    expect(setting.portal.requestsTo("work")).toHaveLength(3);
  });

  it("is left alone until the date that it tells, by its own clock", async () => {
    const date = Date.UTC(2020, 0, 1);
    const headers = { date: new Date(date).toUTCString(), "retry-after": new Date(date + 40_000).toUTCString() };
    setting.portal.trouble("work", told(503, headers));
    const asked = peek();
    await setting.pace.untilWaitingFor(40_000);
    setting.pace.advance(40_000);

    expect(await asked).toEqual(works);
  });

  it("is not waited for longer than a call may take: the run is put off until then, five minutes at most", async () => {
    setting.portal.trouble("work", told(503, { "retry-after": "86400" }));

    const fault = await faultOf(peek());
    expect(fault).toMatchObject({ fault: "busy", code: "portal", afterMs: 300_000 });
    expect(fault.message).toContain("answered 503 to GET /api/pull/v1/devices/sbc-1/work");
    expect(await faultOf(peek())).toMatchObject({ fault: "busy", afterMs: 300_000 });
    expect(setting.portal.requestsTo("work")).toHaveLength(1);
  });

  it.each<[string, Trouble]>([
    ["answers 500", told(500)],
    ["answers 502", told(502)],
    ["answers 503 without a word on when", told(503)],
    ["answers 429 without a word on when", told(429)],
    ["tells a Retry-After that means nothing", told(503, { "retry-after": "soon" })],
    ["breaks the connection", { connection: "reset" }],
    ["breaks the connection after it did what was asked", { connection: "reset", done: true }],
  ])("is asked again when it %s", async (_what, trouble) => {
    setting.portal.trouble("work", trouble, 3);

    expect(await peek()).toEqual(works);
    expect(setting.portal.requestsTo("work")).toHaveLength(4);
  });

  it("is given up when the time of the call is over", async () => {
    setting.portal.trouble("work", told(500), 1_000);
    const asked = faultOf(peek());
    // No jitter here: it takes the budget's end to stop.
    await setting.portal.until(() => setting.portal.requestsTo("work").length > 5);
    setting.pace.advance(60_001);

    expect(await asked).toMatchObject({ fault: "unreachable", code: "portal" });
  });

  it.each(["hang", "drip"] as const)("is given up and asked again when its answer %ss", async (connection) => {
    setting.portal.trouble("work", { connection });
    const asked = peek();
    await setting.portal.until(() => setting.portal.requestsTo("work").length === 1);
    await setting.pace.untilWaitingFor(30_000);
    setting.pace.advance(30_000);

    expect(await asked).toEqual(works);
  });

  it.each<[string, Trouble, string]>([
    ["cut-off JSON", instead('{"conversions": ['), "Unexpected end"],
    ["no JSON", instead("<html>log in here</html>"), "faulty JSON"],
    ["nothing", instead(""), "faulty JSON"],
    ["a name that stands twice", instead('{"conversions":[],"links":[],"links":[]}'), "more than once"],
    ["other types", instead('{"conversions":{},"links":7}'), "conversions: Invalid input"],
    ["a conversion without its tenant", instead('{"conversions":[{"taskId":"wst_1"}],"links":[]}'), "tenantId"],
    ["nesting without end", instead("[".repeat(100_000)), "Nested deeper"],
    ["more than 64 MiB", instead(() => `"${"x".repeat(65 * 1024 * 1024)}"`), "more than 64 MiB"],
    ["one text too large for any stack", instead(() => `"${"\\n".repeat(16 * 1024 * 1024)}"`), ""],
    ["another status than is due", { answer: { status: 204 } }, "204"],
    ["a redirect", told(302, { location: "https://elsewhere.example.com/x?y=z" }), "https://elsewhere.example.com:"],
    [
      "a certain no",
      { answer: { status: 403, body: '{"title":"Forbidden","detail":"not\\u0007 yours"}' } },
      "not yours",
    ],
    ["a page that is not there", told(404), "check that this is the address"],
  ])("is understood as no portal when it answers with %s", async (_what, trouble, words) => {
    setting.portal.trouble("work", trouble);

    const fault = await faultOf(peek());
    expect(["protocol", "refused"]).toContain(fault.fault);
    expect(fault.message).toContain(setting.portal.url);
    expect(fault.message).toContain(words);
    expect(setting.portal.requestsTo("work")).toHaveLength(1);
    expect(await peek()).toEqual(works);
  });

  it("is not believed to have given a lease on another device, nor a longer one than was asked for", async () => {
    await setting.start();
    const request = {
      identity: "identity-journal.db",
      graceMs: 0,
      max: 1,
      links: true,
      amendments: true,
      openTasks: [],
    };
    const claim = () => setting.client.claim(device, { ...request, durationMs: 60_000 }, never);
    setting.portal.trouble("claim", { answer: { status: 200, body: (text) => text.replaceAll(device, "sbc-2") } });
    expect(await faultOf(claim())).toMatchObject({ fault: "protocol" });
    setting.portal.trouble("claim", { answer: { status: 200, body: (text) => text.replace("60000", "600000") } });
    expect(await claim()).toMatchObject({ lease: { durationMs: 60_000 } });
  });

  it("takes a lease away with a 409, which is asked once", async () => {
    for (const call of [
      setting.client.renew(lease, 60_000),
      setting.client.markSent(lease, [], true, 60_000),
      setting.client.updateLinks(lease, [], 60_000),
      setting.client.complete(lease, [failed("wst_1")], 60_000),
    ])
      await expect(call).rejects.toThrow(LeaseLost);
    expect(setting.portal.requests).toHaveLength(4);
  });

  it("has not taken a result when somebody else answers in its place, and is told it again", async () => {
    await setting.start();
    const { taskId } = setting.portal.accept({ shortName: "Acme", gateway });
    const claim = await setting.claim();
    setting.portal.trouble("complete", instead("<html>log in here</html>"), 2);
    await setting.client.complete(claim.lease, [failed(taskId)], 60_000);

    expect(setting.portal.requestsTo("complete").map(({ status }) => status)).toEqual([200, 200, 204]);
    expect(setting.portal.conversions.get(taskId)?.state).toBe("ended");
  });
});

describe("back-off", () => {
  it("grows twofold with full jitter, from half a second to fifteen", async () => {
    const { portal, pace } = setting;
    let drawn = 1;
    const random = (): number => drawn;
    const hasty = { ...pace, random };
    const client = openPortalClient({ url: portal.url, ca: portal.ca, readToken: () => portal.token, pace: hasty });
    portal.trouble("complete", told(500), 8);
    const before = pace.waits.length;
    const asked = client.complete(lease, [failed("wst_1")], 600_000).catch((error: unknown) => error);
    for (const ms of [2_000, 4_000, 8_000, 15_000, 7_500, 7_500]) {
      await pace.untilWaitingFor(ms);
      if (ms === 15_000) drawn = 0.5;
      pace.advance(ms);
    }
    await asked;
    client.close();

    const pauses = pace.waits.slice(before).filter((ms) => ms < 30_000);
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 7_500, 7_500]);
  });
});

describe("the token", () => {
  const counts = () => setting.portal.requestsTo("work").map(({ status }) => status);

  it("is read anew when it was refused, and tried at once where it is another one", async () => {
    await peek();
    setting.portal.replaceToken("the-next-token");
    setting.token = "the-next-token";

    expect(await peek()).toEqual(works);
    expect(counts()).toEqual([200, 401, 200]);
  });

  it("is tried once a minute while it is refused, by one call of many", async () => {
    await peek();
    setting.portal.replaceToken("the-next-token");
    expect(await faultOf(peek())).toMatchObject({ fault: "unauthorized", afterMs: 60_000 });
    setting.pace.advance(59_999);
    await faultOf(peek());
    expect(counts()).toEqual([200, 401]);
    setting.pace.advance(1);
    await Promise.all([faultOf(peek()), faultOf(peek()), faultOf(peek())]);
    expect(counts()).toEqual([200, 401, 401]);
    setting.pace.advance(60_000);
    setting.token = "the-next-token";
    expect(await Promise.all([peek(), peek(), peek()])).toEqual([works, works, works]);
    expect(counts()).toEqual([200, 401, 401, 200, 200, 200]);
  });

  it("is waited for no longer than a call's own time while another call tries it", async () => {
    await setting.start();
    const { taskId } = setting.portal.accept({ shortName: "Acme", gateway });
    const { lease } = await setting.claim();
    setting.portal.replaceToken("the-next-token");
    setting.token = "the-next-token";
    setting.portal.trouble("work", told(401));
    setting.portal.trouble("work", { connection: "hang" });
    const trying = peek();
    await setting.portal.until(() => setting.portal.requestsTo("work").length === 2);
    const reported = setting.client.complete(lease, [failed(taskId)], 120_000);
    setting.pace.advance(30_000);
    await reported;
    await trying;

    expect(setting.portal.conversions.get(taskId)?.state).toBe("ended");
  });

  it("may expire in mid-run: a result is reported when a new one is there, while the lease lasts", async () => {
    await setting.start();
    const { taskId } = setting.portal.accept({ shortName: "Acme", gateway });
    const { lease } = await setting.claim();
    setting.portal.replaceToken("the-next-token");
    const reported = setting.client.complete(lease, [failed(taskId)], 120_000);
    await setting.pace.untilWaitingFor(60_000);
    setting.token = "the-next-token";
    setting.pace.advance(60_000);
    await reported;

    expect(setting.portal.conversions.get(taskId)?.state).toBe("ended");
  });

  it.each<[string, () => string]>([
    ["cannot be read", () => "throw"],
    ["has a line break", () => "two\nlines"],
  ])("is not sent when it %s", async (_what, read) => {
    const { portal, pace } = setting;
    const readToken = (): string => {
      if (read() === "throw") throw new Error("file /etc/token is not set or empty");
      return read();
    };
    const client = openPortalClient({ url: portal.url, ca: portal.ca, readToken, pace });
    const fault = await faultOf(client.peek(device, false, never));
    client.close();

    expect(fault).toMatchObject({ fault: "unauthorized" });
    expect(fault.message).not.toContain("lines");
    expect(portal.requests).toHaveLength(0);
  });

  it("stands in no message, whatever the portal answers", async () => {
    const { portal } = setting;
    portal.trouble("work", { answer: { status: 403, body: JSON.stringify({ detail: `no: ${portal.token}` }) } });
    portal.trouble("work", instead(`{"${portal.token}`));
    portal.trouble("work", { connection: "reset" }, 1_000);
    const faults = [await faultOf(peek()), await faultOf(peek())];
    const last = faultOf(peek());
    await portal.until(() => portal.requests.length > 5);
    setting.pace.advance(60_001);
    faults.push(await last);

    const shown = faults.map((fault) => `${fault.message} ${fault.stack ?? ""} ${JSON.stringify(fault)}`).join();
    expect(shown).not.toContain(portal.token);
    expect(faults.map(({ cause }) => cause)).toEqual([undefined, undefined, undefined]);
  });
});

describe("another host", () => {
  let other: HandMadePortal | undefined;
  afterEach(async () => {
    await other?.stop();
    other = undefined;
  });

  it.each([301, 302, 303, 307, 308])("is not followed to by a %i: it hears nothing at all", async (status) => {
    other = await startHandMadePortal();
    const location = `${other.url}/api/pull/v1/devices/sbc-1/work`;
    setting.portal.trouble("work", told(status, { location }));

    const fault = await faultOf(peek());
    expect(fault.message).toContain(`a redirect to ${other.url}: redirects are not followed`);
    expect(other.requests).toHaveLength(0);
    expect(other.openSockets()).toBe(0);
  });

  it("with a certificate of its own is sent nothing", async () => {
    other = await startHandMadePortal();
    const { pace } = setting;
    const client = openPortalClient({ url: other.url, readToken: () => setting.portal.token, pace });
    const fault = await faultOf(client.peek(device, false, never));
    client.close();

    expect(fault).toMatchObject({ fault: "protocol" });
    expect(fault.message).toContain("SELF_SIGNED");
    expect(other.requests).toHaveLength(0);
  });

  it.each([
    "http://portal.example.com",
    "https://user:password@portal.example.com",
    "https://portal.example.com/?a=b",
    "portal.example.com",
  ])("cannot be %s", (url) => {
    expect(() => openPortalClient({ url, readToken: () => "token" })).toThrow("the portal's address must");
  });
});
