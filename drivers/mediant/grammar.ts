import type { FieldSchema, Grammar, TableName } from "../driver.ts";

const textPattern = /^(?:[!#-[\]-~](?:[ !#-[\]-~]*[!#-[\]-~])?)?$/;
const textRule = "printable ASCII without double quotes, backslashes or spaces at its ends";

/** Free text. The device's escape rule is not known, so what would need one is refused. */
export function text(maxLength: number, pattern = textPattern, rule = textRule): Grammar {
  return { kind: "text", maxLength, pattern, rule };
}

/** The name of a row. `Any` and `None` are what the device shows for an empty reference. */
export function rowName(maxLength: number): Grammar {
  return text(
    maxLength,
    /^(?!(?:any|none)$)[!#-.0-[\]-~](?:[ !#-.0-[\]-~]*[!#-.0-[\]-~])?$/i,
    'printable ASCII without double quotes, backslashes, slashes or spaces at its ends; not empty, "Any" or "None"',
  );
}

/** A reference to a row by its name; empty for none. */
export function reference(table: TableName): Grammar {
  return { kind: "reference", table, maxLength: 40 };
}

export function integer(min: number, max: number): Grammar {
  return { kind: "integer", min, max };
}

/** Words of an enum by their INI codes. Codes whose word nobody knows are left out: they are read, never written. */
export function words(codes: Readonly<Record<string, number>>): Grammar {
  return { kind: "enum", words: codes };
}

/** The enum of on and off switches. */
export const onOff: Grammar = { kind: "enum", words: { disable: 0, enable: 1 } };

/** Up to five tags, `value` or `name=value` (configuration tables: IP Groups). */
export const tags = text(
  70,
  /^(?:[!#-:<>-[\]-~](?:[ !#-:<>-[\]-~]*[!#-:<>-[\]-~])?(?:=[!#-:<>-[\]-~](?:[ !#-:<>-[\]-~]*[!#-:<>-[\]-~])?)?(?:;(?!$)|$)){0,5}$/,
  "up to five tags joined by semicolons, each value or name=value",
);

/** `host`, `host:port`, an IPv4 address, with or without a port (configuration tables: Proxy Addresses). */
export const proxyAddress = text(
  259,
  /^(?:(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)|(?=[^:]{1,253}(?::|$))(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)*(?!\d+(?::|$))[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)(?::(?:[1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5]))?$/i,
  "a host name or IPv4 address, with :port where it is not the default",
);

/** Up to three SIP response codes; 200 is not one the device takes (configuration tables: Proxy Sets). */
export const responseCodes = text(
  11,
  /^(?:(?!200)[1-6]\d\d(?:,(?!200)[1-6]\d\d){0,2})?$/,
  "up to three SIP response codes joined by commas, 200 not among them",
);

/** A secret in clear; values that look like the device's obscured form would be taken for one. */
export function secret(maxLength: number): Grammar {
  return text(
    maxLength,
    /^(?!\$\d\$)[!#-[\]-~](?:[ !#-[\]-~]*[!#-[\]-~])?$/,
    `${textRule}; not empty, not beginning like an obscured value ($1$)`,
  );
}

/**
 * Says why the field's grammar refuses a value; `undefined` when it takes it. Never repeats the value, which may be a
 * secret.
 */
export function refusal(field: FieldSchema, value: string): string | undefined {
  const grammar = field.grammar;
  switch (grammar.kind) {
    case "text":
      if (value.length > grammar.maxLength) return tooLong(field, grammar.maxLength, value);
      return grammar.pattern.test(value) ? undefined : `${field.name} takes ${grammar.rule}`;
    case "reference":
      if (value.length > grammar.maxLength) return tooLong(field, grammar.maxLength, value);
      return textPattern.test(value) ? undefined : `${field.name} takes the name of a ${grammar.table}: ${textRule}`;
    case "integer":
      return value.length <= 16 && /^(?:0|-?[1-9]\d*)$/.test(value) && inRange(Number(value), grammar.min, grammar.max)
        ? undefined
        : `${field.name} takes a number from ${grammar.min} to ${grammar.max}`;
    case "enum":
      if (Object.hasOwn(grammar.words, value)) return undefined;
      return Object.keys(grammar.words).length === 0
        ? `${field.name} cannot be set: its words are not known`
        : `${field.name} takes ${Object.keys(grammar.words).join(", ")}`;
  }
}

function tooLong(field: FieldSchema, maxLength: number, value: string): string {
  return `${field.name} takes at most ${maxLength} characters, this has ${value.length}`;
}

function inRange(value: number, min: number, max: number): boolean {
  return value >= min && value <= max;
}
