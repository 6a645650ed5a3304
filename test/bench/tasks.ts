import { setTimeout as sleep } from "node:timers/promises";
import { askOk, type Client } from "./client.ts";

/** So often is a task asked for, one task at a time: few enough questions to cost the agent next to nothing. */
const pollMs = 10;

/**
 * Asks for a task until it has ended. Resolves with when that was seen, precise to about 10 ms, and whether it had to be
 * waited for. Throws when it is not converted.
 */
export async function untilConverted(
  client: Client,
  taskId: string,
): Promise<{ endedMs: number; wasWaitedFor: boolean }> {
  for (let polls = 0; ; polls += 1) {
    const body = await askOk(client, "GET", `/api/v2/task/${taskId}`);
    const { status, details } = body as { status: string; details: string[] };
    if (status !== "InProgress") {
      if (details[0] !== "Converted") throw new Error(`a conversion failed: ${JSON.stringify(body)}`);
      return { endedMs: performance.now(), wasWaitedFor: polls > 0 };
    }
    await sleep(pollMs);
  }
}
