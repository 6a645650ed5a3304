import type { TableName } from "../../drivers/driver.ts";
import { policyOfField, policyOfRows, type DeviceDrift } from "../settings/drift-policy.ts";
import { endsCalls, schemaOf } from "./observed.ts";

/** What a run leaves as the device has it, of the rows of linked customers. */
export interface LeftAlone {
  /** Whether the field keeps the device's value in a row that is active. */
  field(table: TableName, field: string): boolean;
  /** The same for a row that is not active and is being completed. */
  kept(table: TableName, field: string): boolean;
  /** Whether rows that are missing, or not active, stay so. */
  rows: boolean;
}

/** No read-back shows a secret, so that nothing proves that it was restored. */
function isSecret(table: TableName, field: string): boolean {
  return schemaOf(table).fields.some((known) => known.name === field && known.secret === true);
}

/**
 * A re-sync leaves what is kept. One that only restores leaves all but what is to be restored; in rows that are active it
 * never ends calls and never writes secrets.
 */
export function leaveByPolicy(policies: DeviceDrift, restoring: boolean): LeftAlone {
  const kept = (table: TableName, field: string): boolean => policyOfField(policies, table, field) === "keep";
  return {
    field: (table, field) =>
      restoring
        ? policyOfField(policies, table, field) !== "restore" || endsCalls(table, field) || isSecret(table, field)
        : kept(table, field),
    kept,
    rows: restoring ? policyOfRows(policies) !== "restore" : policyOfRows(policies) === "keep",
  };
}
