import { randomUUID } from "node:crypto";
import type { Lane } from "../lanes/lane.ts";
import { reportDrift } from "../drift/drift-report.ts";
import type {
  AdoptReport,
  AdoptRequest,
  DriftReport,
  HealthReport,
  PlanReport,
  ResyncDeviceReport,
  ResyncReport,
  ResyncRequest,
} from "../reports.ts";
import type { ConversionSource } from "../source/source.ts";
import type { Fields } from "../../drivers/driver.ts";
import type { Amendment, Change } from "../store/amendment.ts";
import type { ClaimedConversion, Link } from "../store/model.ts";
import type { NewConversion, Verdict } from "../store/judgement.ts";
import type { JournalStore } from "../store/journal-store.ts";

/** What operators can ask of the agent, over HTTP or, where no daemon runs, from the command line alone. */
export interface Operations {
  health(): Promise<HealthReport>;
  /**
   * The plan of one conversion that was posted (`taskId`) or that only could be (`conversion`), or of a change or removal
   * that has not ended, or that only could be asked (`amendment`). Writes nothing.
   */
  plan(
    subject: { taskId: string } | { conversion: NewConversion } | { amendment: PlannedAmendment },
  ): Promise<PlanReport>;
  /**
   * Re-applies the intents of linked customers; audited for each device before anything is written, unless it is a dry
   * run. Names of unknown devices or customers: NotFound.
   */
  resync(request: ResyncRequest, by: string): Promise<ResyncReport>;
  /** Links the customers that stand on a device already; reads it, and writes nothing to it. NotFound for unknown ones. */
  adopt(request: AdoptRequest, by: string): Promise<AdoptReport>;
  /** The latest evidence on drift, of one device or of all. Asks no device. Throws NotFound for an unknown device. */
  drift(request: { device?: string | undefined }): Promise<DriftReport>;
  /**
   * Compares linked customers with their devices now, restores by policy, and reports as `drift`. Audited for each device
   * before it is asked, where somebody (`by`) wanted it. Throws NotFound for an unknown device.
   */
  checkDrift(request: { device?: string | undefined }, by?: string): Promise<DriftReport>;
  /**
   * Durable and audited. No new script is sent from the moment of the call; resolves when the run under way has ended,
   * at the latest after 20 s. Throws NotFound for an unknown device.
   */
  pause(device: string, reason: string, by: string): Promise<void>;
  /** Ends a pause, and forgets counted log-in failures and waiting times of the device. */
  resume(device: string, reason: string, by: string): Promise<void>;
}

/** A change or removal of a customer, named by GUID, short name or tenant id, that was not asked for yet. */
export interface PlannedAmendment {
  customer: string;
  /** Needed only where it is linked on several. */
  device?: string | undefined;
  /** Absent for a removal. */
  change?: (link: Link) => { change: Change; secrets: Fields };
}

/** The device, task or customer that was named does not exist here. */
export class NotFound extends Error {
  override readonly name = "NotFound";
}

const quietMs = 20_000;

function unasked(device: string, error: unknown): ResyncDeviceReport {
  const reason = error instanceof Error ? error.message : String(error);
  const nothing = {
    changes: [],
    lines: [],
    reverse: [],
    conflicts: [],
    warnings: [],
    customers: 0,
    writes: 0,
    saves: 0,
  };
  return { device, result: "failed", reason, ...nothing };
}

/** What is known of conversions without asking a device. */
export interface ConversionLookup {
  /** With its secrets, or what stands for them. */
  find(taskId: string): Promise<ClaimedConversion | undefined>;
  /** A change or a removal that has not ended. */
  findAmendment(taskId: string): Promise<Pick<Amendment, "device" | "state"> | undefined>;
  /** What the portal would say of it now; undefined where only a portal elsewhere can say. */
  judge(conversion: NewConversion): Promise<Verdict | undefined>;
}

export interface OperationsDependencies {
  lanes: ReadonlyMap<string, Lane>;
  source: Pick<ConversionSource, "links">;
  journal: Pick<JournalStore, "pauseDevice" | "resumeDevice" | "clearLogins" | "audit" | "drift" | "driftSummaries">;
  /** After this time a drift check says nothing any more. */
  driftMaxAgeMs: number;
  now(): number;
  conversions: ConversionLookup;
  health(): Promise<HealthReport>;
  /** After a pause or its end. */
  applyModes(): Promise<void>;
}

export function createOperations(dependencies: OperationsDependencies): Operations {
  const { lanes, source, journal, conversions, health, applyModes, driftMaxAgeMs, now } = dependencies;

  function laneOf(device: string | null): Lane {
    const lane = device === null ? undefined : lanes.get(device);
    if (lane === undefined)
      throw new NotFound(`there is no device '${device ?? ""}' in the inventory (${[...lanes.keys()].join(", ")})`);
    return lane;
  }

  async function planAmendment({ customer, device, change }: PlannedAmendment): Promise<PlanReport> {
    const wanted = customer.toLowerCase();
    const links = await source.links(device === undefined ? {} : { device: laneOf(device).device.name });
    const chosen = links.filter(
      ({ customerGuid, tenantId, shortName }) =>
        customerGuid === wanted || tenantId === wanted || shortName.toLowerCase() === wanted,
    );
    const [link, other] = chosen;
    if (link === undefined) throw new NotFound(`no linked customer '${customer}'`);
    if (other !== undefined)
      throw new NotFound(
        `'${customer}' stands for several links (${chosen.map((one) => `${one.customerGuid} on ${one.device}`).join(", ")}): name the GUID and the device`,
      );
    const asked = change?.(link) ?? { change: null, secrets: {} };
    return laneOf(link.device).plan({ proposal: { customerGuid: link.customerGuid, ...asked } });
  }

  async function candidateOf(subject: { taskId: string } | { conversion: NewConversion }): Promise<ClaimedConversion> {
    if ("taskId" in subject) {
      const conversion = await conversions.find(subject.taskId);
      if (conversion === undefined)
        throw new NotFound(`there is no task '${subject.taskId}' that could be planned here now`);
      if (conversion.state !== "ready" && conversion.state !== "waiting")
        throw new NotFound(`task '${subject.taskId}' has no plan any more: it is past its device`);
      return conversion;
    }
    return {
      ...subject.conversion,
      taskId: "wst_planned",
      customerGuid: randomUUID(),
      state: "ready",
      acceptedAt: 0,
      deadlineAt: 0,
      sent: false,
    };
  }

  /** What the rules would say of a conversion before any device is looked at. */
  async function refusalOf(conversion: NewConversion): Promise<PlanReport | undefined> {
    const verdict = await conversions.judge(conversion);
    if (verdict?.kind !== "failed" && verdict?.kind !== "already-converted") return undefined;
    const conflicts = verdict.messages.map(({ message }) => ({ customer: conversion.shortName, message }));
    const device = conversion.device ?? "(none)";
    return { device, changes: [], lines: [], reverse: [], conflicts, warnings: [] };
  }

  async function auditRequest(event: string, devices: readonly string[], who: string, data: object): Promise<void> {
    const entry = { event, taskId: null, who, data: { ...data } };
    await Promise.all(devices.map((device) => journal.audit({ ...entry, device })));
  }
  const lanesFor = (device: string | undefined): Lane[] =>
    device === undefined ? [...lanes.values()] : [laneOf(device)];

  return {
    health,
    async drift({ device }) {
      const names = lanesFor(device).map((lane) => lane.device.name);
      return { devices: await Promise.all(names.map((name) => reportDrift(journal, name, now(), driftMaxAgeMs))) };
    },
    async checkDrift({ device }, by) {
      const chosen = lanesFor(device);
      const names = chosen.map((lane) => lane.device.name);
      if (by !== undefined) await auditRequest("drift-check", names, by, {});
      const reports = chosen.map(async (lane) => {
        const trouble = await lane
          .checkDrift()
          // One device that cannot be asked takes no report of the others along.
          .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
        return reportDrift(journal, lane.device.name, now(), driftMaxAgeMs, trouble);
      });
      return { devices: await Promise.all(reports) };
    },
    async plan(subject) {
      if ("amendment" in subject) return planAmendment(subject.amendment);
      const amendment = "taskId" in subject ? await conversions.findAmendment(subject.taskId) : undefined;
      if ("taskId" in subject && amendment !== undefined && amendment.state !== "ended")
        return laneOf(amendment.device).plan({ amendment: subject.taskId });
      const refusal = "conversion" in subject ? await refusalOf(subject.conversion) : undefined;
      if (refusal !== undefined) return refusal;
      const candidate = await candidateOf(subject);
      if (candidate.variant === "tenant")
        throw new NotFound("a conversion by tenant id has no step on a device, so there is no plan of it");
      if (candidate.device === null)
        throw new NotFound(`gateway '${candidate.gateway ?? ""}' belongs to no device of the inventory`);
      return laneOf(candidate.device).plan({ candidate });
    },
    async resync(request, by) {
      const named = request.device === undefined ? {} : { device: laneOf(request.device).device.name };
      const wanted = request.customer?.toLowerCase();
      const links = wanted === undefined ? [] : await source.links(named);
      const chosen = links.filter((link) => link.customerGuid === wanted || link.shortName.toLowerCase() === wanted);
      if (wanted !== undefined && chosen.length === 0)
        throw new NotFound(`no linked customer '${request.customer ?? ""}'`);
      const customerOn = new Map(chosen.map((link) => [link.device, link.customerGuid]));
      const devices = [...lanes.keys()].filter(
        (device) => (request.device ?? device) === device && (wanted === undefined || customerOn.has(device)),
      );
      const { customer = null, endCalls, rerender } = request;
      if (!request.dryRun) await auditRequest("resync", devices, by, { customer, endCalls, rerender });
      const reports = devices.map((device) =>
        laneOf(device)
          .resync({ ...request, customer: wanted === undefined ? undefined : customerOn.get(device) })
          // One device that cannot be asked takes no report of the others along.
          .catch((error: unknown) => unasked(device, error)),
      );
      return { devices: await Promise.all(reports) };
    },
    async adopt({ device, ...request }, by) {
      return laneOf(device).adopt({ ...request, by });
    },
    async pause(device, reason, by) {
      const lane = laneOf(device);
      await journal.pauseDevice(device, reason, by);
      await applyModes();
      await lane.quiet(quietMs);
    },
    async resume(device, reason, by) {
      const lane = laneOf(device);
      await journal.resumeDevice(device, reason, by);
      await journal.clearLogins(device);
      await applyModes();
      lane.retryNow();
    },
  };
}
