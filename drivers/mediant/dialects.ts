import type { Known, TableName } from "../driver.ts";
import { mediantTables } from "./tables.ts";

/** What configuration text looks like on one firmware line. */
export interface Dialect {
  /** For example `mediant-7.4`. */
  name: string;
  /**
   * The fields that every known load of the line has. They alone count as there while the device's own FORMAT lines
   * are not known: before it is read, and for tables that it does not show.
   */
  common: ReadonlyMap<TableName, ReadonlySet<string>>;
  /**
   * The blocks that running configurations of this line were seen to have. A text that lacks one of them is either of
   * a device that prints less or cut between two blocks; `voip` must always be there.
   */
  usualRoots: readonly string[];
  /** Why nothing is written to this line; `undefined` where it can be written. */
  readOnly: string | undefined;
}

/** Other spellings under which devices print a parameter. */
export const parameterAliases: ReadonlyMap<string, string> = new Map([["ip-group/admission-profile", "cac-profile"]]);

/** Words that old firmware prints for values that are spelt otherwise today. */
export const valueAliases: ReadonlyMap<string, string> = new Map([
  ["proxy-set/proxy-enable-keep-alive/uoptions", "using-options"],
]);

/** Names that columns had before they were renamed, in lower case. */
export const columnAliases: ReadonlyMap<string, string> = new Map([
  ["ip-group/teamsmediaoptimization", "teamslocalmediaoptimization"],
]);

type Columns = Readonly<Record<"proxy-set" | "proxy-ip" | "ip-group" | "account", string>>;

const proxySetHead =
  "ProxyName, EnableProxyKeepAlive, ProxyKeepAliveTime, ProxyLoadBalancingMethod, IsProxyHotSwap, SRDName, ClassificationInput, TLSContextName, ProxyRedundancyMode, DNSResolveMethod, KeepAliveFailureResp, GWIPv4SIPInterfaceName, SBCIPv4SIPInterfaceName, GWIPv6SIPInterfaceName, SBCIPv6SIPInterfaceName";
const proxySet72 = `${proxySetHead}, MinActiveServersLB, SuccessDetectionRetries, SuccessDetectionInterval, FailureDetectionRetransmissions`;

const proxyIp70 = "ProxySetId, ProxyIpIndex, IpAddress, TransportType";
const proxyIp72 = `${proxyIp70}, Priority, Weight`;

const ipGroup70 =
  "Type, Name, ProxySetName, SIPGroupName, ContactUser, SipReRoutingMode, AlwaysUseRouteTable, SRDName, MediaRealm, ClassifyByProxySet, ProfileName, MaxNumOfRegUsers, InboundManSet, OutboundManSet, RegistrationMode, AuthenticationMode, MethodList, EnableSBCClientForking, SourceUriInput, DestUriInput, ContactName, UUIFormat, QOEProfile, BWProfile, AlwaysUseSourceAddr, MsgManUserDef1, MsgManUserDef2, SIPConnect, SBCPSAPMode, DTLSContext, CreatedByRoutingServer, UsedByRoutingServer, SBCOperationMode, SBCRouteUsingRequestURIPort, SBCKeepOriginalCallID";
const ipGroup72 = `${ipGroup70}, TopologyLocation, SBCDialPlanName, CallSetupRulesSetId, Tags, SBCUserStickiness, UserUDPPortAssignment, AdmissionProfile, ProxyKeepAliveUsingIPG`;
const ipGroup74 = `${ipGroup72}, VoiceAIConnector, InternalMediaRealm, SBCServerAuthType, OAuthHTTPService, TeamsRegistrationMode, SBCAltRouteReasonsSetName, TeamsLocalMediaOptimization, TeamsLocalMOInitialBehavior, SIPSourceHostName, TeamsDirectRoutingMode, TeamsLocalMOSite, UserVoiceQualityReport, ValidateSourceIP`;

const account70 =
  "ServedTrunkGroup, ServedIPGroupName, ServingIPGroupName, Username, Password, HostName, Register, ContactUser, ApplicationType";
const account72 = `${account70}, RegistrarStickiness, RegistrarSearchMode, RegEventPackageSubscription, RegByServedIPG, UDPPortAssignment`;
const account74 = `AccountName, ${account72}, ReRegisterOnInviteFailure, AcceptDHCPConfiguration`;

const usualRoots = ["network", "voip", "system", "troubleshoot"];

export const mediant70: Dialect = {
  name: "mediant-7.0",
  common: commonFields({ "proxy-set": proxySetHead, "proxy-ip": proxyIp70, "ip-group": ipGroup70, account: account70 }),
  usualRoots: ["voip"],
  readOnly: "its old CLI shapes are read, never written",
};

/** What the loads from 2019 on have in common. */
export const mediant72: Dialect = {
  name: "mediant-7.2",
  common: commonFields({ "proxy-set": proxySet72, "proxy-ip": proxyIp72, "ip-group": ipGroup72, account: account72 }),
  usualRoots,
  readOnly: undefined,
};

/** What the loads from 2022 on have in common. */
export const mediant74: Dialect = {
  name: "mediant-7.4",
  common: commonFields({
    "proxy-set": `${proxySet72}, AcceptDHCPProxyList`,
    "proxy-ip": proxyIp72,
    "ip-group": ipGroup74,
    account: account74,
  }),
  usualRoots,
  readOnly: undefined,
};

/** The dialect of a firmware such as `7.40A.250.440`; `undefined` where the tables of its line are not known. */
export function dialectOf(firmware: Known<string>): Dialect | undefined {
  if (/^7\.0/.test(firmware)) return mediant70;
  if (/^7\.2/.test(firmware)) return mediant72;
  if (/^7\.4/.test(firmware)) return mediant74;
  return undefined;
}

/** All fields of tables that are not listed: those are never written. */
function commonFields(columns: Columns): Dialect["common"] {
  const listed = new Map<string, ReadonlySet<string>>(
    Object.entries(columns).map(([table, list]) => [table, new Set(list.split(", "))]),
  );
  return new Map(
    [...mediantTables.values()].map((table) => {
      const known = listed.get(table.name);
      const fields = table.fields.filter((field) => known?.has(field.column) ?? true);
      return [table.name, new Set(fields.map((field) => field.name))];
    }),
  );
}
