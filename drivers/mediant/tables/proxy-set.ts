import type { TableSchema } from "../../driver.ts";
import { integer, onOff, reference, responseCodes, rowName, text, words } from "../grammar.ts";
import { doc, field, inferred, mandatory, seen, unnamed } from "./field.ts";

const inferredName = { nameConfidence: "inferred" } as const;

/** Proxy Sets. Codes without a known word read as numbers, for example `-1`. */
export const proxySet: TableSchema = {
  name: "proxy-set",
  cliPath: "proxy-set",
  iniName: "ProxySet",
  owned: true,
  key: ["proxy-name"],
  fields: [
    field("proxy-name", "ProxyName", rowName(40), mandatory),
    field(
      "proxy-enable-keep-alive",
      "EnableProxyKeepAlive",
      words({ disable: 0, "using-options": 1, "using-register": 2 }),
      doc("disable"),
    ),
    field("proxy-keep-alive-time", "ProxyKeepAliveTime", integer(5, 2_000_000), doc("60")),
    field(
      "proxy-load-balancing-method",
      "ProxyLoadBalancingMethod",
      words({ disable: 0, "round-robin": 1, "random-weights": 2 }),
      doc("disable"),
    ),
    field("is-proxy-hot-swap", "IsProxyHotSwap", onOff, doc("disable")),
    field("srd-name", "SRDName", reference("srd"), inferred("")),
    field("classification-input", "ClassificationInput", words({ "ip-port-transport": 1 }), doc("0")),
    field("tls-context-name", "TLSContextName", reference("tls-context"), doc("")),
    field("proxy-redundancy-mode", "ProxyRedundancyMode", words({ parking: 0, homing: 1 }), doc("-1")),
    field("dns-resolve-method", "DNSResolveMethod", words({ srv: 1 }), doc("-1")),
    field("keepalive-fail-resp", "KeepAliveFailureResp", responseCodes, doc("")),
    field("gwipv4-sip-int-name", "GWIPv4SIPInterfaceName", reference("sip-interface"), seen("")),
    field("sbcipv4-sip-int-name", "SBCIPv4SIPInterfaceName", reference("sip-interface"), seen("")),
    field("gwipv6-sip-int-name", "GWIPv6SIPInterfaceName", reference("sip-interface"), seen(""), inferredName),
    field("sbcipv6-sip-int-name", "SBCIPv6SIPInterfaceName", reference("sip-interface"), seen(""), inferredName),
    field("min-active-serv-lb", "MinActiveServersLB", integer(1, 15), doc("1")),
    field("success-detect-retries", "SuccessDetectionRetries", integer(1, 100), doc("1")),
    field("success-detect-int", "SuccessDetectionInterval", integer(1, 200), doc("10")),
    field("fail-detect-rtx", "FailureDetectionRetransmissions", integer(-1, 255), doc("-1")),
    field("accept-dhcp-proxy-list", "AcceptDHCPProxyList", onOff, doc("disable")),
    unnamed("TLSRemoteSubjectName", text(100), seen("")),
    unnamed("PeerHostNameVerificationMode", words({}), seen("-1")),
    unnamed("InCallRouteMode", words({}), seen("0")),
  ],
};
