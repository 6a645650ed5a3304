import { randomUUID } from "node:crypto";
import { askOk, eachAtOnce, type Client } from "./client.ts";

export interface NewCustomer {
  tenantId: string;
  shortName: string;
  gateway: string;
}

/** Customers with new tenants, one gateway after the other. */
export function drawCustomers(count: number, gateways: readonly string[]): NewCustomer[] {
  return Array.from({ length: count }, (_, i) => ({
    tenantId: randomUUID(),
    shortName: `Cust${i}`,
    gateway: gateways[i % gateways.length] ?? "",
  }));
}

export async function addLeads(client: Client, customers: readonly NewCustomer[]): Promise<void> {
  await eachAtOnce(customers, async ({ tenantId }) => {
    await askOk(client, "POST", "/api/v2/oc/lead", { tenantId, companyName: `Company ${tenantId}` });
  });
}

/** Posts one conversion; resolves with the id of its task. */
export async function postConversion(client: Client, customer: NewCustomer): Promise<string> {
  const { tenantId, shortName, gateway } = customer;
  const body = await askOk(client, "POST", "/api/v3/customer", {
    configurationName: "OcEssential_IPGROUP_TYPE",
    customerShortName: shortName,
    customerFullName: shortName,
    msTenantId: tenantId,
    scriptParameters: { ProxySet: "SIPTrunk", OnlinePstnGateway: gateway },
  });
  return (body as { taskId: string }).taskId;
}
