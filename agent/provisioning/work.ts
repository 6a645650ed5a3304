import type { DeviceConfig, Fields } from "../../drivers/driver.ts";
import type { CarrierSettings, DeviceSettings, RunSettings } from "../config.ts";
import type { ClaimedConversion, ExecutionMessage, Link, LinkWithSecrets } from "../store/model.ts";
import type { Completion, Peek } from "../store/store.ts";
import type { CustomerResult } from "./apply.ts";
import type { Blueprint } from "./blueprint.ts";
import type { Intent } from "./intent.ts";
import { leaveByPolicy } from "./left-alone.ts";
import type { PlannedIntent, PlanOptions } from "./needs.ts";
import { indexRows, nameOf } from "./observed.ts";
import { renderIntent, type Rendering, type Subject } from "./render-intent.ts";

/** What turns conversions and links into intents. */
export interface WorkContext {
  device: DeviceSettings;
  carriers: readonly CarrierSettings[];
  blueprint: Blueprint;
  settings: Pick<RunSettings, "carrierPolicy">;
  /** Keyed hash, for comparing secrets without keeping them. */
  hash(text: string): string;
}

export interface RunRequest {
  /** `convert` takes what waits for the device; `resync` re-applies linked customers. */
  kind: "convert" | "resync";
  /** For a re-sync: only this customer, by GUID. */
  customer?: string;
  /** Stop after the plan; no lease is taken and nothing is recorded. */
  dryRun: boolean;
  endCalls: boolean;
  rerender: boolean;
  /** A re-sync that puts right only what is to be restored by policy, after a drift check. */
  restoring?: true;
  /** A conversion that is only asked about, for a plan of it. */
  candidate?: ClaimedConversion;
}

/** What one run is about, by customer GUID. */
export interface Work {
  intents: readonly PlannedIntent[];
  /** Customers that could not be rendered, and why. */
  refused: ReadonlyMap<string, string>;
  conversions: ReadonlyMap<string, ClaimedConversion>;
  links: ReadonlyMap<string, LinkWithSecrets>;
  /** Of conversions. */
  taskIds: ReadonlyMap<string, string>;
  shortNames: ReadonlyMap<string, string>;
}

function secretsWritten(context: WorkContext, link: LinkWithSecrets, struckOut: boolean): Set<string> {
  const unchanged = Object.entries(link.secretHashes).filter(([variable, hash]) => {
    const wanted = link.secrets[variable];
    // A secret that is not kept, or not told, cannot be wanted otherwise than it was written.
    return wanted === undefined || struckOut || context.hash(wanted) === hash;
  });
  return new Set(unchanged.map(([variable]) => variable));
}

/** Renders the conversions of a claim, or takes the kept intents of its links, against what the device holds. */
export function gatherWork(context: WorkContext, request: RunRequest, claim: Peek, config: DeviceConfig): Work {
  const observed = indexRows(config);
  const render = (subject: Subject): Rendering =>
    renderIntent(context.blueprint, subject, {
      device: context.device,
      carriers: context.carriers,
      spelling(table, name) {
        const row = observed.byName(table, name);
        return row === undefined ? name : nameOf(row);
      },
      proxySet(name) {
        const row = observed.byName("proxy-set", name);
        return row === undefined ? undefined : { name: nameOf(row), srd: row.fields["srd-name"] };
      },
    });
  const intents: PlannedIntent[] = [];
  const refused = new Map<string, string>();
  const add = (guid: string, rendering: Rendering, rest: Omit<PlannedIntent, "intent">): void => {
    if ("intent" in rendering) intents.push({ intent: rendering.intent, ...rest });
    else refused.set(guid, rendering.refused.join("; "));
  };

  const conversions =
    request.candidate === undefined ? (request.kind === "convert" ? claim.conversions : []) : [request.candidate];
  for (const conversion of conversions) {
    const { gateway, proxySet, secrets } = conversion;
    add(conversion.customerGuid, render({ ...conversion, gateway: gateway ?? "", proxySet: proxySet ?? "" }), {
      linked: false,
      secrets,
      secretsWritten: new Set(),
    });
  }
  const links = claim.links.filter(
    (link) => request.kind === "resync" && (request.customer === undefined || link.customerGuid === request.customer),
  );
  for (const link of links) {
    const rendering: Rendering = request.rerender ? render(link) : { intent: link.intent };
    add(link.customerGuid, rendering, {
      linked: true,
      secrets: link.secrets,
      secretsWritten: secretsWritten(context, link, claim.secretsStruckOut === true),
    });
  }
  const all = [...conversions, ...links];
  return {
    intents,
    refused,
    conversions: new Map(conversions.map((conversion) => [conversion.customerGuid, conversion])),
    links: new Map(links.map((link) => [link.customerGuid, link])),
    taskIds: new Map(conversions.map(({ customerGuid, taskId }) => [customerGuid, taskId])),
    shortNames: new Map(all.map(({ customerGuid, shortName }) => [customerGuid, shortName])),
  };
}

export function planOptions(context: WorkContext, request: RunRequest, links: readonly Link[]): PlanOptions {
  return {
    // Only a re-sync knows all links of the device, and with them whose rows use a Proxy Set.
    carrierPolicy: request.kind === "resync" ? context.settings.carrierPolicy : "report",
    linkedRows: new Set(
      links.flatMap(({ intent }) =>
        intent.rows.flatMap((row) => (row.role === "own" ? [`${row.table} ${row.name.toLowerCase()}`] : [])),
      ),
    ),
    sharedAddressAllowed: (proxySet) =>
      context.carriers.some((c) => c.allowSharedAddress && c.name.toLowerCase() === proxySet.toLowerCase()),
    endCalls: request.endCalls,
    withoutTags: context.device.withoutTags,
    ...(request.kind === "resync" ? { left: leaveByPolicy(context.device.drift, request.restoring === true) } : {}),
  };
}

const warning = (message: string): ExecutionMessage => ({ level: "Warning", message });

/** The results of conversions as the store takes them, in Live Platform's words where it has any. */
export function completions(
  context: WorkContext,
  work: Work,
  results: ReadonlyMap<string, CustomerResult>,
  notes: readonly string[],
): Completion[] {
  const intents = new Map(work.intents.map(({ intent }) => [intent.customerGuid, intent]));
  return [...results].flatMap(([guid, result]): Completion[] => {
    const conversion = work.conversions.get(guid);
    if (conversion === undefined) return [];
    const { taskId, shortName } = conversion;
    if (result.kind === "failed") {
      const message = `Customer '${shortName}' was not converted on device ${context.device.name}: ${result.message}`;
      return [{ kind: "failed", taskId, details: ["Failed"], messages: [{ level: "Error", message }] }];
    }
    const intent = intents.get(guid);
    if (intent === undefined) return [];
    return [
      {
        kind: "linked",
        taskId,
        link: linkOf(context, conversion, intent),
        messages: [
          ...[...result.warnings, ...(result.changed ? notes : [])].map(warning),
          { level: "Information", message: `SBC sbc-onboarding done for site ${shortName}.` },
        ],
      },
    ];
  });
}

function hashes(context: WorkContext, secrets: Fields): Fields {
  return Object.fromEntries(Object.entries(secrets).map(([variable, value]) => [variable, context.hash(value)]));
}

function linkOf(context: WorkContext, conversion: ClaimedConversion, intent: Intent): Omit<Link, "linkedAt"> {
  const { customerGuid, tenantId, shortName, fullName, gateway, proxySet, variables, secrets } = conversion;
  return {
    customerGuid,
    tenantId,
    shortName,
    fullName,
    device: context.device.name,
    gateway: gateway ?? "",
    proxySet: proxySet ?? "",
    variables,
    intent,
    secretHashes: hashes(context, secrets),
  };
}

/** The links whose intent or secrets are other ones after this run. */
export function changedLinks(context: WorkContext, work: Work, results: ReadonlyMap<string, CustomerResult>): Link[] {
  return work.intents.flatMap(({ intent }) => {
    const link = work.links.get(intent.customerGuid);
    if (link === undefined || results.get(intent.customerGuid)?.kind !== "converged") return [];
    const { secrets, ...rest } = link;
    const secretHashes = { ...link.secretHashes, ...hashes(context, secrets) };
    const same = JSON.stringify([intent, secretHashes]) === JSON.stringify([link.intent, link.secretHashes]);
    return same ? [] : [{ ...rest, intent, secretHashes }];
  });
}
