import type { Client, TaskBody } from "./client.ts";
import { drawTenant, type DeviceState } from "./rig.ts";

/** A converted customer, as a client of the portal's API knows it. */
export interface Customer {
  tenant: string;
  guid: string;
}

/** What makes a customer's trunk register. */
export const registering = {
  CarrierUserName: "user1",
  CarrierHostName: "reg.example.net",
  CarrierUserPassword: "s3cret-One",
};

export async function convertCustomer(
  client: Client,
  name: string,
  parameters: Record<string, string> = {},
): Promise<Customer> {
  const tenant = drawTenant();
  await client.addLead(tenant);
  const task = await client.ended(await client.post(name, tenant, 0, parameters));
  if (task.details[0] !== "Converted") throw new Error(`'${name}' was not converted: ${JSON.stringify(task)}`);
  return { tenant, guid: task.outputData.umpCustomerGuid ?? "" };
}

/** Asks for the removal of a customer's only site. Resolves with the task's id. */
export async function askRemoval(client: Client, { guid }: Customer): Promise<string> {
  const { status, body } = await client.ask("DELETE", `/api/v2/sitelocation/${guid}`);
  if (status !== 200) throw new Error(`the removal was answered ${status}: ${JSON.stringify(body)}`);
  return (body as { sbcCleanupTaskId: string }).sbcCleanupTaskId;
}

export async function removeCustomer(client: Client, customer: Customer): Promise<TaskBody> {
  return client.ended(await askRemoval(client, customer));
}

export async function changeCustomer(client: Client, { guid }: Customer, change: object): Promise<TaskBody> {
  const { status, body } = await client.ask("PATCH", `/api/v2/customer/${guid}/sitelocation/`, change);
  if (status !== 200) throw new Error(`the change was answered ${status}: ${JSON.stringify(body)}`);
  return client.ended(body as string);
}

/** What a device holds, and what it would start from; the same before and after what was taken back. */
export const holdings = ({ running, startup, saveNeeded }: DeviceState): object => ({ running, startup, saveNeeded });

/** All that a task says, in one text. */
export const wordsOf = (task: TaskBody): string => task.executionMessages.map(({ message }) => message).join("\n");
