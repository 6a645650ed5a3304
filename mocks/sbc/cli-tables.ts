import { pickWord } from "./cli-line.ts";
import type { Token } from "./cli-line.ts";
import type { Outcome } from "./cli-outcome.ts";
import { refuse } from "./cli-outcome.ts";
import type { Table } from "./columns.ts";
import { rowsOf } from "./configuration.ts";
import type { Device } from "./device.ts";
import type { Occasion } from "./faults.ts";
import { printRow } from "./print-running-config.ts";

/** Finds the table whose words stand at the beginning; what follows goes to `use`. */
export function withTable(
  tokens: readonly Token[],
  tables: readonly Table[],
  use: (table: Table, rest: readonly Token[]) => Outcome,
): Outcome {
  let candidates = tables;
  for (let depth = 0; ; depth += 1) {
    const complete = candidates.find((table) => table.cli.length === depth);
    if (complete !== undefined) return use(complete, tokens.slice(depth));
    const token = tokens[depth];
    if (token === undefined) return refuse("incompleteCommand");
    const word = pickWord(
      token,
      candidates.map((table) => table.cli[depth] ?? ""),
    );
    if (word === undefined) return refuse("invalidCommand");
    candidates = candidates.filter((table) => table.cli[depth] === word);
  }
}

/** What `<table> display` prints. Its shape is invented: the rows as the running configuration prints them. */
export function display(device: Device, table: Table, occasion: Occasion | undefined): Outcome {
  const configuration = device.look(occasion);
  return {
    output: rowsOf(configuration, table).flatMap((row) => printRow(configuration, table, row, {}, 0).split("\r\n")),
  };
}
