import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse as parseYaml, YAMLParseError } from "yaml";
import { z } from "zod";
import type { FieldSchema, TableName, TableSchema } from "../../drivers/driver.ts";
import { mediantTables, refusal } from "../../drivers/index.ts";

const blueprintRow = z.strictObject({
  table: z.string(),
  /** Other rows refer to its fields as `{{id.field}}`. */
  id: z
    .string()
    .regex(/^[a-z][\w-]*$/)
    .optional(),
  /** May serve many customers: created when missing and a carrier defines it, otherwise only referred to. */
  shared: z.boolean().default(false),
  /** The row is left out unless this variable is given. */
  when: z.string().optional(),
  fields: z.record(z.string(), z.string()),
});

const blueprintFile = z.strictObject({
  name: z.string().regex(/^[a-z][\w-]*$/),
  description: z.string(),
  /** Values of `{{device.NAME}}` where the device's settings give none. */
  defaults: z.record(z.string(), z.string()).default({}),
  rows: z.array(blueprintRow).min(1),
});

export type BlueprintRow = z.infer<typeof blueprintRow> & { table: TableName };
export type Blueprint = Omit<z.infer<typeof blueprintFile>, "rows"> & { rows: readonly BlueprintRow[]; hash: string };

/** A blueprint that cannot be used; `faults` names every fault with its file and path, all at once. */
export class BlueprintError extends Error {
  override readonly name = "BlueprintError";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(["blueprints cannot be used:", ...faults.map((fault) => `  ${fault}`)].join("\n"));
    this.faults = faults;
  }
}

/** One piece of a template: literal text, or a variable; `optional` ones may be missing and then drop the field. */
export type TemplatePart = { text: string } | { variable: string; optional: boolean };

/** Splits `Trunk={{msTenantId}}` into its parts. Throws an Error on an unfinished or misspelt placeholder. */
export function parseTemplate(template: string): TemplatePart[] {
  return template.split(/(\{\{[^{}]*\}\})/).flatMap((part, i): TemplatePart[] => {
    if (i % 2 === 0) {
      if (/\{\{|\}\}/.test(part)) throw new Error(`'${template}': a placeholder is written {{name}} or {{name?}}`);
      return part === "" ? [] : [{ text: part }];
    }
    const [, variable, mark] = /^\{\{\s*([A-Za-z][\w.-]*)(\?)?\s*\}\}$/.exec(part) ?? [];
    if (variable === undefined) throw new Error(`'${template}': '${part}' is not {{name}} or {{name?}}`);
    return [{ variable, optional: mark === "?" }];
  });
}

/** What later rows may ask of a shared one. */
const sharedFacts = ["proxy-name", "srd-name", "classify"];

function fieldFaults(table: TableSchema, field: string, template: string): string[] {
  const schema: FieldSchema | undefined = table.fields.find((f) => f.name === field);
  if (schema === undefined) return [`no such field; '${table.name}' has ${table.fields.map((f) => f.name).join(", ")}`];
  if (schema.nameConfidence === "unknown" || schema.default.confidence === "unknown")
    return ["its CLI name or its default is not known, so it could not be verified"];
  try {
    const parts = parseTemplate(template);
    if (schema.secret === true && !(parts.length === 1 && parts[0] !== undefined && "variable" in parts[0]))
      return ["a secret field takes exactly one variable"];
    const literal = parts.every((part) => "text" in part);
    const refused = literal ? refusal(schema, template) : undefined;
    return refused === undefined ? [] : [refused];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

function rowFaults(row: z.infer<typeof blueprintRow>, earlierIds: readonly string[]): string[] {
  const table = mediantTables.get(row.table as TableName);
  if (table?.owned !== true || table.parent !== undefined)
    return [`table: '${row.table}' cannot be written by a blueprint (proxy-set, ip-group, account)`];
  const faults: string[] = [];
  if (row.id === "device" || (row.id !== undefined && earlierIds.includes(row.id)))
    faults.push(`id: '${row.id}' is taken`);
  if (row.id !== undefined && !row.shared) faults.push("id: only shared rows can be referred to");
  if (row.shared !== (table.name === "proxy-set")) faults.push("shared: Proxy Sets are shared, and no other rows are");
  for (const key of table.key)
    if (row.fields[key] === undefined) faults.push(`fields: '${key}' names the row and must be set`);
  if (row.shared && Object.keys(row.fields).length > 1)
    faults.push("fields: a shared Proxy Set is only named here; its other fields belong to the carrier");
  for (const [field, template] of Object.entries(row.fields)) {
    faults.push(...fieldFaults(table, field, template).map((fault) => `fields.${field}: ${fault}`));
    for (const [, id = "", fact = ""] of template.matchAll(/\{\{\s*([a-z][\w-]*)\.([\w-]+)\??\s*\}\}/g)) {
      if (id === "device") continue;
      if (!earlierIds.includes(id)) faults.push(`fields.${field}: no earlier row has the id '${id}'`);
      else if (!sharedFacts.includes(fact))
        faults.push(`fields.${field}: '${fact}' is not known of a shared row (${sharedFacts.join(", ")})`);
    }
  }
  return faults;
}

/** Checks the text of one blueprint. Throws BlueprintError with every fault. */
export function parseBlueprint(text: string, file: string): Blueprint {
  let data: unknown;
  try {
    data = parseYaml(text, { uniqueKeys: true });
  } catch (error) {
    if (error instanceof YAMLParseError) throw new BlueprintError([`${file}: ${error.message}`]);
    throw error;
  }
  const result = blueprintFile.safeParse(data);
  if (!result.success)
    throw new BlueprintError(
      result.error.issues.map((issue) => `${file}: ${issue.path.join(".") || "(top)"}: ${issue.message}`),
    );
  const { rows, ...head } = result.data;
  const faults = rows.flatMap((row, i) => {
    const earlierIds = rows.slice(0, i).flatMap((r) => (r.id === undefined ? [] : [r.id]));
    return rowFaults(row, earlierIds).map((fault) => `${file}: rows.${i}.${fault}`);
  });
  if (faults.length > 0) throw new BlueprintError(faults);
  const hash = createHash("sha256").update(JSON.stringify(result.data)).digest("hex").slice(0, 16);
  return { ...head, rows: rows as BlueprintRow[], hash };
}

/** `config/blueprints` of the project, from the sources and from `dist/` alike. */
function shippedFolder(): string {
  const fromSources = fileURLToPath(new URL("../../config/blueprints/", import.meta.url));
  const fromBuild = fileURLToPath(new URL("../../../config/blueprints/", import.meta.url));
  return existsSync(fromSources) ? fromSources : fromBuild;
}

/**
 * Loads the shipped blueprints and those of `folder`, which may replace shipped ones of the same name. Throws
 * BlueprintError with every fault of every file.
 */
export function loadBlueprints(folder: string | undefined): ReadonlyMap<string, Blueprint> {
  const blueprints = new Map<string, Blueprint>();
  const faults: string[] = [];
  for (const place of folder === undefined ? [shippedFolder()] : [shippedFolder(), folder]) {
    if (!existsSync(place)) throw new BlueprintError([`${place}: there is no such folder`]);
    const files = readdirSync(place).filter((name) => name.endsWith(".yaml"));
    const here = new Map<string, string>();
    for (const file of files.sort().map((name) => join(place, name))) {
      try {
        const blueprint = parseBlueprint(readFileSync(file, "utf8"), file);
        const twin = here.get(blueprint.name);
        if (twin !== undefined) throw new BlueprintError([`${file}: name: '${blueprint.name}' is that of ${twin} too`]);
        here.set(blueprint.name, file);
        blueprints.set(blueprint.name, blueprint);
      } catch (error) {
        if (!(error instanceof BlueprintError)) throw error;
        faults.push(...error.faults);
      }
    }
  }
  if (faults.length > 0) throw new BlueprintError(faults);
  return blueprints;
}
