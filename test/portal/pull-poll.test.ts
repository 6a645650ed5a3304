import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openPolls, type Poll } from "../../agent/portal/pull-poll.ts";
import type { Queue, StoreEvent } from "../../agent/store/portal-store.ts";
import type { Store } from "../../agent/store/store.ts";
import { answerOf, device, gateway, sibling, startPortal, type PullServer } from "./pull-server.ts";

/** Counts the looks at the store: a poll that is held has looked once, and looks again when it is stirred. */
async function startCounted() {
  const looks = { count: 0 };
  const server = await startPortal({
    before: (store) => ({
      ...store,
      queues() {
        looks.count += 1;
        return store.queues();
      },
    }),
  });
  /** Resolves with the answer to come once the poll is held. */
  const hold = async (cursor: string, signal?: AbortSignal) => {
    const before = looks.count;
    const answer = server.poll({ cursor, waitSeconds: 25 }, signal === undefined ? {} : { signal });
    answer.catch(() => undefined);
    await expect.poll(() => looks.count).toBe(before + 1);
    return { answer };
  };
  return { server, looks, hold };
}

const cursorOf = async (server: PullServer): Promise<string> => answerOf(await server.poll()).cursor;

describe("a poll", () => {
  it("tells how many wait on each device, since when, and how many are linked", async () => {
    const server = await startPortal();
    await server.poll();
    const taskId = await server.accept("Bakery");
    await server.accept("Butcher");
    const { acceptedAt } = (await server.store.conversion(taskId)) ?? {};
    const answer = await server.poll({
      devices: [
        { device: sibling, gateways: [], standing: false },
        { device, gateways: [gateway], standing: false },
      ],
    });
    expect(answer.body).toEqual({
      cursor: expect.stringMatching(/^[\w-]{43}$/) as string,
      devices: [
        {
          device,
          waiting: 2,
          amendments: 0,
          owed: 0,
          arrived: 2,
          oldestAcceptedAt: new Date(acceptedAt ?? 0).toISOString(),
          linked: 0,
        },
        { device: sibling, waiting: 0, amendments: 0, owed: 0, arrived: 0, oldestAcceptedAt: null, linked: 0 },
      ],
      missing: [],
    });
  });

  it("is held while its cursor is that of the state, and answered when something arrives", async () => {
    const { server, hold } = await startCounted();
    const cursor = await cursorOf(server);
    const { answer } = await hold(cursor);
    await server.accept("Bakery");
    const told = answerOf(await answer);
    expect(told.devices).toMatchObject([{ device, waiting: 1 }]);
    expect(told.cursor).not.toBe(cursor);
  });

  it("is answered at once with an old cursor, or none, or when it does not want to wait", async () => {
    const server = await startPortal();
    const cursor = await cursorOf(server);
    await server.accept("Bakery");
    const late = answerOf(await server.poll({ cursor, waitSeconds: 25 }));
    expect(late.devices).toMatchObject([{ waiting: 1 }]);
    expect(answerOf(await server.poll({ waitSeconds: 25 }))).toEqual(late);
    expect(answerOf(await server.poll({ cursor: late.cursor }))).toEqual(late);
  });

  it("is answered when something ends", async () => {
    const { server, hold } = await startCounted();
    await server.poll();
    const taskId = await server.accept("Bakery");
    const { answer } = await hold(await cursorOf(server));
    const claim = await server.store.claimDevice(device, { holder: "test", durationMs: 60_000, graceMs: 0, max: 1 });
    if (claim.kind !== "claimed") throw new Error("the device is held");
    await server.store.complete(claim.claim.lease, [{ kind: "failed", taskId, details: ["Failed"], messages: [] }]);
    expect(answerOf(await answer).devices).toMatchObject([{ waiting: 0, oldestAcceptedAt: null }]);
  });

  it("that nobody waits for any more is let go", async () => {
    const { server, looks, hold } = await startCounted();
    const cursor = await cursorOf(server);
    const leaving = new AbortController();
    const { answer } = await hold(cursor, leaving.signal);
    const before = looks.count;
    leaving.abort();
    await expect(answer).rejects.toThrow();
    // Its last look: from here on nothing that arrives concerns it.
    await expect.poll(() => looks.count).toBe(before + 1);
    const { answer: next } = await hold(cursor);
    await server.accept("Bakery");
    expect((await next).status).toBe(200);
    expect(looks.count).toBe(before + 3);
  });

  it("is answered at once when the server stops, which then waits for nobody", async () => {
    const { server, hold } = await startCounted();
    const cursor = await cursorOf(server);
    const { answer } = await hold(cursor);
    // Nothing that takes time may be needed: no time passes.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    await server.stop();
    expect(answerOf(await answer)).toMatchObject({ cursor, missing: [] });
  });

  it("goes on with its cursor after the portal was started anew", async () => {
    const server = await startPortal();
    await server.poll();
    await server.accept("Bakery");
    const before = answerOf(await server.poll());
    await server.restart();
    expect(answerOf(await server.poll({ cursor: before.cursor }))).toEqual(before);
    await server.accept("Butcher");
    await server.restart();
    const late = answerOf(await server.poll({ cursor: before.cursor, waitSeconds: 25 }));
    expect(late.devices).toMatchObject([{ waiting: 2 }]);
  });
});

/** Polls on a store whose queues a test fills by hand, in fake time. */
function openByHand() {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const queues = new Map<string, Queue>();
  const listeners = new Set<(event: StoreEvent) => void>();
  const looks = { count: 0, during: async (): Promise<void> => undefined };
  const store: Pick<Store, "queues" | "countLinks" | "watch"> = {
    async queues() {
      looks.count += 1;
      const seen = [...queues.values()];
      await looks.during();
      return seen;
    },
    countLinks: async () => [],
    watch(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const arrive = (name: string): void => {
    const { waiting = 0, arrived = 0 } = queues.get(name) ?? {};
    queues.set(name, {
      device: name,
      waiting: waiting + 1,
      amendments: 0,
      owed: 0,
      arrived: arrived + 1,
      oldestAcceptedAt: 0,
    });
    for (const hear of listeners) hear({ kind: "ready", device: name });
  };
  const polls = openPolls(store);
  const hold = (name: string, poll: Partial<Poll> = {}) => {
    const told: number[] = [];
    const answer = polls.hold({
      devices: [name],
      cursor: "",
      waitMs: 25_000,
      gone: new AbortController().signal,
      ...poll,
    });
    void answer.then(({ devices }) => told.push(devices[0]?.waiting ?? -1));
    return { answer, told };
  };
  const cursor = async (name: string) => (await hold(name).answer).cursor;
  return { polls, looks, listeners, arrive, hold, cursor };
}

describe("polls that are held", () => {
  it("are told together what arrives within 10 ms, and once", async () => {
    const { arrive, hold, cursor } = openByHand();
    const { told } = hold("a", { cursor: await cursor("a") });
    await vi.advanceTimersByTimeAsync(1_000);
    arrive("a");
    await vi.advanceTimersByTimeAsync(9);
    arrive("a");
    arrive("a");
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toEqual([3]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("are answered when their time is over, and not before", async () => {
    const { hold, cursor } = openByHand();
    const { told } = hold("a", { cursor: await cursor("a") });
    await vi.advanceTimersByTimeAsync(24_999);
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toEqual([0]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("miss nothing that arrives while they look", async () => {
    const { looks, arrive, hold, cursor } = openByHand();
    const known = await cursor("a");
    looks.during = async () => {
      looks.during = async () => undefined;
      arrive("a");
      await new Promise((resolve) => setTimeout(resolve, 20));
    };
    const { told } = hold("a", { cursor: known });
    await vi.advanceTimersByTimeAsync(20);
    expect(told).toEqual([1]);
  });

  it("share one watch, and are stirred by their own devices alone", async () => {
    const { looks, listeners, arrive, hold, cursor } = openByHand();
    const names = Array.from({ length: 500 }, (_, i) => `sbc-${i}`);
    const held = await Promise.all(names.map(async (name) => hold(name, { cursor: await cursor(name) })));
    await vi.advanceTimersByTimeAsync(0);
    expect(listeners.size).toBe(1);
    const before = looks.count;
    arrive("sbc-7");
    arrive("elsewhere");
    await vi.advanceTimersByTimeAsync(10);
    expect(looks.count).toBe(before + 1);
    expect(held.flatMap(({ told }, i) => (told.length > 0 ? [names[i]] : []))).toEqual(["sbc-7"]);
  });

  it("leave nothing behind when nobody waits for them any more", async () => {
    const { looks, arrive, hold, cursor } = openByHand();
    const gone = new AbortController();
    const { answer } = hold("a", { cursor: await cursor("a"), gone: gone.signal });
    gone.abort();
    await answer;
    expect(vi.getTimerCount()).toBe(0);
    const before = looks.count;
    arrive("a");
    expect(vi.getTimerCount()).toBe(0);
    expect(looks.count).toBe(before);
  });

  it("are all answered by the end, which ends the watch too, and no later one is held", async () => {
    const { polls, listeners, hold, cursor } = openByHand();
    const known = await cursor("a");
    const held = [hold("a", { cursor: known }), hold("a", { cursor: known })];
    await vi.advanceTimersByTimeAsync(0);
    polls.close();
    await Promise.all([...held, hold("a", { cursor: known })].map(({ answer }) => answer));
    expect(listeners.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
