import type { TableSchema } from "../../driver.ts";
import { integer, proxyAddress, words } from "../grammar.ts";
import { doc, field, mandatory } from "./field.ts";

/** Proxy Addresses, the child rows of Proxy Sets. Set priority and weight both or neither (configuration tables, 4.3). */
export const proxyIp: TableSchema = {
  name: "proxy-ip",
  cliPath: "proxy-ip",
  iniName: "ProxyIp",
  owned: true,
  key: [],
  parent: "proxy-set",
  fields: [
    field("proxy-address", "IpAddress", proxyAddress, mandatory),
    field("transport-type", "TransportType", words({ udp: 0, tcp: 1, tls: 2 }), doc("-1")),
    field("priority", "Priority", integer(0, 65_535), doc("0")),
    field("weight", "Weight", integer(0, 65_535), doc("0")),
  ],
};
