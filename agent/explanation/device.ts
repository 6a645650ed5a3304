import { shownDriftState } from "../drift/drift-report.ts";
import type { AnnouncedReport, DeviceReport } from "../reports.ts";
import { silentMs } from "../silence.ts";
import { moment, number, quote, tell, type Explanation, type Reason } from "./explanation.ts";

export type HeldBy = { holder: string; until: number } | undefined;

/** A device as this process knows it. */
export type DeviceFacts =
  /** This process works on it. */
  | { where: "here"; device: string; report: DeviceReport; heldBy: HeldBy }
  /** An agent elsewhere does. */
  | { where: "elsewhere"; device: string; report: AnnouncedReport; heldBy: HeldBy }
  /** Nobody does, as far as is known here. */
  | { where: "nowhere"; device: string };

/** What keeps work on a device from starting now; undefined where nothing does. */
export function reasonToWait(facts: DeviceFacts, now: number): Reason | undefined {
  switch (facts.where) {
    case "here":
      return reasonHere(facts.report, facts.heldBy);
    case "elsewhere":
      return reasonElsewhere(facts.report, facts.heldBy, now);
    case "nowhere":
      return {
        state: "unserved",
        waitsFor: `an agent that serves device ${facts.device}: none ever announced it here`,
        is: "is served by nobody: no agent ever announced it here",
        next: "its work starts when one does",
        humanCan: "start the agent that has this device in its inventory, with a token that is bound to it",
      };
  }
}

function reasonHere(report: DeviceReport, heldBy: HeldBy): Reason | undefined {
  const { device, mode, state, lastError, nextTryAt } = report;
  if (mode === "paused") return reasonOfPause(report);
  if (mode === "observe")
    return {
      state: "observed",
      waitsFor: `device ${device} to be managed: it is only observed`,
      is: "is only observed",
      next: "what would be written is shown on the tasks, and deadlines stand still",
      humanCan: `set 'mode: manage' for ${device} in the configuration and restart the agent`,
    };
  if (state === "running")
    return {
      state,
      waitsFor: `the run under way on device ${device}`,
      is: "has a run under way",
      next: null,
      humanCan: null,
    };
  if (state === "waiting" && lastError !== null) return reasonOfTrouble(device, lastError, nextTryAt);
  if (state === "idle" && heldBy === undefined) return undefined;
  const holding =
    heldBy === undefined
      ? "which another agent holds"
      : `which ${heldBy.holder} holds until ${moment(heldBy.until)} at the latest`;
  return {
    state: "held",
    waitsFor: `the lease of device ${device}, ${holding}`,
    is: `is under a lease ${holding}`,
    next: nextTryAt === null ? "it is tried again soon" : `it is tried again at ${moment(nextTryAt)}`,
    humanCan: null,
  };
}

function reasonOfPause({ device, pause }: DeviceReport): Reason {
  const by = pause === null ? "" : `by ${pause.by} since ${moment(pause.since)}: ${quote(pause.reason)}`;
  return {
    state: "paused",
    waitsFor: `the end of the pause of device ${device} (${by})`,
    is: `is paused ${by}`,
    next: "deadlines stand still until then",
    humanCan: `end it with ${resume(device)}`,
  };
}

function reasonOfTrouble(
  device: string,
  { code, message }: NonNullable<DeviceReport["lastError"]>,
  nextTryAt: string | null,
): Reason {
  const trouble = `(${code}: ${quote(message)})`;
  if (nextTryAt === null)
    return {
      state: "blocked",
      waitsFor: `an operator, because of device ${device} ${trouble}`,
      is: `waits for an operator ${trouble}`,
      next: "nothing is tried until then",
      humanCan: `${cures[code]?.(device) ?? "correct that"}, then say ${resume(device)}`,
    };
  return {
    state: "retrying",
    waitsFor: `device ${device} ${trouble}`,
    is: `cannot be worked on now ${trouble}`,
    next: `it is tried again at ${moment(nextTryAt)}`,
    humanCan: `${helps[code]?.(device) ?? "look at the device"}, and try at once with ${resume(device)}`,
  };
}

const resume = (device: string): string => `'sbc-agent resume ${device} --reason TEXT'`;

/** What mends a fault that needs a human, by its code. */
const cures: Readonly<Record<string, (device: string) => string>> = {
  auth: () => "correct the account or its password where it is kept",
  forbidden: () => "give the account the rights of a Security Administrator",
  identity: (device) =>
    `compare the device's fingerprint with the one it shows and take it with 'sbc-agent enroll ${device} --replace'`,
  unsupported: () => "upgrade the device's firmware, or convert to another device",
};

/** What may end a fault sooner that ends by itself, by its code. */
const helps: Readonly<Record<string, (device: string) => string>> = {
  unreachable: (device) => `see that ${device} runs and can be reached from here`,
  timeout: (device) => `see that ${device} runs and can be reached from here`,
  busy: (device) => `let ${device} finish what it is busy with`,
  "foreign-edits": (device) => `save or discard the changes that stand unsaved on ${device}`,
  undo: (device) => `take those references away on ${device}`,
};

function reasonElsewhere(report: AnnouncedReport, heldBy: HeldBy, now: number): Reason {
  const { device, agent, heardAt, standing } = report;
  const silentSeconds = Math.round((now - Date.parse(heardAt)) / 1_000);
  if (silentSeconds * 1_000 >= silentMs)
    return {
      state: "silent",
      waitsFor: `agent '${agent}', which serves device ${device} and was last heard of ${silentSeconds} s ago`,
      is: `is served by agent '${agent}', which was last heard of ${silentSeconds} s ago`,
      next: "its work goes on when it is back",
      humanCan: "see that it runs near the device and reaches this portal",
    };
  const askThere = `ask that agent, which knows the device: 'sbc-agent explain ${device}' there`;
  if (standing)
    return {
      state: "standing",
      waitsFor: `device ${device}, which agent '${agent}' has paused or only observes`,
      is: `is paused, or only observed, by agent '${agent}'`,
      next: "deadlines stand still until then",
      humanCan: askThere,
    };
  return heldBy === undefined
    ? {
        state: "served elsewhere",
        waitsFor: `agent '${agent}', which serves device ${device} and was heard of ${silentSeconds} s ago`,
        is: `is served by agent '${agent}', which was heard of ${silentSeconds} s ago`,
        next: "it takes what waits",
        humanCan: askThere,
      }
    : {
        state: "running",
        waitsFor: `the run of agent '${agent}' on device ${device}, whose lease lasts until ${moment(heldBy.until)}`,
        is: `has a run of agent '${agent}' under way, whose lease lasts until ${moment(heldBy.until)}`,
        next: null,
        humanCan: askThere,
      };
}

/** Explains a device that is known here. */
export function explainDevice(subject: string, facts: DeviceFacts, now: number): Explanation {
  const who = { subject, kind: "device" as const, who: `Device ${facts.device}` };
  const reason = reasonToWait(facts, now) ?? idleReason(facts);
  const queue = facts.where === "nowhere" ? 0 : facts.report.queue;
  const waiting =
    queue === 0 ? "nothing waits for it" : `${number(queue, "task")} wait${queue === 1 ? "s" : ""} for it`;
  return tell(who, {
    ...reason,
    next: [waiting, ...(reason.next === null ? [] : [reason.next])].join(", "),
  });
}

function idleReason(facts: DeviceFacts): Reason {
  if (facts.where !== "here") return { state: "idle", waitsFor: null, is: "is idle", next: null, humanCan: null };
  const { device, unsavedSeconds, linked, lastError, loginFailures } = facts.report;
  const remarks = [
    ...(unsavedSeconds === 0
      ? []
      : [`holds a write of ${Math.round(unsavedSeconds)} s ago that is not known to be saved`]),
    ...(lastError === null
      ? []
      : [`failed last at ${moment(lastError.at)} (${lastError.code}: ${quote(lastError.message)})`]),
    ...(loginFailures === 0 ? [] : [`counts ${number(loginFailures, "refused log-in")}`]),
    `has ${number(linked, "linked customer")} (${driftText(facts.report)})`,
  ];
  const drifted = shownDriftState(facts.report) === "drifted";
  return {
    state: drifted ? "drifted" : unsavedSeconds > 0 ? "unsaved" : "idle",
    waitsFor: null,
    is: `is idle, ${remarks.join(", ")}`,
    next: unsavedSeconds === 0 ? null : "the next run saves",
    humanCan: drifted
      ? `look at the differences with 'sbc-agent resync --device ${device} --dry-run', and put them right without --dry-run`
      : null,
  };
}

/** When what is known of drift was seen. */
export function timeOfEvidence({
  checkedAt,
  updatedAt,
}: Pick<NonNullable<DeviceReport["drift"]>, "checkedAt" | "updatedAt">): string {
  const since = updatedAt === null ? "" : `, or when a run read it back since, last at ${moment(updatedAt)}`;
  return `${moment(checkedAt)}${since}`;
}

function driftText({ drift, driftDue }: DeviceReport): string {
  if (drift === null) return "never compared";
  if (drift.stale) return `last compared at ${moment(drift.checkedAt)}, too long ago to say`;
  const found = drift.drifted === 0 ? "none differed" : `${drift.drifted} differed`;
  return `${found} at ${timeOfEvidence(drift)}${driftDue ? ", and a check is due since" : ""}`;
}
