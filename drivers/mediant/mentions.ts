import type { Mention, Row, TableName, TableSchema } from "../driver.ts";
import type { Block } from "./parse.ts";

/**
 * Everything that names a Proxy Set or an IP Group: the reference fields of known rows, and every parameter of other
 * blocks whose name ends in `proxy-set-name` or `ip-group-name`.
 */
export function mentionsOf(
  roots: ReadonlyMap<string, readonly Block[]>,
  rows: readonly Row[],
  tables: ReadonlyMap<TableName, TableSchema>,
): Mention[] {
  const mentions = rows.flatMap((row) => rowMentions(row, tables));
  const known = new Set([...tables.values()].map((table) => table.cliPath));
  for (const blocks of roots.values())
    for (const block of blocks) {
      if (!known.has(block.path)) collect(block, "", mentions);
      else for (const child of block.children) if (!known.has(child.path)) collect(child, `${block.header} `, mentions);
    }
  return mentions;
}

function rowMentions(row: Row, tables: ReadonlyMap<TableName, TableSchema>): Mention[] {
  const schema = tables.get(row.table);
  if (schema === undefined) return [];
  return schema.fields.flatMap((field) => {
    const grammar = field.grammar;
    const name = row.fields[field.name];
    if (name === undefined || name === "") return [];
    if (grammar.kind !== "reference" || (grammar.table !== "proxy-set" && grammar.table !== "ip-group")) return [];
    return [{ from: `${schema.cliPath} ${row.index}`, field: field.name, table: grammar.table, name }];
  });
}

function collect(block: Block, before: string, mentions: Mention[]): void {
  for (const { name, value } of block.parameters) {
    const table = referredTable(name);
    if (table !== undefined && value !== undefined && value !== "")
      mentions.push({ from: `${before}${block.header}`, field: name, table, name: value });
  }
  for (const child of block.children) collect(child, `${before}${block.header} `, mentions);
}

function referredTable(parameter: string): TableName | undefined {
  const name = parameter.toLowerCase().replaceAll("_", "-");
  if (name.endsWith("ip-group-name")) return "ip-group";
  return name.endsWith("proxy-set-name") ? "proxy-set" : undefined;
}
