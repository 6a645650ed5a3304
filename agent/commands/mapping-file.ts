import { parse as parseYaml, YAMLParseError } from "yaml";
import type { z } from "zod";
import { adoptRequest } from "../reports.ts";

/** Says of IP Groups whose they are. */
export type Mapping = z.infer<typeof adoptRequest>["mapping"];

const columns = ["ipGroup", "tenantId", "gateway", "fullName"] as const;

/** Reads a mapping, as CSV where the file's name ends so, else as a YAML list. Throws an Error that names every fault. */
export function parseMapping(text: string, file: string): Mapping {
  const entries: unknown = /\.csv$/i.test(file) ? readCsv(text) : readYaml(text);
  const result = adoptRequest.shape.mapping.safeParse(entries);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => {
    const [at, field] = path;
    const entry = typeof at === "number" ? `entry ${at + 1}` : "the list";
    return `  ${entry}${field === undefined ? "" : `, ${String(field)}`}: ${message}`;
  });
  throw new Error(faults.slice(0, 20).join("\n"));
}

function readYaml(text: string): unknown {
  try {
    return parseYaml(text, { uniqueKeys: true });
  } catch (error) {
    if (error instanceof YAMLParseError) throw new Error(`  ${error.message}`, { cause: error });
    throw error;
  }
}

/** Cells that are left empty say nothing. */
function readCsv(text: string): Record<string, string>[] {
  const [head = [], ...rows] = splitCsv(text.replace(/^\uFEFF/, ""));
  const names = head.map((name) => columns.find((column) => column.toLowerCase() === name.trim().toLowerCase()));
  if (!names.includes("ipGroup") || !names.includes("tenantId"))
    throw new Error(
      `  the first line must name the columns ipGroup and tenantId (also ${columns.slice(2).join(", ")})`,
    );
  return rows.map((row) =>
    Object.fromEntries(
      names.flatMap((name, i) => {
        const value = row[i]?.trim() ?? "";
        return name === undefined || value === "" ? [] : [[name, value]];
      }),
    ),
  );
}

/** Rows of cells. A cell in quotes may hold separators, line ends, and quotes as two. */
function splitCsv(text: string): string[][] {
  const separator = /^[^\n,]*;/.test(text) ? ";" : ",";
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  const endRow = (): void => {
    row.push(cell);
    if (row.some((one) => one.trim() !== "")) rows.push(row);
    row = [];
    cell = "";
  };
  for (let at = 0; at < text.length; at += 1) {
    const sign = text.charAt(at);
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text.charAt(at + 1) === '"') {
        cell += sign;
        at += 1;
      } else quoted = false;
    } else if (sign === '"' && cell.trim() === "") {
      quoted = true;
      cell = "";
    } else if (sign === separator) {
      row.push(cell);
      cell = "";
    } else if (sign === "\n") endRow();
    else if (sign !== "\r") cell += sign;
  }
  endRow();
  return rows;
}
