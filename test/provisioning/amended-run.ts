import { amendmentCompletions } from "../../agent/provisioning/amendment-results.ts";
import type { Application } from "../../agent/provisioning/apply.ts";
import { carryOut } from "../../agent/provisioning/carry-out.ts";
import { licences } from "../../agent/provisioning/licences.ts";
import { startLeaseClock } from "../../agent/provisioning/lease-clock.ts";
import {
  completions,
  gatherWork,
  planOptions,
  type RunRequest,
  type WorkContext,
} from "../../agent/provisioning/work.ts";
import type { Change, ClaimedAmendment } from "../../agent/store/amendment.ts";
import type { ClaimedConversion, LinkWithSecrets } from "../../agent/store/model.ts";
import type { Completion } from "../../agent/store/portal-store.ts";
import type { Subject } from "../../agent/provisioning/render-intent.ts";
import type { Fields } from "../../drivers/driver.ts";
import { blueprintNamed, carriers, shipped } from "./customers.ts";
import { description } from "./device-fixture.ts";
import type { FakeDevice } from "./fake-device.ts";
import { lease, memoryJournal, sessionOn, type MemoryJournal } from "./fake-run.ts";
import { deviceSettings } from "./settings.ts";

/** A device with the customers that are linked on it, and what is known of them. */
export interface Site {
  device: FakeDevice;
  journal: MemoryJournal;
  links: LinkWithSecrets[];
  context: WorkContext;
}

export interface Ended extends Pick<Application, "results" | "blocked"> {
  completions: readonly Completion[];
  /** What tasks were told that go on. */
  warnings: readonly string[];
}

export function siteOn(device: FakeDevice, more: Partial<WorkContext> = {}): Site {
  const context: WorkContext = {
    device: deviceSettings,
    carriers,
    blueprint: blueprintNamed("oc-default"),
    blueprints: shipped,
    settings: { carrierPolicy: "report" },
    hash: (text) => `hash of ${text}`,
    ...more,
  };
  return { device, journal: memoryJournal(), links: [], context };
}

let tasks = 0;

export function conversion(subject: Subject): ClaimedConversion {
  return {
    ...subject,
    taskId: `wst_${subject.shortName}`,
    variant: "ip-group",
    device: "sbc1",
    state: "ready",
    acceptedAt: 0,
    deadlineAt: 0,
    sent: false,
  };
}

function amendment(link: LinkWithSecrets, more: Partial<ClaimedAmendment>): ClaimedAmendment {
  const { customerGuid, tenantId, shortName, device } = link;
  tasks += 1;
  return {
    taskId: `tsk_${tasks}`,
    kind: "removal",
    customerGuid,
    tenantId,
    shortName,
    device,
    by: "test",
    change: null,
    state: "ready",
    acceptedAt: 0,
    sent: false,
    link,
    secrets: {},
    superseded: false,
    ...more,
  };
}

function linkNamed(site: Site, shortName: string): LinkWithSecrets {
  const link = site.links.find((one) => one.shortName === shortName);
  if (link === undefined) throw new Error(`'${shortName}' is not linked`);
  return link;
}

export const removalOf = (site: Site, shortName: string, more: Partial<ClaimedAmendment> = {}): ClaimedAmendment =>
  amendment(linkNamed(site, shortName), more);

export function changeOf(
  site: Site,
  shortName: string,
  change: Partial<Change>,
  secrets: Fields = {},
): ClaimedAmendment {
  return amendment(linkNamed(site, shortName), { kind: "change", change: { variables: {}, ...change }, secrets });
}

const request: RunRequest = { kind: "convert", dryRun: false, endCalls: false, rerender: false };

/** One run up to its report, which the site's links then follow. */
export async function work(
  site: Site,
  { conversions = [], amendments = [] }: { conversions?: ClaimedConversion[]; amendments?: ClaimedAmendment[] },
): Promise<Ended> {
  const { device, journal, context } = site;
  const leaving = new Set(amendments.flatMap((a) => (a.kind === "removal" ? [a.customerGuid] : [])));
  const links = site.links.filter(({ customerGuid }) => !leaving.has(customerGuid));
  const claim = { lease, conversions, amendments, links, unresolved: journal.claim() };
  const clock = startLeaseClock(() => Date.now());
  const session = await sessionOn(device, journal, {}, clock, licences(claim));
  const gathered = gatherWork(context, request, claim, await session.read());
  const warnings: string[] = [];
  try {
    const { results, blocked } = await carryOut(session, {
      description,
      work: gathered,
      links,
      made: journal.made,
      hash: context.hash,
      options: planOptions(context, request, links),
      maxChanges: 20,
      onResult: () => undefined,
      warn: async (_, message) => void warnings.push(message),
    });
    if (session.unsaved()) await session.save();
    const of = [context, gathered, results, []] as const;
    const ended = [...completions(...of), ...amendmentCompletions(...of)];
    journal.complete(ended.map(({ taskId }) => taskId));
    follow(site, ended, conversions, amendments);
    return { results, blocked, completions: ended, warnings };
  } finally {
    for (const one of amendments) one.sent ||= journal.sent.has(one.taskId);
  }
}

function follow(
  site: Site,
  ended: readonly Completion[],
  conversions: readonly ClaimedConversion[],
  amendments: readonly ClaimedAmendment[],
): void {
  for (const completion of ended) {
    const { taskId } = completion;
    const secrets = conversions.find((one) => one.taskId === taskId)?.secrets ?? {};
    const amended = amendments.find((one) => one.taskId === taskId);
    if (completion.kind === "linked") site.links.push({ ...completion.link, linkedAt: 0, secrets });
    if (completion.kind === "failed" || amended === undefined) continue;
    const at = site.links.findIndex(({ customerGuid }) => customerGuid === amended.customerGuid);
    if (completion.kind === "removed" && at !== -1) site.links.splice(at, 1);
    if (completion.kind === "changed")
      site.links[at] = {
        ...completion.link,
        linkedAt: 0,
        secrets: { ...amended.link.secrets, ...amended.secrets },
      };
  }
}
