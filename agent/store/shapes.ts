import { z } from "zod";
import type { Fields, TableName } from "../../drivers/driver.ts";
import type { Intent } from "../provisioning/intent.ts";

/** Shapes of what is stored and sent as JSON, wherever it comes back from. */

const tables: { [Name in TableName]: Name } = {
  "proxy-set": "proxy-set",
  "proxy-ip": "proxy-ip",
  "ip-group": "ip-group",
  account: "account",
  srd: "srd",
  "sip-interface": "sip-interface",
  realm: "realm",
  "ip-profile": "ip-profile",
  "tls-context": "tls-context",
};

export const tableShape = z.enum(tables);
export const fieldsShape: z.ZodType<Fields> = z.record(z.string(), z.string());

export const intentShape: z.ZodType<Intent> = z.object({
  customerGuid: z.string(),
  tenantId: z.string(),
  shortName: z.string(),
  blueprint: z.object({ name: z.string(), hash: z.string() }),
  rows: z.array(
    z.object({
      table: tableShape,
      name: z.string(),
      fields: fieldsShape,
      secretFields: fieldsShape,
      role: z.enum(["own", "shared"]),
      children: z.array(z.object({ table: tableShape, fields: fieldsShape })),
    }),
  ),
});
