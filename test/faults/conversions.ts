import { expect } from "vitest";
import type { HealthReport } from "../../agent/reports.ts";
import type { MockSbc } from "../../mocks/sbc/mock-sbc.ts";
import { eventually, type Client, type TaskBody } from "../e2e/client.ts";
import { drawTenant, type Rig } from "../e2e/rig.ts";

/** A tenant with a lead of its own, and its conversion; resolves with the task's id. */
export async function convert({ client }: { client: Client }, shortName: string, device = 0): Promise<string> {
  const tenant = drawTenant();
  await client.addLead(tenant);
  return client.post(shortName, tenant, device);
}

export async function expectConverted({ client }: { client: Client }, taskId: string): Promise<void> {
  const task = await client.ended(taskId);
  expect(task.details, JSON.stringify(task)).toEqual(["Converted"]);
}

/** Resolves when the task, still in progress, says something that holds this. */
export async function tells({ client }: { client: Client }, taskId: string, words: string | RegExp): Promise<void> {
  const says = ({ executionMessages }: TaskBody): boolean =>
    executionMessages.some(({ message }) =>
      typeof words === "string" ? message.includes(words) : words.test(message),
    );
  const task = await eventually(
    () => client.task(taskId),
    (t) => says(t) || t.status !== "InProgress",
    (t) => `the task does not say ${String(words)}: ${JSON.stringify(t)}`,
  );
  expect(task.status, JSON.stringify(task)).toBe("InProgress");
}

export interface Received {
  requests: { method: string; path: string }[];
  lines: { source: string; line: string }[];
}

/** What a device was sent so far. */
export const received = async (mock: Pick<MockSbc, "control">): Promise<Received> =>
  (await (await fetch(`${mock.control}/received`)).json()) as Received;

export type DeviceHealth = HealthReport["devices"][number];

async function healthOf({ client }: Pick<Rig, "client">, device = 0): Promise<DeviceHealth> {
  const { devices } = (await client.ask("GET", "/health")).body as HealthReport;
  return devices[device] ?? expect.fail(`there is no device ${device}`);
}

/** Resolves with the device's report once its latest run has ended in that error. */
export async function failsWith(rig: Pick<Rig, "client">, code: string, device = 0): Promise<DeviceHealth> {
  return eventually(
    () => healthOf(rig, device),
    ({ lastError }) => lastError?.code === code,
    (health) => JSON.stringify(health),
  );
}
