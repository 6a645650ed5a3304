import type { Table } from "./columns.ts";
import { integer, onOff, reference, secret, text, words } from "./columns.ts";

const anyNumber = 2_147_483_647;

function isUpToFiveTags(value: string): boolean {
  const tags = value === "" ? [] : value.split(";");
  return tags.length <= 5 && tags.every((tag) => /^[^=]+(=[^=]*)?$/.test(tag));
}

function isFailureResponses(value: string): boolean {
  const codes = value === "" ? [] : value.split(",").map((code) => code.trim());
  return codes.length <= 3 && codes.every((code) => /^[1-6]\d\d$/.test(code) && code !== "200");
}

function isProxyAddress(value: string): boolean {
  const parts = /^([A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(value);
  if (parts === null) return value === "";
  return parts[2] === undefined || (Number(parts[2]) >= 1 && Number(parts[2]) <= 65_535);
}

/** Proxy Sets. The 40 characters of a name are inferred. */
export const proxySetTable: Table = {
  name: "ProxySet",
  root: "voip",
  cli: ["proxy-set"],
  nameColumn: "ProxyName",
  activates: true,
  columns: [
    text("ProxyName", "proxy-name", { maxLength: 40, forbidden: "/", mandatory: true }),
    words(
      "EnableProxyKeepAlive",
      "proxy-enable-keep-alive",
      0,
      { "0": "disable", "1": "using-options", "2": "using-register" },
      { oldWords: { uoptions: "1" } },
    ),
    integer("ProxyKeepAliveTime", "proxy-keep-alive-time", 60, 5, 2_000_000),
    words("ProxyLoadBalancingMethod", "proxy-load-balancing-method", 0, {
      "0": "disable",
      "1": "round-robin",
      "2": "random-weights",
    }),
    // 2 stands in a real file; what it means, and its word, nobody knows.
    words("IsProxyHotSwap", "is-proxy-hot-swap", 0, { "0": "disable", "1": "enable", "2": "2" }),
    reference("SRDName", "srd-name", "SRD"),
    words("ClassificationInput", "classification-input", 0, { "0": "ip-only", "1": "ip-port-transport" }),
    reference("TLSContextName", "tls-context-name", "TLSContexts"),
    words("ProxyRedundancyMode", "proxy-redundancy-mode", -1, {
      "-1": "not-configured",
      "0": "parking",
      "1": "homing",
    }),
    words("DNSResolveMethod", "dns-resolve-method", -1, {
      "-1": "not-configured",
      "0": "a-record",
      "1": "srv",
      "2": "naptr",
    }),
    text("KeepAliveFailureResp", "keepalive-fail-resp", { accepts: isFailureResponses }),
    reference("GWIPv4SIPInterfaceName", "gwipv4-sip-int-name", "SIPInterface"),
    reference("SBCIPv4SIPInterfaceName", "sbcipv4-sip-int-name", "SIPInterface"),
    reference("SASIPv4SIPInterfaceName", null, "SIPInterface"),
    reference("GWIPv6SIPInterfaceName", "gwipv6-sip-int-name", "SIPInterface"),
    reference("SBCIPv6SIPInterfaceName", "sbcipv6-sip-int-name", "SIPInterface"),
    reference("SASIPv6SIPInterfaceName", null, "SIPInterface"),
    integer("MinActiveServersLB", "min-active-serv-lb", 1, 1, 15),
    integer("SuccessDetectionRetries", "success-detect-retries", 1, 1, 100),
    integer("SuccessDetectionInterval", "success-detect-int", 10, 1, 200),
    integer("FailureDetectionRetransmissions", "fail-detect-rtx", -1, -1, 255),
    onOff("AcceptDHCPProxyList", "accept-dhcp-proxy-list"),
    text("TLSRemoteSubjectName", null),
    integer("PeerHostNameVerificationMode", null, -1, -1, anyNumber),
    integer("InCallRouteMode", null, 0, 0, anyNumber),
  ],
};

/** Proxy Addresses, rows inside a Proxy Set with a row index of their own. */
export const proxyIpTable: Table = {
  name: "ProxyIp",
  root: "voip",
  cli: ["proxy-ip"],
  parent: { table: "ProxySet", column: "ProxySetId", indexColumn: "ProxyIpIndex" },
  activates: true,
  columns: [
    text("ProxySetId", null, { default: "0" }),
    integer("ProxyIpIndex", null, 0, 0, 49),
    text("IpAddress", "proxy-address", { mandatory: true, accepts: isProxyAddress, maxLength: 255 }),
    words("TransportType", "transport-type", -1, { "-1": "not-configured", "0": "udp", "1": "tcp", "2": "tls" }),
    integer("Priority", "priority", 0, 0, 65_535),
    integer("Weight", "weight", 0, 0, 65_535),
  ],
};

/**
 * IP Groups. Columns without a CLI name are those for which nobody found one.
 * Defaults come from the parameter table or, where it is silent, from the row printed there.
 */
export const ipGroupTable: Table = {
  name: "IPGroup",
  root: "voip",
  cli: ["ip-group"],
  nameColumn: "Name",
  activates: true,
  columns: [
    words("Type", "type", 0, { "0": "server", "1": "user", "2": "gateway" }),
    text("Name", "name", { maxLength: 40, forbidden: "/", mandatory: true }),
    reference("ProxySetName", "proxy-set-name", "ProxySet"),
    text("VoiceAIConnector", null),
    text("SIPGroupName", "sip-group-name", { maxLength: 100 }),
    text("ContactUser", "contact-user"),
    integer("SipReRoutingMode", "re-routing-mode", -1, -1, 2),
    onOff("AlwaysUseRouteTable", "always-use-route-table"),
    reference("SRDName", "srd-name", "SRD"),
    reference("MediaRealm", "media-realm-name", "CpMediaRealm"),
    reference("InternalMediaRealm", "internal-media-realm-name", "CpMediaRealm"),
    onOff("ClassifyByProxySet", "classify-by-proxy-set", 1),
    reference("ProfileName", "ip-profile-name", "IpProfile"),
    integer("MaxNumOfRegUsers", "max-num-of-reg-users", -1, -1, anyNumber),
    integer("InboundManSet", "inbound-mesg-manipulation-set", -1, -1, anyNumber),
    integer("OutboundManSet", "outbound-mesg-manipulation-set", -1, -1, anyNumber),
    words("RegistrationMode", "registration-mode", 0, { "0": "0", "1": "1", "2": "2" }),
    words("AuthenticationMode", "authentication-mode", 0, {
      "0": "user-authenticates",
      "1": "sbc-as-client",
      "2": "sbc-as-server",
    }),
    text("MethodList", "authentication-method-list"),
    integer("SBCServerAuthType", null, -1, -1, anyNumber),
    text("OAuthHTTPService", null),
    onOff("EnableSBCClientForking", null),
    integer("SourceUriInput", "src-uri-input", -1, -1, anyNumber),
    integer("DestUriInput", "dst-uri-input", -1, -1, anyNumber),
    text("ContactName", "local-host-name"),
    text("Username", null),
    secret("Password", null, 64),
    text("UsernameAsClient", null),
    secret("PasswordAsClient", null, 64),
    text("UsernameAsServer", null),
    secret("PasswordAsServer", null, 64),
    integer("UUIFormat", null, 0, 0, anyNumber),
    text("QOEProfile", "qoe-profile"),
    text("BWProfile", "bandwidth-profile"),
    text("MediaEnhancementProfile", null),
    onOff("AlwaysUseSourceAddr", "always-use-source-addr"),
    text("MsgManUserDef1", "msg-man-user-defined-string1", { maxLength: 30 }),
    text("MsgManUserDef2", "msg-man-user-defined-string2", { maxLength: 30 }),
    integer("SIPConnect", null, 0, 0, anyNumber),
    integer("SBCPSAPMode", null, 0, 0, anyNumber),
    // `dtls-context ""` is printed when explicitly empty, so the default is the context named "default".
    reference("DTLSContext", "dtls-context", "TLSContexts", { default: "default" }),
    onOff("CreatedByRoutingServer", null),
    onOff("UsedByRoutingServer", "used-by-routing-server"),
    words("SBCOperationMode", "sbc-operation-mode", -1, {
      "-1": "not-configured",
      "0": "b2bua",
      "1": "call-stateful-proxy",
    }),
    onOff("SBCRouteUsingRequestURIPort", null),
    onOff("SBCKeepOriginalCallID", null),
    words("TopologyLocation", "topology-location", 0, { "0": "down", "1": "up" }),
    text("SBCDialPlanName", "sbc-dial-plan-name"),
    integer("CallSetupRulesSetId", "call-setup-rules-set-id", -1, -1, anyNumber),
    integer("TeamsRegistrationMode", null, 0, 0, anyNumber),
    text("Tags", "tags", { maxLength: 70, accepts: isUpToFiveTags }),
    onOff("SBCUserStickiness", null),
    integer("UserUDPPortAssignment", null, 0, 0, anyNumber),
    text("AdmissionProfile", "cac-profile", { aliases: ["admission-profile"] }),
    onOff("ProxyKeepAliveUsingIPG", "proxy-keepalive-use-ipg"),
    text("SBCAltRouteReasonsSetName", "sbc-alt-route-reasons-set"),
    // The name of 7.2; whether the parameter was called the same is not known.
    words("TeamsMediaOptimization", null, 0, { "0": "0", "1": "1", "2": "2" }),
    integer("TeamsMOInitialBehavior", null, 0, 0, 1),
    words("TeamsLocalMediaOptimization", "teams-local-media-optimization", 0, { "0": "0", "1": "1", "2": "2" }),
    integer("TeamsLocalMOInitialBehavior", null, 0, 0, 1),
    text("SIPSourceHostName", null),
    onOff("TeamsDirectRoutingMode", null),
    text("TeamsLocalMOSite", null),
    integer("UserVoiceQualityReport", null, 0, 0, anyNumber),
    integer("ValidateSourceIP", null, 0, 0, anyNumber),
    integer("MeteringRemoteType", null, 0, 0, anyNumber),
    integer("DedicatedConnectionMode", null, 0, 0, anyNumber),
    integer("ReportMetering", null, 1, 0, anyNumber),
  ],
};

/** Accounts. The CLI name of the user name is not in the list of known parameters; `user-name` is invented here. */
export const accountTable: Table = {
  name: "Account",
  root: "voip",
  cli: ["sip-definition", "account"],
  activates: true,
  columns: [
    text("AccountName", "account-name", { maxLength: 40 }),
    integer("ServedTrunkGroup", null, -1, -1, anyNumber),
    reference("ServedIPGroupName", "served-ip-group-name", "IPGroup"),
    reference("ServingIPGroupName", "serving-ip-group-name", "IPGroup", { mandatory: true }),
    text("Username", "user-name", { maxLength: 50 }),
    secret("Password", "password", 50),
    text("HostName", "host-name", { maxLength: 49 }),
    text("ContactUser", "contact-user"),
    words("Register", "register", 0, { "0": "disable", "1": "reg", "2": "gin" }),
    words("RegistrarStickiness", "registrar-stickiness", 0, {
      "0": "disable",
      "1": "enable",
      "2": "enable-for-non-register-requests",
    }),
    words("RegistrarSearchMode", "registrar-search-mode", 0, { "0": "current-server", "1": "by-ims-spec" }),
    onOff("RegEventPackageSubscription", null),
    words("ApplicationType", "application-type", 2, { "0": "gw", "2": "sbc" }),
    words("RegByServedIPG", "reg-by-served-ipg-status", 0, { "0": "reg-always", "1": "reg-if-online" }),
    integer("UDPPortAssignment", null, 0, 0, anyNumber),
    onOff("ReRegisterOnInviteFailure", "re-register-on-invite-failure"),
    onOff("AcceptDHCPConfiguration", null),
  ],
};
