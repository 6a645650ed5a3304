import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { failPoints, type FailPoint } from "../../agent/fail-points.ts";
import type { TaskBody } from "../e2e/client.ts";
import { buildAgent, type BuiltAgent } from "../e2e/built-agent.ts";
import { control, drawTenant, environment, named, stateOf, type DeviceState } from "../e2e/rig.ts";
import { startMockOvoc } from "../../mocks/ovoc.ts";
import {
  busyWords,
  carriers,
  openKilledAgent,
  type Carrier,
  type KilledAgent,
  type KillRoute,
} from "./killed-agent.ts";

/** Whose first start an agent is killed in, before it listens. */
const atFirstStart = ["seal-key-drafted", "store-drafted", "store-placed", "own-leases-freed"] as const;
/** Of an agent whose portal is elsewhere; `apart-crash.test.ts` kills it there. */
export const atPortalApart = ["claim-answered", "sent-marked", "report-taken"] as const;
/** Reached where OVOC is configured. */
const atOvoc = "site-made";
/** Reached by a re-sync that renders its customers anew. */
const atRerender = ["links-storing", "links-stored"] as const;

/** The trouble that leads to a point which a run does not come to otherwise. */
const faultsBefore: Readonly<Partial<Record<FailPoint, Readonly<Record<KillRoute, object>>>>> = {
  "script-lost": {
    rest: { name: "cut-after-request", path: "incremental", times: 1 },
    ssh: { name: "shell-close", match: "proxy-set-name", times: 1 },
  },
  "script-unsent": {
    rest: { name: "ha-sync", method: "PUT", times: 1 },
    ssh: { name: "reject-line", match: "configure voip", text: busyWords, times: 1 },
  },
  "record-withdrawn": {
    rest: { name: "ha-sync", method: "PUT", times: 1 },
    ssh: { name: "reject-line", match: "configure voip", text: busyWords, times: 1 },
  },
};

interface Order {
  point: FailPoint;
  nth: number;
}

/** Which time that the agent comes to a point it is killed there: with FAULTS=all, later ones as well. */
const nths = process.env["FAULTS"] === "all" ? [1, 2, 3, 4, 5] : [1];

interface Customer {
  shortName: string;
  tenant: string;
}

/** Three conversions with a Proxy Set of their own. */
interface Case {
  /** The second one is refused by the device, which has begun its row by then. */
  customers: readonly Customer[];
  carrier: Carrier;
}

/** What is left of a case, in a form that every case shares. */
interface Ending {
  tasks: Pick<TaskBody, "status" | "details" | "executionMessages">[];
  rows: object[];
}

type Row = DeviceState["running"][string][number];

let cases = 0;

function drawCase(): Case {
  const carrier = carriers[cases];
  cases += 1;
  if (carrier === undefined) throw new Error("there are more cases than carriers");
  const customers = ["Left", "Refused", "Right"].map((name) => ({
    shortName: `${name}${cases}x`,
    tenant: drawTenant(),
  }));
  return { customers, carrier };
}

const refusal = { name: "reject-line", pattern: '^\\s*(name|proxy-set-name) "?Refused' };

/** All rows that the device runs, each with what tells whose it is; an index says nothing. */
function printRows({ running }: DeviceState): string[] {
  const proxySets = new Map(
    (running["ProxySet"] ?? []).map(({ index, fields }) => [String(index), fields["ProxyName"]]),
  );
  const print = (table: string, { active, fields }: Row): string => {
    const of = table === "ProxyIp" ? { ProxySetId: proxySets.get(String(fields["ProxySetId"])) ?? "none" } : {};
    return JSON.stringify({ table, active, fields: { ...fields, ...of } });
  };
  return Object.entries(running).flatMap(([table, rows]) => rows.map((row) => print(table, row)));
}

/** Puts the same words in place of what is a case's own. */
function generalise(text: string, { customers, carrier }: Case): string {
  const words = [carrier.name, ...carrier.addresses.map(({ address }) => address)];
  const own = [...words, ...customers.flatMap(({ shortName, tenant }) => [shortName, tenant])];
  return own.reduce((result, word, i) => result.replaceAll(word, `<${i}>`), text);
}

/** Waits for the end of all, and finds the device saved, with the rows that were there before as they were. */
async function look(
  agent: KilledAgent,
  its: Case,
  taskIds: readonly string[],
  before: readonly string[],
): Promise<Ending> {
  const tasks = [];
  for (const id of taskIds) {
    const { status, details, executionMessages } = await agent.daemon.client.ended(id);
    tasks.push({ status, details, executionMessages });
  }
  const state = await stateOf(agent.mock);
  expect(state.saveNeeded).toBe(false);
  expect(state.running).toEqual(state.startup);
  const rows = printRows(state);
  expect(rows).toEqual(expect.arrayContaining([...before]));
  const added = rows.filter((row) => !before.includes(row));
  expect(added).toHaveLength(rows.length - before.length);
  return JSON.parse(
    generalise(JSON.stringify({ tasks, rows: added.map((row) => JSON.parse(row) as object) }), its),
  ) as Ending;
}

export function describeKills(route: KillRoute): void {
  let built: BuiltAgent;
  let agent: KilledAgent | undefined;
  let reference: Ending | undefined;
  let latest: Case | undefined;

  async function running(): Promise<KilledAgent> {
    if (agent !== undefined) return agent;
    const opened = await openKilledAgent(route, built.program);
    agent = opened;
    await opened.restart();
    return opened;
  }

  async function close(): Promise<void> {
    const closing = agent;
    agent = undefined;
    await closing?.stop();
  }

  /** Posts a case, kills the agent at the point where one is given, and resolves with what is left at the end. */
  async function convert(order?: Order): Promise<Ending> {
    const agent = await running();
    const its = drawCase();
    latest = its;
    const post = ({ shortName, tenant }: Customer): Promise<string> =>
      agent.daemon.client.post(shortName, tenant, 0, { ProxySet: its.carrier.name });
    const before = printRows(await stateOf(agent.mock));
    await control(agent.mock, "POST", "/faults", refusal);
    for (const { tenant } of its.customers) await agent.daemon.client.addLead(tenant);
    if (order !== undefined) {
      const fault = faultsBefore[order.point]?.[route];
      if (fault !== undefined) await control(agent.mock, "POST", "/faults", fault);
      agent.arm(`${order.point}:${order.nth}`);
    }
    const posted: (string | undefined)[] = [];
    for (const customer of its.customers) posted.push(await post(customer).catch(() => undefined));
    if (order !== undefined) await struck(agent, posted, order);
    const taskIds: string[] = [];
    for (const [i, customer] of its.customers.entries()) taskIds.push(posted[i] ?? (await post(customer)));
    const ending = await look(agent, its, taskIds, before);
    await control(agent.mock, "DELETE", "/faults");
    expect(await agent.daemon.client.resync()).toMatchObject({ devices: [{ result: "in-sync", writes: 0, saves: 0 }] });
    return ending;
  }

  /** Waits until the agent was killed at its point, and starts it again. */
  async function struck(
    agent: KilledAgent,
    posted: readonly (string | undefined)[],
    { point, nth }: Order,
  ): Promise<void> {
    const { daemon } = agent;
    const patience = new AbortController();
    // Some points come after the end of the tasks, which a killed agent does not tell any more.
    const passed = Promise.all(posted.flatMap((id) => (id === undefined ? [] : [daemon.client.ended(id)]))).then(
      () => sleep(nth === 1 ? 20_000 : 1_000, null, patience),
      () => daemon.ended,
    );
    const signal = await Promise.race([daemon.ended, passed]);
    patience.abort();
    await passed.catch(() => undefined);
    // Only the first time is certain: how often a run comes to a point is its own affair.
    if (signal === null && nth > 1) await daemon.kill("SIGTERM");
    else expect(signal, `${point}: ${daemon.output()}`).toBe("SIGKILL");
    await agent.restart();
  }

  beforeAll(async () => {
    built = await buildAgent();
  });
  afterAll(async () => {
    await close();
    built.remove();
  });
  afterEach(async ({ task }) => {
    // What a failed case left behind is no start for the next one.
    if (task.result?.state === "fail") await close();
  });

  const elsewhere: readonly FailPoint[] = [...atFirstStart, ...atRerender, ...atPortalApart, atOvoc];
  const inRun = failPoints.filter((point) => !elsewhere.includes(point));

  describe(`an agent that is killed with SIGKILL, over ${route}`, () => {
    beforeAll(async () => {
      reference = await convert();
    });

    it.each(inRun.flatMap((point) => nths.map((nth) => ({ point, nth }))))(
      "at $point ($nth): the next start ends all as if nothing had happened",
      async (order) => {
        const ending = await convert(order);
        // Whoever was not answered asks again, and hears that it was accepted.
        const [first] = order.point === "conversion-stored" ? ending.tasks.splice(order.nth - 1, 1) : [];
        if (first !== undefined) expect(first.details).toEqual(["CustomerAlreadyConverted"]);
        const unheard = first === undefined ? 0 : 1;
        expect(ending).toEqual({ ...reference, tasks: reference?.tasks.toSpliced(order.nth - 1, unheard) });
      },
    );

    if (route === "rest")
      it.each(atFirstStart)("at %s: the next start finds nothing that stands in its way", async (point) => {
        await close();
        agent = await openKilledAgent(route, built.program);
        await expect(agent.startArmed(point)).rejects.toThrow("the daemon ended with SIGKILL");
        await agent.restart();
        expect(await convert()).toEqual(reference);
      });

    if (route === "rest")
      it("at site-made: the next start finds the site in OVOC, and makes no second one", async () => {
        await close();
        const ovoc = await startMockOvoc({ user: "ovoc", password: environment.SBC_PASSWORD });
        try {
          const settings = { url: ovoc.url, user: "ovoc", password: { env: "SBC_PASSWORD" } };
          agent = await openKilledAgent(route, built.program, { ovoc: settings });
          await agent.restart();
          agent.arm(atOvoc);
          const tenant = drawTenant();
          await agent.daemon.client.addLead(tenant);
          const id = await agent.daemon.client.post("InOvoc", tenant, 0, { ProxySet: carriers[0]?.name ?? "" });
          expect(await agent.daemon.ended).toBe("SIGKILL");
          await agent.restart();
          const { details, executionMessages } = await agent.daemon.client.ended(id);
          expect(details).toEqual(["Converted"]);
          expect(executionMessages.at(-1)?.message).toBe("Site created in Ovoc");
          expect((await (await fetch(`${ovoc.control}/state`)).text()).split('"InOvoc"')).toHaveLength(2);
          const state = await stateOf(agent.mock);
          expect(state.running).toEqual(state.startup);
          expect(named(state.running["IPGroup"], "Name").get("InOvoc")?.active).toBe(true);
        } finally {
          await close();
          await ovoc.stop();
        }
      });

    it.each(atRerender)("at %s: customers that are rendered anew end as if nothing had happened", async (point) => {
      await convert();
      const agent = await running();
      const [customer] = latest?.customers ?? [];
      const request = { customer: customer?.shortName, rerender: true };
      const before = await stateOf(agent.mock);
      const profile = agent.ipProfile === "IPP_Trunk" ? "IPP_Teams" : "IPP_Trunk";
      await agent.daemon.kill("SIGTERM");
      agent.ipProfile = profile;
      await agent.restart();
      agent.arm(point);
      await expect(agent.daemon.client.resync(request)).rejects.toThrow();
      expect(await agent.daemon.ended).toBe("SIGKILL");
      await agent.restart();
      expect((await agent.daemon.client.resync(request)).devices).toMatchObject([{ result: "in-sync", customers: 1 }]);

      const after = await stateOf(agent.mock);
      expect(after.running).toEqual(after.startup);
      for (const row of before.running["IPGroup"] ?? [])
        if (row.fields["Name"] === customer?.shortName) row.fields["ProfileName"] = profile;
      expect(after.running).toEqual(before.running);
      expect((await agent.daemon.client.resync()).devices).toMatchObject([{ result: "in-sync", writes: 0, saves: 0 }]);
    });
  });
}
