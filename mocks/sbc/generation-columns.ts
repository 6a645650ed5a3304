/** Column lists by table. */
export type ColumnLists = Readonly<Record<string, readonly string[]>>;

const names = (text: string): readonly string[] => text.trim().split(/\s+/);

/** The list with some columns put behind the named one. */
function after(list: readonly string[], name: string, ...added: readonly string[]): readonly string[] {
  return list.flatMap((one) => (one === name ? [one, ...added] : [one]));
}

function without(list: readonly string[], ...gone: readonly string[]): readonly string[] {
  return list.filter((one) => !gone.includes(one));
}

/*
 * ProxySet, ProxyIp, IPGroup and Account stood in files of each generation, and so did CpMediaRealm of 7.0 and 7.4,
 * TLSContexts of 7.2 and 7.4, and all of 7.4. The other lists of 7.0 and 7.2 are inferred.
 */
const interfaceTable = names(`
  ApplicationTypes InterfaceMode IPAddress PrefixLength Gateway InterfaceName
  PrimaryDNSServerIPAddress SecondaryDNSServerIPAddress UnderlyingDevice`);

const proxySet70 = names(`
  ProxyName EnableProxyKeepAlive ProxyKeepAliveTime ProxyLoadBalancingMethod IsProxyHotSwap SRDName
  ClassificationInput TLSContextName ProxyRedundancyMode DNSResolveMethod KeepAliveFailureResp
  GWIPv4SIPInterfaceName SBCIPv4SIPInterfaceName SASIPv4SIPInterfaceName
  GWIPv6SIPInterfaceName SBCIPv6SIPInterfaceName SASIPv6SIPInterfaceName`);

const proxySet72 = [
  ...without(proxySet70, "SASIPv4SIPInterfaceName", "SASIPv6SIPInterfaceName"),
  ...names("MinActiveServersLB SuccessDetectionRetries SuccessDetectionInterval FailureDetectionRetransmissions"),
];

const ipGroup70 = names(`
  Type Name ProxySetName SIPGroupName ContactUser SipReRoutingMode AlwaysUseRouteTable SRDName MediaRealm
  ClassifyByProxySet ProfileName MaxNumOfRegUsers InboundManSet OutboundManSet RegistrationMode AuthenticationMode
  MethodList EnableSBCClientForking SourceUriInput DestUriInput ContactName Username Password UUIFormat QOEProfile
  BWProfile MediaEnhancementProfile AlwaysUseSourceAddr MsgManUserDef1 MsgManUserDef2 SIPConnect SBCPSAPMode
  DTLSContext CreatedByRoutingServer UsedByRoutingServer SBCOperationMode SBCRouteUsingRequestURIPort
  SBCKeepOriginalCallID`);

const ipGroup2019 = [
  ...without(ipGroup70, "MediaEnhancementProfile"),
  ...names(`
    TopologyLocation SBCDialPlanName CallSetupRulesSetId Tags SBCUserStickiness UserUDPPortAssignment AdmissionProfile
    ProxyKeepAliveUsingIPG`),
];

const ipGroup2020 = names(`
  Type Name ProxySetName VoiceAIConnector SIPGroupName ContactUser SipReRoutingMode AlwaysUseRouteTable SRDName
  MediaRealm InternalMediaRealm ClassifyByProxySet ProfileName MaxNumOfRegUsers InboundManSet OutboundManSet
  RegistrationMode AuthenticationMode MethodList SBCServerAuthType OAuthHTTPService EnableSBCClientForking
  SourceUriInput DestUriInput ContactName Username Password UUIFormat QOEProfile BWProfile AlwaysUseSourceAddr
  MsgManUserDef1 MsgManUserDef2 SIPConnect SBCPSAPMode DTLSContext CreatedByRoutingServer UsedByRoutingServer
  SBCOperationMode SBCRouteUsingRequestURIPort SBCKeepOriginalCallID TopologyLocation SBCDialPlanName
  CallSetupRulesSetId Tags SBCUserStickiness UserUDPPortAssignment AdmissionProfile ProxyKeepAliveUsingIPG
  SBCAltRouteReasonsSetName TeamsMediaOptimization TeamsMOInitialBehavior SIPSourceHostName`);

const ipGroup2022 = names(`
  Type Name ProxySetName VoiceAIConnector SIPGroupName ContactUser SipReRoutingMode AlwaysUseRouteTable SRDName
  MediaRealm InternalMediaRealm ClassifyByProxySet ProfileName MaxNumOfRegUsers InboundManSet OutboundManSet
  RegistrationMode AuthenticationMode MethodList SBCServerAuthType OAuthHTTPService EnableSBCClientForking
  SourceUriInput DestUriInput ContactName UsernameAsClient PasswordAsClient UsernameAsServer PasswordAsServer
  UUIFormat QOEProfile BWProfile AlwaysUseSourceAddr MsgManUserDef1 MsgManUserDef2 SIPConnect SBCPSAPMode DTLSContext
  CreatedByRoutingServer UsedByRoutingServer SBCOperationMode SBCRouteUsingRequestURIPort SBCKeepOriginalCallID
  TopologyLocation SBCDialPlanName CallSetupRulesSetId TeamsRegistrationMode Tags SBCUserStickiness
  UserUDPPortAssignment AdmissionProfile ProxyKeepAliveUsingIPG SBCAltRouteReasonsSetName TeamsLocalMediaOptimization
  TeamsLocalMOInitialBehavior SIPSourceHostName TeamsDirectRoutingMode TeamsLocalMOSite UserVoiceQualityReport
  ValidateSourceIP`);

const account70 = names(`
  ServedTrunkGroup ServedIPGroupName ServingIPGroupName Username Password HostName Register ContactUser
  ApplicationType`);

const account72 = names(`
  ServedTrunkGroup ServedIPGroupName ServingIPGroupName Username Password HostName ContactUser Register
  RegistrarStickiness RegistrarSearchMode RegEventPackageSubscription ApplicationType RegByServedIPG
  UDPPortAssignment`);

const realm70 = names(`
  MediaRealmName IPv4IF IPv6IF PortRangeStart MediaSessionLeg PortRangeEnd IsDefault QoeProfile BWProfile`);

const realm2022 = names(`
  MediaRealmName IPv4IF IPv6IF RemoteIPv4IF RemoteIPv6IF PortRangeStart MediaSessionLeg PortRangeEnd
  TCPPortRangeStart TCPPortRangeEnd IsDefault QoeProfile BWProfile TopologyLocation UsedByRoutingServer`);

const sipInterface70 = names(`
  InterfaceName NetworkInterface ApplicationType UDPPort TCPPort TLSPort SRDName MessagePolicyName TLSContext
  TLSMutualAuthentication TCPKeepaliveEnable ClassificationFailureResponseType PreClassificationManSet
  EncapsulatingProtocol MediaRealm SBCDirectMedia BlockUnRegUsers MaxNumOfRegUsers
  EnableUnAuthenticatedRegistrations UsedByRoutingServer`);

const sipInterface72 = [
  ...after(sipInterface70, "TLSPort", "AdditionalUDPPorts"),
  ...names("TopologyLocation PreParsingManSetName AdmissionProfile CallSetupRulesSetId"),
];

const sipInterface2022 = names(`
  InterfaceName NetworkInterface SCTPSecondaryNetworkInterface ApplicationType UDPPort TCPPort TLSPort SCTPPort
  AdditionalUDPPorts AdditionalUDPPortsMode SRDName MessagePolicyName TLSContext TLSMutualAuthentication
  TCPKeepaliveEnable ClassificationFailureResponseType PreClassificationManSet EncapsulatingProtocol MediaRealm
  SBCDirectMedia BlockUnRegUsers MaxNumOfRegUsers EnableUnAuthenticatedRegistrations UsedByRoutingServer
  TopologyLocation PreParsingManSetName AdmissionProfile CallSetupRulesSetId`);

const tlsContexts72 = names(`
  Name TLSVersion DTLSVersion ServerCipherString ClientCipherString RequireStrictCert TlsRenegotiation OcspEnable
  OcspServerPrimary OcspServerSecondary OcspServerPort OcspDefaultResponse DHKeySize`);

const tlsContexts74 = names(`
  Name TLSVersion DTLSVersion ServerCipherString ClientCipherString ServerCipherTLS13String ClientCipherTLS13String
  KeyExchangeGroups RequireStrictCert TlsRenegotiation MiddleboxCompatMode OcspEnable OcspInterface OcspServerPrimary
  OcspServerSecondary OcspServerPort OcspDefaultResponse UseDefaultCABundle DHKeySize`);

const srd = names(`
  Name BlockUnRegUsers MaxNumOfRegUsers EnableUnAuthenticatedRegistrations SharingPolicy UsedByRoutingServer
  SBCOperationMode SBCRoutingPolicyName SBCDialPlanName AdmissionProfile`);

const routingPolicy = names("Name LCREnable LCRAverageCallLength LCRDefaultCost LdapServerGroupName");

const routing70 = names(`
  RouteName RoutingPolicyName SrcIPGroupName SrcUsernamePrefix SrcHost DestUsernamePrefix DestHost RequestType
  MessageConditionName ReRouteIPGroupName Trigger CallSetupRulesSetId DestType DestIPGroupName DestSIPInterfaceName
  DestAddress DestPort DestTransportType AltRouteOptions GroupPolicy CostGroup`);

const routing72 = [...routing70, ...names("DestTags SrcTags IPGroupSetName RoutingTagName InternalAction")];

const routing2022 = after(routing72, "DestTags", "ModifiedDestUserName");

const classification70 = names(`
  ClassificationName MessageConditionName SRDName SrcSIPInterfaceName SrcAddress SrcPort SrcTransportType
  SrcUsernamePrefix SrcHost DestUsernamePrefix DestHost ActionType SrcIPGroupName DestRoutingPolicy IpProfileName`);

const classification72 = [...classification70, "IPGroupSelection", "IpGroupTagName"];

// An IP Profile has up to 134 columns: these are the few that others need, and a file adds its own.
const ipProfile = names(`
  ProfileName SigIPDiffServ SBCExtensionCodersGroupName SBCAllowedAudioCodersGroupName SBCMediaSecurityBehaviour
  SBCRemoteReferBehavior SBCIceMode`);

const columns700: ColumnLists = {
  InterfaceTable: interfaceTable,
  TLSContexts: without(tlsContexts72, "RequireStrictCert", "TlsRenegotiation", "DHKeySize"),
  IpProfile: without(ipProfile, "SBCIceMode"),
  CpMediaRealm: realm70,
  SBCRoutingPolicy: routingPolicy,
  SRD: without(srd, "SBCDialPlanName", "AdmissionProfile"),
  SIPInterface: sipInterface70,
  ProxySet: proxySet70,
  ProxyIp: names("ProxySetId ProxyIpIndex IpAddress TransportType"),
  IPGroup: ipGroup70,
  IP2IPRouting: routing70,
  Classification: classification70,
  Account: account70,
};

const columns700049: ColumnLists = { ...columns700, IPGroup: [...ipGroup70, "SBCDialPlanName"] };

const columns2019: ColumnLists = {
  InterfaceTable: interfaceTable,
  TLSContexts: tlsContexts72,
  IpProfile: ipProfile,
  CpMediaRealm: [...realm70, "TopologyLocation"],
  SBCRoutingPolicy: routingPolicy,
  SRD: srd,
  SIPInterface: sipInterface72,
  ProxySet: proxySet72,
  ProxyIp: names("ProxySetId ProxyIpIndex IpAddress TransportType Priority Weight"),
  IPGroup: ipGroup2019,
  IP2IPRouting: routing72,
  Classification: classification72,
  Account: account72,
};

const columns2020: ColumnLists = { ...columns2019, IPGroup: ipGroup2020 };

const columns2022: ColumnLists = {
  ...columns2020,
  InterfaceTable: interfaceTable,
  TLSContexts: tlsContexts74,
  CpMediaRealm: realm2022,
  SIPInterface: sipInterface2022,
  ProxySet: [...proxySet72, "AcceptDHCPProxyList"],
  IPGroup: ipGroup2022,
  IP2IPRouting: routing2022,
  Account: ["AccountName", ...account72, "ReRegisterOnInviteFailure", "AcceptDHCPConfiguration"],
};

const columns2023: ColumnLists = {
  ...columns2022,
  IPGroup: [...ipGroup2022, "MeteringRemoteType", "DedicatedConnectionMode"],
};

const columns2025: ColumnLists = {
  ...columns2023,
  CpMediaRealm: without(realm2022, "TCPPortRangeStart", "TCPPortRangeEnd"),
  SIPInterface: after(sipInterface2022, "SBCDirectMedia", "MSRPTCPPort", "MSRPTLSPort"),
  ProxySet: [
    ...(columns2023["ProxySet"] ?? []),
    ...names("TLSRemoteSubjectName PeerHostNameVerificationMode InCallRouteMode"),
  ],
  IPGroup: [...(columns2023["IPGroup"] ?? []), "ReportMetering"],
  IP2IPRouting: after(routing2022, "Trigger", "PreRouteCallSetupRulesSetId"),
  Classification: [...classification72, "TLSRemoteSubjectName"],
};

/** Which columns a table has on firmware of which time, in FORMAT order. */
export const generationColumns = {
  "7.00A": columns700,
  "7.00A.049": columns700049,
  "7.20A 2019": columns2019,
  "7.20A 2020-09": columns2020,
  "7.40A 2022-11": columns2022,
  "7.40A 2023-01": columns2023,
  "7.40A 2025": columns2025,
} as const;
