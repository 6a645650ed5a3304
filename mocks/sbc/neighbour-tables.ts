import type { Table } from "./columns.ts";
import { address, integer, onOff, reference, text, words } from "./columns.ts";

const anyNumber = 2_147_483_647;
const port = (name: string, cli: string | null, value: number) => integer(name, cli, value, 0, 65_535);
const anyGroup = { special: ["Any"], default: "Any" };

const networkInterface: Table = {
  name: "InterfaceTable",
  root: "network",
  cli: ["interface", "network-if"],
  nameColumn: "InterfaceName",
  activates: true,
  columns: [
    integer("ApplicationTypes", null, 0, 0, anyNumber),
    integer("InterfaceMode", null, 10, 0, anyNumber),
    address("IPAddress", "ip-address"),
    integer("PrefixLength", "prefix-length", 16, 0, 128),
    address("Gateway", "gateway"),
    text("InterfaceName", "name", { maxLength: 16 }),
    address("PrimaryDNSServerIPAddress", "primary-dns"),
    address("SecondaryDNSServerIPAddress", "secondary-dns"),
    text("UnderlyingDevice", null),
  ],
};

const tlsContexts: Table = {
  name: "TLSContexts",
  root: "network",
  cli: ["tls"],
  nameColumn: "Name",
  activates: false,
  columns: [
    text("Name", "name", { maxLength: 31, mandatory: true }),
    words("TLSVersion", "tls-version", 12, {
      "0": "unlimited",
      "4": "tls-v1.2",
      "7": "tls-v1.0_1.1_1.2",
      "12": "tls-v1.2_1.3",
    }),
    integer("DTLSVersion", null, 0, 0, anyNumber),
    text("ServerCipherString", null, { default: "DEFAULT" }),
    text("ClientCipherString", null, { default: "DEFAULT" }),
    text("ServerCipherTLS13String", null, { default: "DEFAULT" }),
    text("ClientCipherTLS13String", null, { default: "DEFAULT" }),
    text("KeyExchangeGroups", null, { default: "X25519:P-256:P-384:X448" }),
    onOff("RequireStrictCert", null),
    onOff("TlsRenegotiation", null, 1),
    onOff("MiddleboxCompatMode", null, 1),
    onOff("OcspEnable", null),
    text("OcspInterface", null),
    address("OcspServerPrimary", null),
    address("OcspServerSecondary", null),
    port("OcspServerPort", null, 2560),
    integer("OcspDefaultResponse", null, 0, 0, 1),
    onOff("UseDefaultCABundle", null),
    integer("DHKeySize", null, 2048, 0, anyNumber),
  ],
};

/** Only what others need of an IP Profile; its other columns are carried along verbatim from the loaded file. */
const ipProfile: Table = {
  name: "IpProfile",
  root: "voip",
  cli: ["coders-and-profiles", "ip-profile"],
  nameColumn: "ProfileName",
  isPartlyKnown: true,
  activates: true,
  columns: [
    text("ProfileName", "profile-name", { maxLength: 40, mandatory: true }),
    integer("SigIPDiffServ", null, 24, 0, 63),
    text("SBCExtensionCodersGroupName", null),
    text("SBCAllowedAudioCodersGroupName", null),
    words("SBCMediaSecurityBehaviour", "sbc-media-security-behaviour", 0, {
      "0": "as-is",
      "1": "secured",
      "2": "not-secured",
    }),
    words("SBCRemoteReferBehavior", "sbc-rmt-refer-behavior", 0, { "0": "regular", "3": "handle-locally" }),
    words("SBCIceMode", "ice-mode", 0, { "0": "disable", "1": "lite" }),
  ],
};

const mediaRealm: Table = {
  name: "CpMediaRealm",
  root: "voip",
  cli: ["realm"],
  nameColumn: "MediaRealmName",
  activates: true,
  columns: [
    text("MediaRealmName", "name", { maxLength: 40, mandatory: true }),
    text("IPv4IF", "ipv4if"),
    text("IPv6IF", "ipv6if"),
    text("RemoteIPv4IF", null),
    text("RemoteIPv6IF", null),
    port("PortRangeStart", "udp-port-range-start", 0),
    integer("MediaSessionLeg", "session-leg", 0, 0, anyNumber),
    port("PortRangeEnd", null, 0),
    port("TCPPortRangeStart", null, 0),
    port("TCPPortRangeEnd", null, 0),
    onOff("IsDefault", "is-default"),
    text("QoeProfile", "qoe-profile"),
    text("BWProfile", "bw-profile"),
    words("TopologyLocation", "topology-location", 0, { "0": "down", "1": "up" }),
    onOff("UsedByRoutingServer", null),
  ],
};

const routingPolicy: Table = {
  name: "SBCRoutingPolicy",
  root: "voip",
  cli: ["sbc", "routing", "sbc-routing-policy"],
  nameColumn: "Name",
  activates: true,
  columns: [
    text("Name", "name", { maxLength: 40, mandatory: true }),
    onOff("LCREnable", "lcr-enable"),
    integer("LCRAverageCallLength", null, 1, 0, anyNumber),
    integer("LCRDefaultCost", null, 0, 0, anyNumber),
    text("LdapServerGroupName", null),
  ],
};

const srd: Table = {
  name: "SRD",
  root: "voip",
  cli: ["srd"],
  nameColumn: "Name",
  activates: true,
  columns: [
    text("Name", "name", { maxLength: 40, mandatory: true }),
    integer("BlockUnRegUsers", null, 0, -1, 2),
    integer("MaxNumOfRegUsers", null, -1, -1, anyNumber),
    onOff("EnableUnAuthenticatedRegistrations", null, 1),
    integer("SharingPolicy", null, 0, 0, 1),
    onOff("UsedByRoutingServer", null),
    integer("SBCOperationMode", null, 0, 0, 1),
    reference("SBCRoutingPolicyName", "sbc-routing-policy-name", "SBCRoutingPolicy"),
    text("SBCDialPlanName", null),
    text("AdmissionProfile", null),
  ],
};

const sipInterface: Table = {
  name: "SIPInterface",
  root: "voip",
  cli: ["sip-interface"],
  nameColumn: "InterfaceName",
  activates: true,
  columns: [
    text("InterfaceName", "interface-name", { maxLength: 40, mandatory: true }),
    text("NetworkInterface", "network-interface"),
    text("SCTPSecondaryNetworkInterface", null),
    words("ApplicationType", "application-type", 2, { "0": "gw", "2": "sbc" }),
    port("UDPPort", "udp-port", 5060),
    port("TCPPort", "tcp-port", 5060),
    port("TLSPort", "tls-port", 5061),
    port("SCTPPort", null, 0),
    text("AdditionalUDPPorts", null),
    integer("AdditionalUDPPortsMode", null, 0, 0, 1),
    reference("SRDName", "srd-name", "SRD"),
    text("MessagePolicyName", null),
    reference("TLSContext", "tls-context-name", "TLSContexts", { default: "default" }),
    integer("TLSMutualAuthentication", null, -1, -1, 1),
    onOff("TCPKeepaliveEnable", "tcp-keepalive-enable"),
    integer("ClassificationFailureResponseType", "classification_fail_response_type", 500, 0, 699),
    integer("PreClassificationManSet", null, -1, -1, anyNumber),
    integer("EncapsulatingProtocol", null, 0, 0, 1),
    reference("MediaRealm", "media-realm-name", "CpMediaRealm"),
    onOff("SBCDirectMedia", null),
    port("MSRPTCPPort", null, 0),
    port("MSRPTLSPort", null, 0),
    integer("BlockUnRegUsers", null, -1, -1, 2),
    integer("MaxNumOfRegUsers", null, -1, -1, anyNumber),
    integer("EnableUnAuthenticatedRegistrations", null, -1, -1, 1),
    onOff("UsedByRoutingServer", null),
    words("TopologyLocation", "topology-location", 0, { "0": "down", "1": "up" }),
    text("PreParsingManSetName", null),
    text("AdmissionProfile", null),
    integer("CallSetupRulesSetId", null, -1, -1, anyNumber),
  ],
};

const ip2ipRouting: Table = {
  name: "IP2IPRouting",
  root: "voip",
  cli: ["sbc", "routing", "ip2ip-routing"],
  activates: true,
  columns: [
    text("RouteName", "route-name", { maxLength: 40 }),
    reference("RoutingPolicyName", null, "SBCRoutingPolicy"),
    reference("SrcIPGroupName", "src-ip-group-name", "IPGroup", anyGroup),
    text("SrcUsernamePrefix", null, { default: "*" }),
    text("SrcHost", null, { default: "*" }),
    text("DestUsernamePrefix", "dst-user-name-pattern", { default: "*" }),
    text("DestHost", null, { default: "*" }),
    words("RequestType", "request-type", 0, { "0": "all", "6": "options" }),
    text("MessageConditionName", null),
    reference("ReRouteIPGroupName", "re-route-ip-group-name", "IPGroup", anyGroup),
    words("Trigger", "trigger", 0, { "0": "any", "2": "refer" }),
    integer("PreRouteCallSetupRulesSetId", null, -1, -1, anyNumber),
    integer("CallSetupRulesSetId", null, -1, -1, anyNumber),
    words("DestType", "dst-type", 0, {
      "0": "ip-group",
      "1": "dst-address",
      "2": "request-uri",
      "11": "ip-group-set",
      "12": "destination-tag",
      "13": "internal",
    }),
    reference("DestIPGroupName", "dst-ip-group-name", "IPGroup"),
    reference("DestSIPInterfaceName", "dest-sip-interface-name", "SIPInterface"),
    text("DestAddress", "dst-address"),
    port("DestPort", null, 0),
    integer("DestTransportType", null, -1, -1, 3),
    integer("AltRouteOptions", null, 0, 0, 4),
    integer("GroupPolicy", null, 0, 0, 1),
    text("CostGroup", null),
    text("DestTags", null),
    text("ModifiedDestUserName", null),
    text("SrcTags", null),
    text("IPGroupSetName", null),
    text("RoutingTagName", null, { default: "default" }),
    text("InternalAction", null),
  ],
};

const classification: Table = {
  name: "Classification",
  root: "voip",
  cli: ["sbc", "classification"],
  activates: true,
  columns: [
    text("ClassificationName", "classification-name", { maxLength: 40 }),
    text("MessageConditionName", "message-condition-name"),
    reference("SRDName", "srd-name", "SRD"),
    reference("SrcSIPInterfaceName", "src-sip-interface-name", "SIPInterface", anyGroup),
    text("SrcAddress", null),
    port("SrcPort", null, 0),
    integer("SrcTransportType", null, -1, -1, 3),
    text("SrcUsernamePrefix", null, { default: "*" }),
    text("SrcHost", null, { default: "*" }),
    text("DestUsernamePrefix", null, { default: "*" }),
    text("DestHost", "dst-host", { default: "*" }),
    words("ActionType", null, 1, { "0": "deny", "1": "allow" }),
    reference("SrcIPGroupName", "src-ip-group-name", "IPGroup"),
    text("DestRoutingPolicy", null),
    reference("IpProfileName", null, "IpProfile"),
    integer("IPGroupSelection", null, 0, 0, 1),
    text("IpGroupTagName", null, { default: "default" }),
    text("TLSRemoteSubjectName", null),
  ],
};

/**
 * Tables next to the owned ones: enough to create, show, refer to and delete their rows.
 * Words and defaults that stand nowhere in the reference are invented.
 */
export const neighbourTables: { readonly before: readonly Table[]; readonly after: readonly Table[] } = {
  before: [tlsContexts, networkInterface, ipProfile, mediaRealm, routingPolicy, srd, sipInterface],
  after: [ip2ipRouting, classification],
};
