import { accountTable, ipGroupTable, proxyIpTable, proxySetTable } from "./owned-tables.ts";
import { neighbourTables } from "./neighbour-tables.ts";
import type { Column, Table } from "./columns.ts";

/** Every table this mock understands, in the order in which `configure voip` prints them. */
export const knownTables: readonly Table[] = [
  ...neighbourTables.before,
  proxySetTable,
  proxyIpTable,
  ipGroupTable,
  ...neighbourTables.after,
  // Where `account` prints is unknown; this mock puts it in front of `sip-definition settings`.
  accountTable,
];

const byName = new Map(knownTables.map((table) => [table.name.toLowerCase(), table]));

/** The table of that INI name in any case, or undefined for one that is only carried along verbatim. */
export function findTable(name: string): Table | undefined {
  return byName.get(name.toLowerCase());
}

/** The table of that INI name; throws when it is not one of `knownTables`. */
export function tableNamed(name: string): Table {
  const table = findTable(name);
  if (table === undefined) throw new Error(`no table ${name} in the schema of the mock`);
  return table;
}

/** The column of that INI name in any case. */
export function findColumn(table: Table, name: string): Column | undefined {
  return table.columns.find((column) => column.name.toLowerCase() === name.toLowerCase());
}

/** The tables whose rows live inside rows of the given one. */
export function childTables(table: Table): Table[] {
  return knownTables.filter((child) => child.parent?.table === table.name);
}

/**
 * Order of tables in an export of a 7.4 VE. Where Account stands there is not known;
 * tables that are not listed follow at the end in the order of the loaded file.
 */
export const exportOrder: readonly string[] = [
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
