import type { DeviceConfig, DeviceDescription, Fields, Step, TableName } from "../../drivers/driver.ts";
import type { RecordedCreate } from "../store/model.ts";
import { allocateIndexes } from "./indexes.ts";
import type { IntentRow } from "./intent.ts";
import {
  assertWritable,
  Conflict,
  needOwn,
  needShared,
  type Need,
  type PlannedIntent,
  type PlanOptions,
} from "./needs.ts";
import { equalValues, indexRows, nameOf, schemaOf } from "./observed.ts";

export interface PlannedStep {
  step: Step;
  name: string;
  /** The fields that `step` changes, as they are; empty for new rows. */
  before: Fields;
  customers: readonly string[];
  endsCalls: boolean;
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
  const ours = new Set(
    intents
      .filter(({ linked }) => linked)
      .flatMap(({ intent }) =>
        intent.rows.filter((row) => row.role === "own").map((row) => `${row.table} ${row.name.toLowerCase()}`),
      ),
  );
  const indexes = allocateIndexes(config, description.limits, recorded);
  const shared = new Map<string, { customers: string[] }>();
  const steps: (PlannedStep & { customers: string[] })[] = [];
  const conflicts = new Map<string, string>();
  const warnings = new Map<string, string[]>();

  for (const planned of intents) {
    const { intent } = planned;
    const notes: string[] = [];
    try {
      const needs = intent.rows.flatMap((row) =>
        row.role === "shared"
          ? needShared(row, observed, ours, options, notes)
          : needOwn(row, planned, observed, recorded, options, notes),
      );
      for (const { row } of needs) assertWritable(row, config, description);
      const creates = needs.filter(({ kind, row }) => kind === "create" && !shared.has(row.name.toLowerCase()));
      const taken = indexes.take(creates.map(({ row }) => row.table));
      if (taken === undefined)
        throw new Conflict("a table of the device is full: delete unused rows, or move the customer to another device");
      for (const need of needs) {
        const key = need.row.name.toLowerCase();
        const before = need.row.role === "shared" ? shared.get(key) : undefined;
        if (before !== undefined) before.customers.push(intent.customerGuid);
        else {
          const made =
            need.kind === "create"
              ? createSteps(need.row, taken[creates.indexOf(need)] ?? 0, planned)
              : updateStep(need, planned);
          // One list for the row and its children: who joins later joins all of them.
          const customers = [intent.customerGuid];
          steps.push(...made.map((step) => ({ ...step, customers })));
          if (need.row.role === "shared") shared.set(key, { customers });
        }
      }
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      conflicts.set(intent.customerGuid, error.message);
    }
    if (notes.length > 0) warnings.set(intent.customerGuid, notes);
  }
  const rank = (step: Step): number => order.indexOf(step.table === "proxy-ip" ? "proxy-set" : step.table);
  return { steps: steps.sort((a, b) => rank(a.step) - rank(b.step)), conflicts, warnings };
}

type MadeStep = Omit<PlannedStep, "customers">;

function secretValues(row: IntentRow, planned: PlannedIntent): Record<string, string> {
  return Object.fromEntries(
    Object.entries(row.secretFields).map(([field, variable]) => [field, planned.secrets[variable] ?? ""]),
  );
}

function createSteps(row: IntentRow, index: number, planned: PlannedIntent): MadeStep[] {
  const fields = { ...row.fields, ...secretValues(row, planned) };
  const step: Step = { kind: "create", table: row.table, index, fields };
  const children = row.children.map((child, i): MadeStep => ({
    step: { kind: "create", table: child.table, index: i, parent: index, fields: child.fields },
    name: child.fields["proxy-address"] ?? "",
    before: {},
    endsCalls: false,
  }));
  return [{ step, name: row.name, before: {}, endsCalls: false }, ...children];
}

function updateStep({ row, found, fields }: Need, planned: PlannedIntent): MadeStep[] {
  if (found === undefined) return [];
  const wanted: Fields = { ...row.fields, ...secretValues(row, planned) };
  const pick = (from: Fields): Fields =>
    Object.fromEntries(fields.flatMap((field) => (from[field] === undefined ? [] : [[field, from[field]]])));
  const ends = fields.some(
    (field) =>
      schemaOf(row.table).fields.some((f) => f.name === field && f.endsCalls === true) &&
      !equalValues(row.table, field, found.fields[field] ?? "", wanted[field] ?? ""),
  );
  const step: Step = { kind: "update", table: row.table, index: found.index, name: nameOf(found), set: pick(wanted) };
  return [{ step, name: nameOf(found), before: pick(found.fields), endsCalls: ends }];
}
