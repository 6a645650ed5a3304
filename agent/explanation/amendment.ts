import { reasonToWait, type DeviceFacts } from "./device.ts";
import { tell, type Explanation, type Reason } from "./explanation.ts";
import { endOf, type ConversionFacts } from "./task.ts";

/** A change or a removal of a customer, on one of its devices. */
export interface AmendmentSubject {
  taskId: string;
  kind: "change" | "removal";
  customerGuid: string;
  shortName: string;
  device: string;
  /** `owed`: the customer was given up, and its rows are removed at the next contact. */
  state: "ready" | "owed" | "ended";
  sent: boolean;
}

export interface AmendmentFacts {
  amendment: AmendmentSubject;
  task: ConversionFacts["task"];
  /** The older task of the customer that it waits behind. */
  behind: string | undefined;
  /** Where it waits for a device. */
  device: DeviceFacts | undefined;
}

/** Explains the task of a change or a removal. */
export function explainAmendment(subject: string, facts: AmendmentFacts, now: number): Explanation {
  const { taskId, kind, shortName } = facts.amendment;
  return tell({ subject, kind, who: `Task ${taskId}, the ${kind} of customer ${shortName},` }, reasonOf(facts, now));
}

function reasonOf({ amendment, task, behind, device }: AmendmentFacts, now: number): Reason {
  const { kind, state } = amendment;
  if (state === "ended") return endOf(task);
  if (behind !== undefined)
    return {
      state: "waiting",
      waitsFor: `task ${behind} of the same customer`,
      next: "it is taken up when that has ended",
      humanCan: `see what that waits for with 'sbc-agent explain ${behind}'`,
    };
  const reason = device && reasonToWait(device, now);
  if (state === "owed")
    return {
      state,
      waitsFor: `the next contact with device ${amendment.device}: the customer was given up, and its rows may stand there still`,
      next: reason?.next ?? "they are removed by the device's next run",
      humanCan: reason?.humanCan ?? null,
    };
  const work =
    kind === "removal"
      ? "its rows are removed, their absence is read back, and that is saved"
      : "the rows that differ are written, read back and saved";
  if (reason === undefined)
    return {
      state: "ready",
      waitsFor: `its run on device ${amendment.device}, which is about to start`,
      next: work,
      humanCan: null,
    };
  const { waitsFor, next, humanCan } = reason;
  return { state: reason.state, waitsFor, next: next ?? `${work} in this run or the next`, humanCan };
}
