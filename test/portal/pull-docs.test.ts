import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import * as shapes from "../../agent/pull-shapes.ts";
import { prefix, startPortal, tokenOf } from "./pull-server.ts";

const page = readFileSync(new URL("../../docs/pull-api.md", import.meta.url), "utf8");
const examples = [...page.matchAll(/^```json(?: (\w+))?\n([^]*?)^```$/gm)].map(
  ([, shape = "(none)", text = ""]) => [shape, text] as const,
);
const messages = Object.keys(shapes).filter((name) => /(Request|Answer)$/.test(name));

interface Schema {
  properties?: Record<string, Schema & { const?: unknown }>;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

/** Whether a value is of this alternative, by the words that tell alternatives apart. */
function isOf({ properties = {} }: Schema, value: unknown): boolean {
  const words = Object.entries(properties).filter(([, property]) => property.const !== undefined);
  return words.every(([name, property]) => (value as Record<string, unknown> | null)?.[name] === property.const);
}

/** For every object of a message, wherever it stands: its fields, and those that an example shows. */
function noteShown(schema: Schema, values: readonly unknown[], shown: Map<string, Set<string>>): void {
  for (const one of schema.anyOf ?? schema.oneOf ?? [])
    noteShown(
      one,
      values.filter((value) => value !== null && isOf(one, value)),
      shown,
    );
  if (schema.items !== undefined) noteShown(schema.items, values.flat(), shown);
  if (schema.properties === undefined) return;
  const kind = schema.properties["kind"]?.const;
  const fields = Object.keys(schema.properties).sort();
  const key = `${typeof kind === "string" ? `${kind}: ` : ""}${fields.join(" ")}`;
  const seen = shown.get(key) ?? new Set();
  shown.set(key, seen);
  for (const [name, property] of Object.entries(schema.properties)) {
    const given = values.flatMap((value) => {
      const field = (value as Record<string, unknown>)[name];
      return field === undefined ? [] : [field];
    });
    if (given.length > 0) seen.add(name);
    noteShown(property, given, shown);
  }
}

describe("docs/pull-api.md", () => {
  it.each(examples)("shows a %s as it is", (name, text) => {
    const shape = new Map<string, unknown>(Object.entries(shapes)).get(name);
    if (!(shape instanceof z.ZodType)) throw new Error(`'${name}' is no shape of the pull API`);
    const example: unknown = JSON.parse(text);
    // Members that the shape does not know would be dropped.
    expect(shape.parse(example)).toEqual(example);
  });

  it("has an example of every message", () => {
    expect(new Set(examples.map(([name]) => name))).toEqual(new Set(messages));
  });

  it("shows every field of every object that goes over the wire", () => {
    const shown = new Map<string, Set<string>>();
    for (const name of messages) {
      const shape = new Map<string, unknown>(Object.entries(shapes)).get(name) as z.ZodType;
      const given = examples.filter(([of]) => of === name).map(([, text]) => JSON.parse(text) as unknown);
      noteShown(z.toJSONSchema(shape, { io: "input" }) as Schema, given, shown);
    }
    const missing = [...shown].flatMap(([key, seen]) =>
      key
        .replace(/^\w+: /, "")
        .split(" ")
        .filter((field) => !seen.has(field))
        .map((field) => `${field} of {${key}}`),
    );
    expect(missing).toEqual([]);
  });

  it("names every route of the portal, none that it has not, and says what a repetition of each does", async () => {
    const server = await startPortal();
    const { body } = await server.call("GET", "/openapi.json", { token: tokenOf("admin") });
    const { paths } = body as { paths: Record<string, Record<string, unknown>> };
    const routes = Object.entries(paths)
      .filter(([path]) => path.startsWith(prefix))
      .flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.slice(prefix.length)}`),
      );
    const named = [...page.matchAll(/^\| `([A-Z]+ \/[^`]+)`/gm)].map(([, route]) => route);
    expect(named.toSorted()).toEqual(routes.toSorted());
    const repeated = /^\| call +\| a repetition[^]*?\n\n/m.exec(page)?.[0] ?? "";
    for (const route of routes) expect(repeated).toContain(`\`${route.split("/").at(-1) ?? ""}\``);
  });
});
