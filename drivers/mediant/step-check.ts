import type { Known, Step, TableName, TableSchema } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { refusal } from "./grammar.ts";

/** What a device can take, as far as it is known. */
export interface Writable {
  tables: ReadonlyMap<TableName, TableSchema>;
  /** Rows a table holds; steps beyond it are refused. */
  limits: Readonly<Partial<Record<TableName, number>>>;
  /** Fields that this very device has, as far as it has shown them. Others are refused. */
  columns: ReadonlyMap<TableName, ReadonlySet<string>>;
  /** For messages. */
  firmware: Known<string>;
}

/**
 * Throws DriverError `unsupported` for a step that may not be written: a table that is not owned, a field that is
 * unknown, that this device does not have or whose CLI name is not known, a value that its grammar refuses, an index out
 * of range, a row created twice.
 */
export function checkSteps(steps: readonly Step[], writable: Writable): void {
  const created = new Set<string>();
  for (const step of steps) {
    checkStep(step, writable);
    if (step.kind !== "create") continue;
    const place = `${step.table} ${step.parent ?? ""}/${step.index}`;
    if (created.has(place)) throw unsupported(`two steps create ${step.table} ${step.index}`);
    created.add(place);
  }
}

function checkStep(step: Step, writable: Writable): void {
  const schema = writable.tables.get(step.table);
  if (schema?.owned !== true) throw unsupported(`${step.table} is not a table that may be written`);
  const row = `${step.kind} ${step.table} ${step.index}`;
  checkPlace(step, schema, writable, row);
  if (step.kind === "delete") return;
  const values = step.kind === "create" ? step.fields : step.set;
  for (const [name, value] of Object.entries(values)) checkField(schema, name, value, writable, row);
  if (step.kind === "update") return;
  const missing = schema.key.filter((name) => !Object.hasOwn(values, name) || values[name] === "");
  if (missing.length > 0) throw unsupported(`${row}: a new row needs ${missing.join(" and ")}`);
}

function checkPlace(step: Step, schema: TableSchema, writable: Writable, row: string): void {
  if ((step.parent !== undefined) !== (schema.parent !== undefined))
    throw unsupported(`${row}: ${schema.parent === undefined ? "this table has no parent" : "the parent is missing"}`);
  checkIndex(step.index, writable.limits[step.table], row);
  if (schema.parent !== undefined && step.parent !== undefined)
    checkIndex(step.parent, writable.limits[schema.parent], `${row} in ${schema.parent} ${step.parent}`);
}

function checkIndex(index: number, limit: number | undefined, row: string): void {
  if (!Number.isSafeInteger(index) || index < 0) throw unsupported(`${row}: the index is not a whole number from 0`);
  if (limit !== undefined && index >= limit)
    throw unsupported(`${row}: this model holds ${limit} rows, with indexes from 0 to ${limit - 1}`);
}

function checkField(schema: TableSchema, name: string, value: string, writable: Writable, row: string): void {
  const field = schema.fields.find((known) => known.name === name);
  if (field === undefined) throw unsupported(`${row}: ${schema.name} has no field ${JSON.stringify(name)}`);
  if (field.nameConfidence === "unknown")
    throw unsupported(`${row}: the CLI name of ${name} is not known, it can only be read`);
  if (writable.columns.get(schema.name)?.has(name) !== true)
    throw unsupported(
      `${row}: this device shows no field ${name} in ${schema.name}: take it out of the blueprint, or update the firmware (it is ${writable.firmware})`,
    );
  const reason = refusal(field, value);
  if (reason !== undefined) throw unsupported(`${row}: ${reason}`);
}

function unsupported(reason: string): DriverError {
  return new DriverError("unsupported", `cannot render: ${reason}`);
}
