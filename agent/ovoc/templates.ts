/** What fills a template: text, or an id as OVOC gave it. */
export type TemplateValues = Readonly<Record<string, string | number>>;

/** `{{NAME}}`, in texts and in the paths of requests. */
const placeholder = /\{\{([^{}]*)\}\}/g;

/** The placeholders of sites and links; the configuration is checked against them. */
export const sitePlaceholders = ["siteName", "fullName", "tenantId"] as const;
export const linkPlaceholders = [...sitePlaceholders, "siteId", "ipGroup", "deviceId"] as const;
/** A customer by tenant id has no IP Group, and so no device. */
export const tenantLinkPlaceholders = [...sitePlaceholders, "siteId"] as const;

/** The names of all placeholders in a text, or in a value with texts at any depth. */
export function placeholdersOf(template: unknown): string[] {
  if (typeof template === "string") return [...template.matchAll(placeholder)].map(([, name]) => name ?? "");
  if (typeof template !== "object" || template === null) return [];
  return Object.values(template).flatMap(placeholdersOf);
}

function valueOf(values: TemplateValues, name: string): string | number {
  const value = Object.hasOwn(values, name) ? values[name] : undefined;
  if (value === undefined) throw new Error(`the template has {{${name}}}, which has no value here`);
  return value;
}

function fillValue(template: unknown, values: TemplateValues): unknown {
  if (typeof template === "string") {
    const [only, ...others] = template.matchAll(placeholder);
    // A text that is one placeholder becomes its value: ids stay numbers.
    if (only?.[0] === template && others.length === 0) return valueOf(values, only[1] ?? "");
    return template.replace(placeholder, (_, name: string) => String(valueOf(values, name)));
  }
  if (Array.isArray(template)) return template.map((item) => fillValue(item, values));
  return typeof template === "object" && template !== null ? fillBody(template, values) : template;
}

/** Fills the texts of a body. Throws an Error for a placeholder that has no value. */
export function fillBody(template: object, values: TemplateValues): Record<string, unknown> {
  return Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fillValue(value, values)]));
}

/** Fills a path; what is filled in cannot leave its segment. */
export function fillPath(template: string, values: TemplateValues): string {
  return template.replace(placeholder, (_, name: string) => encodeURIComponent(valueOf(values, name)));
}
