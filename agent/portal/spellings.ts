import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";

/** Field → its further spellings. All are compared without case; the field's own spelling is always one of them. */
export type Spellings = Readonly<Record<string, readonly string[]>>;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Makes the first step of a request schema (for `z.preprocess`): properties get the field's own spelling. Two spellings
 * of one field may stand together with the same value only. Names that are no field stay as they are, and meet
 * `otherNames` where it is given.
 */
export function spellFields(spellings: Spellings, otherNames?: { pattern: RegExp; rule: string }) {
  const fields = new Map(
    Object.entries(spellings).flatMap(([field, others]) =>
      [field, ...others].map((spelling) => [spelling.toLowerCase(), field] as const),
    ),
  );
  return (input: unknown, context: z.RefinementCtx): unknown => {
    if (!isRecord(input)) return input;
    const found = new Map<string, { field: string; written: string; value: unknown }>();
    for (const [written, value] of Object.entries(input)) {
      const known = fields.get(written.toLowerCase());
      if (known === undefined && otherNames !== undefined && !otherNames.pattern.test(written))
        context.addIssue({ code: "custom", path: [written], message: otherNames.rule });
      const key = (known ?? written).toLowerCase();
      const earlier = found.get(key);
      if (earlier === undefined) found.set(key, { field: known ?? written, written, value });
      else if (!isDeepStrictEqual(earlier.value, value))
        context.addIssue({
          code: "custom",
          path: [earlier.field],
          message: `stands twice with different values: as '${earlier.written}' and as '${written}'`,
        });
    }
    return Object.fromEntries([...found.values()].map(({ field, value }) => [field, value]));
  };
}
