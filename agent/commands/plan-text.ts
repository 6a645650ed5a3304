import type { Paint } from "./output.ts";
import { count } from "./output.ts";
import type { ChangeReport, PlanReport } from "../reports.ts";

const marks = { create: "+", update: "~", delete: "-" } as const;
const verbs = { create: "create", update: "change", delete: "delete" } as const;

function fieldLine(change: ChangeReport, field: ChangeReport["fields"][number], width: number, paint: Paint): string {
  const label = `    ${field.field.padEnd(width)}  `;
  const word = (value: string | null) => (value === null ? "(absent)" : value === "" ? "(empty)" : value);
  switch (change.action) {
    case "create":
      return label + paint.green(word(field.after));
    case "delete":
      return label + paint.red(word(field.before));
    case "update":
      return `${label}${paint.red(word(field.before))} -> ${paint.green(word(field.after))}`;
  }
}

function changeLines(change: ChangeReport, paint: Paint): string[] {
  const colour = { create: paint.green, update: paint.yellow, delete: paint.red }[change.action];
  const customers = change.customers.length === 0 ? "" : `  for ${change.customers.join(", ")}`;
  const calls = change.endsCalls ? `  ${paint.bold(paint.red("ENDS CALLS"))}` : "";
  const width = Math.max(0, ...change.fields.map((field) => field.field.length));
  return [
    `${colour(`${marks[change.action]} ${verbs[change.action]} ${change.row}`)}${customers}${calls}`,
    ...change.fields.map((field) => fieldLine(change, field, width, paint)),
  ];
}

/** `2 rows to create, 1 to change, 0 to delete; 1 of them ends calls`. */
export function changeSummary(changes: readonly ChangeReport[]): string {
  const of = (action: ChangeReport["action"]) => changes.filter((change) => change.action === action).length;
  const ending = changes.filter((change) => change.endsCalls).length;
  const counts = `${count(of("create"), "row")} to create, ${of("update")} to change, ${of("delete")} to delete`;
  return ending === 0 ? counts : `${counts}; ${ending} of them ${ending === 1 ? "ends" : "end"} calls`;
}

/** Changes row by row and field by field, then conflicts and warnings; sections that are empty are left out. */
export function planDetails(plan: PlanReport, paint: Paint): string[] {
  const lines = plan.changes.flatMap((change) => changeLines(change, paint));
  if (plan.conflicts.length > 0)
    lines.push(paint.red("Conflicts"), ...plan.conflicts.map(({ customer, message }) => `  ${customer}: ${message}`));
  if (plan.warnings.length > 0) lines.push(paint.yellow("Warnings"), ...plan.warnings.map((warning) => `  ${warning}`));
  return lines;
}

/** The exact lines, without indentation of ours so that they can be pasted, and those that take them back. */
export function planScript(plan: PlanReport, paint: Paint): string[] {
  if (plan.lines.length === 0) return [];
  return ["", paint.bold("Lines"), ...plan.lines, "", paint.bold("Reverse lines"), ...plan.reverse];
}
