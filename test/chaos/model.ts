import type { TaskBody } from "../e2e/client.ts";

/** How the names of rows begin which are there to be adopted. */
export const brown = "Brown";
/** The Proxy Set that rows which are there to be adopted refer to: it stands in the file that devices start from. */
export const brownSet = "ProxySet_0";

/** A row of another administrator, as it must stand there at the end. */
export interface ForeignRow {
  table: string;
  index: number;
  fields: Record<string, string>;
  /** Whether flash holds it for certain. */
  saved: boolean;
  /** Resets of the device when the row was made: after another one, a row that was not saved may be gone. */
  boots: number;
}

/** What was asked for a tenant. */
export type Asked =
  | {
      kind: "convert";
      taskId: string;
      name: string;
      device: number;
      proxySet: string;
      /** An earlier answer to the same conversion was lost with its connection: it may have been accepted as well. */
      repeated: boolean;
    }
  | { kind: "change"; taskId: string; proxySet: string }
  | { kind: "removal"; taskId: string }
  /** What stood on a device already was linked. */
  | { kind: "adoption"; name: string; device: number };

/** A customer as it must stand on its device. */
export interface ExpectedCustomer {
  tenant: string;
  name: string;
  device: number;
  proxySet: string;
}

/**
 * What a walk did, as far as it matters for the end. Which of two rivals wins is the agent's to say: the model takes the
 * results of the tasks, and says what must then stand on the devices.
 */
export interface Model {
  /** Tenant → what was asked for it, in that order. */
  asked: Map<string, Asked[]>;
  /** By device. */
  foreign: ForeignRow[][];
  /**
   * By device: IP Groups of the agent that another administrator deleted. A script that was about to change one of them
   * makes a row without a name there. The agent takes it away when it holds anything of that script, and leaves it when it
   * holds nothing at all: see docs/promise.md.
   */
  deleted: Set<number>[];
}

export function createModel(tenants: readonly string[], devices: number): Model {
  return {
    asked: new Map(tenants.map((tenant) => [tenant, []])),
    foreign: Array.from({ length: devices }, () => []),
    deleted: Array.from({ length: devices }, () => new Set()),
  };
}

/** The customer that a tenant is when all its tasks have ended. A tenant's tasks take effect in the order of asking. */
export function expectCustomer(
  tenant: string,
  asked: readonly Asked[],
  resultOf: (taskId: string) => Pick<TaskBody, "status" | "details">,
): ExpectedCustomer | undefined {
  let customer: ExpectedCustomer | undefined;
  for (const one of asked) {
    if (one.kind === "adoption") {
      customer = { tenant, name: one.name, device: one.device, proxySet: brownSet };
      continue;
    }
    const { status, details } = resultOf(one.taskId);
    if (one.kind === "convert") {
      const { name, device, proxySet, repeated } = one;
      const converted = details[0] === "Converted";
      const twinConverted = repeated && details[0] === "CustomerAlreadyConverted" && customer === undefined;
      if (converted || twinConverted) customer = { tenant, name, device, proxySet };
    } else if (status === "CompletedSuccess") {
      if (one.kind === "removal") customer = undefined;
      else if (customer !== undefined) customer = { ...customer, proxySet: one.proxySet };
    }
  }
  return customer;
}

/** The tasks that were asked for. */
export function taskIdsOf(model: Model): string[] {
  return [...model.asked.values()].flat().flatMap((one) => (one.kind === "adoption" ? [] : [one.taskId]));
}
