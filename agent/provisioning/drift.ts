import { createHash } from "node:crypto";
import type { DeviceConfig } from "../../drivers/driver.ts";
import { policyOfField, policyOfRows, type DeviceDrift, type DriftPolicy } from "../settings/drift-policy.ts";
import type { CheckedRow, DriftFinding, ListedRow } from "../store/model.ts";
import type { IntentRow } from "./intent.ts";
import type { PlannedIntent } from "./needs.ts";
import { tenantOf } from "./tenant-tag.ts";
import { describeRow, differences, endsCalls, indexRows, nameOf, sameName, type Observed } from "./observed.ts";
import { matchChildren } from "./proxy-set-needs.ts";

/** How a device differs from what its linked customers need, row by row and field by field. */
export interface Drift {
  rows: readonly ListedRow[];
  /** Customers of the rows that differ. */
  drifted: number;
  /** Fields and rows that differ and are accepted by policy `keep`. */
  kept: number;
  /** The rows of these, and how many they are in each. */
  accepted: readonly (CheckedRow & { kept: number })[];
  /** What stands for each shared row that was compared, whether it differs or not. */
  shared: readonly string[];
}

interface Comparison {
  observed: Observed;
  policies: DeviceDrift;
  carrierPolicy: "report" | "enforce";
}

type Found = Pick<ListedRow, "row" | "findings"> & { kept: number };

interface Entry {
  found: Found;
  customers: Set<string>;
  shared: { shared?: string };
}

/** Compares a complete read with the intents of linked customers. Pure; secrets are never among the values. */
export function findDrift(
  config: DeviceConfig,
  intents: readonly PlannedIntent[],
  policies: DeviceDrift,
  carrierPolicy: "report" | "enforce",
): Drift {
  const comparison = { observed: indexRows(config), policies, carrierPolicy };
  const rows: Entry[] = [];
  /** Thousands of customers may share a Proxy Set: it is compared once for each way in which it is wanted. */
  const shared = new Map<string, Entry>();
  for (const planned of intents) {
    const { shortName } = planned.intent;
    for (const row of planned.intent.rows) {
      const key = row.role === "shared" ? wantOf(row) : undefined;
      const known = key === undefined ? undefined : shared.get(key);
      if (known !== undefined) {
        known.customers.add(shortName);
        continue;
      }
      const found = row.role === "shared" ? compareShared(row, comparison) : compareOwn(row, planned, comparison);
      const entry = { found, customers: new Set([shortName]), shared: key === undefined ? {} : { shared: key } };
      if (key !== undefined) shared.set(key, entry);
      if (found.findings.length + found.kept > 0) rows.push(entry);
    }
  }
  const differing = rows.filter(({ found }) => found.findings.length > 0);
  const checked = ({ found, customers, shared }: Entry): CheckedRow => ({
    row: found.row,
    customers: [...customers],
    ...shared,
  });
  return {
    rows: differing.map((entry) => ({ ...checked(entry), findings: entry.found.findings })),
    drifted: new Set(differing.flatMap(({ customers }) => [...customers])).size,
    kept: rows.reduce((sum, { found }) => sum + found.kept, 0),
    accepted: rows
      .filter(({ found }) => found.kept > 0)
      .map((entry) => ({ ...checked(entry), kept: entry.found.kept })),
    shared: [...shared.keys()],
  };
}

/** All that an intent wants of a shared row, in few letters. */
function wantOf({ table, name, fields, children }: IntentRow): string {
  const want = JSON.stringify([table, name, fields, children]);
  return createHash("sha256").update(want).digest("base64url").slice(0, 22);
}

/** Whether a run that only restores has something to do. */
export function isRestorable({ rows }: Pick<Drift, "rows">): boolean {
  return rows.some(({ findings }) => findings.some(({ policy }) => policy === "restore"));
}

const said = (kind: DriftFinding["kind"], policy: DriftPolicy): DriftFinding => ({
  kind,
  field: null,
  wanted: null,
  found: null,
  policy,
});

/** Findings that are not accepted, and how many are. */
function sorted(row: string, findings: readonly DriftFinding[]): Found {
  const left = findings.filter(({ policy }) => policy !== "keep");
  return { row, findings: left, kept: findings.length - left.length };
}

function compareOwn(row: IntentRow, planned: PlannedIntent, { observed, policies }: Comparison): Found {
  const { intent, secretsWritten } = planned;
  const found = observed.byName(row.table, row.name);
  if (found === undefined) return sorted(`${row.table} "${row.name}"`, [said("row-missing", policyOfRows(policies))]);
  const place = describeRow(found, nameOf(found));
  if (observed.countOf(row.table, row.name) > 1) return sorted(place, [said("row-twice", "report")]);
  const tenant = tenantOf(found);
  if (tenant !== undefined && !sameName(tenant, intent.tenantId))
    return sorted(place, [
      { kind: "foreign-tag", field: "tags", wanted: intent.tenantId, found: tenant, policy: "report" },
    ]);
  // A policy is no consent to ending calls.
  const policyOf = (field: string): DriftPolicy => {
    const policy = policyOfField(policies, row.table, field);
    return policy === "restore" && endsCalls(row.table, field) ? "report" : policy;
  };
  const unwritten = Object.entries(row.secretFields).filter(([, variable]) => !secretsWritten.has(variable));
  return sorted(place, [
    ...(found.active ? [] : [said("row-inactive", policyOfRows(policies))]),
    ...differences(found, row.fields).map((field): DriftFinding => ({
      kind: "field",
      field,
      wanted: row.fields[field] ?? null,
      found: found.fields[field] ?? null,
      policy: policyOf(field),
    })),
    ...unwritten.map(([field]): DriftFinding => ({
      kind: "field",
      field,
      wanted: "********",
      found: null,
      policy: policyOf(field) === "keep" ? "keep" : "report",
    })),
  ]);
}

function compareShared(row: IntentRow, { observed, policies, carrierPolicy }: Comparison): Found {
  const found = observed.byName(row.table, row.name);
  if (found === undefined) return sorted(`${row.table} "${row.name}"`, [said("row-missing", policyOfRows(policies))]);
  const place = describeRow(found, nameOf(found));
  if (!found.active) return sorted(place, [said("row-inactive", "report")]);
  // Without a carrier it is only referred to, and may be what it likes.
  if (row.children.length === 0) return sorted(place, []);
  const allowed = (policy: DriftPolicy): DriftPolicy =>
    policy === "restore" && carrierPolicy === "report" ? "report" : policy;
  const fields = differences(found, row.fields).map((field): DriftFinding => ({
    kind: "field",
    field,
    wanted: row.fields[field] ?? null,
    found: found.fields[field] ?? null,
    policy: allowed(policyOfField(policies, row.table, field)),
  }));
  const { missing, others } = matchChildren(row, observed, found.index);
  const given = policyOfField(policies, "proxy-ip", "proxy-address");
  // Addresses of a set that is there are never written.
  const policy = given === "keep" ? "keep" : "report";
  return sorted(place, [
    ...fields,
    ...missing.map(({ fields: wanted }): DriftFinding => ({
      kind: "address-missing",
      field: "proxy-address",
      wanted: wanted["proxy-address"] ?? null,
      found: null,
      policy,
    })),
    ...others.map(({ fields: shown }): DriftFinding => ({
      kind: "address-foreign",
      field: "proxy-address",
      wanted: null,
      found: shown["proxy-address"] ?? null,
      policy,
    })),
  ]);
}
