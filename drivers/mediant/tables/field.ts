import type { Confidence, FieldSchema, Grammar } from "../../driver.ts";

type Default = FieldSchema["default"];

/** Documented by the vendor. */
export function doc(value: string): Default {
  return { value, confidence: "doc" };
}

/** Found in real files. */
export function seen(value: string): Default {
  return { value, confidence: "seen" };
}

/** Concluded: never used to fill in what the device does not show. */
export function inferred(value: string): Default {
  return { value, confidence: "inferred" };
}

/** The device has no value of its own: the field is mandatory. */
export const mandatory: Default = { value: undefined, confidence: "doc" };

const none: Default = { value: undefined, confidence: "unknown" };

/** One field whose CLI name was seen on devices, unless `more` says otherwise. */
export function field(
  name: string,
  column: string,
  grammar: Grammar,
  defaultValue: Default = none,
  more: { nameConfidence?: Confidence; secret?: true; endsCalls?: true } = {},
): FieldSchema {
  return { name, column, grammar, default: defaultValue, nameConfidence: "seen", ...more };
}

/** A column whose CLI name nobody knows: it is named by its column and can only be read. */
export function unnamed(column: string, grammar: Grammar, defaultValue: Default = none): FieldSchema {
  return field(column, column, grammar, defaultValue, { nameConfidence: "unknown" });
}
