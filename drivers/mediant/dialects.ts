import type { Known, TableName, TableSchema } from "../driver.ts";
import { mediantTables } from "./tables.ts";

/** What configuration text looks like on one firmware line. */
export interface Dialect {
  /** For example `mediant-7.4`. */
  name: string;
  /** The tables with the fields that this generation has at most; the device's own FORMAT lines have the last word. */
  tables: ReadonlyMap<TableName, TableSchema>;
}

/** The blocks that a complete running configuration has, in their order (device CLI guide, `show running-config`). */
export const runningConfigurationRoots = ["network", "voip", "system", "troubleshoot"] as const;

/** Other spellings under which devices print a parameter. */
export const parameterAliases: ReadonlyMap<string, string> = new Map([["ip-group/admission-profile", "cac-profile"]]);

type Columns = Readonly<Record<"proxy-set" | "proxy-ip" | "ip-group" | "account", string>>;

const proxySet72 =
  "ProxyName, EnableProxyKeepAlive, ProxyKeepAliveTime, ProxyLoadBalancingMethod, IsProxyHotSwap, SRDName, ClassificationInput, TLSContextName, ProxyRedundancyMode, DNSResolveMethod, KeepAliveFailureResp, GWIPv4SIPInterfaceName, SBCIPv4SIPInterfaceName, GWIPv6SIPInterfaceName, SBCIPv6SIPInterfaceName, MinActiveServersLB, SuccessDetectionRetries, SuccessDetectionInterval, FailureDetectionRetransmissions";

const account72 =
  "ServedTrunkGroup, ServedIPGroupName, ServingIPGroupName, Username, Password, HostName, ContactUser, Register, RegistrarStickiness, RegistrarSearchMode, RegEventPackageSubscription, ApplicationType, RegByServedIPG, UDPPortAssignment";

const proxyIpColumns = "ProxySetId, ProxyIpIndex, IpAddress, TransportType, Priority, Weight";

/** Columns of late 7.2 (configuration tables, sections 4.1, 5.1 and 6). */
const columns72: Columns = {
  "proxy-set": proxySet72,
  "proxy-ip": proxyIpColumns,
  "ip-group":
    "Type, Name, ProxySetName, VoiceAIConnector, SIPGroupName, ContactUser, SipReRoutingMode, AlwaysUseRouteTable, SRDName, MediaRealm, InternalMediaRealm, ClassifyByProxySet, ProfileName, MaxNumOfRegUsers, InboundManSet, OutboundManSet, RegistrationMode, AuthenticationMode, MethodList, SBCServerAuthType, OAuthHTTPService, EnableSBCClientForking, SourceUriInput, DestUriInput, ContactName, Username, Password, UUIFormat, QOEProfile, BWProfile, AlwaysUseSourceAddr, MsgManUserDef1, MsgManUserDef2, SIPConnect, SBCPSAPMode, DTLSContext, CreatedByRoutingServer, UsedByRoutingServer, SBCOperationMode, SBCRouteUsingRequestURIPort, SBCKeepOriginalCallID, TopologyLocation, SBCDialPlanName, CallSetupRulesSetId, Tags, SBCUserStickiness, UserUDPPortAssignment, AdmissionProfile, ProxyKeepAliveUsingIPG, SBCAltRouteReasonsSetName, TeamsMediaOptimization, TeamsMOInitialBehavior, SIPSourceHostName",
  account: account72,
};

/** Columns of 7.4, newest load. */
const columns74: Columns = {
  "proxy-set": `${proxySet72}, AcceptDHCPProxyList, TLSRemoteSubjectName, PeerHostNameVerificationMode, InCallRouteMode`,
  "proxy-ip": proxyIpColumns,
  "ip-group":
    "Type, Name, ProxySetName, VoiceAIConnector, SIPGroupName, ContactUser, SipReRoutingMode, AlwaysUseRouteTable, SRDName, MediaRealm, InternalMediaRealm, ClassifyByProxySet, ProfileName, MaxNumOfRegUsers, InboundManSet, OutboundManSet, RegistrationMode, AuthenticationMode, MethodList, SBCServerAuthType, OAuthHTTPService, EnableSBCClientForking, SourceUriInput, DestUriInput, ContactName, UsernameAsClient, PasswordAsClient, UsernameAsServer, PasswordAsServer, UUIFormat, QOEProfile, BWProfile, AlwaysUseSourceAddr, MsgManUserDef1, MsgManUserDef2, SIPConnect, SBCPSAPMode, DTLSContext, CreatedByRoutingServer, UsedByRoutingServer, SBCOperationMode, SBCRouteUsingRequestURIPort, SBCKeepOriginalCallID, TopologyLocation, SBCDialPlanName, CallSetupRulesSetId, TeamsRegistrationMode, Tags, SBCUserStickiness, UserUDPPortAssignment, AdmissionProfile, ProxyKeepAliveUsingIPG, SBCAltRouteReasonsSetName, TeamsLocalMediaOptimization, TeamsLocalMOInitialBehavior, SIPSourceHostName, TeamsDirectRoutingMode, TeamsLocalMOSite, UserVoiceQualityReport, ValidateSourceIP, MeteringRemoteType, DedicatedConnectionMode, ReportMetering",
  account: `AccountName, ${account72}, ReRegisterOnInviteFailure, AcceptDHCPConfiguration`,
};

export const mediant72: Dialect = dialect("mediant-7.2", columns72);
export const mediant74: Dialect = dialect("mediant-7.4", columns74);

/** The dialect of a firmware such as `7.40A.250.440`; `undefined` where the tables of its line are not known. */
export function dialectOf(firmware: Known<string>): Dialect | undefined {
  if (/^7\.2/.test(firmware)) return mediant72;
  if (/^7\.4/.test(firmware)) return mediant74;
  return undefined;
}

function dialect(name: string, columns: Columns): Dialect {
  const held = new Map<TableName, ReadonlySet<string>>(
    Object.entries(columns).map(([table, list]) => [table as TableName, new Set(list.split(", "))]),
  );
  const tables = [...mediantTables.values()].map((table): [TableName, TableSchema] => {
    const known = held.get(table.name);
    if (known === undefined) return [table.name, table];
    return [table.name, { ...table, fields: table.fields.filter((field) => known.has(field.column)) }];
  });
  return { name, tables: new Map(tables) };
}
