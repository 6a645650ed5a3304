import type { FieldSchema, Fields, Step, TableName, TableSchema } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { refusal } from "./grammar.ts";
import type { Writable } from "./step-check.ts";
import { checkSteps } from "./step-check.ts";

/** What stands in printed text in place of a secret. */
export const mask = "********";

/** Rows that are opened together: a row with its new children, or an existing parent for the sake of its children. */
interface Group {
  table: TableName;
  index: number;
  own: Step | undefined;
  children: Step[];
}

/**
 * Turns steps into CLI lines, in their order; new Proxy Addresses are moved into the new Proxy Set they belong to.
 * `secrets` says what stands in place of secret values: the mask for printing, the value for the device. Throws
 * DriverError `unsupported` for steps that may not be written (see `checkSteps`), before anything is rendered.
 */
export function render(steps: readonly Step[], writable: Writable, secrets: "mask" | "show"): readonly string[] {
  checkSteps(steps, writable);
  const body = groups(steps, writable.tables).flatMap((group) => groupLines(group, writable.tables, secrets));
  return body.length === 0 ? [] : ["configure voip", ...indented(body), "exit"];
}

function groups(steps: readonly Step[], tables: Writable["tables"]): Group[] {
  const created = new Map<string, Group>();
  for (const step of steps)
    if (step.kind === "create" && step.parent === undefined)
      created.set(`${step.table} ${step.index}`, { table: step.table, index: step.index, own: step, children: [] });

  const list: Group[] = [];
  for (const step of steps) {
    const parentTable = tables.get(step.table)?.parent;
    if (parentTable === undefined || step.parent === undefined) {
      const group = step.kind === "create" ? created.get(`${step.table} ${step.index}`) : undefined;
      list.push(group ?? { table: step.table, index: step.index, own: step, children: [] });
      continue;
    }
    const newParent = step.kind === "create" ? created.get(`${parentTable} ${step.parent}`) : undefined;
    if (newParent !== undefined) {
      newParent.children.push(step);
      continue;
    }
    const last = list.at(-1);
    if (last?.own === undefined && last?.table === parentTable && last.index === step.parent) last.children.push(step);
    else list.push({ table: parentTable, index: step.parent, own: undefined, children: [step] });
  }
  return list;
}

function groupLines(group: Group, tables: Writable["tables"], secrets: "mask" | "show"): string[] {
  const own = group.own === undefined ? [] : rowLines(group.own, schemaOf(group.table, tables), secrets);
  const children = group.children.flatMap((row) => rowLines(row, schemaOf(row.table, tables), secrets));
  if (children.length === 0) return own;
  const opened = own.length === 0 ? [`${schemaOf(group.table, tables).cliPath} ${group.index}`] : own.slice(0, -1);
  return [...opened, ...indented(children), "exit"];
}

function rowLines(step: Step, schema: TableSchema, secrets: "mask" | "show"): string[] {
  const row = `${schema.cliPath} ${step.index}`;
  if (step.kind === "delete") return [`no ${row}`];
  const parameters = parameterLines(schema, step.kind === "create" ? step.fields : step.set, secrets);
  if (parameters.length === 0 && step.kind === "update") return [];
  return [row, ...indented([...parameters, "activate"]), "exit"];
}

function parameterLines(schema: TableSchema, values: Fields, secrets: "mask" | "show"): string[] {
  return schema.fields.flatMap((field) => {
    const value = Object.hasOwn(values, field.name) ? values[field.name] : undefined;
    if (value === undefined) return [];
    return [`${field.name} ${field.secret === true && secrets === "mask" ? mask : encode(field, value)}`];
  });
}

/** The only place where a value becomes CLI text: strings in double quotes, numbers and words bare. */
function encode(field: FieldSchema, value: string): string {
  const reason = refusal(field, value);
  if (reason !== undefined) throw new DriverError("unsupported", `cannot render: ${reason}`);
  return field.grammar.kind === "text" || field.grammar.kind === "reference" ? `"${value}"` : value;
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => ` ${line}`);
}

function schemaOf(table: TableName, tables: Writable["tables"]): TableSchema {
  const schema = tables.get(table);
  if (schema === undefined) throw new DriverError("unsupported", `cannot render: ${table} is not a known table`);
  return schema;
}
