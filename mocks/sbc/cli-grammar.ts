import { createVocabulary } from "./cli-line.ts";
import type { Token } from "./cli-line.ts";
import type { Table } from "./columns.ts";
import type { Root } from "./print-running-config.ts";
import type { Shape } from "./shape.ts";
import { childTables, knownTables } from "./tables.ts";

interface RootGrammar {
  readonly tables: readonly Table[];
  readonly pick: (token: Token | undefined) => string | undefined;
}

const rootGrammars = new Map<string, RootGrammar>();

/** What can be said below `configure <root>`: the older CLI also knew `proxy-ip 4/0` there. `groups`: modes without rows. */
export function grammarOfRoot(root: Root, isOldCli: boolean, groups: readonly string[]): RootGrammar {
  const key = `${root} ${isOldCli} ${groups.join(" ")}`;
  const known = rootGrammars.get(key);
  if (known !== undefined) return known;
  const tables = knownTables.filter((table) => table.root === root && (table.parent === undefined || isOldCli));
  const grammar = {
    tables,
    pick: createVocabulary(["do", "exit", "no", ...groups, ...tables.map((table) => table.cli[0] ?? "")]),
  };
  rootGrammars.set(key, grammar);
  return grammar;
}

interface RowGrammar {
  readonly childWords: readonly string[];
  readonly pick: (token: Token | undefined) => string | undefined;
  readonly pickAfterNo: (token: Token | undefined) => string | undefined;
}

const rowGrammars = new WeakMap<Shape, RowGrammar>();

/** What can be said inside a row: only parameters whose columns the device has. */
export function grammarOfRow(shape: Shape): RowGrammar {
  const known = rowGrammars.get(shape);
  if (known !== undefined) return known;
  const parameters = shape.parameters.flatMap((column) => [column.cli ?? "", ...(column.aliases ?? [])]);
  const childWords = childTables(shape.table).map((child) => child.cli[0] ?? "");
  const words = [...(shape.table.activates ? ["activate"] : []), ...childWords, ...parameters];
  const pick = createVocabulary([...words, "do", "exit", "no"]);
  const grammar = { childWords, pick, pickAfterNo: createVocabulary(words) };
  rowGrammars.set(shape, grammar);
  return grammar;
}
