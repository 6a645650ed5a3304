import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { checkConfig } from "../agent/settings/config.ts";
import { parseBlueprint } from "../agent/provisioning/blueprint.ts";

const read = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), "utf8");

function firstYaml(file: string): string {
  const [, text] = /```yaml\n([\s\S]*?)```/.exec(read(file)) ?? [];
  if (text === undefined) throw new Error(`${file} shows no YAML`);
  return text;
}

describe("the documentation", () => {
  it("shows a configuration in the README that can be used", () => {
    expect(checkConfig(parse(firstYaml("README.md")), "README.md", "/").devices).toHaveLength(1);
  });

  it("shows a device over SSH that can be used", () => {
    const config = { sealKey: { file: "k" }, ...(parse(firstYaml("docs/ssh.md")) as object) };
    expect(checkConfig(config, "docs/ssh.md", "/").devices).toMatchObject([{ driver: "ssh" }]);
  });

  it("shows a blueprint that can be used", () => {
    const text = firstYaml("docs/blueprints.md").replace(
      "fields: { ... }",
      'fields: { served-ip-group-name: "{{shortName}}", serving-ip-group-name: "{{shortName}}" }',
    );
    expect(parseBlueprint(text, "docs/blueprints.md").rows).toHaveLength(3);
  });

  it("starts the demo from a configuration that can be used", () => {
    expect(checkConfig(parse(read("config/demo.yaml")), "config/demo.yaml", "/").carriers).toHaveLength(1);
  });

  it.each(["README.md", "SECURITY.md", "docs/promise.md", "docs/threat-model.md", "test/faults/README.md"])(
    "names in %s tests that are there, in their own words",
    (file) => {
      const text = read(file);
      const named = [...text.matchAll(/`(test\/[^`*]+\.ts)`(?:: “([^”]+)”)?/g)];
      const missing = named.filter(
        ([, test = "", sentence = ""]) =>
          !existsSync(new URL(`../${test}`, import.meta.url)) || !read(test).includes(sentence),
      );
      expect(missing.map(([words]) => words)).toEqual([]);
    },
  );
});
