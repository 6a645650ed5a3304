import { randomUUID } from "node:crypto";
import { createPortalAdoptions } from "./portal-adoptions.ts";
import { createPortalAmendments, type PortalAmendment } from "./portal-amendments.ts";
import { createPortalLeases } from "./portal-leases.ts";
import { createPortalPolls } from "./portal-polls.ts";
import { Refusal, struckOut, type Completion, type Fields, type Json, type Route } from "./portal-words.ts";

/** What a portal for agents that pull keeps in memory, and its rules, by hand from the pull API's documentation. */

export interface PortalConversion {
  taskId: string;
  tenantId: string;
  customerGuid: string;
  shortName: string;
  fullName: string;
  gateway: string;
  proxySet: string;
  variables: Fields;
  secrets: Fields;
  acceptedAt: number;
  sent: boolean;
  /** The lease that it was last handed out under. */
  fence: number;
  state: "open" | "withdrawn" | "ended";
  /** What was reported, once. */
  completion: Json | undefined;
  progress: string[];
}

export interface PortalState {
  readonly conversions: ReadonlyMap<string, PortalConversion>;
  /** By customer GUID. */
  readonly links: ReadonlyMap<string, Json>;
  /** By task id. */
  readonly amendments: ReadonlyMap<string, PortalAmendment>;
  accept(conversion: Partial<PortalConversion> & { shortName: string; gateway: string }): PortalConversion;
  addLead(tenantId: string, companyName: string): void;
  /** Asks that a linked customer be changed, with secrets beside what the wire calls `change`. */
  change(customerGuid: string, change: Json, secrets?: Fields): PortalAmendment;
  remove(customerGuid: string): PortalAmendment;
  /** The customer is gone at once, and what stands on its device is owed. */
  giveUp(customerGuid: string): PortalAmendment;
  /** A conversion, change or removal. */
  withdraw(taskId: string): void;
  /** Somebody else has the device from now on. */
  takeOver(device: string): void;
  announced(device: string): { standing: boolean; identity: string } | undefined;
  holds(device: string): boolean;
  /** The honest answer: a body for 200, undefined for 204. Throws Refusal. */
  serve(route: Route, device: string, body: Json, gone: AbortSignal, withLinks: boolean): Promise<Json | undefined>;
  /** Resolves when the fact holds; it is looked at after every change. */
  until(fact: () => boolean): Promise<void>;
  /** To be called after changes that are not made here. */
  changed(): void;
}

const deadlineMs = 4 * 3_600_000;

export function createPortalState(): PortalState {
  const conversions = new Map<string, PortalConversion>();
  const links = new Map<string, Json>();
  const secrets = new Map<string, Fields>();
  const leads = new Map<string, string>();
  const watchers = new Set<() => void>();
  const changed = (): void => {
    for (const watcher of [...watchers]) watcher();
  };

  const { leases, holds, demandLease, renew, release, takeOver, free } = createPortalLeases();
  const { agentOf, poll } = createPortalPolls({ stateOf, free, watchers, changed });
  const openOn = (device: string): PortalConversion[] =>
    [...conversions.values()].filter(
      ({ state, gateway }) =>
        state === "open" && agentOf(device)?.devices.get(device)?.gateways.includes(gateway) === true,
    );
  const linksOn = (device: string): Json[] => [...links.values()].filter((link) => link["device"] === device);
  const amendments = createPortalAmendments({
    links,
    secrets,
    isHeldAgain: (tenantId, shortName, device) =>
      ([...linksOn(device), ...openOn(device)] as PortalConversion[]).some(
        (one) => one.tenantId === tenantId && one.shortName.toLowerCase() === shortName.toLowerCase(),
      ),
  });
  const adoptions = createPortalAdoptions({
    leads,
    links,
    held: () => [
      ...[...conversions.values()].filter(({ state }) => state === "open"),
      ...[...amendments.all.values()].filter(({ state }) => state === "owed"),
    ],
  });

  function stateOf(device: string) {
    const waiting = openOn(device);
    const asked = amendments.openOn(device);
    const owed = asked.filter(({ state }) => state === "owed").length;
    const [oldest] = [...waiting, ...asked].map(({ acceptedAt }) => acceptedAt).sort((a, b) => a - b);
    const gateways = agentOf(device)?.devices.get(device)?.gateways ?? [];
    return {
      device,
      waiting: waiting.length,
      amendments: asked.length - owed,
      owed,
      arrived:
        [...conversions.values()].filter(({ gateway }) => gateways.includes(gateway)).length +
        [...amendments.all.values()].filter((one) => one.device === device).length,
      oldestAcceptedAt: oldest === undefined ? null : new Date(oldest).toISOString(),
      linked: linksOn(device).length,
    };
  }

  const shown = (conversion: PortalConversion, secrets: Fields): Json => ({
    taskId: conversion.taskId,
    tenantId: conversion.tenantId,
    customerGuid: conversion.customerGuid,
    shortName: conversion.shortName,
    fullName: conversion.fullName,
    gateway: conversion.gateway,
    proxySet: conversion.proxySet,
    variables: conversion.variables,
    acceptedAt: new Date(conversion.acceptedAt).toISOString(),
    deadlineAt: new Date(conversion.acceptedAt + deadlineMs).toISOString(),
    sent: conversion.sent,
    secrets,
  });

  function claim(device: string, body: Json): Json {
    const identity = String(body["identity"]);
    if (agentOf(device)?.identity !== identity) throw new Refusal(409, "Announced elsewhere");
    const before = leases.get(device);
    const graceMs = Number(body["graceMs"]);
    const leftMs = before === undefined ? 0 : before.endsAt + Math.max(before.graceMs, graceMs) - Date.now();
    if (leftMs > 0 && before?.identity !== identity) return { kind: "held", retryAfterMs: Math.ceil(leftMs) };
    const durationMs = Number(body["durationMs"]);
    const fence = (before?.fence ?? 0) + 1;
    leases.set(device, { fence, identity, durationMs, endsAt: Date.now() + durationMs, graceMs });
    const handed = openOn(device).slice(0, Number(body["max"]));
    const due = body["amendments"] === true ? amendments.due(device).slice(0, Number(body["max"])) : [];
    for (const one of [...handed, ...due]) one.fence = fence;
    const asked = body["openTasks"] as string[];
    return {
      kind: "claimed",
      lease: { device, fence, durationMs },
      conversions: handed.map((conversion) => shown(conversion, conversion.secrets)),
      amendments: due.map((amendment) => amendments.show(amendment, (secrets) => secrets)),
      links:
        body["links"] === true
          ? linksOn(device).map((link) => ({ ...link, secrets: secrets.get(String(link["customerGuid"])) ?? {} }))
          : [],
      openTasks: asked.filter((id) => conversions.get(id)?.state === "open" || amendments.isOpen(id, device)),
    };
  }

  function complete(device: string, body: Json): void {
    const { fence } = demandLease(device, body);
    const completions = body["completions"] as Completion[];
    const found = (taskId: string): PortalConversion | PortalAmendment | undefined =>
      conversions.get(taskId) ?? amendments.all.get(taskId);
    const fresh = completions.filter(
      (completion) => JSON.stringify(found(completion.taskId)?.completion) !== JSON.stringify(completion),
    );
    for (const completion of fresh) {
      const conversion = conversions.get(completion.taskId);
      const isDue =
        conversion === undefined
          ? amendments.takes(completion, device, fence)
          : conversion.state === "open" && conversion.fence === fence && ["linked", "failed"].includes(completion.kind);
      if (!isDue) throw new Refusal(422, "Not what was claimed");
    }
    for (const completion of fresh) {
      const conversion = conversions.get(completion.taskId);
      if (conversion === undefined) amendments.take(completion);
      else Object.assign(conversion, { state: "ended", completion });
      if (conversion === undefined || completion.kind !== "linked") continue;
      secrets.set(conversion.customerGuid, conversion.secrets);
      links.set(conversion.customerGuid, { ...(completion["link"] as Json), linkedAt: new Date().toISOString() });
    }
  }

  async function serve(
    route: Route,
    device: string,
    body: Json,
    gone: AbortSignal,
    withLinks: boolean,
  ): Promise<Json | undefined> {
    switch (route) {
      case "poll":
        return poll(body, gone);
      case "claim":
        return claim(device, body);
      case "work": {
        const held = holds(device) ? leases.get(device)?.fence : undefined;
        const free = openOn(device).filter(({ fence }) => fence !== held);
        const waiting = free.map((conversion) => shown(conversion, struckOut(conversion.secrets)));
        const due = amendments.due(device).filter(({ fence }) => fence !== held);
        return {
          conversions: waiting,
          amendments: due.map((amendment) => amendments.show(amendment, struckOut)),
          links: withLinks ? linksOn(device) : [],
        };
      }
      case "renew":
        renew(device, body);
        return undefined;
      case "release":
        release(device, body);
        return undefined;
      case "sent":
        demandLease(device, body);
        for (const id of body["taskIds"] as string[]) {
          const marked = conversions.get(id) ?? amendments.all.get(id);
          if (marked !== undefined) marked.sent = body["sent"] === true;
        }
        return undefined;
      case "complete":
        complete(device, body);
        return undefined;
      case "links":
        demandLease(device, body);
        for (const link of body["links"] as Json[]) links.set(String(link["customerGuid"]), link);
        return undefined;
      case "progress":
        for (const id of body["taskIds"] as string[]) {
          const told = conversions.get(id) ?? amendments.all.get(id);
          if (told?.state === "open" || told?.state === "ready")
            told.progress.push((body["message"] as { message: string }).message);
        }
        return undefined;
      case "adoptable":
        return adoptions.preview(body["adoptions"] as Json[]);
      case "adopt":
        demandLease(device, body);
        return adoptions.adopt(device, body["adoptions"] as Json[]);
    }
  }

  function noting<T>(value: T): T {
    changed();
    return value;
  }

  return {
    conversions,
    links,
    amendments: amendments.all,
    serve,
    changed,
    accept(given) {
      const conversion: PortalConversion = {
        taskId: `wst_${randomUUID()}`,
        tenantId: randomUUID(),
        customerGuid: randomUUID(),
        fullName: given.shortName,
        proxySet: "SIPTrunk",
        variables: {},
        secrets: {},
        acceptedAt: Date.now(),
        sent: false,
        fence: 0,
        state: "open",
        completion: undefined,
        progress: [],
        ...given,
      };
      conversions.set(conversion.taskId, conversion);
      return noting(conversion);
    },
    addLead: (tenantId, companyName) => void leads.set(tenantId, companyName),
    change: (guid, change, secrets) => noting(amendments.askChange(guid, change, secrets)),
    remove: (guid) => noting(amendments.askRemoval(guid)),
    giveUp: (guid) => noting(amendments.giveUp(guid)),
    withdraw(taskId) {
      const conversion = conversions.get(taskId);
      if (conversion !== undefined) conversion.state = "withdrawn";
      amendments.withdraw(taskId);
      changed();
    },
    takeOver,
    announced(device) {
      const agent = agentOf(device);
      const standing = agent?.devices.get(device)?.standing;
      return agent === undefined || standing === undefined ? undefined : { standing, identity: agent.identity };
    },
    holds,
    async until(fact) {
      if (fact()) return;
      await new Promise<void>((resolve) => {
        const watcher = (): void => {
          if (!fact()) return;
          watchers.delete(watcher);
          resolve();
        };
        watchers.add(watcher);
      });
    },
  };
}
