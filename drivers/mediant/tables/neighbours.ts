import type { FieldSchema, TableName, TableSchema } from "../../driver.ts";
import { reference, rowName } from "../grammar.ts";
import { field } from "./field.ts";

/** Tables that owned rows refer to by name. They are read, never written. */
export const neighbours: readonly TableSchema[] = [
  neighbour("srd", "srd", "SRD", [field("name", "Name", rowName(40))]),
  neighbour("sip-interface", "sip-interface", "SIPInterface", [
    field("interface-name", "InterfaceName", rowName(40)),
    field("srd-name", "SRDName", reference("srd")),
  ]),
  neighbour("realm", "realm", "CpMediaRealm", [field("name", "MediaRealmName", rowName(40))]),
  neighbour("ip-profile", "coders-and-profiles ip-profile", "IpProfile", [
    field("profile-name", "ProfileName", rowName(40), undefined, { nameConfidence: "inferred" }),
  ]),
  // Printed under `configure network`.
  neighbour("tls-context", "tls", "TLSContexts", [field("name", "Name", rowName(40))]),
];

function neighbour(name: TableName, cliPath: string, iniName: string, fields: readonly FieldSchema[]): TableSchema {
  return { name, cliPath, iniName, owned: false, key: [fields[0]?.name ?? ""], fields };
}
