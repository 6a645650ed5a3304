/** One generation of firmware as its INI exports show it. Written by hand; the drivers' tables are not used here. */
export interface Generation {
  name: string;
  firmware: string;
  dialect: string;
  /** Whether column names carry their table's name: `ProxySet_Index = ProxySet_ProxyName`. */
  longFormat: boolean;
  /** Columns in their order, by INI table. */
  columns: Readonly<Record<"ProxySet" | "ProxyIp" | "IPGroup" | "Account", string>>;
  /** Fields of these tables that it does not have, or has under names that nobody knows. */
  lacks: Readonly<Record<"proxy-set" | "proxy-ip" | "ip-group" | "account", readonly string[]>>;
}

const without = (list: string, column: string) => list.replace(new RegExp(`\\b${column}, `), "");
const after = (list: string, column: string, more: string) =>
  list.replace(new RegExp(`\\b${column},`), `${column}, ${more},`);

const proxySet70 =
  "ProxyName, EnableProxyKeepAlive, ProxyKeepAliveTime, ProxyLoadBalancingMethod, IsProxyHotSwap, SRDName, ClassificationInput, TLSContextName, ProxyRedundancyMode, DNSResolveMethod, KeepAliveFailureResp, GWIPv4SIPInterfaceName, SBCIPv4SIPInterfaceName, SASIPv4SIPInterfaceName, GWIPv6SIPInterfaceName, SBCIPv6SIPInterfaceName, SASIPv6SIPInterfaceName";
const proxySet72 =
  "ProxyName, EnableProxyKeepAlive, ProxyKeepAliveTime, ProxyLoadBalancingMethod, IsProxyHotSwap, SRDName, ClassificationInput, TLSContextName, ProxyRedundancyMode, DNSResolveMethod, KeepAliveFailureResp, GWIPv4SIPInterfaceName, SBCIPv4SIPInterfaceName, GWIPv6SIPInterfaceName, SBCIPv6SIPInterfaceName, MinActiveServersLB, SuccessDetectionRetries, SuccessDetectionInterval, FailureDetectionRetransmissions";
const proxySet74 = `${proxySet72}, AcceptDHCPProxyList`;
const proxySet2025 = `${proxySet74}, TLSRemoteSubjectName, PeerHostNameVerificationMode, InCallRouteMode`;

const proxyIp70 = "ProxySetId, ProxyIpIndex, IpAddress, TransportType";
const proxyIp72 = "ProxySetId, ProxyIpIndex, IpAddress, TransportType, Priority, Weight";

const ipGroup70 =
  "Type, Name, ProxySetName, SIPGroupName, ContactUser, SipReRoutingMode, AlwaysUseRouteTable, SRDName, MediaRealm, ClassifyByProxySet, ProfileName, MaxNumOfRegUsers, InboundManSet, OutboundManSet, RegistrationMode, AuthenticationMode, MethodList, EnableSBCClientForking, SourceUriInput, DestUriInput, ContactName, Username, Password, UUIFormat, QOEProfile, BWProfile, MediaEnhancementProfile, AlwaysUseSourceAddr, MsgManUserDef1, MsgManUserDef2, SIPConnect, SBCPSAPMode, DTLSContext, CreatedByRoutingServer, UsedByRoutingServer, SBCOperationMode, SBCRouteUsingRequestURIPort, SBCKeepOriginalCallID";
const ipGroup70Late = `${ipGroup70}, SBCDialPlanName`;
const ipGroup2019 = `${without(ipGroup70, "MediaEnhancementProfile")}, TopologyLocation, SBCDialPlanName, CallSetupRulesSetId, Tags, SBCUserStickiness, UserUDPPortAssignment, AdmissionProfile, ProxyKeepAliveUsingIPG`;
const ipGroup2020 = `${after(
  after(after(ipGroup2019, "ProxySetName", "VoiceAIConnector"), "MediaRealm", "InternalMediaRealm"),
  "MethodList",
  "SBCServerAuthType, OAuthHTTPService",
)}, SBCAltRouteReasonsSetName, TeamsMediaOptimization, TeamsMOInitialBehavior, SIPSourceHostName`;
const ipGroup2022 = `${after(ipGroup2020, "CallSetupRulesSetId", "TeamsRegistrationMode")
  .replace(" Username, Password,", " UsernameAsClient, PasswordAsClient, UsernameAsServer, PasswordAsServer,")
  .replace(
    "TeamsMediaOptimization, TeamsMOInitialBehavior",
    "TeamsLocalMediaOptimization, TeamsLocalMOInitialBehavior",
  )}, TeamsDirectRoutingMode, TeamsLocalMOSite, UserVoiceQualityReport, ValidateSourceIP`;
const ipGroup2023 = `${ipGroup2022}, MeteringRemoteType, DedicatedConnectionMode`;
const ipGroup2025 = `${ipGroup2023}, ReportMetering`;

const account70 =
  "ServedTrunkGroup, ServedIPGroupName, ServingIPGroupName, Username, Password, HostName, Register, ContactUser, ApplicationType";
const account72 =
  "ServedTrunkGroup, ServedIPGroupName, ServingIPGroupName, Username, Password, HostName, ContactUser, Register, RegistrarStickiness, RegistrarSearchMode, RegEventPackageSubscription, ApplicationType, RegByServedIPG, UDPPortAssignment";
const account74 = `AccountName, ${account72}, ReRegisterOnInviteFailure, AcceptDHCPConfiguration`;

const proxySetOf2025 = ["TLSRemoteSubjectName", "PeerHostNameVerificationMode", "InCallRouteMode"];
const proxySetOf72 = ["min-active-serv-lb", "success-detect-retries", "success-detect-int", "fail-detect-rtx"];
const ipGroupOf2023 = ["MeteringRemoteType", "DedicatedConnectionMode"];
const ipGroupOf2022 = ["TeamsRegistrationMode", "TeamsDirectRoutingMode", "UserVoiceQualityReport", "ValidateSourceIP"];
const ipGroupOf2020 = ["internal-media-realm-name", "sbc-alt-route-reasons-set", "teams-local-media-optimization"];
const ipGroupOf2019 = [
  "tags",
  "topology-location",
  "call-setup-rules-set-id",
  "cac-profile",
  "proxy-keepalive-use-ipg",
];

const after2023 = ["ReportMetering"];
const after2022 = [...ipGroupOf2023, ...after2023];
const after2020 = [...ipGroupOf2022, ...after2022];
const after2019 = [...ipGroupOf2020, ...after2020];
const after70 = [...ipGroupOf2019, ...after2019];

const columns70 = { ProxySet: proxySet70, ProxyIp: proxyIp70, Account: account70 };
const columns72 = { ProxySet: proxySet72, ProxyIp: proxyIp72, Account: account72 };
const columns74 = { ProxySet: proxySet74, ProxyIp: proxyIp72, Account: account74 };
const lacks70 = {
  "proxy-set": [...proxySetOf72, "accept-dhcp-proxy-list", ...proxySetOf2025],
  "proxy-ip": ["priority", "weight"],
  account: ["account-name", "registrar-stickiness", "registrar-search-mode", "reg-by-served-ipg-status"],
};
const lacks72 = {
  "proxy-set": ["accept-dhcp-proxy-list", ...proxySetOf2025],
  "proxy-ip": [],
  account: ["account-name"],
};
const lacks74 = { "proxy-set": proxySetOf2025, "proxy-ip": [], account: [] };

const of70 = { dialect: "mediant-7.0", longFormat: true };
const of72 = { dialect: "mediant-7.2" };
const of74 = { dialect: "mediant-7.4", longFormat: false };

const early70: Generation = {
  ...of70,
  name: "7.00A",
  firmware: "7.00A.013.006",
  columns: { ...columns70, IPGroup: ipGroup70 },
  lacks: { ...lacks70, "ip-group": [...after70, "sbc-dial-plan-name"] },
};
export const late70: Generation = {
  ...of70,
  name: "7.00A.049",
  firmware: "7.00A.049.003",
  columns: { ...columns70, IPGroup: ipGroup70Late },
  lacks: { ...lacks70, "ip-group": after70 },
};
export const of2019: Generation = {
  ...of72,
  name: "7.20A of 2019",
  firmware: "7.20A.204.549",
  longFormat: true,
  columns: { ...columns72, IPGroup: ipGroup2019 },
  lacks: { ...lacks72, "ip-group": after2019 },
};
export const of2020: Generation = {
  ...of72,
  name: "7.20A of 2020-09",
  firmware: "7.20A.258.119",
  longFormat: false,
  columns: { ...columns72, IPGroup: ipGroup2020 },
  lacks: { ...lacks72, "ip-group": after2020 },
};
export const of2022: Generation = {
  ...of74,
  name: "7.40A of 2022-11",
  firmware: "7.40A.250.440",
  columns: { ...columns74, IPGroup: ipGroup2022 },
  lacks: { ...lacks74, "ip-group": after2022 },
};
const of2023: Generation = {
  ...of74,
  name: "7.40A of 2023-01",
  firmware: "7.40A.400.015",
  columns: { ...columns74, IPGroup: ipGroup2023 },
  lacks: { ...lacks74, "ip-group": after2023 },
};
export const of2025: Generation = {
  ...of74,
  name: "7.40A of 2025",
  firmware: "7.40A.500.786",
  columns: { ...columns74, ProxySet: proxySet2025, IPGroup: ipGroup2025 },
  lacks: { "proxy-set": [], "proxy-ip": [], "ip-group": [], account: [] },
};

export const generations: readonly Generation[] = [early70, late70, of2019, of2020, of2022, of2023, of2025];

/** Cells of a fresh row, by column, where they are not an empty string. */
const freshCells: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ProxySet: {
    EnableProxyKeepAlive: "0",
    ProxyKeepAliveTime: "60",
    ProxyLoadBalancingMethod: "0",
    IsProxyHotSwap: "0",
    SRDName: '"DefaultSRD"',
    ClassificationInput: "0",
    ProxyRedundancyMode: "-1",
    DNSResolveMethod: "-1",
    MinActiveServersLB: "1",
    SuccessDetectionRetries: "1",
    SuccessDetectionInterval: "10",
    FailureDetectionRetransmissions: "-1",
    AcceptDHCPProxyList: "0",
    PeerHostNameVerificationMode: "-1",
    InCallRouteMode: "0",
  },
  ProxyIp: { TransportType: "-1", Priority: "0", Weight: "0" },
  IPGroup: {
    Type: "0",
    SipReRoutingMode: "-1",
    AlwaysUseRouteTable: "0",
    SRDName: '"DefaultSRD"',
    ClassifyByProxySet: "1",
    MaxNumOfRegUsers: "-1",
    InboundManSet: "-1",
    OutboundManSet: "-1",
    RegistrationMode: "0",
    AuthenticationMode: "0",
    SBCServerAuthType: "-1",
    EnableSBCClientForking: "0",
    SourceUriInput: "-1",
    DestUriInput: "-1",
    Password: '"$1$gQ=="',
    UUIFormat: "0",
    AlwaysUseSourceAddr: "0",
    SIPConnect: "0",
    SBCPSAPMode: "0",
    DTLSContext: '"default"',
    CreatedByRoutingServer: "0",
    UsedByRoutingServer: "0",
    SBCOperationMode: "-1",
    SBCRouteUsingRequestURIPort: "0",
    SBCKeepOriginalCallID: "0",
    TopologyLocation: "0",
    CallSetupRulesSetId: "-1",
    TeamsRegistrationMode: "0",
    SBCUserStickiness: "0",
    UserUDPPortAssignment: "0",
    ProxyKeepAliveUsingIPG: "0",
    TeamsMediaOptimization: "0",
    TeamsMOInitialBehavior: "0",
    TeamsLocalMediaOptimization: "0",
    TeamsLocalMOInitialBehavior: "0",
    TeamsDirectRoutingMode: "0",
    UserVoiceQualityReport: "0",
    ValidateSourceIP: "0",
    MeteringRemoteType: "0",
    DedicatedConnectionMode: "0",
    ReportMetering: "1",
  },
  Account: {
    ServedTrunkGroup: "-1",
    Password: '"$1$gQ=="',
    Register: "0",
    RegistrarStickiness: "0",
    RegistrarSearchMode: "0",
    RegEventPackageSubscription: "0",
    ApplicationType: "2",
    RegByServedIPG: "0",
    UDPPortAssignment: "0",
    ReRegisterOnInviteFailure: "0",
    AcceptDHCPConfiguration: "0",
  },
};

export interface IniStyle {
  longFormat: boolean;
  lineEnd: "\r\n" | "\n";
}

/** Rows by index, with the cells in which they differ from a fresh row. Cells are as they stand in the file. */
export type IniCells = readonly (readonly [index: number, cells: Readonly<Record<string, string>>])[];

/** One table with all columns of a generation; cells of columns that it does not have are left out. */
export function iniTable(
  generation: Generation,
  table: keyof Generation["columns"],
  rows: IniCells,
  style: IniStyle,
): string {
  const columns = generation.columns[table].split(", ");
  return namedTable(
    table,
    columns,
    rows.map(([index, cells]) => [index, columns.map((one) => cells[one] ?? freshCells[table]?.[one] ?? '""')]),
    style,
  );
}

/** One table as exports print it. */
export function namedTable(
  table: string,
  columns: readonly string[],
  rows: readonly (readonly [index: number, cells: readonly string[]])[],
  style: IniStyle,
): string {
  const prefix = style.longFormat ? `${table}_` : "";
  return [
    `[ ${table} ]`,
    "",
    `FORMAT ${prefix}Index = ${columns.map((column) => prefix + column).join(", ")};`,
    ...rows.map(([index, cells]) => `${table} ${index} = ${cells.join(", ")};`),
    "",
    `[ \\${table} ]`,
    "",
    "",
  ].join(style.lineEnd);
}

/** What stands above the tables in an export. */
export function iniHead(generation: Generation, { lineEnd }: IniStyle): string {
  return [
    ";**************",
    ";** Ini File **",
    ";**************",
    "",
    ";Board: Mediant VE SBC",
    ";HW Board Type: 73  FK Board Type: 79",
    ";Serial Number: 123456789",
    ";Slot Number: 1",
    `;Software Version: ${generation.firmware}`,
    ";DSP Software Version: SOFTDSP => 0.00",
    ";;;Key features:;Board Type: Mediant VE SBC ;Max SW Ver: 9.80;Coders: G711 G726;",
    "",
    "[SYSTEM Params]",
    "",
    "SyslogServerIP = 192.0.2.9",
    ";LocalTimeZone is hidden but has non-default value",
    "",
    "[SIP Params]",
    "",
    "SIPGATEWAYNAME = 'sbc; [ a=1 ].example'",
    "MEDIACHANNELS = 200",
    "",
    ";  *** TABLE DspTemplates *** ",
    "; This table contains hidden elements and will not be exposed.",
    "; This table exists on board and will be saved during restarts.",
    "",
    "",
  ].join(lineEnd);
}
