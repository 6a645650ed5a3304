import type { Row } from "../../drivers/driver.ts";
import type { RecordedCreate } from "../store/model.ts";
import { equalValues, sameName, schemaOf } from "./observed.ts";

function keysOf(created: RecordedCreate, row: Row): { there: string; recorded: string }[] {
  return schemaOf(created.table).key.map((key) => ({
    there: row.fields[key] ?? "",
    recorded: created.fields[key] ?? "",
  }));
}

/** A row that a script of ours began and never named to its end: inactive, and holding nothing but what we sent. */
export function isRemnant(created: RecordedCreate, row: Row): boolean {
  const keys = keysOf(created, row);
  if (row.active || keys.every(({ there, recorded }) => sameName(there, recorded))) return false;
  return keys.every(({ there, recorded }) => there === "" || sameName(there, recorded)) && holdsOnlySent(created, row);
}

/** Whether a row at a recorded place holds nothing but what our script sent for it, and defaults. */
export function holdsOnlySent(created: RecordedCreate, row: Row): boolean {
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
