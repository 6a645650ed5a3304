import { createHash } from "node:crypto";
import type { CarrierSettings, DeviceSettings } from "../../agent/settings/config.ts";
import { loadBlueprints, type Blueprint } from "../../agent/provisioning/blueprint.ts";
import type { Intent } from "../../agent/provisioning/intent.ts";
import type { PlannedIntent, PlanOptions } from "../../agent/provisioning/needs.ts";
import { renderIntent, type RenderContext, type Subject } from "../../agent/provisioning/render-intent.ts";

export const shipped = loadBlueprints(undefined);

export function blueprintNamed(name: string): Blueprint {
  const blueprint = shipped.get(name);
  if (blueprint === undefined) throw new Error(`there is no blueprint '${name}'`);
  return blueprint;
}

/** Two carriers with addresses of their own, and one for Teams. */
export const carriers: readonly CarrierSettings[] = [
  carrier("SIPTrunk", "198.51.100.10", "198.51.100.11"),
  carrier("Backup", "198.51.100.20"),
  carrier("Teams-OC", "sip.pstnhub.microsoft.com:5061"),
];

export function carrier(name: string, ...addresses: string[]): CarrierSettings {
  return {
    name,
    shared: true,
    addresses: addresses.map((address) => ({ address, transport: "udp", priority: 0, weight: 0 })),
    fields: {},
    allowSharedAddress: false,
  };
}

export const device: Pick<DeviceSettings, "name" | "defaults" | "withoutTags"> = {
  name: "sbc1",
  defaults: { srd: "DefaultSRD", sipInterface: "SIF_WAN", mediaRealm: "MR_WAN", ipProfile: "IPP_Trunk" },
  withoutTags: false,
};

export const emptyDevice: RenderContext = {
  device,
  carriers,
  spelling: (_, name) => name,
  proxySet: () => undefined,
};

/** Different for every name, always the same for one. */
function guidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

export function subjectOf(shortName: string, more: Partial<Subject> = {}): Subject {
  return {
    customerGuid: guidOf(`customer ${shortName}`),
    tenantId: guidOf(`tenant ${shortName}`),
    shortName,
    fullName: `${shortName} Ltd`,
    gateway: "oc1.example.net",
    proxySet: "SIPTrunk",
    variables: {},
    secrets: {},
    ...more,
  };
}

/** What makes a customer's trunk register. */
export const registering = {
  variables: { CarrierUserName: "user1", CarrierHostName: "reg.example.net", CarrierMailLine: "line1" },
  secrets: { CarrierUserPassword: "s3cret-One" },
} as const;

export function intentOf(
  subject: Subject,
  context: Partial<RenderContext> = {},
  blueprint = blueprintNamed("oc-default"),
): Intent {
  const rendering = renderIntent(blueprint, subject, { ...emptyDevice, ...context });
  if ("refused" in rendering) throw new Error(rendering.refused.join("; "));
  return rendering.intent;
}

/** A conversion that is to be planned; `rest` makes it a linked customer, or one whose secrets are written. */
export function conversionOf(
  subject: Subject,
  rest: Partial<PlannedIntent> = {},
  context: Partial<RenderContext> = {},
): PlannedIntent {
  return {
    intent: intentOf(subject, context),
    linked: false,
    secrets: subject.secrets,
    secretsWritten: new Set(),
    ...rest,
  };
}

/** A customer whose rows and secrets were written before. */
export function linkedOf(subject: Subject, rest: Partial<PlannedIntent> = {}): PlannedIntent {
  return conversionOf(subject, { linked: true, secretsWritten: new Set(Object.keys(subject.secrets)), ...rest });
}

export const options: PlanOptions = {
  carrierPolicy: "report",
  linkedRows: new Set(),
  sharedAddressAllowed: () => false,
  endCalls: false,
  withoutTags: false,
};
