import type { Row } from "../../drivers/driver.ts";
import type { RecordedCreate } from "../store/model.ts";
import { equalValues, sameName, schemaOf } from "./observed.ts";

function keysOf(created: RecordedCreate, row: Row): { there: string; recorded: string }[] {
  return schemaOf(created.table).key.map((key) => ({
    there: row.fields[key] ?? "",
    recorded: created.fields[key] ?? "",
  }));
}

/** An unfinished row that does not bear its whole name yet. Child rows have none. */
export function isRemnant(created: RecordedCreate, row: Row): boolean {
  const keys = keysOf(created, row);
  if (keys.every(({ there, recorded }) => sameName(there, recorded))) return false;
  return keys.every(({ there, recorded }) => there === "" || sameName(there, recorded)) && isUnfinished(created, row);
}

/** A row that a script of ours began, as far as can be seen: inactive, and holding nothing but what we sent. */
export function isUnfinished(created: RecordedCreate, row: Row): boolean {
  if (row.active) return false;
  return schemaOf(row.table).fields.every(({ name, default: { value: initial, confidence } }) => {
    const value = row.fields[name];
    const sent = created.fields[name];
    // A field that we did not send and whose default is not certain says nothing.
    if (value === undefined || (sent === undefined && confidence !== "doc" && confidence !== "seen")) return true;
    return [sent, initial, ""].some((known) => known !== undefined && equalValues(row.table, name, value, known));
  });
}

/** Whether the row at a recorded place is the one that our script made: absent before, and index and name match. */
export function isOurs(created: RecordedCreate, row: Row): boolean {
  return keysOf(created, row).every(({ there, recorded }) => sameName(there, recorded)) || isRemnant(created, row);
}
