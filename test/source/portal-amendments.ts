import type { Completion, Fields, Json } from "./portal-words.ts";

export interface PortalAmendment {
  taskId: string;
  kind: "change" | "removal";
  customerGuid: string;
  tenantId: string;
  shortName: string;
  device: string;
  change: Json | null;
  secrets: Fields;
  acceptedAt: number;
  sent: boolean;
  /** The lease that it was last handed out under. */
  fence: number;
  state: "ready" | "owed" | "withdrawn" | "ended";
  /** Of the customer; of a debt, as it was when the customer was given up. */
  link: Json;
  /** The latest that was taken. */
  completion: Completion | undefined;
  progress: string[];
}

/** Links, with the secrets that are kept beside them, by customer GUID. */
export interface PortalLinks {
  links: Map<string, Json>;
  secrets: Map<string, Fields>;
  /** Whether somebody holds this name on the device again: a link, or a conversion that has not ended. */
  isHeldAgain(tenantId: string, shortName: string, device: string): boolean;
}

/** Changes, removals and debts as the pull API's documentation tells them, for customers on one device each. */
export function createPortalAmendments({ links, secrets, isHeldAgain }: PortalLinks) {
  const all = new Map<string, PortalAmendment>();
  let drawn = 0;

  const isOpen = ({ state }: PortalAmendment): boolean => state === "ready" || state === "owed";
  const openOn = (device: string): PortalAmendment[] =>
    [...all.values()].filter((one) => one.device === device && isOpen(one));

  /** The oldest of each customer, and all that are owed, oldest first. */
  function due(device: string): PortalAmendment[] {
    const seen = new Set<string>();
    return openOn(device).filter(({ state, customerGuid }) => {
      if (state === "owed") return true;
      const first = !seen.has(customerGuid);
      seen.add(customerGuid);
      return first;
    });
  }

  function ask(kind: PortalAmendment["kind"], customerGuid: string, given: Partial<PortalAmendment>): PortalAmendment {
    const link = links.get(customerGuid);
    if (link === undefined) throw new Error(`there is no customer ${customerGuid}`);
    drawn += 1;
    const { tenantId, shortName, device } = link as { tenantId: string; shortName: string; device: string };
    const amendment: PortalAmendment = {
      taskId: `tsk_${drawn}`,
      kind,
      customerGuid,
      tenantId,
      shortName,
      device,
      change: null,
      secrets: {},
      acceptedAt: Date.now(),
      sent: false,
      fence: 0,
      state: "ready",
      link,
      completion: undefined,
      progress: [],
      ...given,
    };
    all.set(amendment.taskId, amendment);
    return amendment;
  }

  function show(amendment: PortalAmendment, shown: (secrets: Fields) => Fields): Json {
    const { taskId, kind, customerGuid, tenantId, shortName, device, change, state, sent } = amendment;
    const link = state === "owed" ? amendment.link : links.get(customerGuid);
    return {
      taskId,
      kind,
      customerGuid,
      tenantId,
      shortName,
      by: "ann",
      change,
      state,
      acceptedAt: new Date(amendment.acceptedAt).toISOString(),
      sent,
      superseded: state === "owed" && isHeldAgain(tenantId, shortName, device),
      link: { ...link, secrets: shown(secrets.get(customerGuid) ?? {}) },
      secrets: shown(amendment.secrets),
    };
  }

  const fitting = { change: ["changed", "failed"], removal: ["removed", "failed"] } as const;

  return {
    all: all as ReadonlyMap<string, PortalAmendment>,
    openOn,
    due,
    show,
    /** `change`: as on the wire. */
    askChange: (customerGuid: string, change: Json, given: Fields = {}) =>
      ask("change", customerGuid, { change: { variables: {}, ...change }, secrets: given }),
    askRemoval: (customerGuid: string) => ask("removal", customerGuid, {}),
    /** The customer goes at once; its rows are owed. */
    giveUp(customerGuid: string): PortalAmendment {
      const debt = ask("removal", customerGuid, { state: "owed" });
      links.delete(customerGuid);
      return debt;
    },
    isOpen: (taskId: string, device: string): boolean => {
      const found = all.get(taskId);
      return found !== undefined && found.device === device && isOpen(found);
    },
    /** Whether this may be taken from the holder of that lease. */
    takes({ taskId, kind }: Completion, device: string, fence: number): boolean {
      const found = all.get(taskId);
      if (found === undefined || found.device !== device || found.fence !== fence || !isOpen(found)) return false;
      return (fitting[found.kind] as readonly string[]).includes(kind);
    },
    take(completion: Completion): void {
      const found = all.get(completion.taskId);
      if (found === undefined) return;
      const { customerGuid } = found;
      if (completion.kind === "changed") {
        links.set(customerGuid, { linkedAt: links.get(customerGuid)?.["linkedAt"], ...(completion["link"] as Json) });
        secrets.set(customerGuid, { ...secrets.get(customerGuid), ...found.secrets });
      }
      if (completion.kind === "removed" && found.state === "ready") links.delete(customerGuid);
      if (completion.kind === "removed") secrets.delete(customerGuid);
      const isOwedStill = found.state === "owed" && completion.kind === "failed";
      Object.assign(found, { completion, ...(isOwedStill ? {} : { state: "ended" }) });
    },
    withdraw(taskId: string): void {
      const found = all.get(taskId);
      if (found !== undefined) found.state = "withdrawn";
    },
  };
}
