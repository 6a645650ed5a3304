import type { FieldSchema, Fields, Step, TableName, TableSchema } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { refusal } from "./grammar.ts";
import type { Writable } from "./step-check.ts";
import { checkSteps } from "./step-check.ts";

/** What stands in printed text in place of a secret. */
export const mask = "********";

/** One line of a script, with what those who send it line by line must know of it. */
export interface RenderedLine {
  /** Indented. */
  text: string;
  does: "enter" | "open" | "set" | "activate" | "leave" | "delete";
  /** The step that it belongs to; absent around rows that are only opened for their children, and around all rows. */
  step: Step | undefined;
  /** The field that it sets. */
  field?: FieldSchema;
}

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
  return renderLines(steps, writable, secrets).map(({ text }) => text);
}

/** The same lines, with what each of them does. */
export function renderLines(
  steps: readonly Step[],
  writable: Writable,
  secrets: "mask" | "show",
): readonly RenderedLine[] {
  checkSteps(steps, writable);
  const body = groups(steps, writable.tables).flatMap((group) => groupLines(group, writable.tables, secrets));
  if (body.length === 0) return [];
  return [line("enter", "configure voip", undefined), ...indented(body), line("leave", "exit", undefined)];
}

/** The lines that give fields of one row these values, in clear. */
export function renderFields(step: Step, schema: TableSchema, values: Fields): readonly RenderedLine[] {
  return parameterLines(step, schema, values, "show");
}

function line(does: RenderedLine["does"], text: string, step: Step | undefined): RenderedLine {
  return { text, does, step };
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

function groupLines(group: Group, tables: Writable["tables"], secrets: "mask" | "show"): RenderedLine[] {
  const own = group.own === undefined ? [] : rowLines(group.own, schemaOf(group.table, tables), secrets);
  const children = group.children.flatMap((row) => rowLines(row, schemaOf(row.table, tables), secrets));
  if (children.length === 0) return own;
  const header = `${schemaOf(group.table, tables).cliPath} ${group.index}`;
  const opened = own.length === 0 ? [line("open", header, undefined)] : own.slice(0, -1);
  return [...opened, ...indented(children), line("leave", "exit", own.length === 0 ? undefined : group.own)];
}

function rowLines(step: Step, schema: TableSchema, secrets: "mask" | "show"): RenderedLine[] {
  const row = `${schema.cliPath} ${step.index}`;
  if (step.kind === "delete") return [line("delete", `no ${row}`, step)];
  const parameters = parameterLines(step, schema, step.kind === "create" ? step.fields : step.set, secrets);
  if (parameters.length === 0 && step.kind === "update") return [];
  return [
    line("open", row, step),
    ...indented([...parameters, line("activate", "activate", step)]),
    line("leave", "exit", step),
  ];
}

function parameterLines(step: Step, schema: TableSchema, values: Fields, secrets: "mask" | "show"): RenderedLine[] {
  return schema.fields.flatMap((field): RenderedLine[] => {
    const value = Object.hasOwn(values, field.name) ? values[field.name] : undefined;
    if (value === undefined) return [];
    const shown = field.secret === true && secrets === "mask" ? mask : encode(field, value);
    return [{ ...line("set", `${field.name} ${shown}`, step), field }];
  });
}

/** The only place where a value becomes CLI text: strings in double quotes, numbers and words bare. */
function encode(field: FieldSchema, value: string): string {
  const reason = refusal(field, value);
  if (reason !== undefined) throw new DriverError("unsupported", `cannot render: ${reason}`);
  return field.grammar.kind === "text" || field.grammar.kind === "reference" ? `"${value}"` : value;
}

function indented(lines: readonly RenderedLine[]): RenderedLine[] {
  return lines.map((one) => ({ ...one, text: ` ${one.text}` }));
}

function schemaOf(table: TableName, tables: Writable["tables"]): TableSchema {
  const schema = tables.get(table);
  if (schema === undefined) throw new DriverError("unsupported", `cannot render: ${table} is not a known table`);
  return schema;
}
