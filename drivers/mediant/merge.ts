import { createHash } from "node:crypto";
import type { DeviceConfig, FieldSchema, Row, TableName, TableSchema } from "../driver.ts";
import { DriverError } from "../errors.ts";
import { mentionsOf } from "./mentions.ts";
import type { Block } from "./parse.ts";
import { parseRunningConfiguration } from "./parse.ts";
import type { IniFile } from "./parse-ini.ts";
import { parseIni } from "./parse-ini.ts";
import type { FoundRow } from "./rows.ts";
import { iniRows, placeKey, runningRows } from "./rows.ts";

/** Thrown as DriverError `protocol`, told apart because another writer may have come between the two reads. */
export class Disagreement extends DriverError {
  constructor(reason: string) {
    super("protocol", `the running configuration and the INI file disagree: ${reason}`);
  }
}

/**
 * One complete read out of the two texts that a device gives. Throws DriverError `protocol` where a text is not
 * complete, and `Disagreement` where they do not show the same active rows. `tables` decide which fields are reported.
 */
export function mergeConfiguration(
  runningText: string,
  iniText: string,
  tables: ReadonlyMap<TableName, TableSchema>,
): DeviceConfig {
  const roots = parseRunningConfiguration(runningText);
  const ini = parseIni(iniText, new Set([...tables.values()].map((table) => table.iniName)));
  const columns = new Map<TableName, ReadonlySet<string>>();
  const rows: Row[] = [];
  const running = runningRows(roots, tables);
  const parents = new Map(running.map((row) => [placeKey(row), row]));
  for (const schema of tables.values()) {
    const shown = iniRows(ini, schema);
    const printed = running.filter((row) => row.table === schema.name);
    if (schema.owned) requireAgreement(schema, printed, shown, ini, parents);
    const held = fieldsOf(schema, ini, printed);
    columns.set(schema.name, new Set(held.map((field) => field.name)));
    rows.push(...mergedRows(printed, shown, held));
  }
  return { rows, mentions: mentionsOf(roots, rows, tables), columns, fingerprint: fingerprint(roots, iniText) };
}

function mergedRows(printed: readonly FoundRow[], shown: readonly FoundRow[], held: readonly FieldSchema[]): Row[] {
  const found = new Map<string, { printed?: FoundRow; shown?: FoundRow }>();
  for (const row of shown) found.set(placeKey(row), { shown: row });
  for (const row of printed) found.set(placeKey(row), { ...found.get(placeKey(row)), printed: row });
  return [...found.values()]
    .flatMap((pair) => {
      const place = pair.printed ?? pair.shown;
      if (place === undefined) return [];
      const fields: Record<string, string> = {};
      for (const field of held) {
        const value = pair.printed?.fields.get(field.name) ?? pair.shown?.fields.get(field.name) ?? knownDefault(field);
        if (value !== undefined) fields[field.name] = value;
      }
      const parent = place.parent === undefined ? {} : { parent: place.parent };
      return [{ table: place.table, index: place.index, ...parent, fields, active: place.active }];
    })
    .sort((one, other) => (one.parent ?? 0) - (other.parent ?? 0) || one.index - other.index);
}

function knownDefault(field: FieldSchema): string | undefined {
  return field.default.confidence === "doc" || field.default.confidence === "seen" ? field.default.value : undefined;
}

/** The fields that this device has: those of its FORMAT line, and whatever it prints. Without a FORMAT line: all. */
function fieldsOf(schema: TableSchema, ini: IniFile, printed: readonly FoundRow[]): readonly FieldSchema[] {
  const table = ini.tables.get(schema.iniName.toLowerCase());
  if (table === undefined) return schema.fields;
  const columns = new Set(table.columns.map((column) => column.toLowerCase()));
  return schema.fields.filter(
    (field) => columns.has(field.column.toLowerCase()) || printed.some((row) => row.fields.has(field.name)),
  );
}

/** Both texts must show the same active rows under the same names. Rows that are not activated may be missing in the INI. */
function requireAgreement(
  schema: TableSchema,
  printed: readonly FoundRow[],
  shown: readonly FoundRow[],
  ini: IniFile,
  parents: ReadonlyMap<string, FoundRow>,
): void {
  const missingTable = !ini.tables.has(schema.iniName.toLowerCase());
  if (missingTable && (schema.name === "account" || ini.hidden.has(schema.iniName.toLowerCase()))) return;
  const inIni = new Map(shown.map((row) => [placeKey(row), row]));
  for (const row of printed) {
    const twin = inIni.get(placeKey(row));
    if (twin === undefined) {
      if (row.active && parentActive(row, schema, parents))
        throw new Disagreement(`${placeKey(row)} is not in the INI`);
    } else if (schema.key.some((name) => !sameName(row.fields.get(name), twin.fields.get(name))))
      throw new Disagreement(`${placeKey(row)} has two names`);
    inIni.delete(placeKey(row));
  }
  for (const place of inIni.keys()) throw new Disagreement(`${place} is only in the INI`);
}

function parentActive(row: FoundRow, schema: TableSchema, parents: ReadonlyMap<string, FoundRow>): boolean {
  if (schema.parent === undefined || row.parent === undefined) return true;
  return parents.get(placeKey({ table: schema.parent, index: row.parent }))?.active ?? true;
}

function sameName(one: string | undefined, other: string | undefined): boolean {
  return one === undefined || other === undefined || one.toLowerCase() === other.toLowerCase();
}

function fingerprint(roots: ReadonlyMap<string, readonly Block[]>, iniText: string): string {
  const hash = createHash("sha256").update(JSON.stringify([...roots]));
  for (const line of iniText.split("\n")) {
    const words = line.trim();
    if (words !== "" && !words.startsWith(";")) hash.update(`${words}\n`);
  }
  return hash.digest("hex");
}
