import type { Customer, Lead, Link } from "../store/model.ts";
import { reasonToWait, timeOfEvidence, type DeviceFacts } from "./device.ts";
import { moment, tell, type Explanation, type Reason } from "./explanation.ts";

export interface CustomerLink {
  link: Pick<Link, "device" | "linkedAt">;
  device: DeviceFacts;
  /** Whether the latest comparison found rows of this customer that differed; undefined where that was not kept. */
  differed: boolean | undefined;
}

export interface CustomerFacts {
  customer: Pick<Customer, "guid" | "shortName">;
  links: readonly CustomerLink[];
  /** The task that changes or removes it. */
  amending: { taskId: string; kind: "change" | "removal"; device: string } | undefined;
  /** Its conversion, where that has not ended yet. */
  converting: string | undefined;
}

/** Explains one customer. */
export function explainCustomer(subject: string, facts: CustomerFacts, now: number): Explanation {
  const { guid, shortName } = facts.customer;
  return tell({ subject, kind: "customer", who: `Customer ${shortName} (${guid})` }, reasonOf(facts, now));
}

function reasonOf({ customer, links, amending, converting }: CustomerFacts, now: number): Reason {
  if (amending !== undefined) {
    const { taskId, kind, device } = amending;
    return {
      state: kind === "removal" ? "leaving" : "changing",
      waitsFor: `task ${taskId}, which ${kind === "removal" ? "removes it from" : "changes it on"} device ${device}`,
      next: null,
      humanCan: `see what that waits for with 'sbc-agent explain ${taskId}'`,
    };
  }
  const [first] = links;
  if (first === undefined)
    return {
      state: "unlinked",
      waitsFor: null,
      is: "is linked to no device: it was converted by its tenant id alone",
      next: null,
      humanCan: null,
    };
  const where = `is linked to ${links.map(({ link }) => `device ${link.device} since ${moment(link.linkedAt)}`).join(" and ")}`;
  const resync = `compare it with 'sbc-agent resync --customer ${customer.shortName} --dry-run', and put it right without --dry-run`;
  const site =
    converting === undefined
      ? null
      : `task ${converting} still makes its site in OVOC: 'sbc-agent explain ${converting}'`;
  const evidence = links.map((link) => evidenceOf(link, now));
  const state = (["drifted", "unknown", "in-sync"] as const).find((one) => evidence.some((e) => e.state === one));
  return {
    state: state ?? "unknown",
    waitsFor: null,
    is: `${where}; ${evidence.map(({ text }) => text).join(", and ")}`,
    next: site,
    humanCan: state === "in-sync" ? null : resync,
  };
}

type Evidence = { state: "in-sync" | "drifted" | "unknown"; text: string };

function evidenceOf({ link, device: facts, differed }: CustomerLink, now: number): Evidence {
  const { device } = facts;
  if (facts.where !== "here")
    return { state: "unknown", text: `whether ${device} still holds its rows is known to the agent near that device` };
  const { drift, driftDue } = facts.report;
  const trouble = reasonToWait(facts, now);
  const meanwhile = trouble === undefined || trouble.state === "running" ? "" : ` (the device is ${trouble.state} now)`;
  if (drift?.stale === true)
    return { state: "unknown", text: `${device} was last compared at ${moment(drift.checkedAt)}, too long ago to say` };
  if (drift === null) return { state: "unknown", text: `${device} was never compared${meanwhile}` };
  const at = timeOfEvidence(drift);
  const linkedSince = link.linkedAt > Date.parse(drift.updatedAt ?? drift.checkedAt);
  if (differed === true && !linkedSince)
    return { state: "drifted", text: `its rows on ${device} differed at ${at}${meanwhile}` };
  if (driftDue)
    return { state: "unknown", text: `${device} was last compared at ${at}, and a check is due since${meanwhile}` };
  if (linkedSince) return { state: "in-sync", text: `its rows on ${device} were read when it was linked${meanwhile}` };
  if (drift.drifted === 0)
    return { state: "in-sync", text: `${device} held what its customers need at ${at}${meanwhile}` };
  if (differed === false)
    return { state: "in-sync", text: `${device} held what it needs at ${at}, when others differed${meanwhile}` };
  return {
    state: "unknown",
    text: `${drift.drifted} of the customers on ${device} differed at ${at}, too many to tell whether it is one${meanwhile}`,
  };
}

/** Explains a tenant that may become a customer and was not asked to. */
export function explainLead(subject: string, { tenantId, companyName, status }: Lead): Explanation {
  const active = status.toLowerCase() === "active";
  return tell(
    { subject, kind: "lead", who: `Tenant ${tenantId} (${companyName})` },
    {
      state: active ? "lead" : status,
      waitsFor: null,
      is: `is a lead of status ${status} and no customer; no conversion of it is known here`,
      next: null,
      humanCan: active
        ? "post one with 'sbc-agent convert'"
        : "make the lead active first: only then it may be converted",
    },
  );
}
