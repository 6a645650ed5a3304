import type { Mention, Row, TableName, TableSchema } from "../driver.ts";
import type { Block } from "./parse.ts";

/** Adds what a block of a table that is not known names, with all that stands in it. `before` leads to the block. */
export function collectMentions(block: Block, before: string, mentions: Mention[]): void {
  for (const { name, value } of block.parameters) {
    const table = referredTable(name);
    if (table !== undefined && value !== undefined && value !== "")
      mentions.push({ from: `${before}${block.header}`, field: name, table, name: value });
  }
  for (const child of block.children) collectMentions(child, `${before}${block.header} `, mentions);
}

/** Every Proxy Set and IP Group that the reference fields of known rows name. */
export function rowMentions(rows: readonly Row[], tables: ReadonlyMap<TableName, TableSchema>): Mention[] {
  const references = new Map([...tables.values()].map((schema) => [schema.name, referenceFields(schema)]));
  const mentions: Mention[] = [];
  for (const row of rows)
    for (const { cliPath, field, table } of references.get(row.table) ?? []) {
      const name = row.fields[field];
      if (name !== undefined && name !== "") mentions.push({ from: `${cliPath} ${row.index}`, field, table, name });
    }
  return mentions;
}

/** The fields of a table that name Proxy Sets or IP Groups. */
function referenceFields(schema: TableSchema): { cliPath: string; field: string; table: TableName }[] {
  return schema.fields.flatMap(({ name, grammar }) =>
    grammar.kind === "reference" && (grammar.table === "proxy-set" || grammar.table === "ip-group")
      ? [{ cliPath: schema.cliPath, field: name, table: grammar.table }]
      : [],
  );
}

/** Parameters that name such rows are known by how their names end. */
function referredTable(parameter: string): TableName | undefined {
  const name = parameter.toLowerCase().replaceAll("_", "-");
  if (name.endsWith("ip-group-name")) return "ip-group";
  return name.endsWith("proxy-set-name") ? "proxy-set" : undefined;
}
