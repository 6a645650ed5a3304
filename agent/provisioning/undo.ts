import type { DeviceConfig } from "../../drivers/driver.ts";
import type { RecordedChange, RecordedCreate } from "../store/model.ts";
import {
  describeRow,
  differences,
  indexRows,
  mentionerOf,
  nameOf,
  pick,
  sameName,
  schemaOf,
  type Observed,
} from "./observed.ts";
import type { PlannedStep } from "./plan.ts";
import { isOurs } from "./remnant.ts";

export interface Written {
  creates: readonly RecordedCreate[];
  changes: readonly RecordedChange[];
}

export interface Undo {
  steps: readonly PlannedStep[];
  /** Rows of ours that cannot be deleted, and who refers to them. */
  blocked: readonly string[];
}

/** Whether something of what was written for a customer stands on the device, and is not as it should be. */
export function showsTraces(observed: Observed, written: Written, customer: string): boolean {
  const concerns = (entry: { customers: readonly string[] }): boolean => entry.customers.includes(customer);
  return (
    written.creates.filter(concerns).some((created) => {
      const row = observed.byPlace(created);
      if (row === undefined || created.parent !== undefined || !isOurs(created, row)) return false;
      if (created.table !== "proxy-set" || !row.active || nameOf(row) === "") return true;
      // A whole Proxy Set serves the rest of the batch as well: it is no trace of one customer.
      const children = written.creates.filter((c) => c.table === "proxy-ip" && c.parent === created.index);
      const there = observed.children("proxy-ip", created.index).filter(({ active }) => active);
      return there.length < new Set(children.map(({ index }) => index)).size;
    }) ||
    written.changes.filter(concerns).some((change) => {
      const row = change.parent === undefined ? observed.byPlace(change) : undefined;
      return row !== undefined && differences(row, change.before).length > 0;
    })
  );
}

/** Whether a script was ever recorded for a customer. */
export function wasWritten({ creates, changes }: Written, customer: string): boolean {
  return [...creates, ...changes].some(({ customers }) => customers.includes(customer));
}

/**
 * The steps that take back what was written for `failing` customers and for nobody else. Pure. Deletes only rows that
 * a record calls absent before and whose index and name match in `config`, a read made after the last write; rows that
 * existed get their values from before. A Proxy Set stays while any row, or another customer, needs it; its addresses stay
 * and go with it.
 */
export function planUndo(config: DeviceConfig, written: Written, failing: ReadonlySet<string>): Undo {
  const observed = indexRows(config);
  const only = (customers: readonly string[]): boolean => customers.every((customer) => failing.has(customer));
  const doomed = written.creates
    .filter((created) => created.parent === undefined && only(created.customers))
    .flatMap((created) => {
      const row = observed.byPlace(created);
      return row !== undefined && isOurs(created, row) ? [{ created, row }] : [];
    });
  const unique = [...new Map(doomed.map((entry) => [describeRow(entry.created, ""), entry])).values()];

  const blocked: string[] = [];
  const deleted = new Set<string>();
  const steps: PlannedStep[] = [];
  for (const table of ["account", "ip-group", "proxy-set"] as const) {
    for (const { created, row } of unique.filter((entry) => entry.created.table === table)) {
      const users = observed
        .mentions(table, nameOf(row))
        .map(({ from }) => from)
        .filter((from) => !deleted.has(from) && from !== mentionerOf(row));
      if (nameOf(row) !== "" && users.length > 0) {
        if (table === "ip-group")
          blocked.push(`${describeRow(row, nameOf(row))} is referred to by ${users.join(", ")}`);
        continue;
      }
      deleted.add(mentionerOf(row));
      steps.push({
        step: { kind: "delete", table, index: row.index, name: nameOf(row) },
        name: nameOf(row),
        before: row.fields,
        customers: created.customers,
        endsCalls: schemaOf(table).deleteEndsCalls === true,
      });
    }
  }
  const changes = written.changes.filter(({ parent, customers }) => parent === undefined && only(customers));
  for (const change of mergeChanges(changes)) {
    const row = observed.byPlace(change);
    if (row === undefined || deleted.has(mentionerOf(row)) || !sameName(nameOf(row), change.name)) continue;
    const fields = differences(row, change.before);
    if (fields.length === 0) continue;
    const { table, index, name, customers } = change;
    steps.push({
      step: { kind: "update", table, index, name, set: pick(change.before, fields) },
      name,
      before: pick(row.fields, fields),
      customers,
      endsCalls: false,
    });
  }
  return { steps, blocked };
}

/** Of several changes of one row, what each field held before the first of them. */
function mergeChanges(changes: readonly RecordedChange[]): RecordedChange[] {
  const merged = new Map<string, RecordedChange>();
  for (const change of changes) {
    const key = describeRow(change, "");
    const first = merged.get(key);
    merged.set(key, first === undefined ? change : { ...first, before: { ...change.before, ...first.before } });
  }
  return [...merged.values()];
}
