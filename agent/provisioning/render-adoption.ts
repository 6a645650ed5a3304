import { randomUUID } from "node:crypto";
import type { Row } from "../../drivers/driver.ts";
import { refusal } from "../../drivers/index.ts";
import type { DeviceSettings } from "../settings/config.ts";
import type { Adoption } from "../store/adoption.ts";
import { parseTemplate, type Blueprint, type BlueprintRow } from "./blueprint.ts";
import type { IntentRow } from "./intent.ts";
import { nameOf, sameName, schemaOf, type Observed } from "./observed.ts";

/** What a human says of an IP Group. `gateway` and `fullName` are for its customer. */
export interface MappedGroup {
  ipGroup: string;
  tenantId: string;
  gateway?: string | undefined;
  fullName?: string | undefined;
}

export interface AdoptionContext {
  device: Pick<DeviceSettings, "name" | "gateways" | "withoutTags">;
  blueprint: Blueprint;
}

/** Why a customer cannot be adopted as it stands there, for people. */
export class Skipped extends Error {}

const gatewayVariables = ["gateway", "OnlinePstnGateway"];
const subjectVariables = ["shortName", "fullName", "msTenantId", "ProxySet", ...gatewayVariables];

/** In place of the hash of a secret that stands on the device and that nobody here ever knew. */
const unknownSecret = "unknown";

/** One IP Group of a blueprint: what stands before and behind the short name in its name. */
interface Leg {
  row: BlueprintRow;
  prefix: string;
  suffix: string;
}

function legsOf(blueprint: Blueprint): Leg[] {
  return blueprint.rows
    .filter(({ table }) => table === "ip-group")
    .map((row) => {
      const parts = parseTemplate(row.fields["name"] ?? "");
      const at = parts.findIndex((part) => "variable" in part && part.variable === "shortName");
      const text = (part: (typeof parts)[number]): string => {
        if ("text" in part) return part.text;
        throw new Skipped(`blueprint ${blueprint.name} names its IP Groups by more than the short name`);
      };
      if (at < 0) throw new Skipped(`blueprint ${blueprint.name} does not name its IP Groups by the short name`);
      return {
        row,
        prefix: parts.slice(0, at).map(text).join(""),
        suffix: parts
          .slice(at + 1)
          .map(text)
          .join(""),
      };
    });
}

function stemOf(name: string, { prefix, suffix }: Leg): string | undefined {
  const stem = name.slice(prefix.length, name.length - suffix.length);
  return stem !== "" && sameName(name, `${prefix}${stem}${suffix}`) ? stem : undefined;
}

/** The short name of which these are the IP Groups, and which one is which. Throws Skipped. */
function matchLegs(members: readonly Row[], blueprint: Blueprint): { shortName: string; legs: Map<BlueprintRow, Row> } {
  const legs = legsOf(blueprint);
  const stems = members.flatMap((group) => legs.flatMap((leg) => stemOf(nameOf(group), leg) ?? []));
  for (const shortName of stems) {
    const found = legs.flatMap((leg) => {
      const group = members.find((one) => sameName(nameOf(one), `${leg.prefix}${shortName}${leg.suffix}`));
      return group === undefined ? [] : [[leg.row, group] as const];
    });
    const whole = legs.every(({ row }) => row.when !== undefined || found.some(([of]) => of === row));
    if (whole && found.length === members.length) return { shortName, legs: new Map(found) };
  }
  const wanted = legs.map(({ prefix, suffix }) => `${prefix}NAME${suffix}`).join(" and ");
  throw new Skipped(
    `the tenant's IP Groups are ${members.map((group) => `'${nameOf(group)}'`).join(", ")}, but blueprint ${blueprint.name} wants ${wanted}`,
  );
}

/**
 * The adoption of a tenant whose IP Groups these are: its intent is what stands there. `entries` are what a human says of
 * them. Throws Skipped.
 */
export function renderAdoption(
  tenantId: string,
  members: readonly Row[],
  entries: readonly MappedGroup[],
  observed: Observed,
  { device, blueprint }: AdoptionContext,
): Adoption {
  const { shortName, legs } = matchLegs(members, blueprint);
  const customerGuid = randomUUID();
  const known = new Map<string, string>();
  const rows: IntentRow[] = [];
  for (const row of blueprint.rows.filter(({ shared }) => !shared)) {
    const found = row.table === "ip-group" ? legs.get(row) : findKeyed(row, shortName, observed);
    if (found !== undefined) rows.push(intentRow(row, found, device.withoutTags, known));
    else if (row.when === undefined)
      throw new Skipped(`blueprint ${blueprint.name} wants a row in ${row.table} for it`);
  }
  const secrets = [...new Set(rows.flatMap(({ secretFields }) => Object.values(secretFields)))];
  return {
    customerGuid,
    tenantId,
    shortName,
    fullName: entries.find(({ fullName }) => fullName !== undefined)?.fullName ?? null,
    device: device.name,
    gateway: gatewayFor(entries, known, device),
    proxySet: proxySetFor(blueprint, legs),
    variables: Object.fromEntries([...known].filter(([name]) => !subjectVariables.includes(name))),
    secretHashes: Object.fromEntries(secrets.map((variable) => [variable, unknownSecret])),
    intent: {
      customerGuid,
      tenantId,
      shortName,
      blueprint: { name: blueprint.name, hash: blueprint.hash },
      rows: [...sharedRows(rows, observed), ...rows],
    },
  };
}

/** A row of another table, which is known by its key alone. Throws Skipped where it is no good. */
function findKeyed(row: BlueprintRow, shortName: string, observed: Observed): Row | undefined {
  const name = schemaOf(row.table)
    .key.map((key) =>
      parseTemplate(row.fields[key] ?? "")
        .map((part) => ("text" in part ? part.text : part.variable === "shortName" ? shortName : "\0"))
        .join(""),
    )
    .join("/");
  const found = observed.byName(row.table, name);
  const reason = found === undefined ? undefined : reasonAgainstRow(found, observed);
  if (reason !== undefined) throw new Skipped(reason);
  return found;
}

/** What stands in the fields that the blueprint sets; what their variables are is added to `known`. */
function intentRow(row: BlueprintRow, found: Row, withoutTags: boolean, known: Map<string, string>): IntentRow {
  const fields: Record<string, string> = {};
  const secretFields: Record<string, string> = {};
  for (const schema of schemaOf(row.table).fields) {
    const template = row.fields[schema.name];
    if (template === undefined || (schema.name === "tags" && withoutTags)) continue;
    const variable = onlyVariable(template);
    if (schema.secret === true) {
      if (variable !== undefined) secretFields[schema.name] = variable;
      continue;
    }
    const value = found.fields[schema.name];
    if (value === undefined || value === "") continue;
    const fault = refusal(schema, value);
    if (fault !== undefined)
      throw new Skipped(`field ${schema.name} of ${row.table} '${nameOf(found)}' could not be written again: ${fault}`);
    fields[schema.name] = value;
    if (variable !== undefined && isOwn(variable) && !known.has(variable)) known.set(variable, value);
  }
  return { table: row.table, name: nameOf(found), role: "own", fields, secretFields, children: [] };
}

function onlyVariable(template: string): string | undefined {
  const [part, ...rest] = parseTemplate(template);
  return part !== undefined && rest.length === 0 && "variable" in part ? part.variable : undefined;
}

// Dotted names belong to the device and to shared rows.
const isOwn = (variable: string): boolean => !variable.includes(".") || variable.startsWith("CustomVar.");

/** The Proxy Sets that the rows name, each once. */
function sharedRows(rows: readonly IntentRow[], observed: Observed): IntentRow[] {
  const names = new Map<string, string>();
  for (const { table, fields, name: of } of rows)
    for (const { name, grammar } of schemaOf(table).fields) {
      const value = fields[name];
      if (grammar.kind !== "reference" || grammar.table !== "proxy-set" || value === undefined) continue;
      const found = observed.byName("proxy-set", value);
      if (found === undefined)
        throw new Skipped(`${table} '${of}' refers to Proxy Set '${value}', which is not on the device`);
      const reason = reasonAgainstRow(found, observed);
      if (reason !== undefined) throw new Skipped(reason);
      names.set(value.toLowerCase(), nameOf(found));
    }
  return [...names.values()].map((name) => ({
    table: "proxy-set",
    name,
    role: "shared",
    fields: { "proxy-name": name },
    secretFields: {},
    children: [],
  }));
}

/** The Proxy Set that stands where the blueprint wants the one that conversions name. */
function proxySetFor(blueprint: Blueprint, legs: ReadonlyMap<BlueprintRow, Row>): string {
  const trunk = blueprint.rows.find((row) => row.shared && onlyVariable(row.fields["proxy-name"] ?? "") === "ProxySet");
  const wanted = `${trunk?.id ?? ""}.proxy-name`;
  for (const [row, { fields }] of legs)
    for (const [field, template] of Object.entries(row.fields))
      if (onlyVariable(template) === wanted && (fields[field] ?? "") !== "") return fields[field] ?? "";
  throw new Skipped("it refers to no Proxy Set where the blueprint wants one");
}

function gatewayFor(
  entries: readonly MappedGroup[],
  known: ReadonlyMap<string, string>,
  device: AdoptionContext["device"],
): string {
  const given = entries.find(({ gateway }) => gateway !== undefined)?.gateway;
  const isHere = (gateway: string): boolean => device.gateways.some((one) => sameName(one, gateway));
  if (given !== undefined && !isHere(given))
    throw new Skipped(`gateway '${given}' of the mapping is none of device ${device.name}`);
  const shown = gatewayVariables.flatMap((variable) => known.get(variable) ?? []).find(isHere);
  const [only, ...others] = device.gateways;
  const gateway = given ?? shown ?? (others.length === 0 ? only : undefined);
  if (gateway !== undefined) return gateway.toLowerCase();
  throw new Skipped(`device ${device.name} has several gateways: say in a mapping which one is the customer's`);
}

/** What keeps a row from being adopted, for people. */
export function reasonAgainstRow(row: Row, observed: Observed): string | undefined {
  const name = nameOf(row);
  const count = observed.countOf(row.table, name);
  if (count > 1) return `${row.table} '${name}' stands ${count} times on the device: delete all but one there`;
  return row.active ? undefined : `${row.table} '${name}' is not active: complete or delete it on the device`;
}
