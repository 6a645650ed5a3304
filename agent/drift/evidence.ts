import { isDeepStrictEqual } from "node:util";
import type { Drift } from "../provisioning/drift.ts";
import type { ReadBack } from "../provisioning/read-back.ts";
import type { CheckedRow, DriftEvidence, DriftTally, ListedRow } from "../store/model.ts";

/** Rows that evidence lists: more than anybody reads, and no burden for the store. */
const mostRows = 500;

/** Evidence as rows; what it counts follows from them. */
interface Rows {
  compared: readonly string[];
  /** Without findings where they are not listed. */
  differing: readonly (ListedRow | CheckedRow)[];
  accepted: DriftTally["accepted"];
}

type Circumstances = Pick<DriftEvidence, "afterRestart" | "restore">;

const isListed = (row: ListedRow | CheckedRow): row is ListedRow => "findings" in row;

function toEvidence({ compared, differing, accepted }: Rows, circumstances: Circumstances): DriftEvidence {
  const rows = differing.filter(isListed).slice(0, mostRows);
  const listed = new Set<CheckedRow>(rows);
  const unlisted = differing
    .filter((row) => !listed.has(row))
    .map(({ row, customers, shared }) => ({ row, customers, ...(shared === undefined ? {} : { shared }) }));
  const drifted = new Set(differing.flatMap(({ customers }) => customers));
  // Whoever was linked since the check may be among those that differ.
  const known = [...new Set([...compared, ...drifted])];
  return {
    customers: known.length,
    drifted: drifted.size,
    kept: accepted.reduce((sum, { kept }) => sum + kept, 0),
    ...circumstances,
    rows,
    unlisted: unlisted.length,
    tally: { compared: known, unlisted, accepted },
  };
}

/** What a comparison of all linked customers showed; `compared` are their short names. */
export function gatherEvidence(drift: Drift, compared: readonly string[], circumstances: Circumstances): DriftEvidence {
  return toEvidence({ compared, differing: drift.rows, accepted: drift.accepted }, circumstances);
}

/**
 * The evidence with what a run has shown since: what was known of its customers, and of shared rows that they want, gives
 * way to what it read; those that are gone leave. Undefined where that changes nothing.
 */
export function followRun(evidence: DriftEvidence, { compared, drift, gone }: ReadBack): DriftEvidence | undefined {
  const { rows, tally, afterRestart, restore } = evidence;
  // From before it was kept who stands behind the counts.
  if (tally === undefined) return undefined;
  const anew = new Set([...compared, ...gone]);
  const shared = new Set(drift.shared);
  const left = new Set(gone.filter((customer) => !compared.includes(customer)));
  const followed = toEvidence(
    {
      compared: tally.compared.filter((customer) => !left.has(customer)),
      differing: replace<ListedRow | CheckedRow>([...rows, ...tally.unlisted], drift.rows, anew, shared),
      accepted: replace(tally.accepted, drift.accepted, anew, shared),
    },
    { afterRestart, restore },
  );
  return isDeepStrictEqual(followed, evidence) ? undefined : followed;
}

/** One customer's own row, or one way in which a shared row is wanted. */
const keyOf = ({ row, customers, shared }: CheckedRow): string => shared ?? `${row} of ${customers[0] ?? ""}`;

/** What `found` says of the customers in `anew`, and of the rows in `shared` for everybody, in place of what is known. */
function replace<T extends CheckedRow>(
  known: readonly T[],
  found: readonly T[],
  anew: ReadonlySet<string>,
  shared: ReadonlySet<string>,
): T[] {
  const fresh = new Map(found.map((row) => [keyOf(row), row]));
  const kept = known.map((row) => {
    const now = fresh.get(keyOf(row));
    fresh.delete(keyOf(row));
    const isLookedAt = row.shared !== undefined && shared.has(row.shared);
    const differing = now?.customers ?? [];
    const others = isLookedAt && now === undefined ? [] : row.customers.filter((customer) => !anew.has(customer));
    const customers = [
      ...row.customers.filter((customer) => others.includes(customer) || differing.includes(customer)),
      ...differing.filter((customer) => !row.customers.includes(customer)),
    ];
    return { ...(now ?? row), customers };
  });
  return [...kept, ...fresh.values()].filter(({ customers }) => customers.length > 0);
}
