import type { PlanReport } from "../reports.ts";
import type { ConversionSource } from "../source/source.ts";

/**
 * Says on the tasks that wait for a device why they do. A task whose deadline passed after lines were sent is told that
 * instead: it ends when the device can be read, and not before.
 */
export async function noteOnWaiting(
  source: Pick<ConversionSource, "peekDevice" | "noteProgress">,
  device: string,
  message: string,
  nowMs: number,
): Promise<void> {
  const { conversions, amendments } = await source.peekDevice(device, { links: false });
  const overdue = conversions.filter(({ sent, deadlineAt }) => sent && deadlineAt < nowMs);
  const idsOf = (some: typeof conversions): string[] => some.map(({ taskId }) => taskId);
  // The task of a debt has ended.
  const asked = amendments.filter(({ state }) => state === "ready").map(({ taskId }) => taskId);
  await source.noteProgress([...idsOf(conversions.filter((one) => !overdue.includes(one))), ...asked], {
    level: "Information",
    message,
  });
  await source.noteProgress(idsOf(overdue), {
    level: "Warning",
    message: `The deadline has passed, but lines were sent to device ${device}: the result is known when it can be read.`,
  });
}

/** A plan in one sentence. */
export function summarisePlan({ changes, conflicts }: PlanReport): string {
  const parts = [
    ...changes.map(({ action, row }) => `${action} ${row}`),
    ...conflicts.map(({ customer, message }) => `conflict for ${customer}: ${message}`),
  ];
  return parts.join(", ") || "nothing to do";
}
