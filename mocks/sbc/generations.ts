import { generationColumns } from "./generation-columns.ts";
import type { ColumnLists } from "./generation-columns.ts";

/** What tells the devices of one time from those of another: columns, how they export them, and what their CLI takes. */
export interface Generation {
  /** As the files were labelled from which the columns come. */
  readonly label: keyof typeof generationColumns;
  /** The first firmware of this generation; where one ends within a release is inferred. */
  readonly since: string;
  /** Columns of every known table, in FORMAT order. */
  readonly columns: ColumnLists;
  /** `FORMAT ProxySet_Index = ProxySet_ProxyName` or `FORMAT Index = ProxyName`. */
  readonly style: "long" | "short";
  /** How an IPv4 cell that is not set leaves in an export; quotes go around set ones as well. */
  readonly unsetAddress: "" | "0.0.0.0" | '"0.0.0.0"';
  /** How an empty password leaves in an export. */
  readonly emptySecret: string;
  /**
   * The older CLI is taken as well: numbers for enum words, words that were never printed, and `proxy-ip 4/0` directly
   * below `configure voip`.
   */
  readonly oldCli: boolean;
  /** Order of tables in an export; others follow at the end in the order of the loaded file. */
  readonly exportOrder: readonly string[];
}

const order72 = [
  "DeviceTable",
  "InterfaceTable",
  "TLSContexts",
  "AudioCodersGroups",
  "AllowedAudioCodersGroups",
  "IpProfile",
  "CpMediaRealm",
  "SBCRoutingPolicy",
  "DialPlan",
  "SRD",
  "MessagePolicy",
  "SIPInterface",
  "ProxySet",
  "IPGroup",
  "ProxyIp",
  // Where Account stands on 7.2 is not known.
  "Account",
  "ConditionTable",
  "IP2IPRouting",
  "Classification",
  "IPOutboundManipulation",
  "MessageManipulations",
  "NATTranslation",
  "GwRoutingPolicy",
  "AllowedAudioCoders",
  "AudioCoders",
  "StaticRouteTable",
  "CallSetupRules",
  "DialPlanRule",
];

const order70 = [...order72.filter((name) => name !== "Account"), "TrunkGroupSettings", "Account"];

const order74 = [
  "PhysicalPortsTable",
  "EtherGroupTable",
  "DeviceTable",
  "InterfaceTable",
  "TLSContexts",
  "WebInterfaces",
  "SyslogInterface",
  "SyslogTLSContext",
  "WeakPasswordsList",
  "NTPInterface",
  "SNMPInterface",
  "SNMPIPv6Interface",
  "SshInterfaces",
  "AudioCodersGroups",
  "IpProfile",
  "CpMediaRealm",
  "SBCRoutingPolicy",
  "SRD",
  "MessagePolicy",
  "SIPInterface",
  "ProxySet",
  "IPGroup",
  "ProxyIp",
  // Where Account stands on 7.4 is not known.
  "Account",
  "ConditionTable",
  "IP2IPRouting",
  "Classification",
  "GwRoutingPolicy",
  "Test_Call",
  "HTTPDirectiveSets",
  "MaliciousSignatureDB",
  "AudioCoders",
  "HTTPDirectives",
  "SBCSDRFormat",
];

const on70 = { style: "long", unsetAddress: "", emptySecret: "$1$gQ==", oldCli: true, exportOrder: order70 } as const;
const on72 = { unsetAddress: "", emptySecret: "$1$gQ==", oldCli: true, exportOrder: order72 } as const;
const on74 = { style: "short", emptySecret: "", oldCli: false, exportOrder: order74 } as const;

function generation(label: Generation["label"], since: string, rest: Omit<Generation, "label" | "since" | "columns">) {
  return { label, since, columns: generationColumns[label], ...rest };
}

/** The generation of a device without a file. */
export const newestGeneration: Generation = generation("7.40A 2025", "7.40A.500", {
  ...on74,
  unsetAddress: '"0.0.0.0"',
});

/** All generations that this mock can be, oldest first. */
export const generations: readonly Generation[] = [
  generation("7.00A", "7.00A", on70),
  generation("7.00A.049", "7.00A.049", on70),
  generation("7.20A 2019", "7.20A", { ...on72, style: "long" }),
  generation("7.20A 2020-09", "7.20A.258", { ...on72, style: "short" }),
  generation("7.40A 2022-11", "7.40A", { ...on74, unsetAddress: "0.0.0.0" }),
  generation("7.40A 2023-01", "7.40A.250", { ...on74, unsetAddress: "0.0.0.0" }),
  newestGeneration,
];

/** The generation of a firmware such as `7.20A.258.119`; the oldest for what is older still. */
export function generationOf(firmware: string): Generation {
  return generations.findLast((one) => one.since <= firmware) ?? generations[0] ?? newestGeneration;
}

/** The columns of a table as a file names them. */
export interface Format {
  readonly table: string;
  readonly columns: readonly string[];
}

/** Whether FORMAT has all that one of these generations has in that table: it is a whole one, and no hand-made part. */
export function isWhole({ table, columns }: Format, among: readonly Generation[] = generations): boolean {
  const has = lowerCase(columns);
  return among.some((one) => one.columns[table]?.every((name) => has.has(name.toLowerCase())) === true);
}

/** All generations of the same release, such as 7.20A. */
export function releaseOf(generation: Generation): readonly Generation[] {
  return generations.filter((one) => one.label.slice(0, 5) === generation.label.slice(0, 5));
}

/** The generation that the FORMAT lines of a file come closest to; its firmware decides where they fit several. */
export function chooseGeneration(formats: readonly Format[], firmware: string | undefined): Generation {
  const distances = generations.map((one) => formats.reduce((sum, format) => sum + distanceOf(format, one), 0));
  const least = Math.min(...distances);
  const closest = generations.filter((_one, position) => distances[position] === least);
  const named = firmware === undefined ? newestGeneration : generationOf(firmware);
  return closest.includes(named) ? named : (closest.at(-1) ?? newestGeneration);
}

/** A FORMAT of fewer columns may be a part that somebody has chosen, even if an older generation had no more. */
const telling = 15;

function distanceOf(format: Format, { columns }: Generation): number {
  const list = columns[format.table];
  if (list === undefined) return 0;
  const known = lowerCase(list);
  const strange = format.columns.filter((name) => !known.has(name.toLowerCase())).length;
  if (format.columns.length < telling || !isWhole(format)) return strange;
  const has = lowerCase(format.columns);
  return strange + list.filter((name) => !has.has(name.toLowerCase())).length;
}

function lowerCase(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()));
}
