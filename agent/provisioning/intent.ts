import type { Fields, TableName } from "../../drivers/driver.ts";

/** One row that must exist for a customer. Rows refer to each other by name, so an intent holds no index. */
export interface IntentRow {
  table: TableName;
  /** The values of the table's key fields joined by `/`; for child rows: that of the parent row. */
  name: string;
  /** What must stand in the row, secret fields left out. Fields that are not named here are left as they are. */
  fields: Fields;
  /** Secret field → name of the secret variable that fills it. */
  secretFields: Readonly<Record<string, string>>;
  /**
   * `own`: the customer's row. `shared`: a Proxy Set that may serve many; it is created when missing and a carrier
   * defines it, and never rewritten or deleted while others use it.
   */
  role: "own" | "shared";
  /** Children in their order, compared as a set. */
  children: readonly { table: TableName; fields: Fields }[];
}

/** All rows of one customer on one device, as rendered when the conversion ran; the link keeps it for re-sync. */
export interface Intent {
  customerGuid: string;
  tenantId: string;
  shortName: string;
  blueprint: { name: string; hash: string };
  rows: readonly IntentRow[];
}
