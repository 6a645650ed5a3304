import type { Fields } from "../../../drivers/driver.ts";
import type { Sealer } from "../seal.ts";
import { readJson } from "./json.ts";

/** How secret variables stand in a column: one sealed text, or null where there are none. */
export function sealFields(sealer: Sealer, fields: Fields): string | null {
  return Object.keys(fields).length === 0 ? null : sealer.seal(JSON.stringify(fields));
}

export function openFields(sealer: Sealer, sealed: string | null): Fields {
  return sealed === null ? {} : readJson.fields(sealer.open(sealed));
}
