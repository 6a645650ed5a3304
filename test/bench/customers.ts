import { randomUUID } from "node:crypto";
import { askOk, eachAtOnce, type Client } from "./client.ts";

export interface NewCustomer {
  tenantId: string;
  shortName: string;
  gateway: string;
  proxySet: string;
}

/** Customers with new tenants, one gateway after the other, on one Proxy Set or each on one of its own. */
export function drawCustomers(count: number, gateways: readonly string[], own = false): NewCustomer[] {
  return Array.from({ length: count }, (_, i) => ({
    tenantId: randomUUID(),
    shortName: `Cust${i}`,
    gateway: gateways[i % gateways.length] ?? "",
    proxySet: own ? `Trunk${i}` : "SIPTrunk",
  }));
}

export async function addLeads(client: Client, customers: readonly NewCustomer[]): Promise<void> {
  await eachAtOnce(customers, async ({ tenantId }) => {
    await askOk(client, "POST", "/api/v2/oc/lead", { tenantId, companyName: `Company ${tenantId}` });
  });
}

/** Posts one conversion; resolves with the id of its task. */
export async function postConversion(client: Client, customer: NewCustomer): Promise<string> {
  const { tenantId, shortName, gateway, proxySet } = customer;
  const body = await askOk(client, "POST", "/api/v3/customer", {
    configurationName: "OcEssential_IPGROUP_TYPE",
    customerShortName: shortName,
    customerFullName: shortName,
    msTenantId: tenantId,
    scriptParameters: { ProxySet: proxySet, OnlinePstnGateway: gateway },
  });
  return (body as { taskId: string }).taskId;
}

/** A carrier for each customer that has a Proxy Set of its own, with an address of its own. */
export function carriersOf(customers: readonly NewCustomer[]): object[] {
  return customers.map(({ proxySet }, i) => ({
    name: proxySet,
    shared: false,
    addresses: [{ address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:5060`, transport: "udp" }],
  }));
}
