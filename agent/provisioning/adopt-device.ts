import type { AdoptReport } from "../reports.ts";
import type { AdoptionVerdict } from "../store/adoption.ts";
import { startLeaseClock } from "./lease-clock.ts";
import { PutOff } from "./outcome.ts";
import { planAdoption, type AdoptionCandidate, type AdoptionPlan } from "./plan-adoption.ts";
import type { MappedGroup } from "./render-adoption.ts";
import { withDriver, type RunDependencies } from "./run.ts";

export interface AdoptionRequest {
  mapping: readonly MappedGroup[];
  /** Link nothing; no lease is taken. */
  dryRun: boolean;
  /** Who asked. */
  by: string;
}

/** Links that one unit of work stores. */
const linksAtOnce = 500;

/**
 * Links the customers that stand on a device already. Reads the device and never writes to it. May be called again after
 * any failure: who is linked by then is left alone. Throws DriverError, PutOff, LeaseLost, or the signal's reason.
 */
export async function adoptDevice(dependencies: RunDependencies, request: AdoptionRequest): Promise<AdoptReport> {
  const { device, settings, source, holder } = dependencies;
  if (request.dryRun) {
    const { links } = await source.peekDevice(device.name);
    const plan = await readPlan(dependencies, links, request);
    const adoptions = plan.candidates.map(({ adoption }) => adoption);
    return report(dependencies, request, plan, await source.previewAdoptions(device.name, adoptions));
  }
  const clock = startLeaseClock(dependencies.now);
  const claimed = await source.claimDevice(device.name, {
    holder,
    durationMs: settings.leaseMs,
    graceMs: settings.writeDeadlineMs,
    // Nothing is worked on: the lease keeps runs away, so that what is read stands still.
    max: 0,
    links: true,
  });
  if (claimed.kind === "held") throw new PutOff("held", `another run holds ${device.name}; repeat in a minute`);
  const { lease, links } = claimed.claim;
  try {
    const plan = await readPlan(dependencies, links, request);
    const verdicts: AdoptionVerdict[] = [];
    for (let from = 0; from < plan.candidates.length; from += linksAtOnce) {
      dependencies.signal.throwIfAborted();
      if (clock.usedMs() > lease.durationMs / 2) {
        const asked = clock.mark();
        await source.renewLease(lease);
        clock.restartFrom(asked);
      }
      const chunk = plan.candidates.slice(from, from + linksAtOnce).map(({ adoption }) => adoption);
      verdicts.push(...(await source.adopt(lease, chunk, request.by)));
    }
    return report(dependencies, request, plan, verdicts);
  } finally {
    // A lease that cannot be given back ends by itself; what went wrong before is the news.
    await source.releaseLease(lease).catch(() => undefined);
  }
}

function readPlan(
  dependencies: RunDependencies,
  links: Parameters<typeof planAdoption>[1],
  { mapping }: AdoptionRequest,
): Promise<AdoptionPlan> {
  const { guard, signal } = dependencies;
  return withDriver(dependencies, async (driver) => {
    const { serialNumber } = await guard.firstStatus(driver, signal);
    dependencies.recognise(serialNumber);
    return planAdoption(await driver.read(signal), links, mapping, dependencies);
  });
}

function report(
  { device }: RunDependencies,
  { dryRun }: AdoptionRequest,
  { candidates, skipped, linked, unnamed }: AdoptionPlan,
  verdicts: readonly AdoptionVerdict[],
): AdoptReport {
  const judged = candidates.map((candidate, i) => ({ candidate, verdict: verdicts[i] }));
  return {
    device: device.name,
    dryRun,
    result: "done",
    reason: null,
    adopted: judged.flatMap(({ candidate, verdict }) =>
      verdict?.kind === "adopted" ? [adopted(candidate, verdict.fullName, dryRun)] : [],
    ),
    skipped: [
      ...skipped,
      ...judged.flatMap(({ candidate: { adoption, ipGroups }, verdict }) =>
        verdict?.kind === "refused"
          ? ipGroups.map((ipGroup) => ({ ipGroup, tenantId: adoption.tenantId, reason: verdict.reason }))
          : [],
      ),
    ],
    linked,
    unnamed,
  };
}

function adopted(
  { adoption, ipGroups, tagged }: AdoptionCandidate,
  fullName: string,
  dryRun: boolean,
): AdoptReport["adopted"][number] {
  const { customerGuid, tenantId, shortName, gateway } = adoption;
  return {
    customerGuid: dryRun ? null : customerGuid,
    tenantId,
    shortName,
    fullName,
    gateway,
    ipGroups: [...ipGroups],
    tagged,
  };
}
