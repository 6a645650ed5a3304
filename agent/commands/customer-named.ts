import type { AgentClient, CustomerAnswer } from "./client.ts";
import { CommandError } from "./errors.ts";

/** The customer of this GUID, short name or tenant id, in any case. Throws CommandError for none, and for several. */
export async function findCustomer(client: AgentClient, name: string): Promise<CustomerAnswer> {
  const wanted = name.toLowerCase();
  const found = (await client.customers()).filter((customer) =>
    [customer.UmpCustomerGuid, customer.CustomerShortName, customer.MsTenantId].some(
      (one) => one.toLowerCase() === wanted,
    ),
  );
  const [customer, other] = found;
  if (customer === undefined) throw new CommandError(`There is no customer '${name}' (GUID, short name or tenant id).`);
  if (other !== undefined)
    throw new CommandError(
      [`'${name}' stands for several customers; name one by its GUID:`, ...found.map(describeCustomer)].join("\n  "),
    );
  return customer;
}

export function describeCustomer({ UmpCustomerGuid, CustomerShortName, CustomerFullName }: CustomerAnswer): string {
  return `${CustomerShortName} "${CustomerFullName}", GUID ${UmpCustomerGuid}`;
}
