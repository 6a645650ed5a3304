import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import * as shapes from "../../agent/pull-shapes.ts";

const page = readFileSync(new URL("../../docs/pull-api.md", import.meta.url), "utf8");
const examples = [...page.matchAll(/^```json(?: (\w+))?\n([^]*?)^```$/gm)].map(
  ([, shape = "(none)", text = ""]) => [shape, text] as const,
);

describe("docs/pull-api.md", () => {
  it.each(examples)("shows a %s as it is", (name, text) => {
    const shape = new Map<string, unknown>(Object.entries(shapes)).get(name);
    if (!(shape instanceof z.ZodType)) throw new Error(`'${name}' is no shape of the pull API`);
    const example: unknown = JSON.parse(text);
    // Members that the shape does not know would be dropped.
    expect(shape.parse(example)).toEqual(example);
  });

  it("has an example of every message but the peek's answer", () => {
    const messages = Object.keys(shapes).filter((name) => /(Request|Answer)$/.test(name) && name !== "peekAnswer");
    expect(new Set(examples.map(([name]) => name))).toEqual(new Set(messages));
  });
});
