import type { Driver, Fields, FieldSchema, Row, Step, TableName } from "../../drivers/driver.ts";
import { DriverError } from "../../drivers/errors.ts";
import type { ChangeReport, PlanReport } from "../reports.ts";
import { describeRow, pick, schemaOf } from "./observed.ts";
import type { Plan, PlannedStep } from "./plan.ts";

/** A plan as people and `--json` see it: field by field, the exact lines, and the lines that would take it back. */
export function reportPlan(
  device: string,
  plan: Plan,
  driver: Pick<Driver, "render">,
  shortNames: ReadonlyMap<string, string>,
): PlanReport {
  const nameOfCustomer = (guid: string): string => shortNames.get(guid) ?? guid;
  const reverse = [...plan.steps].reverse().flatMap(reverseSteps);
  const render = (steps: readonly Step[]): string[] => (steps.length === 0 ? [] : [...driver.render(steps)]);
  return {
    device,
    changes: plan.steps.map((planned) => reportChange(planned, nameOfCustomer)),
    lines: render(plan.steps.map(({ step }) => step)),
    reverse: [...renderReverse(() => render(reverse)), ...plan.steps.flatMap(lostFields)],
    conflicts: [...plan.conflicts].map(([guid, message]) => ({ customer: nameOfCustomer(guid), message })),
    warnings: [...plan.warnings].flatMap(([guid, notes]) => notes.map((note) => `${nameOfCustomer(guid)}: ${note}`)),
  };
}

/** A value that the device has and no word is known for cannot be written back. */
function renderReverse(render: () => string[]): string[] {
  try {
    return render();
  } catch (error) {
    if (!(error instanceof DriverError)) throw error;
    return [`! cannot be taken back by lines: ${error.message}`];
  }
}

function isSecret(step: Step, field: string): boolean {
  return schemaOf(step.table).fields.some((f) => f.name === field && f.secret === true);
}

function reportChange(
  { step, name, before, customers, endsCalls }: PlannedStep,
  nameOfCustomer: (guid: string) => string,
): ChangeReport {
  const after: Fields = step.kind === "create" ? step.fields : step.kind === "update" ? step.set : {};
  const show = (field: string, value: string | undefined): string | null =>
    value === undefined ? null : isSecret(step, field) ? "********" : value;
  return {
    action: step.kind,
    row: describeRow(step, name),
    fields: Object.keys({ ...before, ...after }).map((field) => ({
      field,
      before: show(field, before[field]),
      after: show(field, after[field]),
    })),
    customers: customers.map(nameOfCustomer),
    endsCalls,
  };
}

/** None for rows that go with their parent, and for one without a name, which no line can make. */
function reverseSteps({ step, name, before, children = [] }: PlannedStep): Step[] {
  const { table, index, parent } = step;
  const place = { table, index, ...(parent === undefined ? {} : { parent }) };
  switch (step.kind) {
    case "create":
      return parent === undefined ? [{ kind: "delete", ...place, name }] : [];
    case "update":
      return [{ kind: "update", ...place, name, set: before }];
    case "delete":
      if (name === "") return [];
      return [{ kind: "create", ...place, fields: writable(table, before) }, ...children.map(createAgain)];
  }
}

function createAgain({ table, index, parent, fields }: Row): Step {
  return { kind: "create", table, index, ...(parent === undefined ? {} : { parent }), fields: writable(table, fields) };
}

/** What a row says beyond defaults that a device fills in by itself, as far as there are words for it. */
function writable(table: TableName, fields: Fields): Fields {
  const said = schemaOf(table).fields.filter((field) => isSayable(field) && isSaid(field, fields));
  return pick(
    fields,
    said.map(({ name }) => name),
  );
}

function isSayable({ nameConfidence, grammar }: FieldSchema): boolean {
  return nameConfidence !== "unknown" && (grammar.kind !== "enum" || Object.keys(grammar.words).length > 0);
}

function isSaid({ name, default: { value: initial, confidence } }: FieldSchema, fields: Fields): boolean {
  const value = fields[name];
  const certain = confidence === "doc" || confidence === "seen";
  return value !== undefined && value !== "" && !(certain && value === initial);
}

/** What lines that create a deleted row again cannot give back to it. */
function lostFields({ step, name, before, children = [] }: PlannedStep): string[] {
  if (step.kind !== "delete") return [];
  if (name === "") return [`! ${describeRow(step, name)} has no name and is not made again`];
  return [
    { place: describeRow(step, name), table: step.table, fields: before },
    ...children.map(describeChild),
  ].flatMap(({ place, table, fields }) => {
    const known = schemaOf(table).fields;
    const secrets = known.filter((field) => field.secret === true);
    const unsayable = known.filter((f) => f.secret !== true && !isSayable(f) && isSaid(f, fields));
    const values = unsayable.map((field) => `${field.name} (was '${fields[field.name] ?? ""}')`);
    return [
      ...secrets.map((field) => `! ${field.name} of ${place} is to be set by hand: no device tells it`),
      ...(values.length === 0
        ? []
        : [`! no words are known for these of ${place}, set by hand what is not the default: ${values.join(", ")}`]),
    ];
  });
}

function describeChild(row: Row): { place: string; table: TableName; fields: Fields } {
  return { place: describeRow(row, ""), table: row.table, fields: row.fields };
}
