import type { Conversion, ExecutionMessage, Task } from "../store/model.ts";
import { reasonToWait, type DeviceFacts } from "./device.ts";
import { moment, quote, tell, type Explanation, type Reason } from "./explanation.ts";

export interface ConversionFacts {
  conversion: Conversion;
  /** Absent where only its portal elsewhere has it. */
  task: Pick<Task, "status" | "details" | "messages"> | undefined;
  /** The task that it waits behind. */
  behind: string | undefined;
  /** Where it waits for a device. */
  device: DeviceFacts | undefined;
  /** It made a customer that does not exist any more. */
  gone: boolean;
  /** What was told of OVOC last, where it is in the way. */
  siteTrouble: string | undefined;
}

/** Explains one conversion's task. */
export function explainConversion(subject: string, facts: ConversionFacts, now: number): Explanation {
  const { taskId, shortName } = facts.conversion;
  const who = `Task ${taskId}, the conversion of ${shortName},`;
  return tell({ subject, kind: "conversion", who }, reasonOf(facts, now));
}

function reasonOf(facts: ConversionFacts, now: number): Reason {
  const { conversion, task, behind } = facts;
  switch (conversion.state) {
    case "ended":
      return facts.gone
        ? { ...endOf(task), state: "gone", is: "was done; the customer that it made was removed since" }
        : endOf(task);
    case "waiting":
      return {
        state: "waiting",
        waitsFor: behind === undefined ? "its turn among the tasks of its tenant" : `task ${behind} of the same tenant`,
        next: "it is judged anew when that has ended",
        humanCan: behind === undefined ? null : `see what that waits for with 'sbc-agent explain ${behind}'`,
      };
    case "unplaced":
      return {
        state: "unplaced",
        waitsFor: `an agent that announces gateway ${conversion.gateway ?? ""}: none does now`,
        next: "without one it fails as of an unknown gateway",
        humanCan: "see that the agent runs that has this gateway in its inventory, with a token that is bound to it",
      };
    case "site":
      return {
        state: "site",
        waitsFor: `its site in OVOC${facts.siteTrouble === undefined ? "" : ` (${quote(facts.siteTrouble)})`}`,
        next: "its device is done, and the task ends as converted",
        humanCan:
          facts.siteTrouble === undefined ? null : "see that OVOC runs and takes the account of the configuration",
      };
    case "ready":
      return waitForDevice(facts, now);
  }
}

function waitForDevice({ conversion, device }: ConversionFacts, now: number): Reason {
  const { sent, deadlineAt } = conversion;
  const name = conversion.device ?? "";
  const reason = device === undefined ? undefined : reasonToWait(device, now);
  const deadline =
    reason !== undefined && ["paused", "observed", "standing"].includes(reason.state)
      ? []
      : sent
        ? ["lines of it were sent, so it ends when the device can be read and not by its deadline"]
        : [`it fails at ${moment(deadlineAt)} if nothing of it was sent by then`];
  if (reason === undefined)
    return {
      state: "ready",
      waitsFor: `its run on device ${name}, which is about to start`,
      next: "its rows are written, read back, saved and linked",
      humanCan: null,
    };
  const { state, waitsFor, next, humanCan } = reason;
  if (state === "running")
    return {
      state,
      waitsFor,
      next: "its rows are written, read back, saved and linked in this run or the next",
      humanCan,
    };
  return { state, waitsFor, next: [...(next === null ? [] : [next]), ...deadline].join(", and "), humanCan };
}

/** How a task ended, in Live Platform's words for results. */
export function endOf(task: ConversionFacts["task"]): Reason {
  const [result = ""] = task?.details ?? [];
  const ended = { waitsFor: null, next: null, humanCan: null };
  if (task?.status === "CompletedFailed")
    return {
      ...ended,
      state: "failed",
      is: `has failed: ${quote(causeOf(task.messages))}`,
      humanCan: "correct that and ask for it again",
    };
  if (result === "Converted") return { ...ended, state: "converted", is: "is done: it was converted" };
  if (result === "CustomerAlreadyConverted")
    return {
      ...ended,
      state: "already-converted",
      is: "has ended without a change: the tenant was a customer already",
    };
  if (task?.status === "CompletedSuccess") return { ...ended, state: "done", is: "is done" };
  return { ...ended, state: "ended", is: "has ended" };
}

function causeOf(messages: readonly ExecutionMessage[]): string {
  return (messages.find(({ level }) => level === "Error") ?? messages.at(-1))?.message ?? "no reason was kept";
}
