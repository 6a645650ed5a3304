import type { DeviceConfig } from "../../drivers/driver.ts";
import type { CustomerResult } from "./apply.ts";
import { findDrift, type Drift } from "./drift.ts";
import type { PlannedIntent } from "./needs.ts";
import type { RunRequest, Work, WorkContext } from "./work.ts";

/** What the last read of a run shows of the customers that it was about. By short names. */
export interface ReadBack {
  /** Those whose rows it led to their intents. */
  compared: readonly string[];
  /** What of these differs still, as a shared Proxy Set may. */
  drift: Drift;
  /** Those that are gone from the device. */
  gone: readonly string[];
}

type Results = ReadonlyMap<string, CustomerResult>;
type Context = Pick<WorkContext, "device" | "settings">;

const compare = ({ device, settings }: Context, config: DeviceConfig, intents: readonly PlannedIntent[]): Drift =>
  findDrift(config, intents, device.drift, settings.carrierPolicy);

/** No read shows secrets: they stand where a run says that it wrote them. */
function asLeft(planned: PlannedIntent, results: Results): PlannedIntent {
  if (results.get(planned.intent.customerGuid)?.kind !== "converged") return planned;
  return { ...planned, secretsWritten: new Set([...planned.secretsWritten, ...Object.keys(planned.secrets)]) };
}

/** What a read shows of all linked customers; undefined for a run that is not about all of them by their kept intents. */
export function compareAll(
  context: Context,
  request: RunRequest,
  { intents }: Work,
  config: DeviceConfig,
  results: Results,
): Drift | undefined {
  if (request.kind !== "resync" || request.customer !== undefined || request.rerender) return undefined;
  // A run that only restores writes no secrets.
  return compare(context, config, request.restoring === true ? intents : intents.map((one) => asLeft(one, results)));
}

/** What a run shows by its last read, once its results are stored. */
export function readBack(context: Context, work: Work, config: DeviceConfig, results: Results): ReadBack {
  const isDone = (customer: string): boolean => results.get(customer)?.kind === "converged";
  const there = work.intents.filter(({ intent }) => isDone(intent.customerGuid)).map((one) => asLeft(one, results));
  const removed = [...work.amendments.values()].filter(
    ({ kind, superseded, customerGuid }) => kind === "removal" && !superseded && isDone(customerGuid),
  );
  return {
    compared: there.map(({ intent }) => intent.shortName),
    drift: compare(context, config, there),
    gone: removed.map(({ shortName }) => shortName),
  };
}
