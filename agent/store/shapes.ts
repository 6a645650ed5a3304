import { z } from "zod";
import type { Fields, TableName } from "../../drivers/driver.ts";
import type { Intent } from "../provisioning/intent.ts";
import type { DriftEvidence, DriftRow } from "./model.ts";

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

const word = z.string().nullable();

const driftRow = z.object({
  row: z.string(),
  customers: z.array(z.string()),
  findings: z.array(
    z.object({
      kind: z.enum([
        "field",
        "row-missing",
        "row-inactive",
        "row-twice",
        "foreign-tag",
        "address-missing",
        "address-foreign",
      ]),
      field: word,
      wanted: word,
      found: word,
      policy: z.enum(["keep", "restore", "report"]),
    }),
  ),
});

const rowsShape: z.ZodType<readonly DriftRow[]> = z.array(driftRow).readonly();
const checkedRow = z.object({ row: z.string(), customers: z.array(z.string()), shared: z.string().exactOptional() });

export const driftEvidenceFields = {
  customers: z.number(),
  drifted: z.number(),
  kept: z.number(),
  afterRestart: z.boolean(),
  restore: z
    .object({ result: z.enum(["done", "put-off", "failed"]), rows: z.number(), reason: z.string().nullable() })
    .nullable(),
  rows: rowsShape,
  unlisted: z.number(),
};

export const driftEvidenceShape: z.ZodType<DriftEvidence> = z.object({
  ...driftEvidenceFields,
  rows: z.array(driftRow.extend(checkedRow.shape)),
  tally: z
    .object({
      compared: z.array(z.string()),
      unlisted: z.array(checkedRow),
      accepted: z.array(checkedRow.extend({ kept: z.number() })),
    })
    .exactOptional(),
});
