import type { DeviceConfig } from "../../drivers/driver.ts";
import type { CarrierSettings, DeviceSettings, RunSettings } from "../settings/config.ts";
import type { ClaimedAmendment } from "../store/amendment.ts";
import type { ClaimedConversion, ExecutionMessage, Link, LinkWithSecrets } from "../store/model.ts";
import type { Completion, Peek } from "../store/portal-store.ts";
import type { CustomerResult } from "./apply.ts";
import type { Blueprint } from "./blueprint.ts";
import { planChange, rowsBeyond, type PlannedChange } from "./changes.ts";
import type { Intent, IntentRow } from "./intent.ts";
import { leaveByPolicy } from "./left-alone.ts";
import type { PlannedIntent, PlanOptions } from "./needs.ts";
import { indexRows, nameOf, sameName, type Observed } from "./observed.ts";
import type { Leaver } from "./removal.ts";
import type { Proposal } from "./proposal.ts";
import { renderIntent, type Rendering, type Subject } from "./render-intent.ts";
import { hashesOf, namedSecrets, secretsWritten } from "./secret-hashes.ts";

/** What turns conversions and links into intents. */
export interface WorkContext {
  device: DeviceSettings;
  carriers: readonly CarrierSettings[];
  /** Of the device's new customers. */
  blueprint: Blueprint;
  /** All of them, by name. */
  blueprints: ReadonlyMap<string, Blueprint>;
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
  /** A change or removal that is only asked about, for a plan of it. */
  proposal?: Proposal;
  /** Of all that waits, only the change or removal of this task, for a plan of it. */
  amendment?: string;
}

/** What one run is about, by customer GUID. */
export interface Work {
  intents: readonly PlannedIntent[];
  /** Customers that could not be rendered, and why. */
  refused: ReadonlyMap<string, string>;
  conversions: ReadonlyMap<string, ClaimedConversion>;
  /** Of a re-sync. */
  links: ReadonlyMap<string, LinkWithSecrets>;
  amendments: ReadonlyMap<string, ClaimedAmendment>;
  /** How many of these are owed. */
  owed: number;
  /** Customers of whom all rows are to go. */
  leavers: readonly Leaver[];
  /** Customers that are changed; they are among the intents too. */
  changes: ReadonlyMap<string, PlannedChange>;
  /** Of conversions and amendments. */
  taskIds: ReadonlyMap<string, string>;
  shortNames: ReadonlyMap<string, string>;
}

/** Renders the conversions of a claim, or takes the kept intents of its links, against what the device holds. */
export function gatherWork(context: WorkContext, request: RunRequest, claim: Peek, config: DeviceConfig): Work {
  const observed = indexRows(config);
  const renderBy = (blueprint: Blueprint, subject: Subject): Rendering =>
    renderIntent(blueprint, subject, {
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
  const render = (subject: Subject, name: string): Rendering => {
    const blueprint = context.blueprints.get(name);
    const known = [...context.blueprints.keys()].join(", ");
    return blueprint === undefined
      ? { refused: [`there is no blueprint '${name}' (${known})`] }
      : renderBy(blueprint, subject);
  };
  const struckOut = claim.secretsStruckOut === true;
  const intents: PlannedIntent[] = [];
  const refused = new Map<string, string>();
  const add = (guid: string, rendering: Rendering, rest: Omit<PlannedIntent, "intent">): void => {
    if ("intent" in rendering) intents.push({ intent: rendering.intent, ...rest });
    else refused.set(guid, rendering.refused.join("; "));
  };

  const conversions =
    request.candidate === undefined
      ? request.kind === "convert" && request.amendment === undefined
        ? claim.conversions
        : []
      : [request.candidate];
  for (const conversion of conversions) {
    const { gateway, proxySet, secrets } = conversion;
    const subject = { ...conversion, gateway: gateway ?? "", proxySet: proxySet ?? "" };
    add(conversion.customerGuid, renderBy(context.blueprint, subject), {
      linked: false,
      secrets,
      secretsWritten: new Set(),
    });
  }
  const links = claim.links.filter(
    (link) => request.kind === "resync" && (request.customer === undefined || link.customerGuid === request.customer),
  );
  for (const link of links) {
    const rendering: Rendering = request.rerender
      ? render({ ...link, secrets: namedSecrets(link) }, link.intent.blueprint.name)
      : { intent: link.intent };
    add(link.customerGuid, rendering, {
      linked: true,
      newRows: "intent" in rendering ? rowsBeyond(rendering.intent.rows, link.intent.rows) : [],
      secrets: link.secrets,
      secretsWritten: secretsWritten(context.hash, link, struckOut),
    });
  }

  const amendments = amendmentsOf(request, claim);
  const changes = new Map<string, PlannedChange>();
  const { withoutTags } = context.device;
  for (const amendment of amendments.filter(({ kind }) => kind === "change")) {
    const change = planChange(amendment, config, { withoutTags, hash: context.hash, struckOut, render });
    if ("refused" in change) {
      refused.set(amendment.customerGuid, change.refused);
      continue;
    }
    changes.set(amendment.customerGuid, change);
    intents.push(change.planned);
  }
  const all = [...conversions, ...links, ...amendments];
  const requested = [...conversions, ...amendments];
  return {
    intents,
    refused,
    amendments: new Map(amendments.map((amendment) => [amendment.customerGuid, amendment])),
    owed: amendments.filter(({ state }) => state === "owed").length,
    leavers: amendments
      .filter(({ kind, superseded }) => kind === "removal" && !superseded)
      .map((amendment) => leaverOf(amendment, claim.unresolved, observed)),
    changes,
    conversions: new Map(conversions.map((conversion) => [conversion.customerGuid, conversion])),
    links: new Map(links.map((link) => [link.customerGuid, link])),
    taskIds: new Map(requested.map(({ customerGuid, taskId }) => [customerGuid, taskId])),
    shortNames: new Map(all.map(({ customerGuid, shortName }) => [customerGuid, shortName])),
  };
}

/** Of a customer that was given up, what a change had begun goes as well: its link does not know of that. */
function leaverOf(
  { customerGuid: customer, tenantId, state, link }: ClaimedAmendment,
  unresolved: Peek["unresolved"],
  observed: Observed,
): Leaver {
  const { rows } = link.intent;
  const begun = (state === "owed" ? unresolved : []).flatMap(({ creates }) =>
    creates.flatMap((created): IntentRow[] => {
      const { table, name, parent, customers } = created;
      const row = parent === undefined && customers.includes(customer) ? observed.byPlace(created) : undefined;
      if (row === undefined || !sameName(nameOf(row), name)) return [];
      const role = table === "proxy-set" ? "shared" : "own";
      return [{ table, name, role, fields: {}, secretFields: {}, children: [] }];
    }),
  );
  // A row that was tried twice stands in two records.
  const once = begun.filter((row, i) => rowsBeyond([row], begun.slice(0, i)).length > 0);
  return { customer, tenantId, rows: [...rows, ...rowsBeyond(once, rows)] };
}

function amendmentsOf(request: RunRequest, claim: Peek): readonly ClaimedAmendment[] {
  if (request.kind !== "convert" || request.candidate !== undefined) return [];
  // A debt whose successor is not here yet is nobody's to end.
  const isDecidable = (amendment: ClaimedAmendment): boolean =>
    !amendment.superseded || [...claim.links, ...claim.conversions].some((other) => isSuccessor(amendment, other));
  return claim.amendments.filter(
    (amendment) =>
      (request.amendment === undefined || request.amendment === amendment.taskId) && isDecidable(amendment),
  );
}

/** Whether the tenant of a debt holds its name by this conversion or link. */
export function isSuccessor(
  { tenantId, shortName }: ClaimedAmendment,
  other: Pick<Link, "tenantId" | "shortName">,
): boolean {
  return other.tenantId === tenantId && sameName(other.shortName, shortName);
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
          ...[...result.warnings, ...notes].map(warning),
          { level: "Information", message: `SBC sbc-onboarding done for site ${shortName}.` },
        ],
      },
    ];
  });
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
    secretHashes: hashesOf(context.hash, secrets),
  };
}

/** The links whose intent or secrets are other ones after this run. */
export function changedLinks(context: WorkContext, work: Work, results: ReadonlyMap<string, CustomerResult>): Link[] {
  return work.intents.flatMap(({ intent }) => {
    const link = work.links.get(intent.customerGuid);
    if (link === undefined || results.get(intent.customerGuid)?.kind !== "converged") return [];
    const { secrets, ...rest } = link;
    const secretHashes = { ...link.secretHashes, ...hashesOf(context.hash, secrets) };
    const same = JSON.stringify([intent, secretHashes]) === JSON.stringify([link.intent, link.secretHashes]);
    return same ? [] : [{ ...rest, intent, secretHashes }];
  });
}
