import { z } from "zod";
import type { TableName } from "../../drivers/driver.ts";
import { mediantTables } from "../../drivers/index.ts";

/**
 * What becomes of a difference between a device and what a linked customer needs. `keep`: the device's value is
 * accepted. `restore`: put right after the check that found it. `report`: told, and put right by a manual re-sync.
 */
export const driftPolicies = ["keep", "restore", "report"] as const;
export type DriftPolicy = (typeof driftPolicies)[number];

/** Addresses of Proxy Sets compare as a set: each is there or is not. */
const addressField = "proxy-ip.proxy-address";

function faultOf(name: string): string | undefined {
  const [table = "", field, ...more] = name.split(".");
  const schema = mediantTables.get(table as TableName);
  if (field === undefined || more.length > 0) return "is written TABLE.FIELD, for example ip-group.media-realm-name";
  if (schema?.owned !== true) return `there is no table '${table}' among those that are written`;
  if (table === "proxy-ip" && name !== addressField) return `addresses compare as a whole: use ${addressField}`;
  if (!schema.fields.some((known) => known.name === field)) return `table ${table} has no field '${field}'`;
  return undefined;
}

function reasonNotToRestore(name: string): string | undefined {
  if (name === addressField)
    return "cannot be restored: addresses of a Proxy Set that is there are never written; keep or report";
  const [table, field] = name.split(".");
  const known = mediantTables.get(table as TableName)?.fields.find((one) => one.name === field);
  if (known?.endsCalls === true)
    return "cannot be restored: changing it ends calls, which needs consent; keep or report";
  if (known?.secret === true) return "cannot be restored: devices do not show it; keep or report";
  return undefined;
}

const policy = z.enum(driftPolicies);
const fields = z
  .record(z.string(), policy)
  .default({})
  .superRefine((given, context) => {
    for (const [name, wanted] of Object.entries(given)) {
      const message = faultOf(name) ?? (wanted === "restore" ? reasonNotToRestore(name) : undefined);
      if (message !== undefined) context.addIssue({ code: "custom", path: [name], message });
    }
  });

/** What `drift` of one device may say in place of the general settings. */
export const deviceDrift = z
  .strictObject({ policy: policy.optional(), fields, rows: policy.optional() })
  .prefault({})
  .describe("in place of the general settings under 'drift'");

export type DeviceDrift = z.infer<typeof deviceDrift>;

/** The settings `policy`, `fields` and `rows` of `drift`. */
export const generalDrift = { policy: policy.default("report"), fields, rows: policy.default("report") };

/** What holds for one field of a device's rows. Its `drift` must hold the general settings too, as `mergeDrift` gives it. */
export function policyOfField({ policy, fields }: DeviceDrift, table: TableName, field: string): DriftPolicy {
  return fields[`${table}.${field}`] ?? policy ?? "report";
}

/** What holds for rows that are missing altogether, or not active. */
export function policyOfRows({ rows }: DeviceDrift): DriftPolicy {
  return rows ?? "report";
}

/** A field that is named, by the device or in general, goes before a policy for all; a device's word before the general one. */
export function mergeDrift(
  general: { policy: DriftPolicy; fields: DeviceDrift["fields"]; rows: DriftPolicy },
  device: DeviceDrift,
): DeviceDrift {
  return {
    policy: device.policy ?? general.policy,
    fields: { ...general.fields, ...device.fields },
    rows: device.rows ?? general.rows,
  };
}
