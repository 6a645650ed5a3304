import type { DeviceConfig, FieldSchema, Place, Row } from "../../drivers/driver.ts";
import {
  describeRow,
  equalValues,
  indexRows,
  nameOf,
  sameName,
  samePlace,
  schemaOf,
  type Observed,
} from "./observed.ts";
import type { Plan, PlannedStep } from "./plan.ts";
import type { Written } from "./undo.ts";

/** A row that is not certainly ours, and is not touched. */
export interface Doubt {
  customers: readonly string[];
  message: string;
}

export interface Nameless {
  /** Deletes of rows that our own lines made. */
  steps: readonly PlannedStep[];
  doubts: readonly Doubt[];
}

/** The values that scripts of ours may have left in the fields of one row. */
interface Sent extends Place {
  customers: readonly string[];
  values: Readonly<Record<string, readonly string[]>>;
}

function sentTo({ creates, changes }: Written): Sent[] {
  const created = creates.map(({ fields, ...create }): Sent => {
    const values = Object.fromEntries(Object.entries(fields).map(([field, value]) => [field, [value]]));
    return { ...create, values };
  });
  return [...created, ...changes.map(({ sent = {}, ...change }): Sent => ({ ...change, values: sent }))];
}

/** Rows that were there and that our scripts opened: to change them, or for the sake of their children. */
function openedPlaces({ creates, changes }: Written): Place[] {
  const children = [...creates, ...changes].flatMap(({ table, parent }): Place[] => {
    const parentTable = schemaOf(table).parent;
    return parent === undefined || parentTable === undefined ? [] : [{ table: parentTable, index: parent }];
  });
  const opened = [...changes.filter(({ parent }) => parent === undefined), ...children];
  return [...new Map(opened.map(({ table, index }) => [`${table} ${index}`, { table, index }])).values()];
}

/** `ours`: it holds a value that we sent and that no row has by itself. `empty`: nothing says whose it is. */
function judge(row: Row, observed: Observed, sent: readonly Sent[]): "ours" | "empty" | "foreign" {
  const here = sent.filter((one) => samePlace(one, row));
  let evident = false;
  for (const field of schemaOf(row.table).fields) {
    const { name, default: initial } = field;
    const value = row.fields[name];
    if (value === undefined || value === "") continue;
    if (initial.value !== undefined && equalValues(row.table, name, value, initial.value)) continue;
    const wasSent = here.flatMap(({ values }) => values[name] ?? []);
    if (wasSent.some((one) => equalValues(row.table, name, one, value))) evident = true;
    else if (wasSent.length > 0 || !mayBeFilledIn(field, value, observed)) return "foreign";
  }
  return evident ? "ours" : "empty";
}

/** Whether a device may have put a value there by itself: a default that nobody knows, or the only row there is to name. */
function mayBeFilledIn({ grammar, default: { confidence } }: FieldSchema, value: string, observed: Observed): boolean {
  if (confidence !== "inferred" || grammar.kind !== "reference") return confidence === "unknown";
  const known = observed.config.rows.filter(({ table }) => table === grammar.table);
  return known.length === 1 && known.every((row) => sameName(nameOf(row), value));
}

/** A row and its children: all of it is ours, or none of it is. */
function judgeFamily(row: Row, observed: Observed, sent: readonly Sent[]): "ours" | "empty" | "foreign" {
  const own = judge(row, observed, sent);
  const children = observed.children("proxy-ip", row.index).map((child) => judge(child, observed, sent));
  if (row.table !== "proxy-set" || children.length === 0) return own;
  if (own === "foreign" || children.some((verdict) => verdict !== "ours")) return "foreign";
  return "ours";
}

/**
 * What became of rows that another administrator deleted while a script of ours was about to change them: the device
 * makes a new row of the script's lines, without a name, and inactive. Pure. A row is deleted only where `recorded` says
 * that a script of ours opened a row at that place, and where it is inactive and nameless in `config`, a settled read
 * made after the last write, and holds nothing but defaults and what we sent, of that at least one value. All else that
 * is inactive and nameless there may be half typed by somebody.
 */
export function planNameless(config: DeviceConfig, recorded: Written): Nameless {
  const places = openedPlaces(recorded);
  if (places.length === 0) return { steps: [], doubts: [] };
  const observed = indexRows(config);
  const sent = sentTo(recorded);
  const steps: PlannedStep[] = [];
  const doubts: Doubt[] = [];
  for (const place of places) {
    const row = observed.byPlace(place);
    if (row === undefined || row.active || nameOf(row) !== "") continue;
    const { table, index } = place;
    const concerned = sent.filter((one) => samePlace(one, place) || (one.parent === index && table === "proxy-set"));
    const customers = [...new Set(concerned.flatMap((one) => one.customers))];
    const verdict = judgeFamily(row, observed, sent);
    if (verdict === "ours")
      steps.push({
        step: { kind: "delete", table, index, name: "" },
        name: "",
        before: row.fields,
        customers,
        endsCalls: false,
        children: table === "proxy-set" ? observed.children("proxy-ip", index) : [],
      });
    else {
      const reason =
        verdict === "empty" ? "nothing in it shows that it was made here" : "it holds what was not sent from here";
      doubts.push({
        customers,
        message: `${describeRow(row, "")} has no name and is not active since another administrator deleted the row that was there; it is not touched, because ${reason}: complete it or delete it on the device`,
      });
    }
  }
  return { steps, doubts };
}

/** A plan with the nameless rows that a run would delete before all else, for people. */
export function withNameless(plan: Plan, config: DeviceConfig, recorded: Written): Plan {
  const { steps, doubts } = planNameless(config, recorded);
  const warnings = new Map(plan.warnings);
  for (const { customers, message } of doubts)
    for (const customer of customers) warnings.set(customer, [...(warnings.get(customer) ?? []), message]);
  return { ...plan, steps: [...steps, ...plan.steps], warnings };
}
