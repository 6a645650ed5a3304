import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { checkConfig, loadConfig } from "../../agent/settings/config.ts";
import { configSchema } from "../../agent/settings/config-schema.ts";

const file = "config/agent.example.yaml";
const text = readFileSync(file, "utf8");

/** The example with every setting in it that it only shows: comments begin with '# ', settings do not. */
const everything = text.replace(/^( *)#(?! \S)/gm, "$1").replace(/^(tokens|carriers|agents| {2}tokens): \[\]\n/gm, "");

interface Shape {
  properties?: Record<string, Shape>;
  items?: Shape;
  anyOf?: Shape[];
}

/** The paths of all settings of a schema, without those of alternatives such as a secret's reference. */
function settingsOf(shape: Shape, path = ""): string[] {
  return [
    ...Object.entries(shape.properties ?? {}).flatMap(([name, inner]) => [
      `${path}${name}`,
      ...settingsOf(inner, `${path}${name}.`),
    ]),
    ...(shape.items === undefined ? [] : settingsOf(shape.items, path)),
  ];
}

function pathsOf(value: unknown, path = ""): string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => pathsOf(item, path));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => [`${path}${name}`, ...pathsOf(inner, `${path}${name}.`)]);
}

const allSettings = settingsOf(z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }) as Shape);

it("loads as it is", () => {
  expect(loadConfig(file).devices).toHaveLength(1);
});

it("loads with all its commented settings", () => {
  const config = checkConfig(parse(everything, { uniqueKeys: true }), file, "config");
  expect([config.carriers.length, config.portal.tokens.length, config.ovoc?.user]).toEqual([1, 1, "sbc-agent"]);
});

it.each(allSettings)("shows %s", (path) => {
  expect(pathsOf(parse(everything))).toContain(path);
});

it("holds the default of every setting that has one", () => {
  const example = loadConfig(file);
  const [device] = example.devices;
  if (device === undefined) throw new Error("the example has no device");
  const { name, address, user, password, gateways } = device;
  const required = {
    sealKey: { file: "./seal.key" },
    devices: [{ name, address, user, password, gateways }],
  };
  expect(example).toEqual(checkConfig(required, file, "config"));
});

it("explains every setting", () => {
  const bare = text.split("\n").filter((line, i, lines) => {
    const isTop = /^[a-zA-Z#]/.test(line) && /^#?[a-zA-Z]+:/.test(line);
    return isTop && !/^# /.test(lines[i - 1] ?? "") && !/^\s*#?[a-zA-Z]/.test(lines[i - 1] ?? "");
  });
  expect(bare).toEqual([]);
});
