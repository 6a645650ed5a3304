import type { TableSchema } from "../../driver.ts";
import { reference, secret, text, words } from "../grammar.ts";
import { field, inferred } from "./field.ts";

const documented = { nameConfidence: "doc" } as const;

/** Registration accounts (configuration tables, sections 6, 9.1 and 10.2). The device may hide the table in its INI. */
export const account: TableSchema = {
  name: "account",
  cliPath: "sip-definition account",
  iniName: "Account",
  owned: true,
  key: ["served-ip-group-name", "serving-ip-group-name"],
  fields: [
    field("account-name", "AccountName", text(40), inferred(""), documented),
    field("served-ip-group-name", "ServedIPGroupName", reference("ip-group"), inferred(""), documented),
    field("serving-ip-group-name", "ServingIPGroupName", reference("ip-group"), inferred(""), documented),
    field("user-name", "Username", text(50), inferred(""), { nameConfidence: "inferred" }),
    field("password", "Password", secret(50), inferred(""), { nameConfidence: "doc", secret: true }),
    field("host-name", "HostName", text(49), inferred(""), documented),
    field("contact-user", "ContactUser", text(50), inferred(""), documented),
    field("register", "Register", words({ disable: 0, reg: 1, gin: 2 }), inferred("disable"), documented),
    field(
      "registrar-stickiness",
      "RegistrarStickiness",
      words({ disable: 0, enable: 1, "enable-for-non-register-requests": 2 }),
      inferred("disable"),
      documented,
    ),
    field(
      "registrar-search-mode",
      "RegistrarSearchMode",
      words({ "current-server": 0, "by-ims-spec": 1 }),
      inferred("current-server"),
      documented,
    ),
    field("application-type", "ApplicationType", words({ gw: 0, sbc: 2 }), inferred("gw"), documented),
    field(
      "reg-by-served-ipg-status",
      "RegByServedIPG",
      words({ "reg-always": 0, "reg-if-online": 1 }),
      inferred("reg-always"),
      documented,
    ),
  ],
};
