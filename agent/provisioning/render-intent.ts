import type { Fields, TableName } from "../../drivers/driver.ts";
import { mediantTables, refusal } from "../../drivers/index.ts";
import type { CarrierSettings, DeviceSettings } from "../settings/config.ts";
import { parseTemplate, type Blueprint, type BlueprintRow } from "./blueprint.ts";
import type { Intent, IntentRow } from "./intent.ts";

/** What a conversion, or the link that came of it, gives to its blueprint. */
export interface Subject {
  customerGuid: string;
  tenantId: string;
  shortName: string;
  fullName: string;
  gateway: string;
  proxySet: string;
  variables: Fields;
  secrets: Fields;
}

/** A Proxy Set as the device has it. */
export interface ObservedProxySet {
  name: string;
  srd: string | undefined;
}

export interface RenderContext {
  device: Pick<DeviceSettings, "name" | "defaults" | "withoutTags">;
  carriers: readonly CarrierSettings[];
  /** The name of a row in the device's spelling; as it is where the device has no such row. */
  spelling(table: TableName, name: string): string;
  /** The Proxy Set of this name (case does not matter), in the device's spelling; undefined where it has none. */
  proxySet(name: string): ObservedProxySet | undefined;
}

/** An intent, or every reason why there cannot be one; each names the field or the variable. */
export type Rendering = { intent: Intent } | { refused: string[] };

class Refused extends Error {}

const dropEmpty = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""));

/** References in the device's spelling. */
function spell(table: TableName, fields: Fields, context: RenderContext): Fields {
  const grammarOf = (name: string) => mediantTables.get(table)?.fields.find((field) => field.name === name)?.grammar;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const grammar = grammarOf(name);
      return [name, grammar?.kind === "reference" ? context.spelling(grammar.table, value) : value];
    }),
  );
}

type Lookup = (variable: string) => string | undefined;

/** Fills a template. Undefined when an optional variable is missing: the field is then left out. */
function fill(template: string, lookup: Lookup, secrets: Fields): string | undefined {
  let text = "";
  for (const part of parseTemplate(template)) {
    if ("text" in part) text += part.text;
    else {
      if (secrets[part.variable] !== undefined)
        throw new Refused(`'{{${part.variable}}}' is a secret and may fill secret fields only`);
      const value = lookup(part.variable);
      if (value === undefined && part.optional) return undefined;
      if (value === undefined) throw new Refused(`variable '${part.variable}' is not given`);
      text += value;
    }
  }
  return text;
}

function secretVariable(template: string, subject: Subject): string | undefined {
  const [part, ...rest] = parseTemplate(template);
  if (part === undefined || rest.length > 0 || "text" in part)
    throw new Refused("a secret field takes exactly one variable");
  if (subject.secrets[part.variable] !== undefined) return part.variable;
  if (subject.variables[part.variable] !== undefined)
    throw new Refused(`'${part.variable}' fills a secret field but is not among secretVariables`);
  if (part.optional) return undefined;
  throw new Refused(`secret variable '${part.variable}' is not given`);
}

function carrierRow(
  carrier: CarrierSettings,
  context: RenderContext,
  name: string,
): Pick<IntentRow, "fields" | "children"> {
  const { srd, sipInterface } = context.device.defaults;
  return {
    fields: spell(
      "proxy-set",
      {
        ...(srd === undefined ? {} : { "srd-name": srd }),
        ...(sipInterface === undefined ? {} : { "sbcipv4-sip-int-name": sipInterface }),
        ...carrier.fields,
        "proxy-name": name,
      },
      context,
    ),
    children: carrier.addresses.map(({ address, transport, priority, weight }) => ({
      table: "proxy-ip",
      fields: {
        "proxy-address": address,
        ...(transport === undefined ? {} : { "transport-type": transport }),
        // Both or neither: the device refuses one without the other.
        ...(priority === 0 && weight === 0 ? {} : { priority: String(priority), weight: String(weight) }),
      },
    })),
  };
}

function renderShared(row: BlueprintRow, lookup: Lookup, context: RenderContext): { row: IntentRow; facts: Fields } {
  const wanted = fill(row.fields["proxy-name"] ?? "", lookup, {}) ?? "";
  const carrier = context.carriers.find((c) => c.name.toLowerCase() === wanted.toLowerCase());
  const present = context.proxySet(wanted);
  if (carrier === undefined && present === undefined)
    throw new Refused(
      `Proxy Set '${wanted}' is neither on device ${context.device.name} nor among the carriers: create it there, or add it under 'carriers'`,
    );
  const name = present?.name ?? carrier?.name ?? wanted;
  const definition =
    carrier === undefined ? { fields: { "proxy-name": name }, children: [] } : carrierRow(carrier, context, name);
  const srd = present?.srd ?? definition.fields["srd-name"];
  return {
    row: { table: row.table, name, role: "shared", secretFields: {}, ...definition },
    facts: {
      "proxy-name": name,
      ...(srd === undefined ? {} : { "srd-name": srd }),
      classify: carrier?.shared === false ? "enable" : "disable",
    },
  };
}

function renderOwn(row: BlueprintRow, lookup: Lookup, subject: Subject, context: RenderContext): IntentRow {
  const table = mediantTables.get(row.table);
  if (table === undefined) throw new Refused(`table '${row.table}' is not known`);
  const fields: Record<string, string> = {};
  const secretFields: Record<string, string> = {};
  for (const schema of table.fields) {
    const template = row.fields[schema.name];
    if (template === undefined || (schema.name === "tags" && context.device.withoutTags)) continue;
    if (schema.secret === true) {
      const variable = secretVariable(template, subject);
      if (variable !== undefined) secretFields[schema.name] = variable;
    } else {
      const value = fill(template, lookup, subject.secrets);
      if (value !== undefined) fields[schema.name] = value;
    }
  }
  const name = table.key.map((key) => fields[key] ?? "").join("/");
  return { table: row.table, name, role: "own", fields: spell(row.table, fields, context), secretFields, children: [] };
}

function grammarFaults(row: IntentRow, secrets: Fields): string[] {
  const check = (tableName: TableName, field: string, value: string, shown: string): string[] => {
    const schema = mediantTables.get(tableName)?.fields.find((f) => f.name === field);
    if (schema === undefined) return [`${tableName}: there is no field '${field}'`];
    const refused = refusal(schema, value);
    return refused === undefined ? [] : [`field '${field}' of ${tableName}${shown}: ${refused}`];
  };
  return [
    ...Object.entries(row.fields).flatMap(([field, value]) => check(row.table, field, value, "")),
    ...Object.entries(row.secretFields).flatMap(([field, variable]) =>
      check(row.table, field, secrets[variable] ?? "", ` (secret variable '${variable}')`),
    ),
    ...row.children.flatMap((child) =>
      Object.entries(child.fields).flatMap(([field, value]) => check(child.table, field, value, "")),
    ),
  ];
}

/**
 * Turns a conversion into the rows that must exist for it. Pure. A variable that is missing, a value that its field's
 * grammar refuses, or a Proxy Set that is nowhere defined refuses the conversion, with every reason at once.
 */
export function renderIntent(blueprint: Blueprint, given: Subject, context: RenderContext): Rendering {
  // A parameter that is given empty is not given.
  const subject = { ...given, variables: dropEmpty(given.variables), secrets: dropEmpty(given.secrets) };
  const { secrets } = subject;
  // Dotted names belong to the device and to earlier rows; of a customer's, only its custom variables have dots.
  const own = Object.entries(subject.variables).filter(
    ([name]) => !name.includes(".") || name.startsWith("CustomVar."),
  );
  const values = new Map<string, string>(own);
  for (const [name, value] of Object.entries(blueprint.defaults)) values.set(`device.${name}`, value);
  for (const [name, value] of Object.entries(context.device.defaults)) values.set(`device.${name}`, value);
  for (const [name, value] of [
    ["shortName", subject.shortName],
    ["fullName", subject.fullName],
    ["msTenantId", subject.tenantId],
    ["gateway", subject.gateway],
    ["ProxySet", subject.proxySet],
    ["OnlinePstnGateway", subject.gateway],
  ] as const)
    values.set(name, value);

  const rows: IntentRow[] = [];
  const refused: string[] = [];
  for (const row of blueprint.rows) {
    const lookup: Lookup = (variable) => values.get(variable);
    if (row.when !== undefined && lookup(row.when) === undefined && secrets[row.when] === undefined) continue;
    try {
      if (row.shared) {
        const { row: shared, facts } = renderShared(row, lookup, context);
        rows.push(shared);
        for (const [field, value] of Object.entries(facts))
          if (row.id !== undefined) values.set(`${row.id}.${field}`, value);
      } else rows.push(renderOwn(row, lookup, subject, context));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refused.push(error.message);
      // What follows refers to this row; its complaints would only repeat this one.
      if (row.shared) break;
    }
  }
  refused.push(...rows.flatMap((row) => grammarFaults(row, subject.secrets)));
  if (refused.length > 0) return { refused };
  const { customerGuid, tenantId, shortName } = subject;
  return {
    intent: { customerGuid, tenantId, shortName, blueprint: { name: blueprint.name, hash: blueprint.hash }, rows },
  };
}
