import { NotFound } from "../operations/operations.ts";
import { notInOvocYet } from "../ovoc/sites.ts";
import type { HealthReport } from "../reports.ts";
import type { ConversionSource } from "../source/source.ts";
import type { Conversion, Customer, DriftEvidence, Link } from "../store/model.ts";
import type { JournalStore } from "../store/journal-store.ts";
import type { PortalStore } from "../store/portal-store.ts";
import { explainAmendment, type AmendmentSubject } from "./amendment.ts";
import { explainCustomer, explainLead, type CustomerLink } from "./customer.ts";
import { explainDevice, type DeviceFacts } from "./device.ts";
import type { Explanation } from "./explanation.ts";
import { explainConversion } from "./task.ts";

/** Changes and removals of customers. */
interface AmendmentKnowledge {
  amendment(taskId: string): Promise<AmendmentSubject | undefined>;
  /** Those that have not ended, oldest first. */
  openAmendments(filter: { customerGuid?: string }): Promise<AmendmentSubject[]>;
}

/** What a portal knows. */
export type PortalKnowledge = Pick<
  PortalStore,
  "task" | "conversion" | "conversionOf" | "leaseHolder" | "customer" | "customers" | "links" | "leads"
> &
  Partial<AmendmentKnowledge>;

/** What an agent knows whose portal is elsewhere: the conversions that wait for its devices, and their links. */
export interface AgentKnowledge {
  portalUrl: string;
  find(taskId: string): Promise<Conversion | undefined>;
  links: ConversionSource["links"];
}

export interface ExplainerDependencies {
  knowledge: { portal: PortalKnowledge } | { agent: AgentKnowledge };
  health(): Promise<HealthReport>;
  /** The latest comparison of a device that this process works on; absent where it works on none. */
  drift?: JournalStore["drift"];
  /** Milliseconds since 1970. */
  now(): number;
}

/** Several things bear the name. */
export class Ambiguous extends Error {
  override readonly name = "Ambiguous";
}

/**
 * Says of a task (by its id), a device (by its name) or a customer (by its GUID, tenant id or short name) what it waits
 * for, what is next and what a human can do. Asks no device. Throws NotFound and Ambiguous.
 */
export type Explain = (subject: string) => Promise<Explanation>;

type LinkFacts = (link: Link, device: DeviceFacts) => Promise<CustomerLink>;

/** Undefined where it may be among those that the evidence does not list. */
function differedIn({ rows, unlisted }: DriftEvidence, shortName: string): boolean | undefined {
  if (rows.some(({ customers }) => customers.includes(shortName))) return true;
  return unlisted === 0 ? false : undefined;
}

const isTaskId = (subject: string): boolean => /^(wst|tsk)_/.test(subject);

export function createExplainer({ knowledge, health, drift, now }: ExplainerDependencies): Explain {
  return async (subject) => {
    const report = await health();
    const linkFacts: LinkFacts = async (link, device) => {
      const latest = device.where === "here" ? await drift?.(link.device) : undefined;
      return { link, device, differed: latest && differedIn(latest.evidence, link.shortName) };
    };
    const explained =
      "portal" in knowledge
        ? await explainAtPortal(subject, knowledge.portal, report, linkFacts, now())
        : await explainAtAgent(subject, knowledge.agent, report, linkFacts, now());
    if (explained !== undefined) return explained;
    throw new NotFound(
      `'${subject}' is no task, device or customer that is known here${"agent" in knowledge ? `; what waits for no device of this agent is known to the portal ${knowledge.agent.portalUrl}` : ""}`,
    );
  };
}

async function explainAtPortal(
  subject: string,
  portal: PortalKnowledge,
  health: HealthReport,
  linkFacts: LinkFacts,
  now: number,
): Promise<Explanation | undefined> {
  const deviceOf = async (name: string): Promise<DeviceFacts> =>
    findDevice(name, health, await portal.leaseHolder(name)) ?? { where: "nowhere", device: name };

  const amendmentsOf = async (customerGuid: string | undefined): Promise<AmendmentSubject[]> =>
    customerGuid === undefined ? [] : ((await portal.openAmendments?.({ customerGuid })) ?? []);

  /** The older task of its tenant that a conversion waits behind. */
  async function taskBefore({ taskId, tenantId }: Conversion): Promise<string | undefined> {
    const oldest = await portal.conversionOf({ tenantId });
    if (oldest?.taskId !== taskId) return oldest?.taskId;
    const leaving = pickCustomer(tenantId, await portal.customers());
    return (await amendmentsOf(leaving?.guid)).find(({ kind }) => kind === "removal")?.taskId;
  }

  async function ofAmendment(named: AmendmentSubject): Promise<Explanation> {
    const open = await amendmentsOf(named.customerGuid);
    // One task may remove a customer from several devices: what holds it up is one that has not ended.
    const amendment = open.find(({ taskId }) => taskId === named.taskId) ?? named;
    const [oldest] = open.filter(({ state, device }) => state === "ready" && device === amendment.device);
    const facts = {
      amendment,
      task: await portal.task(amendment.taskId),
      behind: amendment.state === "ready" && oldest?.taskId !== amendment.taskId ? oldest?.taskId : undefined,
      device: amendment.state === "ended" ? undefined : await deviceOf(amendment.device),
    };
    return explainAmendment(subject, facts, now);
  }

  async function ofConversion(conversion: Conversion): Promise<Explanation> {
    const { state, device } = conversion;
    const task = await portal.task(conversion.taskId);
    const last = task?.messages.at(-1)?.message;
    const facts = {
      conversion,
      task,
      behind: state === "waiting" ? await taskBefore(conversion) : undefined,
      device: state === "ready" && device !== null ? await deviceOf(device) : undefined,
      gone: task?.details[0] === "Converted" && (await portal.customer(conversion.customerGuid)) === undefined,
      siteTrouble: last?.startsWith(notInOvocYet) === true ? last : undefined,
    };
    return explainConversion(subject, facts, now);
  }

  async function ofCustomer(customer: Customer): Promise<Explanation> {
    const links = await portal.links({ customerGuid: customer.guid });
    const amendments = await amendmentsOf(customer.guid);
    const latest = await portal.conversionOf({ tenantId: customer.tenantId });
    const facts = {
      customer,
      links: await Promise.all(links.map(async (link) => linkFacts(link, await deviceOf(link.device)))),
      amending: amendments.find(({ kind }) => kind === "removal") ?? amendments[0],
      converting: latest?.state === "site" ? latest.taskId : undefined,
    };
    return explainCustomer(subject, facts, now);
  }

  if (isTaskId(subject)) {
    const conversion = await portal.conversion(subject);
    if (conversion !== undefined) return ofConversion(conversion);
    const amendment = await portal.amendment?.(subject);
    return amendment && ofAmendment(amendment);
  }
  const device = await deviceOf(subject);
  if (device.where !== "nowhere") return explainDevice(subject, device, now);
  const customer = pickCustomer(subject, await portal.customers());
  if (customer !== undefined) return ofCustomer(customer);
  const conversion =
    (await portal.conversionOf({ tenantId: subject })) ?? (await portal.conversionOf({ shortName: subject }));
  if (conversion !== undefined) return ofConversion(conversion);
  const [lead] = await portal.leads({ tenantId: subject, skip: 0, take: 1 });
  return lead && explainLead(subject, lead);
}

async function explainAtAgent(
  subject: string,
  agent: AgentKnowledge,
  health: HealthReport,
  linkFacts: LinkFacts,
  now: number,
): Promise<Explanation | undefined> {
  const deviceOf = (name: string): DeviceFacts =>
    findDevice(name, health, undefined) ?? { where: "nowhere", device: name };
  const known = `; what is decided without a device is known to the portal ${agent.portalUrl}`;
  const limited = (explained: Explanation): Explanation => ({
    ...explained,
    sentence: explained.sentence.replace(/\.$/, `${known}.`),
  });

  if (isTaskId(subject)) {
    const conversion = await agent.find(subject);
    if (conversion === undefined) return undefined;
    const device = conversion.device === null ? undefined : deviceOf(conversion.device);
    const facts = { conversion, task: undefined, behind: undefined, device, gone: false, siteTrouble: undefined };
    return limited(explainConversion(subject, facts, now));
  }
  const device = deviceOf(subject);
  if (device.where !== "nowhere") return explainDevice(subject, device, now);
  const links = await agent.links({});
  const customer = pickCustomer(subject, links.map(customerOf));
  if (customer === undefined) return undefined;
  const own = links.filter(({ customerGuid }) => customerGuid === customer.guid);
  const facts = {
    customer,
    links: await Promise.all(own.map((link) => linkFacts(link, deviceOf(link.device)))),
    amending: undefined,
    converting: undefined,
  };
  return limited(explainCustomer(subject, facts, now));
}

const customerOf = ({ customerGuid, tenantId, shortName }: Link) => ({ guid: customerGuid, tenantId, shortName });

function findDevice(
  name: string,
  { devices, announced }: HealthReport,
  heldBy: { holder: string; until: number } | undefined,
): DeviceFacts | undefined {
  const here = devices.find(({ device }) => device === name);
  if (here !== undefined) return { where: "here", device: name, report: here, heldBy };
  const elsewhere = announced.find(({ device }) => device === name);
  return elsewhere && { where: "elsewhere", device: name, report: elsewhere, heldBy };
}

/** By GUID, tenant id or short name. Throws Ambiguous where several bear the short name. */
function pickCustomer<T extends { guid: string; tenantId: string; shortName: string }>(
  subject: string,
  customers: readonly T[],
): T | undefined {
  const wanted = subject.toLowerCase();
  const byId = customers.find(({ guid, tenantId }) => guid === wanted || tenantId === wanted);
  if (byId !== undefined) return byId;
  const named = new Map(
    customers.filter(({ shortName }) => shortName.toLowerCase() === wanted).map((one) => [one.guid, one]),
  );
  if (named.size > 1)
    throw new Ambiguous(
      `${named.size} customers are called '${subject}': name one by its GUID (${[...named.keys()].join(", ")})`,
    );
  return [...named.values()][0];
}
