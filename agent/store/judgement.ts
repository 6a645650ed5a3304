import type { Fields } from "../../drivers/driver.ts";
import type { Conversion, Customer, ExecutionMessage, Lead } from "./model.ts";

export interface NewConversion {
  tenantId: string;
  variant: Conversion["variant"];
  shortName: string;
  fullName: string;
  gateway: string | null;
  proxySet: string | null;
  variables: Fields;
  /** Secret variables in clear; the store keeps them sealed only. */
  secrets: Fields;
  device: string | null;
}

/** What the store knows at the moment of judging, read in the same transaction. */
export interface Facts {
  lead: Lead | undefined;
  /** The customer that the tenant already is. */
  customer: Customer | undefined;
  /** The oldest conversion of the tenant that has not ended and was accepted before this one. */
  older: { taskId: string } | undefined;
  /** The task that removes the customer that the tenant still is. */
  leaving: { taskId: string } | undefined;
  /** Who holds the short name on the device: a conversion that has not ended, or a customer. */
  nameHolder: { shortName: string; tenantId: string } | undefined;
  /** No device is known for the gateway, and an agent may yet announce it. */
  gatewayAwaited: boolean;
}

export type Verdict =
  | { kind: "failed"; details: string[]; messages: ExecutionMessage[] }
  | { kind: "already-converted"; messages: ExecutionMessage[] }
  | { kind: "wait"; message: ExecutionMessage }
  | { kind: "unplaced"; message: ExecutionMessage }
  | { kind: "device"; message: ExecutionMessage }
  | { kind: "site" };

/** The business rules, pure. Called when a conversion is accepted and again when its turn in the tenant's queue comes. */
export type Judge = (conversion: NewConversion, facts: Facts) => Verdict;
