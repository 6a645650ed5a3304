import { createHash } from "node:crypto";
import type {
  DeviceConfig,
  DeviceDescription,
  Fields,
  Mention,
  Place,
  Row,
  Step,
  TableName,
} from "../../drivers/driver.ts";
import { mediantTables } from "../../drivers/index.ts";
import { nameOf } from "../../agent/provisioning/observed.ts";

/** The newest generation, with small tables so that a test can fill them. */
export const description: DeviceDescription = {
  dialect: "mediant-7.4",
  tables: mediantTables,
  limits: { "proxy-set": 80, "ip-group": 80, account: 102, "proxy-ip": 10 },
  capabilities: { saveNeeded: true, partialScripts: true, givesBack: false },
};

export const allColumns: DeviceConfig["columns"] = new Map(
  [...mediantTables].map(([name, table]) => [name, new Set(table.fields.map((f) => f.name))]),
);

/** What refers to what, as a driver would report it of owned tables. */
function mentionsOf(rows: readonly Row[]): Mention[] {
  return rows.flatMap((row) => {
    const table = mediantTables.get(row.table);
    return (table?.fields ?? []).flatMap((field): Mention[] => {
      const name = row.fields[field.name];
      if (field.grammar.kind !== "reference" || name === undefined || name === "") return [];
      return [{ from: `${table?.cliPath ?? ""} ${row.index}`, field: field.name, table: field.grammar.table, name }];
    });
  });
}

export function configOf(rows: readonly Row[], foreign: readonly Mention[] = []): DeviceConfig {
  const fingerprint = createHash("sha256").update(JSON.stringify(rows)).digest("hex");
  return { rows, mentions: [...mentionsOf(rows), ...foreign], columns: allColumns, fingerprint };
}

export function row(table: TableName, index: number, fields: Fields, rest: Partial<Row> = {}): Row {
  return { table, index, active: true, ...rest, fields };
}

/** What every device of these tests has: an SRD, a SIP Interface, a realm, a profile, and somebody else's customer. */
export const neighbours: readonly Row[] = [
  row("srd", 0, { name: "DefaultSRD" }),
  row("sip-interface", 0, { "interface-name": "SIF_WAN" }),
  row("realm", 0, { name: "MR_WAN" }),
  row("ip-profile", 1, { "profile-name": "IPP_Trunk" }),
  row("proxy-set", 3, { "proxy-name": "Foreign", "srd-name": "DefaultSRD", "sbcipv4-sip-int-name": "SIF_WAN" }),
  row("proxy-ip", 0, { "proxy-address": "203.0.113.9:5060" }, { parent: 3 }),
  row("ip-group", 4, { name: "Foreign", "proxy-set-name": "Foreign", "srd-name": "DefaultSRD", tags: "Trunk=else" }),
];

/** The documented defaults of a table, as a driver fills them in, under what a row says itself. */
export function withDefaults(table: TableName, fields: Fields): Fields {
  const known = (mediantTables.get(table)?.fields ?? []).filter(
    ({ default: { value, confidence } }) => value !== undefined && (confidence === "doc" || confidence === "seen"),
  );
  return { ...Object.fromEntries(known.map((field) => [field.name, field.default.value ?? ""])), ...fields };
}

export function isSecret(table: TableName, field: string): boolean {
  return mediantTables.get(table)?.fields.find((f) => f.name === field)?.secret === true;
}

function readable(table: TableName, fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !isSecret(table, name)));
}

export function samePlace(a: Place, b: Place): boolean {
  return a.table === b.table && a.index === b.index && a.parent === b.parent;
}

/** A device in a few lines: what the steps say, and defaults for what they do not. */
export function applySteps(config: DeviceConfig, steps: readonly Step[]): DeviceConfig {
  let rows = [...config.rows];
  for (const step of steps) {
    const { table, index, parent } = step;
    if (step.kind === "delete")
      rows = rows.filter(
        (r) => !samePlace(r, step) && !(r.table === "proxy-ip" && table === "proxy-set" && r.parent === index),
      );
    else if (step.kind === "update")
      rows = rows.map((r) =>
        samePlace(r, step) ? { ...r, active: true, fields: { ...r.fields, ...readable(table, step.set) } } : r,
      );
    else {
      const fields = withDefaults(table, readable(table, step.fields));
      rows.push({ table, index, ...(parent === undefined ? {} : { parent }), fields, active: true });
    }
  }
  return configOf(rows);
}

export function namesIn(config: DeviceConfig, table: TableName): string[] {
  return config.rows.filter((r) => r.table === table).map(nameOf);
}
