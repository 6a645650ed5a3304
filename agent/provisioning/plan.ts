import type { DeviceConfig, DeviceDescription, Fields, Row, Step, TableName } from "../../drivers/driver.ts";
import type { RecordedCreate } from "../store/model.ts";
import { allocateIndexes } from "./indexes.ts";
import type { IntentRow } from "./intent.ts";
import { assertWritable, Conflict, needOwn, type Need, type PlannedIntent, type PlanOptions } from "./needs.ts";
import { equalValues, indexRows, nameOf, pick, schemaOf, type Observed } from "./observed.ts";
import { findForeignUsers, hostOf, needShared } from "./proxy-set-needs.ts";

export interface PlannedStep {
  step: Step;
  name: string;
  /** The fields that `step` changes, as they are; empty for new rows. */
  before: Fields;
  customers: readonly string[];
  endsCalls: boolean;
  /** Rows that a delete takes along. */
  children?: readonly Row[];
}

export interface Plan {
  /** In the order in which they must be sent. */
  steps: readonly PlannedStep[];
  /** Customer → why nothing is planned for it. */
  conflicts: ReadonlyMap<string, string>;
  /** Customer → what a human should know. */
  warnings: ReadonlyMap<string, readonly string[]>;
}

const order: readonly TableName[] = ["proxy-set", "ip-group", "account"];
const keyOf = (row: IntentRow): string => `${row.table} ${row.name.toLowerCase()}`;

/**
 * The steps that lead from what a device holds to what must be there; empty when converged. Pure, and level-based:
 * nothing is remembered between two calls. A conflict concerns its customer alone. `recorded` are the rows that
 * unresolved run records name: they prove who made a row, and their indexes are not given out again.
 */
export function planDevice(
  config: DeviceConfig,
  description: DeviceDescription,
  intents: readonly PlannedIntent[],
  recorded: readonly RecordedCreate[],
  options: PlanOptions,
): Plan {
  const observed = indexRows(config);
  const indexes = allocateIndexes(config, description.limits, recorded);
  const newHosts = new Map<string, string>();
  const foreignUsers = findForeignUsers(observed, options.linkedRows);
  const context = { observed, description, recorded, options, newHosts, foreignUsers };
  /** Rows that this plan makes or changes: shared ones are joined, own ones stand once. */
  const planned = new Map<string, { customers: string[] }>();
  const steps: PlannedStep[] = [];
  const conflicts = new Map<string, string>();
  const warnings = new Map<string, string[]>();

  function add(one: PlannedIntent, notes: string[]): void {
    const { intent } = one;
    const needs = intent.rows.flatMap((row) =>
      row.role === "shared" ? needShared(row, context, notes, one.linked) : needOwn(row, one, context, notes),
    );
    for (const { row } of needs) assertWritable(row, observed, description);
    const keys = intent.rows.filter(({ role }) => role === "own").map(keyOf);
    const twice = keys.find((key, i) => planned.has(key) || keys.indexOf(key) !== i);
    if (twice !== undefined)
      throw new Conflict(`'${twice}' is wanted twice: choose another short name, or correct the blueprint`);
    const fresh = needs.filter(({ row }) => row.role === "own" || !planned.has(keyOf(row)));
    const creates = fresh.filter(({ kind }) => kind === "create");
    const taken = indexes.take(creates.map(({ row }) => row.table));
    if (taken === undefined)
      throw new Conflict("a table of the device is full: delete unused rows, or move the customer to another device");

    for (const key of keys) planned.set(key, { customers: [intent.customerGuid] });
    for (const need of needs) {
      if (!fresh.includes(need)) {
        planned.get(keyOf(need.row))?.customers.push(intent.customerGuid);
        continue;
      }
      // One list for the row and its children: who joins later joins all of them.
      const customers = [intent.customerGuid];
      const made =
        need.found === undefined
          ? createSteps(need, taken[creates.indexOf(need)], one)
          : updateSteps(need, one, observed);
      steps.push(...made.map((step) => ({ ...step, customers })));
      planned.set(keyOf(need.row), { customers });
      for (const { fields } of need.children) newHosts.set(hostOf(fields["proxy-address"] ?? ""), need.row.name);
    }
  }

  for (const one of intents) {
    const notes: string[] = [];
    try {
      add(one, notes);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      conflicts.set(one.intent.customerGuid, error.message);
    }
    if (notes.length > 0) warnings.set(one.intent.customerGuid, notes);
  }
  const rank = (step: Step): number => order.indexOf(step.table === "proxy-ip" ? "proxy-set" : step.table);
  return { steps: steps.sort((a, b) => rank(a.step) - rank(b.step)), conflicts, warnings };
}

type MadeStep = Omit<PlannedStep, "customers">;

function wantedFields(row: IntentRow, { secrets }: PlannedIntent): Fields {
  const values = Object.entries(row.secretFields).flatMap(([field, variable]) =>
    secrets[variable] === undefined ? [] : [[field, secrets[variable]] as const],
  );
  return { ...row.fields, ...Object.fromEntries(values) };
}

function createSteps({ row, children }: Need, index: number | undefined, planned: PlannedIntent): MadeStep[] {
  if (index === undefined) throw new Error(`no index was taken for ${keyOf(row)}`);
  const step: Step = { kind: "create", table: row.table, index, fields: wantedFields(row, planned) };
  return [{ step, name: row.name, before: {}, endsCalls: false }, ...childSteps(children, index, 0)];
}

function childSteps(children: IntentRow["children"], parent: number, firstIndex: number): MadeStep[] {
  return children.map(({ table, fields }, i) => ({
    step: { kind: "create", table, index: firstIndex + i, parent, fields },
    name: fields["proxy-address"] ?? "",
    before: {},
    endsCalls: false,
  }));
}

function finishingStep(
  { fields }: IntentRow["children"][number],
  { table, index, parent, fields: before }: Row,
): MadeStep {
  const place = { table, index, ...(parent === undefined ? {} : { parent }) };
  return {
    step: { kind: "update", ...place, name: "", set: fields },
    name: fields["proxy-address"] ?? "",
    before: pick(before, Object.keys(fields)),
    endsCalls: false,
  };
}

function updateSteps(
  { row, found, fields, children, unfinished }: Need,
  planned: PlannedIntent,
  observed: Observed,
): MadeStep[] {
  if (found === undefined) return [];
  const wanted = wantedFields(row, planned);
  const ends = fields.some(
    (field) =>
      schemaOf(row.table).fields.some((f) => f.name === field && f.endsCalls === true) &&
      !equalValues(row.table, field, found.fields[field] ?? "", wanted[field] ?? ""),
  );
  const { table, index } = found;
  const step: Step = { kind: "update", table, index, name: nameOf(found), set: pick(wanted, fields) };
  const update = { step, name: nameOf(found), before: pick(found.fields, fields), endsCalls: ends };
  const nextChild = Math.max(-1, ...observed.children("proxy-ip", index).map((child) => child.index)) + 1;
  const finishing = children.flatMap((child, i) => {
    const begun = unfinished[i];
    return begun === undefined ? [] : [finishingStep(child, begun)];
  });
  const adding = childSteps(children.slice(finishing.length), index, nextChild);
  return [...(fields.length === 0 ? [] : [update]), ...finishing, ...adding];
}
